"""The whole paper at one scale: every artifact, the claims, the page of results, small records.

    make paper

Runs whose records are committed are not trained again. It resumes after a stop, and a run that
several artifacts ask for is trained once.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from experiments.ablation import Ablation
from experiments.ablation import artifact as ablation_artifact
from experiments.archive import archive_file, pack, unpack
from experiments.artifact import Artifact, as_json, make, markdown_table
from experiments.artifacts import ARTIFACTS
from experiments.claims import (
    claim_rows,
    claims,
    claims_data,
    claims_under_strong_noise,
    records_of_claims,
)
from experiments.jobs import outputs_file
from experiments.provenance import seconds, write_provenance
from experiments.records import training_log
from experiments.run import Run
from experiments.scale import Scale
from experiments.selection import RESULTS, load_selection
from experiments.study import Study
from experiments.tables import strongnoise
from experiments.workflow import produce
from neftune.files import write_whole

SEEDS = 5
ALPHAS = (0.0, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 45.0)


def everything() -> list[Artifact]:
    """Every artifact of `make paper`: the paper's, those it lacks, and the ablation over alpha."""
    return [*ARTIFACTS.values(), ablation_artifact(Ablation(ALPHAS), seeds=3)]


def make_paper(scale: Scale, jobs: int | None) -> str:
    """Make everything; returns what was asked for, what was trained, and the time it took."""
    started = time.monotonic()
    artifacts = everything()
    archive = archive_file(scale)
    if archive.exists():
        unpack(archive)
    make(artifacts, scale, jobs=jobs)
    selection = load_selection(scale)
    study = Study(scale, SEEDS, selection)
    records = records_of_claims(study)
    produce([path for _, path in records], [run for run, _ in records], jobs)
    asked = {a.name: {r for r, _ in a.needs(Study(scale, a.seeds, selection))} for a in artifacts}
    asked["claims"] = {run for run, _ in records}
    runs = list(dict.fromkeys(run for group in asked.values() for run in group))
    hours = sum(map(seconds, runs)) / 3600
    total = (
        f"{sum(map(len, asked.values()))} runs were asked for by {len(asked)} artifacts, "
        f"{len(runs)} were trained; all their steps took {hours:.1f} hours of one core."
    )
    write_results(scale, artifacts, study, total)
    write_records(scale, runs)
    pack(runs, archive)
    minutes = (time.monotonic() - started) / 60
    return f"{total}\nThis call took {minutes:.1f} minutes. See {RESULTS / scale.name}/README.md."


def write_results(scale: Scale, artifacts: list[Artifact], study: Study, total: str) -> None:
    """The page of results and the claims, from what is there."""
    out = RESULTS / scale.name
    found, strong = claims(study), claims_under_strong_noise(study)
    for name, some in (("claims", found), ("claims_strongnoise", strong)):
        write_whole(out / f"{name}.json", as_json(claims_data(some)))
    runs = dict.fromkeys(run for run, _ in records_of_claims(study))
    write_provenance(out / "claims.provenance.json", "make paper", range(study.seeds), runs)
    sections = [_section(out, artifact) for artifact in artifacts]
    contents = "\n".join(
        f"- [{artifact.title}](#{_anchor(artifact.title)})" for artifact in artifacts
    )
    page = f"""# The paper at scale `{scale.name}`: published and measured, side by side

Written by `make paper`; do not edit. {total} Learning rates and alphas were chosen before, on
validation instructions (`selection.json`). Every table is also there as CSV and JSON, every picture
as SVG; `*.provenance.json` says where each came from. `records.jsonl` has the verdicts, lengths and
losses of every run, a line each; `records.tar.xz` has all of its records (`make unpack`).

## Claims

Where an estimate has an interval, it is a 95% percentile bootstrap that draws seeds and items
(instructions, examples, questions) with replacement. A claim of a rise or a fall *holds here* if
the interval lies on that side of zero, *does not hold here* if it excludes the smallest change that
matters, and is *not resolved* otherwise. A claim that something stays *holds here* if the interval
lies within the margin, *does not hold here* if it lies outside it, and is *not resolved* otherwise.

{markdown_table(claim_rows(found))}

### The same with three times the paper's largest alpha

Up to alpha 15 the noise changes next to nothing in this laboratory (the ablation and the phase
picture below show where it begins to). So that its effect can be seen at all, the claims that
concern it are measured once more at alpha {strongnoise.ALPHA:g}. It was fixed before these runs,
after one exploratory run each at alpha 40 and 100 on Alpaca, and is no judge's choice.

{markdown_table(claim_rows(strong))}

## Contents

{contents}

{"".join(sections)}"""
    write_whole(out / "README.md", page)


def _anchor(title: str) -> str:
    kept = "".join(c for c in title.lower() if c.isalnum() or c in " -_")
    return kept.replace(" ", "-")


def _section(out: Path, artifact: Artifact) -> str:
    text = (out / f"{artifact.name}.md").read_text().removeprefix("# ")
    return f"## {text}\n![{artifact.title}]({artifact.name}.png)\n\n"


def write_records(scale: Scale, runs: list[Run]) -> None:
    """A line a run: its spec, its verdicts as letters, its answers' lengths, its log of losses."""
    lines = []
    for run in sorted(runs, key=lambda run: run.key):
        record: dict[str, object] = {
            "run": run.key,
            "spec": json.loads((run.folder / "spec.json").read_text()),
            "log": training_log(run),
        }
        for answers in sorted(run.folder.glob("*/model_outputs.json")):
            condition = answers.parent.name
            texts = json.loads(outputs_file(run.folder, condition).read_text())
            record[f"{condition}: characters"] = [len(text["output"]) for text in texts]
            for verdicts in sorted(answers.parent.glob("*/annotations.json")):
                rows = json.loads(verdicts.read_text())
                letters = "".join(LETTERS.get(row["preference"], "~") for row in rows)
                record[f"{condition}: {verdicts.parent.name}"] = letters
        lines.append(json.dumps(record, separators=(",", ":")) + "\n")
    write_whole(RESULTS / scale.name / "records.jsonl", "".join(lines))


LETTERS = {2: "W", 1: "L", 1.5: "D", None: "?"}
"""Won, lost, draw, no verdict; anything else (`~`) is a weighted judge's share."""
