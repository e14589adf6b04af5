"""What noise does to real models and to the laboratory's at the same dose, beside the paper's 7B.

    make findings

Reads results, yours or else the project's, and trains nothing: the ablation over alpha in the
laboratory, the tables `real` and `treatments` of the scale `small`, and the doses. Writes
`runs/results/findings/`: `by-dose.md`, `.json`, `.csv` and a picture, and `each-seed.csv`, the
real models' changes without averaging. docs/findings.md says what they show.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from analysis.equivalent_alpha import kl_at
from experiments.cells.cell import Data
from experiments.cells.differences import Difference, differences, quantity
from experiments.cells.markdown import estimate_text, markdown_table
from experiments.cells.metrics import (
    CHARACTERS,
    FAR_LOSS,
    FITTED_LOSS,
    HELD_OUT_LOSS,
    LENGTH_CONTROLLED,
    WIN_RATE,
)
from experiments.commands.ablation import Ablation
from experiments.commands.ablation import artifact as ablation_artifact
from experiments.commands.dose.report import number
from experiments.commands.paper import ALPHAS
from experiments.doses import find
from experiments.paths import RENDERED, own_or_shipped
from experiments.published import TABLE_1, TABLE_4
from experiments.runs.real_models import BASE, CHAT
from experiments.scales.small import SMALL
from neftune.training.json_files import parse_json, read_text

HELP = "what noise does to real models and to the laboratory's at the same dose"
OUT = RENDERED / "findings"
METRICS = tuple(
    metric.title for metric in (FITTED_LOSS, HELD_OUT_LOSS, FAR_LOSS, CHARACTERS, WIN_RATE)
)
LABORATORY = f"nano/{ablation_artifact(Ablation(ALPHAS)).name}.json"
REAL = ("small/real.json", "small/treatments.json")
"""Where both have a row, the first, which has more seeds, counts."""
PAPER = "LLaMA-2 7B in the paper"
DOSE = "KL at the start, nats a token"


@dataclass(frozen=True)
class Point:
    """A model trained with some noise, or otherwise, compared with itself without noise.

    Args:
        model: for readers.
        row: what it was trained with.
        kl: the dose in nats a token; None where it has no noise or its dose is not known.
        seeds: how many different runs it is an average of; None where nobody says.
        changes: by the metric's title, the difference from training without noise.
    """

    model: str
    row: str
    kl: float | None
    seeds: int | None
    changes: dict[str, dict[str, float]]


def options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--out", type=Path, default=OUT)


def run(arguments: argparse.Namespace) -> None:
    """Collect, write and print.

    Raises:
        FileNotFoundError: a result is neither made here nor shipped.
    """
    points = collected()
    write(points, seeds_apart(points), arguments.out)
    print((arguments.out / "by-dose.md").read_text())
    print(f"Written to {arguments.out}.")


def collected() -> list[Point]:
    """Every model's points, in the order of their doses; those without noise come last."""
    found = _points(
        _read(LABORATORY), "", "LLaMA-2 7B's stand-in, laboratory", "laboratory-llama-2-7b"
    )
    tables = [_read(name) for name in REAL if own_or_shipped(name).exists()]
    if not tables:
        raise FileNotFoundError(
            f"{own_or_shipped(REAL[0])}: not made yet; make it with `make real SCALE=small`"
        )
    for role, dose in ((BASE, "gemma-3-270m"), (CHAT, "smollm2-135m-instruct")):
        column = SMALL.short_title(role)
        every = [point for data in tables for point in _points(data, column, column, dose)]
        by_row = {point.row: point for point in reversed(every)}
        found += sorted(by_row.values(), key=lambda point: (point.kl is None, point.kl, point.row))
    return found


def _read(name: str) -> Data:
    path = own_or_shipped(name)
    found: Data = parse_json(read_text(path), path)
    return found


