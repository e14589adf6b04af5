"""Figure 7: singular values of the embeddings' similarity matrix, with and without noise.

make figure7
"""

import numpy as np
from matplotlib.figure import Figure

from analysis.plots import curves
from experiments.artifact import Artifact, Data, Record
from experiments.jobs import spectrum_file
from experiments.records import embedding_spectrum
from experiments.study import Study


def needs(study: Study) -> list[Record]:
    """The spectra of both arms."""
    return [(r, spectrum_file(r.folder)) for runs in study.arms("alpaca").values() for r in runs]


def data(study: Study) -> Data:
    """The 100 largest singular values of each arm, with the range over seeds."""
    points: dict[str, list[dict[str, float]]] = {}
    for arm, runs in study.arms("alpaca").items():
        spectra = np.array([embedding_spectrum(run) for run in runs])
        points[arm] = [
            {"x": rank, "value": float(v.mean()), "low": float(v.min()), "high": float(v.max())}
            for rank, v in enumerate(spectra.T, start=1)
        ]
    base, neft = (np.array([p["value"] for p in points[arm]]) for arm in points)
    return {"points": points, "largest relative difference": float(np.max(np.abs(neft / base - 1)))}


def rows(found: Data) -> list[list[str]]:
    """Some of the values."""
    ranks = (1, 2, 5, 10, 20, 50, 100)
    table = [["singular value number", *map(str, ranks)]]
    for arm, points in found["points"].items():
        table.append([arm, *(f"{points[rank - 1]['value']:.3f}" for rank in ranks)])
    largest = f"{100 * found['largest relative difference']:.3f}%"
    return [*table, ["largest difference of all 100", largest, *[""] * (len(ranks) - 1)]]


def draw(found: Data, title: str) -> Figure:
    """One panel, a line an arm."""
    largest = 100 * found["largest relative difference"]
    panels = {f"largest relative difference: {largest:.3f}%": found["points"]}
    return curves(panels, title, "number of the singular value", "singular value", log=True)


FIGURE = Artifact(
    "figure7",
    "Figure 7: singular values of the embeddings' similarity, LLaMA-2 7B on Alpaca",
    "The 100 largest singular values of E E^T, E being the embedding matrix after fine-tuning; "
    "mean over seeds. Published: the same with and without noise.",
    seeds=3,
    needs=needs,
    data=data,
    rows=rows,
    draw=draw,
)
