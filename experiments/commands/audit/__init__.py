"""Recompute GPT-4's public verdicts, from AlpacaEval's public files, or any two models'.

    make audit                                           # the four models' public files
    make audit DATA=folder                               # reads them from a folder
    make audit PAIR="FOLDER FOLDER"                      # any two models

A model's folder holds AlpacaEval's `model_outputs.json` and `annotations.json`. The four public
models are two trained with NEFTune and two that they are often set against; a pair may be any.
Without DATA the public files are fetched once. No API is called: AlpacaEval's maintainers asked
GPT-4 and published its verdicts. Writes `runs/results/audit/`, or for a pair `runs/audit/`.

files.py      the files, read and checked
measures.py   what is measured of a model, and of two models
report.py     tables for readers
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from analysis.intervals import wins
from analysis.plots import save, win_rate_by_length
from experiments.cells.render import as_csv
from experiments.commands.audit.files import CACHE, FILES, AuditError, public_files, read_model
from experiments.commands.audit.measures import audit_model, audit_pair
from experiments.commands.audit.report import CONFOUNDED, PAIRS, markdown, model_rows, picture
from experiments.paths import RENDERED
from experiments.runs.provenance import write_provenance
from neftune.training.files import file_sha256, write_atomic

HELP = "recompute GPT-4's public verdicts, or compare any two models"
OUT = RENDERED / "audit"


def options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--data", type=Path, help="folder of the four public models' folders")
    source.add_argument("--pair", nargs=2, metavar="FOLDER", help="any two models instead")
    parser.add_argument(
        "--out", type=Path, help="default runs/results/audit; for a pair runs/audit/…"
    )


def run(arguments: argparse.Namespace) -> None:
    """Audit and print.

    Raises:
        AuditError: a file or folder is missing, or not what it should be.
    """
    if arguments.pair:
        folders = {Path(folder).resolve().name: Path(folder) for folder in arguments.pair}
        if len(folders) < 2:
            raise AuditError("the two folders of a pair need different names")
        first, second = folders
        pairs = [(first, second)]
        command, out = 'make audit PAIR="FOLDER FOLDER"', CACHE / f"{first}-to-{second}"
        check_out(arguments.out or out)
        path = audit(folders, pairs, arguments.out or out, command)
    else:
        check_out(arguments.out or OUT)
        path = audit_public(arguments.data, arguments.out or OUT)
    print(path.read_text())
    print(f"Written to {path.parent}.")


def check_out(out: Path) -> None:
    """Refuse a folder of results that cannot be made or written to, before anything is read.

    Raises:
        AuditError: a file is in its place or in its path, or it may not be written.
    """
    there = next(path for path in (out.absolute(), *out.absolute().parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise AuditError(f"{out}: cannot be made or written to; name another folder with --out")


def audit_public(data: Path | None, out: Path) -> Path:
    """Audit the public pairs.

    Args:
        data: the folder of the models' folders; fetched where it is None.
        out: as of `audit`.

    Returns:
        The Markdown file.
    """
    names = [name for pair in PAIRS for name in pair]
    folder = data or public_files(names)
    return audit({name: folder / name for name in names}, PAIRS, out, "make audit")


def audit(
    folders: Mapping[str, Path], pairs: Sequence[tuple[str, str]], out: Path, command: str
) -> Path:
    """Audit models and pairs of them, and write everything to a folder.

    Args:
        folders: of each model, by name.
        pairs: names of two models each.
        out: where `audit.json`, `audit.csv`, `audit.md` and a picture a pair go.
        command: noted in the provenance.

    Returns:
        The Markdown file.
    """
    judged = {name: read_model(folder) for name, folder in folders.items()}
    models = {name: audit_model(model) for name, model in judged.items()}
    compared = {f"{a} -> {b}": audit_pair(judged[a], judged[b]) for a, b in pairs}
    out.mkdir(parents=True, exist_ok=True)
    for (first, second), name in zip(pairs, compared, strict=True):
        curves = {}
        for model in (judged[first], judged[second]):
            kept = ~np.isnan(model.preferences)
            difference = (model.lengths - model.reference_lengths)[kept]
            curves[model.name] = (difference, wins(model.preferences[kept]))
        title = f"{judged[first].judge}'s win rate against the length of the answer"
        title = f"{title[0].upper()}{title[1:]}\n{first} and {second}"
        title += "; they differ in more than the noise" if name in CONFOUNDED else ""
        save(win_rate_by_length(curves, title), out / picture(name))
    write_atomic(
        out / "audit.json", json.dumps({"models": models, "pairs": compared}, indent=1) + "\n"
    )
    write_atomic(out / "audit.csv", as_csv([["measure", *models], *model_rows(models)]))
    write_atomic(out / "audit.md", markdown(models, compared))
    digests = {
        name: {f: file_sha256(folder / f) for f in FILES} for name, folder in folders.items()
    }
    write_provenance(out / "audit.provenance.json", command, files=digests)
    return out / "audit.md"