def _points(data: Data, column: str, model: str, dose: str) -> list[Point]:
    """The points of one model in a table.

    Args:
        data: the table's.
        column: the model's; empty in an ablation, whose columns are the metrics.
        model: for readers.
        dose: the name of its measurement (`experiments/doses.py`).
    """
    kl = find(dose).kl
    by_row: dict[str, dict[str, dict[str, float]]] = {}
    for each in differences(data, *METRICS):
        if each.column == (column or each.metric):
            by_row.setdefault(each.row, {})[each.metric] = _change(each)
    trained = {
        cell["row"]: len(set(cell["runs"]))
        for cell in data["cells"]
        if cell["metric"] in METRICS and cell["column"] == (column or cell["metric"])
    }
    return [
        Point(model, row, _dose(row, kl), trained[row], changes) for row, changes in by_row.items()
    ]


def _change(found: Difference) -> dict[str, float]:
    return {"value": found.value, "low": found.low, "high": found.high}


def _dose(row: str, kl: dict[float, float]) -> float | None:
    """The dose of a row `alpha 5`; Gaussian noise of the same variance has none measured."""
    name, _, alpha = row.partition(" ")
    return kl_at(float(alpha), kl) if name == "alpha" else None


def seeds_apart(points: Sequence[Point]) -> list[list[str]]:
    """The change of each seed of the real models, a row a setting, titles first.

    An interval over two or three seeds says little more than that they are few.

    Args:
        points: from `collected`.
    """
    data, doses = _read(REAL[0]), {(point.model, point.row): point.kl for point in points}
    cells = {(each["metric"], each["row"], each["column"]): each for each in data["cells"]}
    titles = (*METRICS, LENGTH_CONTROLLED.title)
    told = [quantity(title) for title in titles]
    heads = [f"{each.name}, {each.unit}" for each in told]
    table = [["model", "trained with", DOSE, *heads]]
    for column in dict.fromkeys(each["column"] for each in data["cells"]):
        for row in dict.fromkeys(each["row"] for each in data["cells"]):
            if row == data["against"]:
                continue
            texts = []
            for title, each in zip(titles, told, strict=True):
                own, base = (
                    # With one seed there is no list of them.
                    cells[title, each_row, column].get("seeds")
                    or [cells[title, each_row, column]["value"]]
                    for each_row in (row, data["against"])
                )
                changes = [
                    100 * (one / other - 1) if each.in_percent else one - other
                    for one, other in zip(own, base, strict=True)
                ]
                texts.append(", ".join(f"{change:+.{each.digits}f}" for change in changes))
            table.append([column, row, number(doses[column, row]), *texts])
    return table


def published() -> Point:
    """What the paper gives in numbers for LLaMA-2 7B on Alpaca."""
    before, after = TABLE_1["LLaMA-2 7B"]["alpaca"], TABLE_1["+NEFT"]["alpaca"]
    short, long = (TABLE_4[row]["characters"]["alpaca"] for row in ("LLaMA-2 7B", "+NEFT"))
    percent = 100 * (long / short - 1)
    values = {WIN_RATE.title: after - before, CHARACTERS.title: percent}
    changes = {title: dict.fromkeys(("value", "low", "high"), v) for title, v in values.items()}
    return Point(PAPER, "alpha 5", None, None, changes)


def write(points: Sequence[Point], apart: Sequence[Sequence[str]], out: Path) -> None:
    """Write the tables and the picture.

    Args:
        points: from `collected`.
        apart: from `seeds_apart`.
        out: the folder.
    """
    from analysis.plots import save
    from experiments.cells.render import as_csv, as_json
    from experiments.runs.provenance import write_provenance
    from neftune.training.files import write_atomic

    content = {"points": [asdict(point) for point in (*points, published())]}
    write_atomic(out / "by-dose.json", as_json(content))
    write_atomic(out / "by-dose.csv", as_csv(rows(points)))
    write_atomic(out / "each-seed.csv", as_csv(apart))
    write_atomic(out / "by-dose.md", markdown(points, apart))
    save(picture(points), out / "by-dose")
    write_provenance(out / "by-dose.provenance.json", "make findings")


