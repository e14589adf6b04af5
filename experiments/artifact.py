"""One table or figure: which records it needs, what they say, how it is shown.

    make([TABLE_6], NANO, jobs=2)                # results/nano/table6.{md,csv,json,png,svg}

An artifact is data and three functions. `tabulate.py` makes one from a list of cells; figures that
are no tables bring their own.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from analysis.plots import save
from experiments.provenance import write_provenance
from experiments.run import Run
from experiments.scale import Scale
from experiments.selection import RESULTS, load_selection
from experiments.study import Study
from experiments.workflow import produce
from neftune.files import write_whole

Record = tuple[Run, Path]
Data = dict[str, Any]


@dataclass(frozen=True)
class Artifact:
    """A table or figure of the paper, or one that the paper lacks.

    Args:
        name: `table6`, `figure4`, …: the make target and the files' name.
        title: what readers see.
        about: what it shows and how it is measured here, in a few sentences.
        seeds: how many it has by default.
        needs: the records it is made from.
        data: what they say, as JSON.
        rows: the same as rows of text, titles first.
        draw: the same as a picture.
    """

    name: str
    title: str
    about: str
    seeds: int
    needs: Callable[[Study], list[Record]]
    data: Callable[[Study], Data]
    rows: Callable[[Data], list[list[str]]]
    draw: Callable[[Data, str], Figure]


def make(
    artifacts: Sequence[Artifact], scale: Scale, seeds: int | None = None, jobs: int | None = None
) -> list[Path]:
    """Have the missing records made, each once, then write the artifacts.

    Args:
        artifacts: which; records that several of them need are made for the first.
        scale: what stands for the paper's models, sets and judges.
        seeds: how many; with another number than its own an artifact's files carry it in their
            name.
        jobs: how many at a time; by default one a core.

    Returns:
        The Markdown files.
    """
    selection = load_selection(scale)
    studies = [Study(scale, seeds or artifact.seeds, selection) for artifact in artifacts]
    while True:
        asked = [r for a, s in zip(artifacts, studies, strict=True) for r in a.needs(s)]
        if all(path.exists() for _, path in asked):
            break
        # What some artifacts need depends on records of others (Table 5's matched length).
        produce([path for _, path in asked], [run for run, _ in asked], jobs)
    return [write(artifact, study) for artifact, study in zip(artifacts, studies, strict=True)]


def write(artifact: Artifact, study: Study) -> Path:
    """Write an artifact from records that are there: a pure function of them."""
    out = RESULTS / study.scale.name
    own = study.seeds == artifact.seeds
    name = artifact.name if own else f"{artifact.name}.seeds{study.seeds}"
    data = artifact.data(study)
    rows = artifact.rows(data)
    write_whole(out / f"{name}.json", as_json(data))
    write_whole(out / f"{name}.csv", _csv(rows))
    write_whole(out / f"{name}.md", markdown(artifact, rows, study.scale.name, study.seeds))
    figure = artifact.draw(data, f"{artifact.title} (scale {study.scale.name})")
    save(figure, out / name)
    write_provenance(
        out / f"{name}.provenance.json",
        f"make {artifact.name}" + ("" if own else f" SEEDS={study.seeds}"),
        range(study.seeds),
        dict.fromkeys(run for run, _ in artifact.needs(study)),
    )
    return out / f"{name}.md"


def as_json(data: Any) -> str:
    """Results as JSON, with ten significant digits: the last of sixteen differ by processor."""

    def shortened(value: Any) -> Any:
        if isinstance(value, float):
            return float(f"{value:.10g}")
        if isinstance(value, Mapping):
            return {name: shortened(part) for name, part in value.items()}
        return [shortened(part) for part in value] if isinstance(value, list | tuple) else value

    return json.dumps(shortened(data), indent=1) + "\n"


def markdown(artifact: Artifact, rows: Sequence[Sequence[str]], scale: str, seeds: int) -> str:
    """The artifact for readers."""
    said = f"{artifact.about} Scale `{scale}`, {seeds} {'seed' if seeds == 1 else 'seeds'}."
    return f"# {artifact.title}\n\n{said}\n\n{markdown_table(rows)}\n"


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of text as a Markdown table, the first one its head."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]

    def line(row: Sequence[str]) -> str:
        return "| " + " | ".join(text.ljust(w) for text, w in zip(row, widths, strict=True)) + " |"

    rule = "| " + " | ".join("-" * width for width in widths) + " |"
    return "\n".join([line(rows[0]), rule, *map(line, rows[1:])])


def _csv(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def said(estimate: Mapping[str, float], digits: int = 2, sign: bool = False) -> str:
    """An estimate as text: the value and its 95% interval."""
    form = f"{{:{'+' if sign else ''}.{digits}f}}"
    if estimate["value"] != estimate["value"]:
        return "–"
    value, low, high = (form.format(estimate[key]) for key in ("value", "low", "high"))
    return value if low == high == value else f"{value} [{low}, {high}]"
