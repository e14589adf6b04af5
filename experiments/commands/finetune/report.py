"""The report of `finetune`: one HTML file with settings, losses, answers, dose and cost.

    write_report(inputs, comparison, folder)             # folder / "report.html"

It says the same as `comparison.md`, with curves, and what is not in it is named. No judge is asked
by this command, and the committed results are of other rows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.commands.finetune.comparison import Comparison, answer_rows, loss_rows
from experiments.commands.finetune.inputs import Inputs
from experiments.commands.finetune.training import COST
from experiments.commands.finetune.unfinished import alpha_folder
from experiments.doses import committed, measured_here, of_model
from experiments.scales.nano import NANO
from experiments.site.one_file import Answer, Report, Sample, Section, as_html
from experiments.site.pages import Fact
from experiments.site.training_parts import curves_section, dose_section, settings_section
from neftune.training.files import write_atomic

NAME = "report.html"
SAMPLES = 6


def write_report(inputs: Inputs, comparison: Comparison, folder: Path) -> None:
    """Write the report of a command's trainings.

    Args:
        inputs: the command.
        comparison: from `comparison.compare`.
        folder: of the models' folders, in which the report is written.
    """
    model, alphas = comparison["arguments"]["model"], comparison["alphas"]
    sections = [
        Section("Verdicts", ["`finetune` asks no judge, so that there are no win rates here."]),
        Section(
            "Losses without noise",
            ["Mean loss a token in nats. In brackets: 95% intervals, paired by example."],
            loss_rows(comparison),
        ),
        Section("Length of answers", ["Means over held-out prompts."], answer_rows(comparison)),
        curves_section({f"alpha {alpha}": _log(folder, alpha) for alpha in alphas}),
        _samples(comparison),
        *(_dose(model, alpha, several=len(alphas) > 1) for alpha in alphas),
        *(_settings(inputs, folder, alpha, several=len(alphas) > 1) for alpha in alphas),
        _cost(folder, alphas),
        _committed(alphas),
    ]
    report = Report(
        f"{model} fine-tuned on {inputs.file('own')}, alpha {' and '.join(alphas)}",
        f"{comparison['parameters']:,} parameters, {comparison['examples']:,} examples, "
        f"{comparison['steps']:,} steps, seed {comparison['arguments']['seed']}. It is one seed: "
        "intervals here do not cover what another seed would change.",
        sections,
        _facts(comparison),
    )
    write_atomic(folder / NAME, as_html(report))


def _facts(comparison: Comparison) -> list[Fact]:
    """Of each alpha the loss on held-out rows and the length of answers."""
    held_out, answers = comparison["losses"]["held_out"], comparison["answers"]
    own = answers["the file's own"]["tokens"]
    facts = []
    for alpha in comparison["alphas"]:
        loss, length = held_out["by alpha"][alpha]["after"], answers["by alpha"][alpha]["tokens"]
        before = f"nats a token, without noise; {held_out['before']:.3f} before"
        facts += [
            Fact(f"Loss on held-out rows, alpha {alpha}", f"{loss:.3f}", before),
            Fact(
                f"Length of answers, alpha {alpha}",
                f"{length:.0f} tokens",
                f"{own:.0f} in the file",
            ),
        ]
    return facts


def _read(folder: Path, alpha: str, name: str) -> str:
    return (alpha_folder(folder, alpha) / name).read_text(encoding="utf-8")


def _log(folder: Path, alpha: str) -> list[Mapping[str, Any]]:
    return [json.loads(line) for line in _read(folder, alpha, "training_log.jsonl").splitlines()]


def _samples(comparison: Comparison) -> Section:
    prompts = comparison["prompts"]
    samples = [
        Sample(
            " ".join(filter(None, (each["instruction"], each["input"]))),
            [
                *(
                    Answer(
                        f"Alpha {alpha}",
                        found["answer"],
                        f"{found['tokens']} tokens{'' if found['ended'] else ', cut'}",
                    )
                    for alpha, found in each["by alpha"].items()
                ),
                Answer("The file's own answer", each["reference"]),
            ],
        )
        for each in prompts[:SAMPLES]
    ]
    note = f"{len(samples)} of {len(prompts)} held-out prompts; `answers.json` has all."
    return Section("Some answers", [note], samples=samples)


def _dose(model: str, alpha: str, *, several: bool) -> Section:
    """The measured dose of a model of the laboratory, or of a real one of the same name."""
    role = model if model in NANO.models else ""
    measured = committed() | measured_here()
    section = dose_section(float(alpha), of_model(measured, Path(model).name, role), model)
    title = f"{section.title}, alpha {alpha}" if several else section.title
    return Section(title, section.notes, section.rows)


def _settings(inputs: Inputs, folder: Path, alpha: str, *, several: bool) -> Section:
    more = {
        "model": str(inputs.settings["model"]),
        "instruction file": inputs.file("own"),
        "prompt": str(inputs.settings["prompt"]),
        "seed": str(inputs.settings["seed"]),
    }
    section = settings_section(json.loads(_read(folder, alpha, "training_settings.json")), more)
    title = f"{section.title}, alpha {alpha}" if several else section.title
    return Section(title, rows=section.rows)


def _cost(folder: Path, alphas: list[str]) -> Section:
    """Seconds and tokens of each training, and the machine."""
    rows = [["alpha", "seconds", "tokens read in training", "machine"]]
    for alpha in alphas:
        settings = json.loads(_read(folder, alpha, "training_settings.json"))
        tokens = settings["tokens"] * settings["recipe"]["epochs"]
        spent, machine = "not noted", "not noted"
        if (alpha_folder(folder, alpha) / COST).is_file():
            cost = json.loads(_read(folder, alpha, COST))
            spent, machine = f"{cost['seconds']:,.1f}", cost["machine"]
        rows.append([alpha, spent, f"{tokens:,}", machine])
    note = "Seconds of a training with its losses before and after and its answers."
    return Section("Cost", [note], rows)


def _committed(alphas: list[str]) -> Section:
    """What to compare with, since no committed number is of these rows."""
    notes = [
        "The committed results were measured on other rows or models, so none of their numbers "
        "stands beside these. What noise did to two real models and to the laboratory's at the "
        "same doses is in results/findings/by-dose.md."
    ]
    if "0" not in alphas:
        notes.append("With `--alpha 0` beside the others, the same training without noise is made.")
    return Section("How it compares", notes)
