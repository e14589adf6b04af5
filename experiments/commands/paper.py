"""The whole paper at one scale: every table and figure, the claims, and the page of results.

    make paper                                           # writes runs/results/nano/

Runs whose records are committed are not trained again. It resumes after a stop, and a run that
several artifacts ask for is trained once.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from analysis.intervals import win_rate
from experiments.artifacts import ARTIFACTS
from experiments.cells.artifact import Artifact
from experiments.cells.markdown import markdown_table
from experiments.cells.render import all_records, as_csv, as_json, runs_of, write
from experiments.cells.settings import settings_of
from experiments.claims.questions import ON_NOISE, QUESTIONS, measured
from experiments.claims.rule import claim_rows, claims_data
from experiments.commands.ablation import Ablation
from experiments.commands.ablation import artifact as ablation_artifact
from experiments.commands.options import add_jobs, add_scale, scale_of
from experiments.paths import RENDERED
from experiments.published import ALPHA_GRID
from experiments.runs.archive import archive_file, unpack
from experiments.runs.provenance import seconds, write_provenance
from experiments.runs.record import Record
from experiments.runs.run import Run
from experiments.runs.selection import load_selection
from experiments.runs.study import Study
from experiments.runs.workflow import produce
from experiments.scales.scale import Scale
from experiments.tables import strongnoise
from neftune.training.files import write_atomic

HELP = "make everything, the claims, and the page of results (hours; it resumes)"
SEEDS = 5
ALPHAS = (0.0, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 45.0)


def options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_scale(parser)
    add_jobs(parser)


def run(arguments: argparse.Namespace) -> None:
    """Make everything, and print what it took."""
    total, _ = make_paper(scale_of(arguments), arguments.jobs, RENDERED)
    print(total)


def everything() -> list[Artifact]:
    """Every table and figure, and the ablation over alpha."""
    return [*ARTIFACTS.values(), ablation_artifact(Ablation(ALPHAS))]


def make_paper(scale: Scale, jobs: int | None, out: Path) -> tuple[str, list[Run]]:
    """Make everything.

    Args:
        scale: what stands in for the paper's models, sets and judges.
        jobs: how many at a time; by default one a core.
        out: the folder of results.

    Returns:
        A sentence on the runs and the time they took, and the runs.
    """
    if archive_file(scale).exists():
        unpack(archive_file(scale))
    selection = load_selection(scale)
    studies = {a.name: Study(scale, a.seeds, selection) for a in everything()}
    asked = {a.name: (a, a.cells(studies[a.name])) for a in everything()}
    records = {name: all_records(cells) for name, (_, cells) in asked.items()}
    study = Study(scale, SEEDS, selection)
    records["claims"] = records_of_claims(study)
    produce([record for each in records.values() for record in each], jobs)
    for artifact, cells in tqdm(asked.values(), desc="rendering", unit="result"):
        write(artifact, studies[artifact.name], cells, out)
    runs = runs_of(record for each in records.values() for record in each)
    hours = sum(map(seconds, runs)) / 3600
    needed = sum(len({record.run for record in each}) for each in records.values())
    total = (
        f"The {len(records)} results use {needed} runs, {len(runs)} different ones, whose records "
        f"took {hours:.1f} hours of one core."
    )
    folder = out / scale.name
    write_results(scale, [artifact for artifact, _ in asked.values()], study, total, folder)
    every = list(dict.fromkeys(record for each in records.values() for record in each))
    write_atomic(folder / "runs.csv", as_csv(run_rows(every)))
    return f"{total} See {folder}/README.md.", runs


def records_of_claims(study: Study) -> list[Record]:
    """The records that the claims are measured on."""
    strong = study.with_alpha(strongnoise.ALPHA)
    asked = [question.cells(study) for question in QUESTIONS]
    asked += [question.cells(strong) for question in ON_NOISE]
    return [record for cells in asked for record in all_records(cells)]


def write_results(
    scale: Scale, artifacts: Sequence[Artifact], study: Study, total: str, out: Path
) -> None:
    """Write the claims and the page of results to a folder, from records that exist."""
    found = measured(QUESTIONS, study)
    strong = measured(ON_NOISE, study.with_alpha(strongnoise.ALPHA))
    for name, claims in (("claims", found), ("claims_strongnoise", strong)):
        write_atomic(out / f"{name}.json", as_json(claims_data(claims)))
    asked = [cell for question in QUESTIONS for cell in question.cells(study)]
    write_provenance(
        out / "claims.provenance.json",
        "make paper",
        range(study.seeds),
        runs_of(records_of_claims(study)),
        settings=settings_of(asked, study),
    )
    page = PAGE.format(
        scale=scale.name,
        total=total,
        models=markdown_table(_model_rows(scale)),
        claims=markdown_table(claim_rows(found)),
        largest=f"{max(ALPHA_GRID):g}",
        strong_alpha=f"{strongnoise.ALPHA:g}",
        note=scale.notes.get("strongnoise", ""),
        strong=markdown_table(claim_rows(strong)),
        contents="\n".join(f"- [{a.title}](#{_anchor(a.title)})" for a in artifacts),
        sections="".join(_section(out, artifact) for artifact in artifacts),
    )
    write_atomic(out / "README.md", page)


PAGE = """# The paper at scale `{scale}`: published and measured, side by side

