"""How often nominal 95% intervals cover the truth, by simulation.

    python -m analysis.coverage                          # the table, and writes it to the page
    python -m analysis.coverage --repeats 200            # a quick look; writes nothing

Verdicts are drawn as the laboratory's are: 805 instructions; the log-odds of a win have a part of
the instruction (standard deviation 1.5), of the seed, and of both (0.5); a verdict is won or lost.
The seed's part is none, 0.1 (about one and a half points of win rate), or 0.3. The truth is the
mean over all seeds and instructions that could have been drawn. For length-controlled win rates, a
judge prefers longer answers and the truth is the mean with all lengths equal. At equal loss, the
losses of 128 rows have a part of the row, of the seed and of both, and the truth is where the means
of these losses are equal.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from analysis.equal_loss import at_equal_loss
from analysis.intervals import Estimate, hierarchical, hull, t_interval, win_rate
from analysis.length_control import length_controlled_gain, length_controlled_win_rate
from analysis.statistics_page import write_table

INSTRUCTIONS = 805
ITEM_SD, BOTH_SD = 1.5, 0.5
SEED_SDS = {"none": 0.0, "small": 0.1, "large": 0.3}
SEEDS = (3, 5)
LENGTH_EFFECT = 1.5
LOSS_ROWS = 128
REPEATS = 2000

Table = NDArray[np.float64]
Random = np.random.Generator
Experiment = Callable[[Random, int, float], tuple[Estimate, float]]
"""From a generator, a number of seeds and their standard deviation to an estimate and the truth."""


def sigmoid(score: Table) -> Table:
    """The probability of a win, from its log-odds."""
    return np.asarray(1 / (1 + np.exp(-score)))


def mean_sigmoid(mean: float, spread: float) -> float:
    """The mean of the sigmoid of a normal variable, by Gauss-Hermite quadrature."""
    points, weights = np.polynomial.hermite_e.hermegauss(81)
    return float(weights @ sigmoid(mean + spread * points) / weights.sum())


def verdicts(rng: Random, mean: float, item: Table, seeds: int, seed_sd: float) -> Table:
    """Preferences of one arm, shape (seeds, instructions), given each instruction's part."""
    shape = (seeds, len(item))
    score = mean + item + seed_sd * rng.normal(size=(seeds, 1)) + BOTH_SD * rng.normal(size=shape)
    return np.where(rng.random(shape) < sigmoid(score), 2.0, 1.0)


def _rate(mean: float, seed_sd: float) -> float:
    return 100 * mean_sigmoid(mean, float(np.sqrt(ITEM_SD**2 + BOTH_SD**2 + seed_sd**2)))


def one_number(rng: Random, seeds: int, seed_sd: float) -> tuple[Estimate, float]:
    """A paired difference of clean losses: a normal number a run."""
    return t_interval(rng.normal(size=seeds)), 0.0


def skewed_number(rng: Random, seeds: int, seed_sd: float) -> tuple[Estimate, float]:
    """A number a run that is skewed to the right (log-normal, sigma 0.5)."""
    return t_interval(np.exp(0.5 * rng.normal(size=seeds))), float(np.exp(0.125))


def skewed_difference(rng: Random, seeds: int, seed_sd: float) -> tuple[Estimate, float]:
    """The paired difference of two such numbers."""
    first, second = np.exp(0.5 * rng.normal(size=(2, seeds)))
    return t_interval(second - first), 0.0


def one_run(rng: Random, seeds: int, seed_sd: float) -> tuple[Estimate, float]:
    """The win rate of one public model: instructions alone."""
    preferences = verdicts(rng, -1.0, ITEM_SD * rng.normal(size=INSTRUCTIONS), 1, 0.0)
    return win_rate(preferences), _rate(-1.0, 0.0)


def one_arm(rng: Random, seeds: int, seed_sd: float) -> tuple[Estimate, float]:
    """The win rate of one arm."""
    item = ITEM_SD * rng.normal(size=INSTRUCTIONS)
    return win_rate(verdicts(rng, -1.0, item, seeds, seed_sd)), _rate(-1.0, seed_sd)


