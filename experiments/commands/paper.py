"""The whole paper at one scale: every table and figure, the claims, and the page of results.

    make paper                                           # writes runs/results/nano/

Runs whose records are committed are not trained again. It resumes after a stop, and a run that
several artifacts ask for is trained once.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from experiments.artifacts import ARTIFACTS, at_scale
from experiments.cells.artifact import Artifact
from experiments.cells.cell import Cell
from experiments.cells.markdown import markdown_table
from experiments.cells.render import all_records, as_csv, runs_of, write
from experiments.cells.runs_table import run_rows
from experiments.claims.finding import Question, questions, records_of
from experiments.claims.page import claims_text, write_claims
from experiments.claims.premises import PREMISES
from experiments.commands.ablation import Ablation
from experiments.commands.ablation import artifact as ablation_artifact
from experiments.commands.claims import study_of
from experiments.commands.options import add_jobs, add_scale, scale_of
from experiments.paths import RENDERED
from experiments.runs.archive import archive_file, unpack
from experiments.runs.provenance import seconds
from experiments.runs.record import Record, missing
from experiments.runs.run import Run
from experiments.runs.selection import check_chosen, load_selection
from experiments.runs.study import Study
from experiments.runs.workflow import produce
from experiments.scales.scale import Scale
from neftune.training.files import write_atomic

HELP = "make everything, the claims, and the page of results (hours; it resumes)"
CLAIMS = "claims"
FIRST = {"table1": 0, CLAIMS: 1}
"""What is made before all else, in this order."""
ALPHAS = (0.0, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 45.0)


def options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_scale(parser)
    add_jobs(parser)


def run(arguments: argparse.Namespace) -> None:
    """Make everything, and print what it took."""
    total, _ = make_paper(scale_of(arguments), arguments.jobs, RENDERED)
    print(total)


def everything(scale: Scale) -> list[Artifact]:
    """Every table and figure that a scale makes; where it makes all, the ablation over alpha."""
    if scale.artifacts is not None:
        return [at_scale(name, scale) for name in scale.artifacts]
    made = [artifact for artifact in ARTIFACTS.values() if artifact.only in ("", scale.name)]
    return [*made, ablation_artifact(Ablation(ALPHAS))]


@dataclass(frozen=True)
class Asked:
    """Everything that the paper asks of a scale: each artifact with its cells, and the claims.

    Args:
        artifacts: each with its study and cells.
        claims: each claim at each alpha by each judge.
        study: that the claims are asked of.
        later: the titles of results that are left out because records are missing.
    """

    artifacts: tuple[tuple[Artifact, Study, Sequence[Cell]], ...]
    claims: tuple[Question, ...]
    study: Study
    later: tuple[str, ...] = ()

    def records(self) -> dict[str, list[Record]]:
        """By result, the records that it is made from."""
        found = {artifact.name: all_records(cells) for artifact, _, cells in self.artifacts}
        return found | ({CLAIMS: records_of(list(self.claims))} if self.claims else {})

    def stages(self) -> dict[str, list[Record]]:
        """By result, in the order in which they are made, the records of the runs that it needs.

        Table 1 comes first and the claims second. Every record of a run that any result needs is in
        one stage, so a run whose stage is done needs its checkpoint no more.
        """
        by_result = self.records()
        by_run: dict[Run, list[Record]] = {}
        for record in dict.fromkeys(r for each in by_result.values() for r in each):
            by_run.setdefault(record.run.training, []).append(record)
        found: dict[str, list[Record]] = {}
        for name in sorted(by_result, key=lambda name: FIRST.get(name, len(FIRST))):
            own = dict.fromkeys(record.run.training for record in by_result[name])
            records = [record for run in own for record in by_run.pop(run, [])]
            if records:
                found[name] = records
        return found

    def made(self) -> Asked:
        """The results whose records are all there, and the claims that can be judged from them."""
        absent = {a.name for a, _, cells in self.artifacts if missing(all_records(cells))}
        unjudged = dict.fromkeys(q.premise.text for q in self.claims if missing(records_of([q])))
        return replace(
            self,
            artifacts=tuple(each for each in self.artifacts if each[0].name not in absent),
            claims=tuple(each for each in self.claims if each.premise.text not in unjudged),
            later=(
                *(f"the claim “{text}”" for text in unjudged),
                *(a.title for a, _, _ in self.artifacts if a.name in absent),
            ),
        )


def ask(scale: Scale) -> Asked:
    """What the paper asks of a scale, with the choices that were made for it."""
    selection = load_selection(scale)
    studies = [(a, Study(scale, a.seeds, selection)) for a in everything(scale)]
    study = study_of(scale)
    return Asked(
        tuple((a, each, a.cells(each)) for a, each in studies),
        tuple(questions(PREMISES, study)),
        study,
    )


def make_paper(scale: Scale, jobs: int | None, out: Path) -> tuple[str, list[Run]]:
    """Make everything, result by result (`Asked.stages`).

    Args:
        scale: what stands in for the paper's models, sets and judges.
        jobs: how many at a time; by default one a core.
        out: the folder of results.

    Returns:
        A sentence on the runs and the time they took, and the runs.
    """
    check_chosen(scale)
    if archive_file(scale).exists():
        unpack(archive_file(scale))
    asked = ask(scale)
    for name, records in asked.stages().items():
        if due := missing(records):
            print(f"{name}: {len(due)} records of {len(runs_of(due))} runs", flush=True)
            produce(records, jobs)
    return write_paper(asked, out)


def write_paper(asked: Asked, out: Path) -> tuple[str, list[Run]]:
    """Write results whose records exist, and the page of them.

    Args:
        asked: what is written; the page names what is left out.
        out: the folder of results.

    Returns:
        As of `make_paper`.
    """
    scale, records = asked.study.scale, asked.records()
    for artifact, study, cells in tqdm(asked.artifacts, desc="rendering", unit="result"):
        write(artifact, study, cells, out)
    runs = runs_of(record for each in records.values() for record in each)
    hours = sum(map(seconds, runs)) / 3600
    needed = sum(len({record.run for record in each}) for each in records.values())
    total = (
        f"The {len(records)} results use {needed} runs, {len(runs)} different ones, whose records "
        f"took {hours:.1f} hours of one core."
    )
    folder = out / scale.name
    claims = write_claims(list(asked.claims), asked.study, folder) if asked.claims else None
    write_atomic(folder / "README.md", results_page(asked, claims, total, folder))
    every = list(dict.fromkeys(record for each in records.values() for record in each))
    write_atomic(folder / "runs.csv", as_csv(run_rows(every)))
    return f"{total} See {folder}/README.md.", runs


def results_page(asked: Asked, claims: dict[str, Any] | None, total: str, out: Path) -> str:
    """The page of results, from files that were written to a folder.

    Args:
        asked: the results whose files are in the folder.
        claims: their data; None where they were not judged.
        total: a sentence on the runs.
        out: the folder.
    """
    scale = asked.study.scale
    artifacts = [artifact for artifact, _, _ in asked.artifacts]
    later = f" Not made yet: {'; '.join(asked.later)}." if asked.later else ""
    measured = {record.run.model for each in asked.records().values() for record in each}
    return PAGE.format(
        scale=scale.name,
        total=total + later,
        models=markdown_table(_model_rows(scale, measured)),
        claims=f"## Claims\n\n{claims_text(claims)}\n\n" if claims else "",
        contents="\n".join(f"- [{a.title}](#{_anchor(a.title)})" for a in artifacts),
        sections="".join(_section(out, artifact) for artifact in artifacts),
    )


PAGE = """# The paper at scale `{scale}`: published and measured, side by side

