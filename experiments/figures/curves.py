"""Training curves: loss over steps, with the noise on and off, on three sets.

make curves
"""

import numpy as np
from matplotlib.figure import Figure

from analysis.intervals import hierarchical
from analysis.plots import curves
from experiments.artifact import Artifact, Data, Record
from experiments.jobs import log_file
from experiments.measures import Runs
from experiments.paper import DATASET_TITLES
from experiments.records import clean_loss_curves
from experiments.study import Study

PROBES = {
    "noisy": "training loss (noise on)",
    "train": "training set, noise off",
    "validation": "held-out rows, noise off",
    "other": "another set, noise off",
}


def _arms(study: Study) -> dict[str, dict[str, Runs]]:
    return {title: study.arms(dataset) for dataset, title in DATASET_TITLES.items()}


def needs(study: Study) -> list[Record]:
    """The training logs of both arms on every set."""
    return [
        (run, log_file(run.folder))
        for arms in _arms(study).values()
        for runs in arms.values()
        for run in runs
    ]


def data(study: Study) -> Data:
    """By set, probe and arm, the mean over seeds at each logged step, with an interval."""
    found: Data = {}
    for title, arms in _arms(study).items():
        for probe in PROBES:
            for arm, runs in arms.items():
                every = [clean_loss_curves(run)[probe] for run in runs]
                values = np.array([losses for _, losses in every])
                found.setdefault(title, {}).setdefault(probe, {})[arm] = [
                    {"x": float(step), **vars(hierarchical(values[:, [place]]))}
                    for place, step in enumerate(every[0][0])
                ]
    return found


def rows(found: Data) -> list[list[str]]:
    """Where each curve ends."""
    table = [["last loss", *found]]
    for probe, label in PROBES.items():
        for arm in ("baseline", "+NEFT"):
            ends = [f"{found[title][probe][arm][-1]['value']:.3f}" for title in found]
            table.append([f"{label}: {arm}", *ends])
    return table


def draw(found: Data, title: str) -> Figure:
    """Alpaca's four panels; the other sets' numbers are in the data."""
    alpaca = found["Alpaca"]
    panels = {label: alpaca[probe] for probe, label in PROBES.items()}
    return curves(panels, title, "step", "loss, nats per token")


FIGURE = Artifact(
    "curves",
    "Training curves of LLaMA-2 7B on Alpaca, with and without noise",
    "Losses over the steps of training; bands are 95% intervals over seeds. The paper has no such "
    "curves; its reviewers asked for them. The table has the other sets too.",
    seeds=5,
    needs=needs,
    data=data,
    rows=rows,
    draw=draw,
)