def gain(rng: Random, seeds: int, seed_sd: float) -> tuple[Estimate, float]:
    """The difference of two arms' win rates, paired by instruction."""
    item = ITEM_SD * rng.normal(size=INSTRUCTIONS)
    arms = [verdicts(rng, mean, item, seeds, seed_sd) for mean in (-1.0, -0.8)]
    return hierarchical(100 * (arms[1] - arms[0])), _rate(-0.8, seed_sd) - _rate(-1.0, seed_sd)


def four_sets(rng: Random, seeds: int, seed_sd: float) -> tuple[Estimate, float]:
    """The mean of four sets' win rates on the same instructions, which are clusters."""
    item = ITEM_SD * rng.normal(size=INSTRUCTIONS)
    sets = [100 * (verdicts(rng, -1.0, item, seeds, seed_sd) - 1) for _ in range(4)]
    clusters = np.tile(np.arange(INSTRUCTIONS), 4)
    return hierarchical(np.concatenate(sets, axis=1), clusters), _rate(-1.0, seed_sd)


def _losses(rng: Random, mean: float, row: Table, seeds: int, seed_sd: float) -> Table:
    """Losses by seed and row; a seed's part is a hundredth of that of the log-odds of a win."""
    both = 0.02 * rng.normal(size=(seeds, len(row)))
    return mean + row + 0.01 * seed_sd * rng.normal(size=(seeds, 1)) + both


def equal_loss(
    rng: Random, seeds: int, seed_sd: float, *, apart: float = 0.05, power: float = 1.0
) -> tuple[Estimate, float]:
    """A treatment minus a rival where it has the same loss, halfway between two of three settings.

    Args:
        rng: the generator.
        seeds: how many.
        seed_sd: their standard deviation.
        apart: how far the losses of the first two settings are apart, in nats.
        power: the loss rises with this power of the setting's place, the log-odds of a win fall
            in proportion to the place.
    """
    item, row = ITEM_SD * rng.normal(size=INSTRUCTIONS), 0.3 * rng.normal(size=LOSS_ROWS)
    places, at = (0.0, 1.0, 2.0), 0.5
    treated, *path = (
        100 * (verdicts(rng, -0.8 - 0.4 * place, item, seeds, seed_sd) - 1)
        for place in (0.0, *places)
    )
    lost, *losses = (
        _losses(rng, 0.5 + apart * place**power, row, seeds, seed_sd) for place in (at, *places)
    )
    met = at_equal_loss(treated, path, lost, losses)
    if not met:
        return equal_loss(rng, seeds, seed_sd, apart=apart, power=power)
    truth = _rate(-0.8, seed_sd) - _rate(-0.8 - 0.4 * at, seed_sd)
    return hull([hierarchical(each.table) for each in met]), truth


def _with_lengths(
    rng: Random,
    mean: float,
    longer: float,
    item: Table,
    reference: Table,
    seeds: tuple[int, float],
    liking: float,
) -> tuple[Table, Table]:
    """Preferences and lengths of an arm, given the number of seeds and their spread."""
    count, sd = seeds
    lengths = reference * np.exp(longer + 0.5 * rng.normal(size=(count, len(item))))
    difference = lengths - reference
    term = np.tanh(difference / difference.std(axis=1, keepdims=True))
    score = mean + item + liking * term + sd * rng.normal(size=(count, 1))
    return np.where(rng.random(term.shape) < sigmoid(score), 2.0, 1.0), lengths


def _at_equal_length(mean: float, seed_sd: float) -> float:
    return 100 * mean_sigmoid(mean, float(np.hypot(ITEM_SD, seed_sd)))


def controlled(rng: Random, seeds: int, seed_sd: float) -> tuple[Estimate, float]:
    """The length-controlled win rate of one arm."""
    item, reference = ITEM_SD * rng.normal(size=INSTRUCTIONS), rng.uniform(100, 600, INSTRUCTIONS)
    arm = _with_lengths(rng, -0.8, 0.1, item, reference, (seeds, seed_sd), LENGTH_EFFECT)
    return length_controlled_win_rate(*arm, reference), _at_equal_length(-0.8, seed_sd)