Written by a command (the committed page by `make release`); do not edit. {total}
`selection.json` has what was chosen before (learning rates, and alphas where they are not the
paper's), and by what. Every table is also there as CSV and JSON, every picture as SVG;
`*.provenance.json` says where each came from. `runs.csv` has a row for every run: settings, last
losses, win rates, lengths, and right and wrong facts where these can be told. `records.tar.xz` has
all records of every run (`make unpack`).

## What was measured on

{models}

{claims}## Contents

{contents}

{sections}"""


def _model_rows(scale: Scale, measured: Collection[str]) -> list[list[str]]:
    rows = [["role", "what it is here", "parameters", "source"]]
    for role in (role for role in scale.models if role in measured):
        parameters = f"{scale.parameters(role):,}"
        source = f"`{scale.model_source(role)}`"
        rows.append([f"`{role}`", scale.model_size(role), parameters, source])
    return rows


def _anchor(title: str) -> str:
    kept = "".join(c for c in title.lower() if c.isalnum() or c in " -_")
    return kept.replace(" ", "-")


def _section(out: Path, artifact: Artifact) -> str:
    """An artifact's message as a picture, and its table folded away below it."""
    title, about, rest = (out / f"{artifact.name}.md").read_text().split("\n\n", 2)
    return (
        f"#{title}\n\n{about}\n\n![{artifact.title}]({artifact.name}.png)\n\n<details>\n"
        f"<summary>The table, and the settings of its runs</summary>\n\n{rest}\n</details>\n\n"
    )
