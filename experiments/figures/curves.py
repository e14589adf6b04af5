"""Training curves: loss over steps, with the noise on and off, on three sets.

make curves
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.intervals import hierarchical
from analysis.plots import curves
from analysis.training_log import loss_curves
from experiments.cells.artifact import Artifact, Cells
from experiments.cells.cell import Cell, Data, records_of, values_of
from experiments.cells.metrics import Metric
from experiments.roles.instruction_sets import ALPACA, INSTRUCTION_SETS
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


METRICS = {probe: _loss_over_steps(probe) for probe in PROBES}


def cells(study: Study) -> list[Cell]:
    """Both arms on every set, by every probe; the items are the logged steps."""
    return [
        Cell(arm, dataset.title, METRICS[probe], (runs,))
        for dataset in INSTRUCTION_SETS.values()
        for probe in PROBES
        for arm, runs in study.arms(dataset).items()
    ]


def data(asked: Cells) -> Data:
    """By set, probe and arm, the mean over seeds at each logged step, with an interval."""
    found: Data = {}
    for cell in asked:
        probe, values = cell.metric.title, values_of(cell)
        steps = loss_curves(records_of([cell])[0].read())[probe][0]
        found.setdefault(cell.column, {}).setdefault(probe, {})[cell.row] = [
            {"x": float(step), **vars(hierarchical(values[:, [place]]))}
            for place, step in enumerate(steps)
        ]
    return found


def rows(found: Data) -> list[list[str]]:
    """Where each curve ends."""
    table = [["last loss", *found]]
    for probe, label in PROBES.items():
        for arm in (BASELINE, NEFT):
            ends = [f"{found[title][probe][arm][-1]['value']:.3f}" for title in found]
            table.append([f"{label}: {arm}", *ends])
    return table


def draw(found: Data, title: str) -> Figure:
    """Alpaca's four panels; the other sets' numbers are in the data."""
    alpaca = found[ALPACA.title]
    panels = {label: alpaca[probe] for probe, label in PROBES.items()}
    return curves(panels, title, "step", "loss, nats per token")


ARTIFACT = Artifact(
    "curves",
    "Training curves of LLaMA-2 7B on Alpaca, with and without noise",
    "Losses over the steps of training; bands are 95% intervals over seeds. The paper has no such "
    "curves; its reviewers asked for them. The table has the other sets too.",
    seeds=5,
    cells=cells,
    data=data,
    rows=rows,
    draw=draw,
)
