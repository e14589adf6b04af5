"""Every run explains itself: `report.html` in its folder, one file that any browser opens.

    write_reports(runs)                                  # runs/nano/<key>/report.html, row.csv, …
    print(report_line(runs))                             # the same, and one line on where they are

A report shows what the run's records hold: settings, dose, losses, answers, verdicts, cost, and how
the run compares with the same one without noise and with the committed results. What was not made
is named as missing. Beside it `row.csv` has the run's row of `runs.csv`, so that a folder of runs
can be read. Both are written again only where something that the report was made from changed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from tqdm import tqdm

from experiments.cells.markdown import estimate_text
from experiments.cells.render import as_csv
from experiments.cells.runs_table import ROW, as_table, committed_file, run_row
from experiments.cells.settings import noise_title
from experiments.doses import COMMITTED, OWN, committed, measured_here, of_model
from experiments.runs.manifest import MANIFEST, ManifestError, read_manifest
from experiments.runs.provenance import machines, seconds
from experiments.runs.record import Record, RecordError
from experiments.runs.run import Run
from experiments.scales.nano import NANO
from experiments.site.one_file import Report, Section, as_html
from experiments.site.pages import HERE, Fact
from experiments.site.run_comparison import (
    committed_section,
    facts_of,
    verdicts_section,
    without_noise_section,
)
from experiments.site.run_records import Shown, is_tuning, shown_of, without_noise
from experiments.site.run_samples import samples_section
from experiments.site.training_parts import (
    DOSES,
    curves_section,
    dose_section,
    settings_section,
)
from neftune.distributions import Noise
from neftune.training.files import write_atomic
from neftune.training.json_files import read_text

NAME = "report.html"
MADE_FROM = re.compile(r'<meta name="made-from" content="([0-9a-f]{64})">')
HEAD = 1000
"""Characters of a report in which its `made-from` stands."""


def write_reports(runs: Sequence[Run]) -> list[Path]:
    """Write the report and the row of each run that has none, or those of other records.

    Args:
        runs: those that were made or used; a run of which only the base model was measured has no
            report.

    Returns:
        The reports of all of them.
    """
    tuned = [run for run in dict.fromkeys(runs) if is_tuning(run)]
    stale = [run for run in tuned if not _is_written(run)]
    # A bar appears only where it takes seconds.
    for run in tqdm(stale, desc="reports of runs", unit="report", delay=2):
        shown = shown_of(run)
        # The last losses are in the log, whose record stands beside that of the settings.
        kept = [each for each in shown.records if shown.one("log") or each.kind != "settings"]
        row = run_row(run, kept)
        write_atomic(run.folder / ROW, as_csv(as_table([row])))
        write_atomic(run.folder / NAME, as_html(report_of(run)))
    return [run.folder / NAME for run in tuned]


def report_line(runs: Sequence[Run]) -> str:
    """Write the reports of runs that need one, and say in one line where they all are."""
    paths = write_reports(runs)
    if not paths:
        return "No model was tuned for this, so no run has a report."
    first, others = paths[0], len(paths) - 1
    if not others:
        return f"What its run did: {first}"
    return f"What each of its {len(paths)} runs did: {first}, and {others} more beside that folder"


def made_from(run: Run) -> str:
    """A hash of everything that a run's report is made from, its code among it."""
    base = without_noise(run)
    folders = [run.folder, *([base.folder] if base else [])]
    parts = [_file_hash(folder / MANIFEST) for folder in folders]
    parts += [_file_hash(committed_file(run.scale.name)), _doses_hash(), _code_hash()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _is_written(run: Run) -> bool:
    """Whether the report and the row are there, and of what there is now."""
    there = (run.folder / ROW).is_file()
    return there and _written_from(run.folder / NAME) == made_from(run)


def _written_from(path: Path) -> str:
    """The hash that stands in a report; empty where there is none."""
    if not path.is_file():
        return ""
    with path.open(encoding="utf-8", errors="replace") as file:
        found = MADE_FROM.search(file.read(HEAD))
    return found.group(1) if found else ""


def _file_hash(path: Path) -> str:
    """The SHA-256 of a file; empty where there is none."""
    if not path.is_file():
        return ""
    stamp = path.stat()
    return _hash_of(path.resolve(), stamp.st_mtime_ns, stamp.st_size)


@cache
def _hash_of(path: Path, stamp: int, size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _doses_hash() -> str:
    files = [path for folder in (COMMITTED, OWN) for path in sorted(folder.glob("*.json"))]
    return "".join(map(_file_hash, files))


@cache
def _code_hash() -> str:
    """Of the code, the template and the style of reports."""
    files = [*HERE.glob("*.py"), HERE / "templates" / NAME, HERE / "static" / "style.css"]
    return "".join(_file_hash(path) for path in sorted(files))


def report_of(run: Run) -> Report:
    """The report of a run, from records that exist."""
    found = shown_of(run)
    base = without_noise(run)
    beside = shown_of(base) if base else None
    title = f"{run.scale.model_title(run.model)} on {run.dataset.title}, {_noise(run)}"
    lead = (
        f"One fine-tuning at the scale {run.scale.name}, with seed {run.seed}: the run {run.key}. "
        "It is one seed, so that intervals here are over instructions or examples and do not cover "
        "what another seed would change."
    )
    sections = [
        *([Section("Left out as damaged", found.damaged)] if found.damaged else []),
        verdicts_section(found),
        without_noise_section(found, beside),
        committed_section(found),
        _curves(found, beside),
        samples_section(found, beside),
        _dose(run),
        _settings(found),
        _cost(found),
    ]
    facts = [*facts_of(found), Fact("Cost", f"{seconds(run):,.0f} s", "of one core, all records")]
    return Report(title, lead, sections, facts, made_from(run))


def _noise(run: Run) -> str:
    if run.recipe.freelb is not None:
        return "FreeLB in place of noise"
    return "no noise" if run.noise.alpha == 0 else f"noise: {noise_title(run.noise)}"


def _settings(found: Shown) -> Section:
    run, record = found.run, found.one("settings")
    more = {
        "model": run.scale.model_size(run.model),
        "its source": run.scale.model_source(run.model),
        "instruction set": run.dataset.title,
        "seed": str(run.seed),
    }
    if run.interpolation != 1:
        more["weights"] = f"{100 * run.interpolation:g}% of the way from the base model's"
    if run.stopped is not None:
        more["stopped"] = f"after epoch {run.stopped}"
    if record is None:
        note = "The settings of the training were not kept; these are the run's own."
        rows = [["setting", "value"], *map(list, more.items())]
        return Section("Settings", [note], rows)
    return settings_section(record.read(), more)


def _curves(found: Shown, beside: Shown | None) -> Section:
    record = found.one("log")
    if record is None:
        note = "This run has no log: nothing was trained, or its weights are of another training."
        return Section("Losses over steps", [note])
    logs = {"this run": record.read()}
    other = beside.one("log") if beside else None
    if other is not None:
        logs["without noise"] = other.read()
    return curves_section(logs)


def _dose(run: Run) -> Section:
    """The dose on the run's own set where that was measured, else that on Alpaca."""
    noise = run.noise
    if noise.alpha and noise != Noise(noise.alpha):
        return Section("Dose", ["Doses are measured for uniform noise on all tokens alone."])
    own = _dose_on_its_set(run)
    if own is not None:
        return own
    model = run.scale.short_title(run.model)
    measured = of_model(committed() | measured_here(), model, run.model * (run.scale is NANO))
    return dose_section(noise.alpha, measured, model)


def _dose_on_its_set(run: Run) -> Section | None:
    """From the record that claims are read from (`experiments/runs/dose.py`), if it is there."""
    untrained = replace(
        run.training, noise=Noise(0), recipe=replace(run.recipe, epochs=0), seed=0, stopped=None
    )
    record = Record(untrained, "dose")
    try:
        measured = record.read()["kl"] if record.exists() else {}
    except (RecordError, ManifestError):
        return None
    if f"{run.noise.alpha:g}" not in measured:
        return None
    note = f"What this noise does to the base model before any training on {run.dataset.title}."
    row = [DOSES["kl"][0], estimate_text(measured[f"{run.noise.alpha:g}"], DOSES["kl"][1])]
    return Section("Dose", [note], [["quantity", "value"], row])


def _cost(found: Shown) -> Section:
    """Seconds of each record, the machines, and what was read in training and paid to judges."""
    run = found.run
    made = read_manifest(run.folder, run.key)
    notes = [f"Made on: {'; '.join(machines(made.values()))}."]
    settings = found.one("settings")
    if settings is not None:
        read = settings.read()
        tokens = read["tokens"] * read["recipe"]["epochs"]
        notes.append(
            f"The training read {tokens:,.0f} tokens: {read['tokens']:,} in each of "
            f"{read['recipe']['epochs']} epochs."
        )
    for record in found.of_kind("verdicts"):
        usage = record.path.with_name("usage.json")
        if usage.is_file():
            paid = json.loads(read_text(usage))
            each = ", ".join(f"{name} {value}" for name, value in paid.items())
            notes.append(f"What the judge {record.judge} used: {each}.")
    spent = {name: entry.seconds for name, entry in sorted(made.items()) if entry.seconds}
    rows = [[name, f"{cost:,.1f}"] for name, cost in spent.items()]
    return Section("Cost", notes, [["record", "seconds of one core"], *rows])
