"""What a claim measures: which runs, which number of them, and how an estimate is made of it.

    measure = MEASURES["win rate, four sets"]
    parts = measure.parts(study, "gpt-4")                # a part a set, each with both arms
    measure.estimate(parts)                              # of the average
    measure.estimate(parts[:1])                          # of the first set alone

Arms with noise have the study's alpha: `study.with_alpha(5)`, or the chosen ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from analysis.equal_loss import side
from analysis.intervals import Estimate
from experiments.cells.cell import Cell
from experiments.cells.copying import METRICS as COPYING
from experiments.cells.metrics import (
    CHARACTERS,
    FAR_LOSS,
    FITTED_LOSS,
    HELD_OUT_LOSS,
    LENGTH_CONTROLLED,
    WIN_RATE,
    Metric,
)
from experiments.claims.estimates import (
    Part,
    Parts,
    difference,
    difference_at_equal_loss,
    difference_of_gains,
    gain_at_equal_length,
    largest,
    losses_of,
    percent,
)
from experiments.figures import figure3, figure4, figure6
from experiments.roles.instruction_sets import (
    ALPACA,
    EVOL_INSTRUCT,
    INSTRUCTION_SETS,
    OPEN_PLATYPUS,
    InstructionSet,
)
from experiments.runs.real_models import REAL_MODELS
from experiments.runs.rivals import RIVALS, SETS
from experiments.runs.selection import QLORA_SETS
from experiments.runs.study import Runs, Study
from experiments.tables import table4
from neftune.distributions import Noise

INSTRUCTIONS = "the evaluation's instructions"
Sets = Sequence[InstructionSet]
FOUR_SETS: Sets = tuple(INSTRUCTION_SETS.values())
FREE = ("epochs", "rates", "interpolation")
"""The rivals of which there are claims: whoever tunes has them at no cost."""


@dataclass(frozen=True)
class Measure:
    """What a claim measures.

    Args:
        quantity: for readers, with its unit.
        parts: for a study and the role of a judge, a part a set, task or model.
        estimate: of some of the parts.
        judged: whether a judge is asked.
        absent: why a part has no number, as a phrase.
    """

    quantity: str
    parts: Callable[[Study, str], list[Part]]
    estimate: Callable[[Parts], Estimate] = difference
    judged: bool = False
    absent: Callable[[Part], str] = lambda part: "nothing could be measured"


def _part(
    title: str,
    metric: Metric,
    arms: Sequence[Runs],
    *,
    items: str = INSTRUCTIONS,
    judge: str = "",
    condition: str = "test",
) -> Part:
    cells = (
        Cell("", title, metric, (runs,), judge=judge or "gpt-4", condition=condition)
        for runs in arms
    )
    return Part(title, tuple(cells), items)


def _two_arms(
    metric: Metric,
    sets: Sets = (ALPACA,),
    *,
    items: str = INSTRUCTIONS,
    condition: str = "test",
) -> Callable[[Study, str], list[Part]]:
    """With noise and without, a part a set."""

    def parts(study: Study, judge: str) -> list[Part]:
        return [
            _part(
                dataset.title,
                metric,
                (study.neft(dataset), study.baseline(dataset)),
                items=items,
                judge=judge,
                condition=condition,
            )
            for dataset in sets
        ]

    return parts


def _repetition(study: Study, judge: str) -> list[Part]:
    found = []
    for dataset in FOUR_SETS:
        arms = (study.neft(dataset), study.baseline(dataset))
        found.append(_part(dataset.title, table4.metrics(arms)["2-gram repetition"], arms))
    return found


def _leaderboard(study: Study, judge: str) -> list[Part]:
    return [
        _part(
            f"{title}: {study.scale.model_title(model)} / {dataset.title}",
            figure3.SCORES[task],
            (study.neft(dataset, model=model), study.baseline(dataset, model=model)),
            items=task,
        )
        for task, title in figure3.TASKS.items()
        for model, dataset in figure3.PAIRS
    ]


def _kinds_of_noise(study: Study, judge: str) -> list[Part]:
    found = []
    for dataset in (ALPACA, EVOL_INSTRUCT, OPEN_PLATYPUS):
        alpha = study.alpha(dataset)
        arms = [study.noisy(dataset, noise) for noise in (Noise(alpha), Noise(alpha, "gaussian"))]
        found.append(_part(dataset.title, WIN_RATE, arms, judge=judge))
    return found


def _attention(study: Study, judge: str) -> list[Part]:
    arms = (study.neft(ALPACA), study.neft(ALPACA, frozen=("attention",)))
    return [_part(ALPACA.title, WIN_RATE, arms, judge=judge)]


def _untuned(study: Study, judge: str) -> list[Part]:
    arms = (study.neft(ALPACA), study.baseline(ALPACA, epochs=0)[:1])
    return [_part(ALPACA.title, WIN_RATE, arms, judge=judge)]


def _epochs(study: Study, judge: str) -> list[Part]:
    arms = [study.neft(ALPACA, epochs=epochs) for epochs in (9, 3)]
    return [_part(ALPACA.title, WIN_RATE, arms, judge=judge)]


def _qlora(study: Study, judge: str) -> list[Part]:
    found = []
    for dataset in QLORA_SETS:
        arms = (
            study.neft(dataset),
            study.baseline(dataset),
            study.neft(dataset, adapter="qlora", epochs=1),
            study.baseline(dataset, adapter="qlora", epochs=1),
        )
        found.append(_part(dataset.title, WIN_RATE, arms, judge=judge))
    return found


def _flips(study: Study, judge: str) -> list[Part]:
    metric = figure6.flip_share(study.alpha(ALPACA))
    return [
        _part(
            study.scale.model_title(model),
            metric,
            (study.baseline(ALPACA, model=model, epochs=0)[:1],),
        )
        for model in study.scale.models
    ]


def _rival(name: str, loss: Metric, where: str) -> Measure:
    """Noise against a rival of the same loss, on two sets."""

    def parts(study: Study, judge: str) -> list[Part]:
        found = []
        for dataset in SETS:
            path = RIVALS[name].settings(study, dataset).values()
            arms = [study.neft(dataset), study.baseline(dataset), *path]
            won = _part(dataset.title, WIN_RATE, arms, judge=judge)
            lost = _part(dataset.title, loss, arms)
            found.append(replace(won, cells=(*won.cells, *lost.cells)))
        return found

    def absent(part: Part) -> str:
        lost, *losses = losses_of(part)
        return (
            f"the noise's loss on {where} is {side(lost, losses)} than that of any of its settings"
        )

    return Measure(
        f"win rate of noise minus that of the rival at the same loss on {where}, two sets, points",
        parts,
        difference_at_equal_loss,
        judged=True,
        absent=absent,
    )


def _real_models(
    metric: Callable[[tuple[Runs, ...]], Metric],
    *,
    items: str = INSTRUCTIONS,
    condition: str = "test",
    stopped: int | None = None,
) -> Callable[[Study, str], list[Part]]:
    """With noise and without on Alpaca, a part a real model.

    Args:
        metric: what is measured, given both arms.
        items: as of `Part`.
        condition: how the models were asked.
        stopped: the epoch after which the training without noise is stopped.
    """

    def parts(study: Study, judge: str) -> list[Part]:
        found = []
        for model in REAL_MODELS:
            before = study.baseline(ALPACA, model=model)
            if stopped is not None:
                before = tuple(replace(run, stopped=stopped) for run in before)
            arms = (study.neft(ALPACA, model=model), before)
            title = study.scale.model_size(model)
            found.append(
                _part(title, metric(arms), arms, items=items, judge=judge, condition=condition)
            )
        return found

    return parts


def _always(metric: Metric) -> Callable[[tuple[Runs, ...]], Metric]:
    return lambda arms: metric


REAL_LOSSES = {
    "training": (FITTED_LOSS, "training rows"),
    "held-out": (HELD_OUT_LOSS, "held-out rows"),
    "other": (FAR_LOSS, "training rows of another set"),
}
EARLY = 2
"""Epochs of the training without noise that is stopped early."""


EQUAL_LOSSES = {"held-out": (HELD_OUT_LOSS, "held-out rows"), "training": (FITTED_LOSS, "its rows")}
"""The losses at which noise is compared with a rival, by their names in measures."""


MEASURES: dict[str, Measure] = {
    "win rate, four sets": Measure(
        "win rate gain over four sets, points", _two_arms(WIN_RATE, FOUR_SETS), judged=True
    ),
    "win rate, Alpaca": Measure("win rate gain, points", _two_arms(WIN_RATE), judged=True),
    "win rate, QLoRA's two sets": Measure(
        "win rate gain over two sets, points", _two_arms(WIN_RATE, QLORA_SETS), judged=True
    ),
    "win rate at equal length, four sets": Measure(
        "win rate gain over four sets at equal length (length-controlled; interval over four "
        "forms), points",
        _two_arms(LENGTH_CONTROLLED, FOUR_SETS),
        gain_at_equal_length,
        judged=True,
    ),
    "win rate at equal length, Alpaca": Measure(
        "win rate gain at equal length (length-controlled; interval over four forms), points",
        _two_arms(LENGTH_CONTROLLED),
        gain_at_equal_length,
        judged=True,
    ),
    "characters, four sets": Measure(
        "change of mean length over four sets, %", _two_arms(CHARACTERS, FOUR_SETS), percent
    ),
    "2-gram repetition, four sets": Measure(
        "change of 2-gram repetition over four sets, points", _repetition
    ),
    "leaderboard scores, four tasks and four pairs": Measure(
        "mean score change over four tasks and four pairs, points", _leaderboard
    ),
    "loss on the training set": Measure(
        "mean change over the Alpaca training set, nats per token",
        _two_arms(figure4.LOSSES["train"], items="training rows"),
    ),
    "loss on another set": Measure(
        "mean change on Evol-Instruct, nats per token",
        _two_arms(figure4.LOSSES["other"], items="training rows of another set"),
    ),
    "ROUGE-L on training prompts": Measure(
        "change of ROUGE-L on training prompts, 0 to 1",
        _two_arms(COPYING["ROUGE-L"], items="training prompts", condition="train"),
    ),
    "BLEU-4 on training prompts": Measure(
        "change of BLEU-4 on training prompts, 0 to 1",
        _two_arms(COPYING["BLEU-4"], items="training prompts", condition="train"),
    ),
    "win rate of Uniform minus Gaussian, three sets": Measure(
        "win rate of Uniform minus that of Gaussian noise, three sets, points",
        _kinds_of_noise,
        judged=True,
    ),
    "win rate of all trained minus attention frozen, Alpaca": Measure(
        "win rate of NEFT minus that with attention frozen, points", _attention, judged=True
    ),
    "win rate of NEFT minus no fine-tuning, Alpaca": Measure(
        "win rate of NEFT minus that of the untuned model, points", _untuned, judged=True
    ),
    "win rate after 9 epochs minus after 3, Alpaca": Measure(
        "win rate of NEFT after 9 epochs minus that after 3, points", _epochs, judged=True
    ),
    "gain of full fine-tuning minus gain of QLoRA, two sets": Measure(
        "gain of full fine-tuning minus gain of QLoRA, two sets, points",
        _qlora,
        difference_of_gains,
        judged=True,
    ),
    "flipped tokens of every base model": Measure(
        "share of flipped tokens of the base model that has most, %",
        _flips,
        largest,
    ),
    "win rate by the fitted judge, real models": Measure(
        "win rate gain on Alpaca over two real models as the fitted judge sees it, points",
        _real_models(_always(WIN_RATE)),
        judged=True,
    ),
    "win rate at equal length, real models": Measure(
        "win rate gain on Alpaca over two real models at equal length as the fitted judge sees it "
        "(length-controlled; interval over four forms), points",
        _real_models(_always(LENGTH_CONTROLLED)),
        gain_at_equal_length,
        judged=True,
    ),
    "characters, real models": Measure(
        "change of mean length on Alpaca over two real models, %",
        _real_models(_always(CHARACTERS)),
        percent,
    ),
    "2-gram repetition, real models": Measure(
        "change of 2-gram repetition on Alpaca over two real models, points",
        _real_models(lambda arms: table4.metrics(arms)["2-gram repetition"]),
    ),
    **{
        f"{which} loss, real models": Measure(
            f"mean change over {items} after tuning two real models on Alpaca, nats per token",
            _real_models(_always(metric), items=items),
        )
        for which, (metric, items) in REAL_LOSSES.items()
    },
    "ROUGE-L on training prompts, real models": Measure(
        "change of ROUGE-L on training prompts of Alpaca over two real models, 0 to 1",
        _real_models(_always(COPYING["ROUGE-L"]), items="training prompts", condition="train"),
    ),
    **{
        f"{which} loss against early stopping, real models": Measure(
            f"mean of noise minus that of stopping after {EARLY} epochs without it over {items}, "
            "two real models on Alpaca, nats per token",
            _real_models(_always(metric), items=items, stopped=EARLY),
        )
        for which, (metric, items) in REAL_LOSSES.items()
        if which != "training"
    },
    "win rate against early stopping, real models": Measure(
        f"win rate of noise minus that of stopping after {EARLY} epochs without it as the fitted "
        "judge sees it, two real models on Alpaca, points",
        _real_models(_always(WIN_RATE), stopped=EARLY),
        judged=True,
    ),
    **{
        f"noise against {RIVALS[name].title}, same {which} loss": _rival(name, *loss)
        for which, loss in EQUAL_LOSSES.items()
        for name in FREE
    },
}
