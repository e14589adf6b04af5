"""How learning rate and alpha were chosen: on validation instructions, equally for both arms.

    selection = load_selection(NANO)["alpaca"]           # lr and alpha, with every trial

As in the paper, alpha is the best of 5, 10 and 15 by the judge in ChatGPT's role; but the judge
sees validation instructions, not those of the table. The baseline gets three trials too: its
learning rate is the best of three, and training with noise then takes the learning rate that suits
the baseline. So two rows of a table differ in the noise alone, and each had three trials.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from analysis.intervals import win_rate
from experiments.evaluation import load_cell
from experiments.jobs import verdicts_file
from experiments.paper import ALPHA_GRID
from experiments.provenance import write_provenance
from experiments.run import Run
from experiments.scale import Scale
from experiments.workflow import produce
from neftune.files import write_whole
from neftune.spec import Noise

RESULTS = Path("results")
MODEL = "llama-2-7b"
SEED = 0


@dataclass(frozen=True)
class Trial:
    """One tried value and the win rate it had on validation instructions."""

    value: float
    win_rate: float


@dataclass(frozen=True)
class Choice:
    """What was chosen for one data set, and from what."""

    lr: float
    alpha: float
    lr_trials: tuple[Trial, ...]
    alpha_trials: tuple[Trial, ...]


def selection_file(scale: Scale) -> Path:
    """Where the choice is recorded."""
    return RESULTS / scale.name / "selection.json"


def load_selection(scale: Scale) -> dict[str, Choice]:
    """Read the recorded choice of every data set.

    Raises:
        FileNotFoundError: nothing was chosen yet at this scale.
    """
    path = selection_file(scale)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no selection yet; make it with `make table1 SELECT=1`")
    return {
        dataset: Choice(
            lr=record["lr"],
            alpha=record["alpha"],
            lr_trials=tuple(Trial(**trial) for trial in record["lr_trials"]),
            alpha_trials=tuple(Trial(**trial) for trial in record["alpha_trials"]),
        )
        for dataset, record in json.loads(path.read_text()).items()
    }


def run_of(scale: Scale, dataset: str, lr: float, alpha: float, seed: int) -> Run:
    """The run of one data set with these hyperparameters."""
    return Run(scale.name, MODEL, dataset, Noise(alpha), replace(scale.recipe, lr=lr), seed)


def select(scale: Scale, jobs: int | None, command: str) -> dict[str, Choice]:
    """Tune learning rate, then alpha, and record the choice with every trial."""
    datasets = list(scale.prompts)
    lr_trials = _try(datasets, scale.lr_grid, lambda d, lr: run_of(scale, d, lr, 0.0, SEED), jobs)
    lrs = {dataset: _best(trials) for dataset, trials in lr_trials.items()}
    alpha_trials = _try(
        datasets, ALPHA_GRID, lambda d, alpha: run_of(scale, d, lrs[d], alpha, SEED), jobs
    )
    choices = {
        dataset: Choice(
            lr=lrs[dataset],
            alpha=_best(alpha_trials[dataset]),
            lr_trials=lr_trials[dataset],
            alpha_trials=alpha_trials[dataset],
        )
        for dataset in datasets
    }
    path = selection_file(scale)
    record: dict[str, Any] = {dataset: asdict(choice) for dataset, choice in choices.items()}
    write_whole(path, json.dumps(record, indent=1) + "\n")
    write_provenance(path.with_name("selection.provenance.json"), command, seeds=[SEED])
    return choices


def _try(
    datasets: Sequence[str],
    grid: Sequence[float],
    run_for: Callable[[str, float], Run],
    jobs: int | None,
) -> dict[str, tuple[Trial, ...]]:
    runs = {(dataset, value): run_for(dataset, value) for dataset in datasets for value in grid}
    targets = [verdicts_file(run.folder, "validation", "chatgpt") for run in runs.values()]
    produce(targets, runs.values(), jobs)
    rates = {
        key: win_rate(load_cell([run], "chatgpt", "validation").preferences).value
        for key, run in runs.items()
    }
    return {
        dataset: tuple(Trial(value, rates[dataset, value]) for value in grid)
        for dataset in datasets
    }


def _best(trials: Sequence[Trial]) -> float:
    """The value with the highest win rate; on a tie the smallest."""
    return max(trials, key=lambda trial: (trial.win_rate, -trial.value)).value