Written by a command (the committed page by `make release`); do not edit. {total} Learning rates and
alphas were chosen before, on validation instructions (`selection.json`). Every table is also there
as CSV and JSON, every picture as SVG; `*.provenance.json` says where each came from. `runs.csv` has
a row for every run: settings, last losses, win rates and lengths. `records.tar.xz` has all records
of every run (`make unpack`).

## What was measured on

{models}

## Claims

Where an estimate has an interval, it is a 95% interval over seeds and items (instructions,
examples, questions), as docs/statistics.md says. A claim of a rise or a fall *holds here* if the
interval lies on that side of zero, *does not hold here* if it excludes the smallest change that
matters, and is *not resolved* otherwise. A claim that something stays *holds here* if the interval
lies within the margin, *does not hold here* if it lies outside it, and is *not resolved* otherwise.
The margins were committed with or after the first results of Table 1, so the verdicts are
exploratory; they are not corrected for the number of claims. They are statements on the models
above and not on the paper's.

{claims}

### The same with three times the paper's largest alpha

The claims that concern the effect of noise are measured once more at alpha {strong_alpha}, three
times the paper's largest ({largest}). {note}

{strong}

## Contents

{contents}

{sections}"""


def _model_rows(scale: Scale) -> list[list[str]]:
    rows = [["role", "what it is here", "parameters", "source"]]
    for role in scale.models:
        parameters = f"{scale.parameters(role):,}"
        source = f"`{scale.model_source(role)}`"
        rows.append([f"`{role}`", scale.model_size(role), parameters, source])
    return rows


def _anchor(title: str) -> str:
    kept = "".join(c for c in title.lower() if c.isalnum() or c in " -_")
    return kept.replace(" ", "-")


def _section(out: Path, artifact: Artifact) -> str:
    text = (out / f"{artifact.name}.md").read_text().removeprefix("# ")
    return f"## {text}\n![{artifact.title}]({artifact.name}.png)\n\n"


def run_rows(records: Sequence[Record]) -> list[list[str]]:
    """A row for every run, titles first: settings, last losses, win rates and mean lengths.

    Args:
        records: those of every result.
    """
    by_run: dict[Run, list[Record]] = {}
    for record in records:
        by_run.setdefault(record.run, []).append(record)
    rows = [_run_row(run, by_run[run]) for run in sorted(by_run, key=lambda run: run.key)]
    titles = list(dict.fromkeys(title for row in rows for title in row))
    return [titles, *([_plain(row.get(title)) for title in titles] for row in rows)]


def _run_row(run: Run, records: Sequence[Record]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "run": run.key,
        "model": run.model,
        "parameters": run.scale.parameters(run.model),
        "dataset": run.dataset.role,
        "piece_tokens": run.dataset.piece_tokens,
        "alpha": run.noise.alpha,
        "distribution": run.noise.distribution,
        "length_rule": run.noise.length_rule,
        "lr": run.recipe.lr,
        "epochs": run.recipe.epochs,
        "adapter": run.recipe.adapter,
        "frozen": " ".join(run.recipe.frozen),
        "freelb": run.recipe.freelb.magnitude if run.recipe.freelb else None,
        "seed": run.seed,
    }
    if any(record.kind == "settings" for record in records):
        for entry in Record(run, "log").read():
            row |= {k: v for k, v in entry.items() if k.startswith("eval_") and "_loss" in k}
    for record in sorted(records, key=lambda record: record.name):
        if record.kind in ("verdicts", "responses"):
            texts = record.of("responses").read()
            row[f"{record.condition}: characters"] = np.mean([len(t["output"]) for t in texts])
        if record.kind == "verdicts":
            title = f"{record.condition}: win rate, {record.judge}"
            row[title] = win_rate(record.read()).value
    return row


def _plain(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
