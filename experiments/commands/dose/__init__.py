"""What the noise does to a model before any training, and which alpha does the same to another.

    make dose                                            # every base model of the laboratory
    make dose DATA_alpaca=alpaca_data.json GEMMA_TERMS=accepted     # and two real ones beside them
    python -m experiments dose --model FOLDER_OR_HUB_NAME --dataset-file FILE

measures, at a grid of alphas: the rise of the response loss; the divergence of the next-token
distributions; how many first choices change; the ratio of the noise's norm to the embeddings'; and
how far the second-order prediction holds (docs/theory.md). One alpha is a different treatment for
each model, so the second form also says which alpha here acts like which alpha on the models that
the project has measured (results/dose/), and suggests one.

`make dose` writes a table and a picture of all models to `runs/results/dose/`. The two real models
come from packages of the package index (experiments/roles/packaged.py). A model that cannot
be measured here is named with the reason, and its committed measurement is shown.

subjects.py   the models, and the rows that each is measured on
measuring.py  a model loaded and measured
report.py     tables and sentences for readers
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

from experiments.cells.render import as_csv
from experiments.commands.dose.report import csv_rows, markdown, one_model, sentences
from experiments.commands.dose.subjects import (
    Settings,
    Subject,
    every_subject,
    own_subject,
    real_rows_file,
)
from experiments.commands.options import SettingError, positive
from experiments.doses import OWN, Record, committed, find, measured_here
from experiments.paths import RENDERED
from experiments.roles.packaged import PACKAGED_MODELS
from experiments.runs.provenance import write_provenance
from experiments.scales.hub import SourceError
from neftune.training.files import write_atomic

HELP = "what the noise does to a model before any training"
OUT = RENDERED / "dose"
LEAST = 8
"""Examples below which intervals over examples say nothing."""


def options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    default = Settings()
    parser.add_argument(
        "--model",
        help="a folder, a hub name, a laboratory role, or a model that packages carry "
        f"({', '.join(PACKAGED_MODELS)}); without it, all known models",
    )
    parser.add_argument("--dataset-file", help=".json or .jsonl rows to measure --model on")
    parser.add_argument("--prompt", default=default.prompt, choices=("alpaca", "vicuna"))
    parser.add_argument("--like", help="the measured model to compare --model with")
    parser.add_argument("--examples", type=positive, default=default.examples)
    parser.add_argument(
        "--draws",
        type=positive,
        help="of each alpha's noise, an even number; default 4, for the laboratory 8, for gemma 2",
    )
    parser.add_argument("--max-length", type=positive, default=default.max_length)
    parser.add_argument("--dtype", default=default.dtype, choices=("float32", "bfloat16"))
    parser.add_argument("--seed", type=int, default=default.seed)


def run(arguments: argparse.Namespace) -> None:
    """Measure, write and print.

    Raises:
        ValueError: an argument or a file cannot be what it is.
        SourceError: the model cannot be had, or the file of real rows is not there.
    """
    settings = settings_of(arguments)
    if arguments.model is None:
        for name in ("dataset_file", "like"):
            if getattr(arguments, name) is not None:
                raise SettingError(f"--{name.replace('_', '-')} needs --model")
        real_rows_file()
        print(make_all(settings, OUT).read_text())
        print(f"Written to {OUT}/dose.{{md,csv,json,png,svg}}.")
        return
    subject = own_subject(arguments.model, arguments.dataset_file)
    likes = references(arguments.like, but=subject.name)
    record = measured(subject, settings)
    print(one_model(record))
    print("\n".join(sentences(record, likes)))
    print(f"\nWritten to {OWN / record.name}.json.")


def settings_of(arguments: argparse.Namespace) -> Settings:
    """The settings of the measurement.

    Raises:
        SettingError: one of them cannot have that value.
    """
    if arguments.draws is not None and arguments.draws % 2:
        raise SettingError(
            f"--draws must be an even number, not {arguments.draws}: draws come in mirrored pairs"
        )
    if arguments.examples < LEAST:
        raise SettingError(f"--examples must be at least {LEAST}, not {arguments.examples}")
    if not 0 <= arguments.seed < 2**31:
        raise SettingError(f"--seed must be between 0 and 2**31 - 1, not {arguments.seed}")
    names = ("prompt", "examples", "draws", "max_length", "dtype", "seed")
    return Settings(**{name: getattr(arguments, name) for name in names})


def references(like: str | None, but: str) -> list[Record]:
    """The measured models that another is compared with.

    Args:
        like: the name of one; None for each real model that the project has measured.
        but: the name of the model itself.

    Raises:
        UnknownNameError: there is no measurement of that name.
    """
    if like is not None:
        return [find(like)]
    return [record for record in committed().values() if record.real and record.name != but]


def measured(subject: Subject, settings: Settings) -> Record:
    """The measurement of a model: the one made earlier with the same settings, or a new one.

    Raises:
        ValueError: the model or its rows cannot be what they are.
        SourceError: the model cannot be had.
    """
    from experiments.commands.dose.measuring import identity, measure

    settings = replace(settings, draws=settings.draws or subject.draws)
    rows = subject.rows()
    model = subject.model()
    key = identity(subject, model, rows, settings)
    known = measured_here().get(subject.name)
    if known is not None and known.identity == key:
        return known
    record = measure(subject, model, rows, settings, key)
    write_atomic(OWN / f"{record.name}.json", record.as_json())
    return record


def make_all(settings: Settings, out: Path) -> Path:
    """Measure every model that can be had, and write the table and picture of all.

    Args:
        settings: of the measurements.
        out: the folder of the results.

    Returns:
        The Markdown file.
    """
    from analysis.dose_picture import dose_picture
    from analysis.plots import save

    records: list[Record] = []
    notes: dict[str, str] = {}
    shipped = committed()
    for subject in every_subject():
        print(f"{subject.title} …", flush=True)
        try:
            records.append(measured(subject, settings))
        except SourceError as error:
            notes[subject.name] = str(error)
            if subject.name in shipped:
                records.append(shipped[subject.name])
    names = {record.name for record in records} | set(notes)
    others = {**{n: r for n, r in shipped.items() if r.real}, **measured_here()}
    records += [record for name, record in others.items() if name not in names]
    write_atomic(out / "dose.md", markdown(records, notes))
    write_atomic(out / "dose.csv", as_csv(csv_rows(records)))
    everything = {record.name: record.content() for record in records}
    write_atomic(out / "dose.json", json.dumps(everything, indent=1) + "\n")
    for record in records:
        write_atomic(out / f"{record.name}.json", record.as_json())
    save(dose_picture([record.drawn() for record in records]), out / "dose")
    write_provenance(out / "dose.provenance.json", "make dose", not_measured=notes)
    return out / "dose.md"
