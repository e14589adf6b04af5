"""Reports of runs: what they show, what they say is missing, and when they are written again."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.__main__ import main
from experiments.roles.instruction_sets import ALPACA
from experiments.runs.record import Record
from experiments.runs.run import Run
from experiments.scales.nano import NANO
from experiments.site.run_report import report_line, report_of, write_reports
from neftune.distributions import Noise
from tests.experiments.records import write_record
from tests.paths import ROOT

RECIPE = NANO.recipe("llama-2-7b", ALPACA)
RUN = Run(NANO, "llama-2-7b", ALPACA, Noise(5), RECIPE, 0)
PARTS = (
    *("Verdicts", "Beside the same run without noise", "Beside the committed results"),
    *("Losses over steps", "Some answers", "Dose", "Settings", "Cost"),
)
REQUEST = re.compile(
    r'(?:src|href)="(?!data:,|\.\./|#)|url\((?!#)|<script|<link (?!rel="icon")|@import'
)
"""What would make a browser ask for another file; a link that a reader follows is none."""


def write_run(run: Run, won: float = 2.0) -> None:
    """Records of a run that nobody trained: its answers are the references with a word more."""
    settings = json.loads(json.dumps(run.settings()))
    found = {"examples": 256, "tokens": 1000, "parameters": 2410176, "seed": run.seed, "steps": 48}
    found |= {name: settings[name] for name in ("recipe", "noise")} | {
        "execution": {"packed": True}
    }
    log = [
        {"step": step, f"eval_{probe}_loss": 1 / (1 + step) + 0.01 * run.noise.alpha}
        for step in (0, 24, 48)
        for probe in ("train", "validation", "other")
    ]
    log += [{"step": step, "loss": 0.5} for step in (12, 36)]
    run.write_spec()
    write_record(Record(run, "checkpoint"), "{}", seconds=100.0)
    write_record(Record(run, "settings"), json.dumps(found))
    write_record(Record(run, "log"), "\n".join(map(json.dumps, log)))
    rows = [
        {**row, "output": f"{row['output']} <b>Alpha {run.noise.alpha:g}.</b>"}
        for row in NANO.references("validation")
    ]
    write_record(Record(run, "responses", "validation"), json.dumps(rows), seconds=20.0)
    verdicts = [{**row, "preference": won if place % 3 else 1.5} for place, row in enumerate(rows)]
    write_record(Record(run, "verdicts", "validation", "gpt-4"), json.dumps(verdicts))


def text_of(run: Run) -> str:
    return (run.folder / "report.html").read_text(encoding="utf-8")


def test_a_report_has_every_part_and_asks_for_nothing(workplace: Path) -> None:
    base = replace(RUN, noise=Noise(0))
    write_run(base, won=1.0)
    write_run(RUN)
    (path,) = write_reports([RUN])
    text = text_of(RUN)
    assert path == RUN.folder / "report.html"
    assert re.findall(r'<h2 id="part-\d">(.*)</h2>', text) == list(PARTS)
    assert REQUEST.search(text) is None
    assert '<link rel="icon" href="data:,">' in text
    # Verdicts and the paired difference: two thirds won or lost, a third drawn.
    count = len(NANO.references("validation"))
    drawn = len(range(0, count, 3))
    assert f"<td>{count - drawn}, {drawn}, 0</td>" in text
    gain = 100 * (count - drawn) / count
    assert re.search(rf"win rate, % \(validation, gpt-4\).*<td>\+{gain:.2f} \[", text)
    assert f'<a href="../{base.key}/report.html">{base.key}</a>' in text
    assert "<svg role=" in text
    assert "&lt;b&gt;Alpha 5.&lt;/b&gt;" in text, "an answer's own HTML is text"
    assert "&lt;b&gt;Alpha 0.&lt;/b&gt;" in text
    assert "3,000 tokens: 1,000 in each of 3 epochs" in text
    assert "120 s" in text


def test_the_same_records_give_the_same_bytes_and_nothing_is_written_twice(
    workplace: Path,
) -> None:
    write_run(RUN)
    write_reports([RUN])
    path = RUN.folder / "report.html"
    first, written = path.read_bytes(), path.stat().st_mtime_ns
    write_reports([RUN])
    assert path.stat().st_mtime_ns == written
    path.unlink()
    write_reports([RUN])
    assert path.read_bytes() == first
    # The run without noise appears, and with it the comparison.
    assert "was not made, or its records are not here" in text_of(RUN)
    write_run(replace(RUN, noise=Noise(0)))
    write_reports([RUN])
    assert path.read_bytes() != first
    assert "was not made, or its records are not here" not in text_of(RUN)


def test_what_is_missing_is_said(workplace: Path) -> None:
    RUN.write_spec()
    write_record(Record(RUN, "losses"), json.dumps({"train": [1.0], "other": [2.0]}))
    sections = {section.title: " ".join(section.notes) for section in report_of(RUN).sections}
    assert sections["Verdicts"] == "No judge was asked about this run's answers."
    assert sections["Some answers"] == "This run was asked nothing."
    assert "has no log" in sections["Losses over steps"]
    assert "was not made" in sections["Beside the same run without noise"]
    assert sections["Beside the committed results"].startswith("There are no committed results at")
    assert "`make dose` measures it" in sections["Dose"]
    assert sections["Settings"].startswith("The settings of the training were not kept")


def test_a_damaged_record_is_left_out_and_named(workplace: Path) -> None:
    write_run(RUN)
    log = Record(RUN, "log").path
    log.write_text(log.read_text() + "\n")
    write_reports([RUN])
    assert "Left out as damaged" in text_of(RUN)
    assert f"{log}: was changed after it was made" in text_of(RUN)


def test_a_run_of_which_only_the_base_model_was_measured_has_no_report(workplace: Path) -> None:
    RUN.write_spec()
    write_record(Record(RUN, "flips"), "{}")
    assert report_line([RUN]) == "No model was tuned for this, so no run has a report."
    assert not (RUN.folder / "report.html").exists()


@pytest.mark.long
def test_a_real_ablation_leaves_a_report_for_each_run(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = workplace / "results"
    (results / "nano").mkdir(parents=True)
    for name in ("nano/selection.json", "nano/runs.csv", "dose"):
        (results / name).symlink_to(ROOT / "results" / name)
    arguments = ["ablation", "--alpha", "0", "5", "--seeds", "1", "--set", "epochs=1"]
    assert main(arguments) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    assert re.fullmatch(
        r"What each of its 2 runs did: runs/nano/[0-9a-f]{16}/report\.html, and 1 more .*", line
    )
    reports = sorted((workplace / "runs" / "nano").glob("*/report.html"))
    assert len(reports) == 2
    for report in reports:
        text = report.read_text()
        assert re.findall(r'<h2 id="part-\d">(.*)</h2>', text) == list(PARTS)
        assert REQUEST.search(text) is None
        assert "last loss" in text
        shutil.copy(report, report.with_suffix(".first"))
        report.unlink()
    assert main(arguments) == 0
    for report in reports:
        assert report.read_bytes() == report.with_suffix(".first").read_bytes()
