"""Training curves: loss over steps, with the noise on and off, on three sets.

make curves
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.forest import signed
from analysis.intervals import hierarchical
from analysis.plots import curves
from analysis.training_log import loss_curves
from experiments.cells.artifact import Artifact, Cells
from experiments.cells.cell import Cell, Data, records_of, values_of
from experiments.cells.differences import signed_interval
from experiments.cells.metrics import Metric
from experiments.cells.pictures import titled
from experiments.roles.instruction_sets import ALPACA
from experiments.runs.record import Numbers
from experiments.runs.study import BASELINE, NEFT, Study

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PROBES = {
    "noisy": "training loss (noise on)",
    "train": "training set, noise off",
    "validation": "held-out rows, noise off",
    "other": "another set, noise off",
}


def _loss_over_steps(probe: str) -> Metric:
    return Metric(probe, ("log",), lambda record: loss_curves(record.read())[probe][1], 3)


DIFFERENCE = f"{NEFT} minus {BASELINE}"
METRICS = {probe: _loss_over_steps(probe) for probe in PROBES}


def cells(study: Study) -> list[Cell]:
    """Both arms on every set, by every probe; the items are the logged steps."""
    return [
        Cell(arm, dataset.title, METRICS[probe], (runs,))
        for dataset in study.scale.sets
        for probe in PROBES
        for arm, runs in study.arms(dataset).items()
    ]


def data(asked: Cells) -> Data:
    """By set and probe, the mean of each arm over seeds at each logged step, and the difference."""
    found: Data = {}
    values = {(cell.column, cell.metric.title, cell.row): values_of(cell) for cell in asked}
    for cell in asked:
        probe = cell.metric.title
        steps = loss_curves(records_of([cell])[0].read())[probe][0]
        lines = found.setdefault(cell.column, {}).setdefault(probe, {})
        own = values[cell.column, probe, cell.row]
        lines[cell.row] = line_over_steps(steps, own)
        if cell.row == NEFT:
            lines[DIFFERENCE] = line_over_steps(steps, own - values[cell.column, probe, BASELINE])
    return found


def line_over_steps(steps: Numbers, values: Numbers) -> list[dict[str, float]]:
    """The mean over seeds at each step, with an interval."""
    return [
        {"x": float(step), **vars(hierarchical(values[:, [place]]))}
        for place, step in enumerate(steps)
    ]


def rows(found: Data) -> list[list[str]]:
    """Where each curve ends."""
    table = [["last loss", *found]]
    for probe, label in PROBES.items():
        for arm in (BASELINE, NEFT):
            ends = [f"{found[title][probe][arm][-1]['value']:.3f}" for title in found]
            table.append([f"{label}: {arm}", *ends])
    return table


def message(found: Data) -> str:
    """By how much the losses on Alpaca differ at the end."""
    ends = {probe: found[ALPACA.title][probe][DIFFERENCE][-1] for probe in PROBES}
    train, other = (
        f"{signed(ends[probe]['value'], 3)} {signed_interval(ends[probe], 3)}"
        for probe in ("train", "other")
    )
    return (
        f"At the end of training on Alpaca, noise has changed the loss on the training set by "
        f"{train} nats, on another set by {other}"
    )


def draw(found: Data, title: str) -> Figure:
    """The losses with noise minus those without: a row of panels a probe, a column a set."""
    panels = {
        f"{name}\n{label.removesuffix(', noise off')}": {"": found[name][probe][DIFFERENCE]}
        for probe, label in PROBES.items()
        for name in found
    }
    y = "loss with noise minus loss without, nats a token"
    note = f"{title}\nLosses are measured without noise where the panel does not say that it is on"
    return curves(
        panels, titled(message(found), note), "step", y, zero=True, columns=len(found), height=1.9
    )


ARTIFACT = Artifact(
    "curves",
    "Training curves of LLaMA-2 7B: losses with noise minus losses without",
    "Losses over the steps of training; bands are 95% intervals over seeds. The paper has no such "
    "curves; its reviewers asked for them.",
    seeds=5,
    cells=cells,
    data=data,
    rows=rows,
    draw=draw,
)