def controlled_gain(
    rng: Random,
    seeds: int,
    seed_sd: float,
    *,
    longer: tuple[float, float] = (0.0, 0.2),
    liking: float = LENGTH_EFFECT,
) -> tuple[Estimate, float]:
    """The length-controlled gain of an arm whose answers are longer.

    Args:
        rng: the generator.
        seeds: how many.
        seed_sd: their standard deviation.
        longer: by what log-ratio the answers of both arms exceed the reference.
        liking: how much the judge prefers longer answers.
    """
    item, reference = ITEM_SD * rng.normal(size=INSTRUCTIONS), rng.uniform(100, 600, INSTRUCTIONS)
    before, after = (
        _with_lengths(rng, mean, by, item, reference, (seeds, seed_sd), liking)
        for mean, by in zip((-0.8, -0.6), longer, strict=True)
    )
    truth = _at_equal_length(-0.6, seed_sd) - _at_equal_length(-0.8, seed_sd)
    return length_controlled_gain(before, after, reference), truth


@dataclass(frozen=True)
class Kind:
    """A kind of interval.

    Args:
        name: for readers.
        experiment: draws data, and gives the estimate and the truth.
        seeds: whether its data have seeds.
        spreads: names of `SEED_SDS` that it is simulated with.
        share: of the repeats that are made; slow kinds have fewer.
    """

    name: str
    experiment: Experiment
    seeds: bool = True
    spreads: tuple[str, ...] = tuple(SEED_SDS)
    share: float = 1.0


KINDS = (
    Kind("one number a run (t)", one_number, spreads=("small",)),
    Kind("one number a run, long tail (t)", skewed_number, spreads=("small",)),
    Kind("its paired difference (t)", skewed_difference, spreads=("small",)),
    Kind("win rate of one run", one_run, seeds=False, spreads=("none",)),
    Kind("win rate", one_arm),
    Kind("win rate, paired difference", gain),
    Kind("mean of four sets, one instruction a cluster", four_sets),
    Kind("difference at equal loss", equal_loss),
    Kind("… settings hardly apart", partial(equal_loss, apart=0.01), spreads=("small",)),
    Kind("… loss with the place squared", partial(equal_loss, power=2.0), spreads=("small",)),
    Kind("length-controlled win rate", controlled, share=0.5),
    Kind("length-controlled gain", controlled_gain, share=0.5),
    Kind(
        "… nearly all answers longer",
        partial(controlled_gain, longer=(0.8, 1.2)),
        spreads=("small",),
        share=0.5,
    ),
    Kind(
        "… judge blind to length",
        partial(controlled_gain, liking=0.0),
        spreads=("small",),
        share=0.5,
    ),
)


def coverage(experiment: Experiment, seeds: int, seed_sd: float, repeats: int) -> float:
    """The share of repeats whose interval holds the truth, in per cent."""
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(repeats):
        estimate, truth = experiment(rng, seeds, seed_sd)
        held += estimate.low <= truth <= estimate.high
    return 100 * held / repeats


def table(repeats: int) -> list[list[str]]:
    """The table of coverage as rows of text, titles first."""
    rows = [["interval", "spread of seeds", *(f"{n} seeds" for n in SEEDS)]]
    for kind in KINDS:
        for name in kind.spreads:
            found = [
                coverage(kind.experiment, n, SEED_SDS[name], int(repeats * kind.share))
                for n in (SEEDS if kind.seeds else (1,))
            ]
            texts = [f"{share:.1f}%" for share in found] if kind.seeds else [f"{found[0]:.1f}%"] * 2
            rows.append([kind.name, name if kind.seeds else "one run", *texts])
    return rows


def main() -> None:
    """Print the table; write it to the page unless the repeats were changed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=REPEATS)
    repeats = parser.parse_args().repeats
    rows = table(repeats)
    for row in rows:
        print("  ".join(row))
    if repeats == REPEATS:
        write_table("coverage", rows)


if __name__ == "__main__":
    main()