def rows(points: Sequence[Point]) -> list[list[str]]:
    """A row a point, titles first."""
    told = [quantity(title) for title in METRICS]
    heads = [f"{each.name}, {each.unit}" for each in told]
    table = [["model", "trained with", DOSE, "seeds", *heads]]
    for point in (*points, published()):
        cells = [
            estimate_text(point.changes[title], each.digits, sign=True)
            if title in point.changes
            else "–"
            for title, each in zip(METRICS, told, strict=True)
        ]
        seeds = "–" if point.seeds is None else str(point.seeds)
        table.append([point.model, point.row, number(point.kl), seeds, *cells])
    return table


def message(points: Sequence[Point]) -> str:
    """At which doses each loss of real models goes down and up, in one line."""
    noisy = [p for p in points if p.kl is not None and not _in_the_laboratory(p)]
    parts = []
    for title in (HELD_OUT_LOSS.title, FAR_LOSS.title):
        changes = [p.changes[title] for p in noisy if title in p.changes]
        lower = sum(each["high"] < 0 for each in changes)
        higher = sum(each["low"] > 0 for each in changes)
        name = quantity(title).name
        parts.append(f"{name} falls in {lower} and rises in {higher} of {len(changes)}")
    return f"With noise, real models' {' and '.join(parts)} settings"


def _in_the_laboratory(point: Point) -> bool:
    return point.model.endswith("laboratory")


def picture(points: Sequence[Point]) -> Any:
    """Each change against the dose, a line a model."""
    from analysis.plots import curves
    from experiments.cells.pictures import titled

    panels: dict[str, dict[str, list[dict[str, float]]]] = {}
    for title in METRICS:
        told = quantity(title)
        lines = panels.setdefault(f"{told.name}, {told.unit}", {})
        for point in sorted((p for p in points if p.kl), key=lambda p: p.kl or 0.0):
            if title in point.changes:
                lines.setdefault(point.model, []).append(
                    {
                        "x": float(point.kl or 0.0),
                        "hollow": point.seeds == 1,
                        **point.changes[title],
                    }
                )
    paper = published().changes
    note = (
        "Fine-tuning on Alpaca; 95% intervals. Hollow marks are of one seed, and their intervals "
        "are over instructions or rows alone. In the paper LLaMA-2 7B's win rate rises by "
        f"{paper[WIN_RATE.title]['value']:.1f} points and its answers are "
        f"{paper[CHARACTERS.title]['value']:.0f}% longer at alpha 5, at an unknown dose"
    )
    figure = curves(
        panels,
        titled(message(points), f"What noise changes, by its dose before any training\n{note}"),
        "KL of the predictions with noise from those without, before training, nats a token",
        "with noise minus without",
        zero=True,
        share=False,
    )
    for axis in figure.axes:
        if axis.axison:
            axis.set_xscale("log")
    return figure


def markdown(points: Sequence[Point], apart: Sequence[Sequence[str]]) -> str:
    """The tables for readers."""
    return (
        "\n\n".join(
            [
                "# What noise changes, by its dose",
                f"{message(points)}. Changes are from the same training without noise, on Alpaca, "
                "with 95% intervals; those of trainings with one seed are over instructions or "
                "rows alone (a model that is not tuned is one run, beside each seed's training). "
                "KL is that of the next-token distribution before any training "
                "([dose.md](../dose/dose.md)). The last rows of each model are without noise. "
                "Win rates are by each scale's judge in GPT-4's role. The paper gives no losses in "
                "numbers, and the dose of its models is not known.",
                "![By dose](by-dose.png)",
                markdown_table(rows(points)),
                "## Each seed of the real models",
                "The same changes, a number for each seed. Intervals over so few seeds are wide; "
                "here one sees whether all have the same sign.",
                markdown_table(apart),
            ]
        )
        + "\n"
    )
