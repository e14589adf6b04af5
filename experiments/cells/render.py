"""Have an artifact's records made, and write it: Markdown, CSV, JSON, pictures, provenance.

    make([ARTIFACTS["table6"]], NANO, jobs=2)            # runs/results/nano/table6.md, .csv, …

Writing is a pure function of records that exist: `write` trains nothing and asks no judge.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis.plots import save
from experiments.cells.artifact import Artifact
from experiments.cells.cell import Cell, records_of
from experiments.cells.markdown import markdown_table
from experiments.cells.settings import (
    Settings,
    measured_with,
    settings_of,
    settings_text,
    training_records,
)
from experiments.paths import RENDERED
from experiments.runs.provenance import write_provenance
from experiments.runs.record import Record
from experiments.runs.run import Run
from experiments.runs.selection import check_chosen, load_selection
from experiments.runs.study import Study
from experiments.runs.workflow import produce
from experiments.scales.scale import Scale
from neftune.training.files import write_atomic


class ArtifactError(ValueError):
    """A result is asked for where it is not made; the message says where it is."""


def make(
    artifacts: Sequence[Artifact],
    scale: Scale,
    seeds: int | None = None,
    jobs: int | None = None,
    out: Path = RENDERED,
) -> list[Path]:
    """Have the missing records made, each once, then write the artifacts.

    Args:
        artifacts: which; records that several of them need are made once.
        scale: what stands in for the paper's models, sets and judges.
        seeds: how many; with another number than its own an artifact's files have it in their
            name.
        jobs: how many at a time; by default one a core.
        out: the folder of results.

    Returns:
        The Markdown files.
    """
    for artifact in artifacts:
        if artifact.only not in ("", scale.name):
            raise ArtifactError(
                f"{artifact.name} is made at the scale {artifact.only} alone: "
                f"make {artifact.name} SCALE={artifact.only}"
            )
    check_chosen(scale)
    selection = load_selection(scale)
    studies = [Study(scale, seeds or artifact.seeds, selection) for artifact in artifacts]
    asked = [a.cells(study) for a, study in zip(artifacts, studies, strict=True)]
    produce([record for cells in asked for record in all_records(cells)], jobs)
    return [
        write(artifact, study, cells, out)
        for artifact, study, cells in zip(artifacts, studies, asked, strict=True)
    ]


def runs_made(artifact: Artifact, scale: Scale, seeds: int | None = None) -> list[Run]:
    """The runs that an artifact is made from, as `make` has them."""
    study = Study(scale, seeds or artifact.seeds, load_selection(scale))
    return runs_of(all_records(artifact.cells(study)))


def all_records(cells: Sequence[Cell]) -> list[Record]:
    """The records that a result is made from: those of its cells, and its trainings' settings."""
    return [*records_of(cells), *training_records(cells)]


def runs_of(records: Iterable[Record]) -> list[Run]:
    """The runs of some records, opponents of comparisons among them, each once."""
    runs = [run for record in records for run in (record.run, record.other) if run is not None]
    return list(dict.fromkeys(runs))


def write(artifact: Artifact, study: Study, cells: Sequence[Cell], out: Path) -> Path:
    """Write an artifact from records that exist.

    Args:
        artifact: what to write.
        study: its scale and seeds.
        cells: from the artifact's `cells`.
        out: the folder of results; the files go to that of the scale within it.

    Returns:
        The Markdown file.
    """
    out = out / study.scale.name
    name = file_name(artifact, study.seeds)
    data, settings = artifact.data(cells), settings_of(cells, study)
    rows = artifact.rows(data)
    write_atomic(out / f"{name}.json", as_json(data))
    write_atomic(out / f"{name}.csv", as_csv(rows))
    note = study.scale.notes.get(artifact.name, "")
    write_atomic(out / f"{name}.md", markdown(artifact, rows, settings, note))
    save(artifact.draw(data, f"{artifact.title}\n{measured_with(settings)}"), out / name)
    write_provenance(
        out / f"{name}.provenance.json",
        artifact.command(study.scale.name, study.seeds),
        range(study.seeds),
        runs_of(records_of(cells)),
        settings=settings,
    )
    return out / f"{name}.md"


def file_name(artifact: Artifact, seeds: int) -> str:
    """The name of an artifact's files: with another number of seeds than its own it has these."""
    return artifact.name if seeds == artifact.seeds else f"{artifact.name}.seeds{seeds}"


def newest(folder: Path, artifact: Artifact, seeds: int | None = None) -> Path:
    """The data of an artifact that was rendered into a folder.

    Args:
        folder: of a scale's results.
        artifact: which.
        seeds: the number of seeds that is wanted; without one, the newest of all.

    Returns:
        The JSON file; where nothing was rendered, the one that would be.
    """
    if seeds is not None:
        return folder / f"{file_name(artifact, seeds)}.json"
    data = re.compile(rf"{re.escape(artifact.name)}(\.seeds\d+)?\.json")
    made = [path for path in folder.glob(f"{artifact.name}.*") if data.fullmatch(path.name)]
    return max(
        made, key=lambda path: path.stat().st_mtime, default=folder / f"{artifact.name}.json"
    )


def as_json(data: Any) -> str:
    """Results as JSON with ten significant digits; later ones differ between processors."""

    def shortened(value: Any) -> Any:
        if isinstance(value, float):
            return float(f"{value:.10g}")
        if isinstance(value, Mapping):
            return {name: shortened(part) for name, part in value.items()}
        return [shortened(part) for part in value] if isinstance(value, list | tuple) else value

    return json.dumps(shortened(data), indent=1) + "\n"


def as_csv(rows: Sequence[Sequence[str]]) -> str:
    """Rows of text as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def markdown(
    artifact: Artifact, rows: Sequence[Sequence[str]], settings: Settings, note: str
) -> str:
    """The artifact for readers.

    Args:
        artifact: its title and what it is about.
        rows: from its `rows`.
        settings: from `settings_of`.
        note: what readers must know of it at this scale.
    """
    about = " ".join(part for part in (artifact.about, note) if part)
    return (
        f"# {artifact.title}\n\n{measured_with(settings)}. {about}\n\n{markdown_table(rows)}\n\n"
        f"{settings_text(settings)}\n"
    )
