"""Real models on Alpaca: losses without noise over the steps of training, for each alpha.

make trajectories SCALE=small
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.plots import curves
from analysis.training_log import loss_curves
from experiments.cells.artifact import Artifact, Cells
from experiments.cells.cell import Cell, Data, records_of, values_of
from experiments.cells.pictures import titled
from experiments.figures.curves import METRICS, line_over_steps
from experiments.roles.instruction_sets import ALPACA
from experiments.runs.real_models import NO_NOISE, REAL_MODELS, paper_noises
from experiments.runs.study import Study

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PROBES = {
    "train": "training rows",
    "validation": "held-out rows",
    "other": "another set",
}
HELD_OUT = "validation"


def cells(study: Study) -> list[Cell]:
    """Both models with each of the paper's alphas, by every probe; items are the logged steps."""
    return [
        Cell(
            row,
            study.scale.short_title(model),
            METRICS[probe],
            (study.noisy(ALPACA, noise, model=model),),
        )
        for model in REAL_MODELS
        for probe in PROBES
        for row, noise in paper_noises().items()
    ]


def data(asked: Cells) -> Data:
    """By model and probe, the mean of each row over seeds at each logged step."""
    found: Data = {}
    for cell in asked:
        probe = cell.metric.title
        steps = loss_curves(records_of([cell])[0].read())[probe][0]
        lines = found.setdefault(cell.column, {}).setdefault(probe, {})
        lines[cell.row] = line_over_steps(steps, values_of(cell))
    return found


def rows(found: Data) -> list[list[str]]:
    """Where each curve is lowest, and where it ends."""
    table = [["loss without noise, nats a token: lowest (at step), last", *found]]
    for probe, label in PROBES.items():
        for row in paper_noises():
            cells = []
            for by_probe in found.values():
                points = by_probe[probe][row]
                low = min(points, key=lambda point: point["value"])
                last = points[-1]["value"]
                cells.append(f"{low['value']:.3f} ({low['x']:g}), {last:.3f}")
            table.append([f"{label}: {row}", *cells])
    return table


def message(found: Data) -> str:
    """By how much the held-out loss rises after its lowest, without noise and with most."""
    most = list(paper_noises())[-1]
    told = []
    for model, by_probe in found.items():
        without, with_noise = (_rise(by_probe[HELD_OUT][row]) for row in (NO_NOISE, most))
        told.append(
            f"{model}'s held-out loss rises by {without:.3f} nats without noise and "
            f"{with_noise:.3f} with {most}"
        )
    return f"After its lowest, {' and '.join(told)}"


def _rise(points: list[dict[str, float]]) -> float:
    return points[-1]["value"] - min(point["value"] for point in points)


def draw(found: Data, title: str) -> Figure:
    """The losses: a row of panels a model, a column a probe, a line an alpha."""
    panels = {
        f"{name}\n{label}": found[name][probe] for name in found for probe, label in PROBES.items()
    }
    note = f"{title}\nLosses without noise, at the points that are marked"
    y = "loss without noise, nats a token"
    return curves(panels, titled(message(found), note), "step", y, columns=3, share=False)


ARTIFACT = Artifact(
    "trajectories",
    "Real models on Alpaca: losses over the steps of training",
    "Losses without noise on 16 rows of the training set, of held-out rows and of another set, "
    "over the steps of training; bands are 95% intervals over seeds. The paper has no such curves.",
    seeds=3,
    cells=cells,
    data=data,
    rows=rows,
    draw=draw,
    only="small",
)
