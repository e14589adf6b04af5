"""The audit: what GPT-4 said of the authors' own NEFTune models, recomputed from public files.

    make audit                                           # the four models' public files
    make audit DATA=folder                               # reads them from a folder
    make audit PAIR="FOLDER FOLDER"                      # any two models: without, with noise

A model's folder holds AlpacaEval's `model_outputs.json` and `annotations.json`. Without DATA the
files are read from `../shared/data/alpaca_eval` where that is, else fetched once. No API is called:
the verdicts are those that AlpacaEval's maintainers bought. Writes `results/audit/`, or for a pair
`runs/audit/`.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from analysis.intervals import mcnemar_test, win_rate, win_rate_gain, wins
from analysis.length_control import length_controlled_gain, length_controlled_win_rate
from analysis.plots import save, win_rate_by_length
from analysis.text import (
    log_diversity,
    mean_characters,
    mean_words,
    plain_log_diversity,
    repetition,
)
from experiments.paper import (
    PAPER_ON_PUBLIC_MODELS,
    PAPER_TABLE_4_ALPACA,
    PUBLIC_LEADERBOARD,
    TABLE_1,
)
from experiments.provenance import write_provenance
from neftune.files import write_whole

OUT = Path("results/audit")
CACHE = Path("runs/audit")
SHARED = Path("../shared/data/alpaca_eval")
WORDS = 50
SOURCE = "https://github.com/tatsu-lab/alpaca_eval/raw/cd543a1/results"
FILES = {
    "model_outputs.json": "{model}/model_outputs.json",
    "annotations.json": "{model}/alpaca_eval_gpt4/annotations.json",
}
PAIRS = (
    ("alpaca-7b", "alpaca-7b-neft"),
    ("llama-2-7b-chat-hf", "llama-2-chat-7b-evol70k-neft"),
)
SHA256 = {
    "alpaca-7b": {
        "model_outputs.json": "21048628f20187affc7d9c9e756d9618e08c4991fc8a48184612eb484565c5db",
        "annotations.json": "d44ea50f1a81f6ae6a95e8ac1dd08b7eca82cc0a9058a2923b1c70cec1e9eaa5",
    },
    "alpaca-7b-neft": {
        "model_outputs.json": "344e893fddd9a2b871206aa68354e7e0fcd6b495ce3fcbc678fe77132206cf83",
        "annotations.json": "d6203dc0eb0d23373db5bd1bd35b1b1ed9feaeeeac80c40b585722793090852b",
    },
    "llama-2-7b-chat-hf": {
        "model_outputs.json": "5a66ed18b1ecef7a6a728eb32665651853092cbf11d518538d80d86c2df1b5ae",
        "annotations.json": "a003092552c9d97793e6e08e82e2c73b96a1031e882e78ef65dfb972a9d74630",
    },
    "llama-2-chat-7b-evol70k-neft": {
        "model_outputs.json": "9401fe244265e4d16e6262ee0b816078d760ad12d633a7462faf37a1811f3413",
        "annotations.json": "5dde8a1a7323fe93c326e82a4533518d6924256b0b11608a3e6d49f3ef74d217",
    },
}


class AuditError(RuntimeError):
    """A file of the audit is missing or not what it should be; the message says which."""


@dataclass(frozen=True)
class Judged:
    """One model's answers and GPT-4's verdicts, one an instruction, in the order of `instructions`.

    Args:
        name: of the model.
        instructions: what was asked.
        subsets: AlpacaEval's subset of each.
        responses: the model's answers.
        preferences: 2 where the model won, 1 where the reference did, 1.5 for a draw, NaN where the
            verdict is missing.
        reference_lengths: of the reference answers in characters.
        annotations: the file's own rows, for alpaca-eval's own function.
    """

    name: str
    instructions: tuple[str, ...]
    subsets: tuple[str, ...]
    responses: tuple[str, ...]
    preferences: NDArray[np.float64]
    reference_lengths: NDArray[np.float64]
    annotations: list[dict[str, Any]]

    @property
    def lengths(self) -> NDArray[np.float64]:
        """Characters of each answer."""
        return np.array([len(response) for response in self.responses], dtype=np.float64)


def read_model(folder: Path) -> Judged:
    """Read one model's folder.

    Raises:
        AuditError: names the file, and the row and field that are wrong in it.
    """
    rows = {name: _read_list(folder / name) for name in FILES}
    outputs = {}
    for number, row in enumerate(rows["model_outputs.json"], start=1):
        _need(row, ("instruction", "output"), folder / "model_outputs.json", number)
        outputs[row["instruction"]] = row
    annotations = rows["annotations.json"]
    preferences = []
    for number, row in enumerate(annotations, start=1):
        path = folder / "annotations.json"
        _need(row, ("instruction", "output_1", "output_2", "preference"), path, number)
        if row["instruction"] not in outputs:
            raise AuditError(f"{path}: row {number}: its instruction has no model output")
        preferences.append(_preference(row["preference"], path, number))
    answered = [outputs[row["instruction"]] for row in annotations]
    return Judged(
        name=folder.name,
        instructions=tuple(row["instruction"] for row in annotations),
        subsets=tuple(str(row.get("dataset", "all")) for row in answered),
        responses=tuple(row["output"] for row in answered),
        preferences=np.array(preferences),
        reference_lengths=np.array([len(row["output_1"]) for row in annotations], dtype=float),
        annotations=annotations,
    )


def _read_list(path: Path) -> list[dict[str, Any]]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise AuditError(
            f"{path}: no such file; a model's folder holds {' and '.join(FILES)}"
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise AuditError(f"{path}: not JSON: {error}") from None
    if not isinstance(rows, list) or not rows:
        raise AuditError(f"{path}: should be a list of rows, and not an empty one")
    return rows


def _need(row: Any, fields: Sequence[str], path: Path, number: int) -> None:
    missing = [field for field in fields if not isinstance(row, dict) or field not in row]
    if missing:
        raise AuditError(f"{path}: row {number}: no field {missing[0]!r}")


def _preference(value: Any, path: Path, number: int) -> float:
    if value is None:
        return np.nan
    if not isinstance(value, int | float) or value not in (0, 1, 1.5, 2):
        raise AuditError(
            f"{path}: row {number}: preference {value!r} is none of 0, 1, 1.5, 2, null"
        )
    return 1.5 if value == 0 else float(value)


def public_files(models: Sequence[str]) -> Path:
    """The folder of the public files: the shared one, or a fetched one.

    What is fetched is checked against its pinned SHA-256 and kept.

    Raises:
        AuditError: no network, or a file is not the one that was pinned.
    """
    if SHARED.is_dir():
        return SHARED
    wanted = [(m, name, CACHE / m / name) for m in models for name in FILES]
    missing = [item for item in wanted if not item[2].exists()]
    for model, name, path in tqdm(missing, desc="fetching public files", disable=not missing):
        url = f"{SOURCE}/{FILES[name].format(model=model)}"
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                content = answer.read()
        except (urllib.error.URLError, OSError) as error:
            raise AuditError(
                f"cannot fetch {url} ({error}); without a network, pass a folder that holds "
                f"<model>/{name}: make audit DATA=folder"
            ) from None
        digest = hashlib.sha256(content).hexdigest()
        if digest != SHA256[model][name]:
            raise AuditError(f"{url}: SHA-256 is {digest}, not the pinned {SHA256[model][name]}")
        write_whole(path, content)
    return CACHE


def audit_model(model: Judged) -> dict[str, Any]:
    """Every number of one model."""
    from eval.alpaca import public_win_rate

    official = public_win_rate(model.annotations)
    texts = model.responses
    return {
        "win_rate": official["win_rate"],
        "standard_error": official["standard_error"],
        "win_rate_interval": asdict(win_rate(model.preferences)),
        "length_controlled": asdict(
            length_controlled_win_rate(model.preferences, model.lengths, model.reference_lengths)
        ),
        "verdicts": int(official["n_total"]),
        "missing_verdicts": int(np.isnan(model.preferences).sum()),
        "draws": int(official["n_draws"]),
        "characters": mean_characters(texts),
        "words": mean_words(texts),
        "responses_of_50_words": sum(len(text.split()) >= WORDS for text in texts),
        **{f"repetition_{n}": repetition(texts, n, WORDS) for n in (2, 3, 4)},
        "log_diversity": log_diversity(texts, WORDS),
        "plain_log_diversity": plain_log_diversity(texts, WORDS),
        "published": {
            "leaderboard": PUBLIC_LEADERBOARD.get(model.name),
            "paper": PAPER_ON_PUBLIC_MODELS.get(model.name),
        },
    }


def audit_pair(before: Judged, after: Judged) -> dict[str, Any]:
    """What changed from one model to the other, on the same instructions.

    Raises:
        AuditError: the two were not asked the same.
    """
    if set(before.instructions) != set(after.instructions):
        raise AuditError(f"{before.name} and {after.name} were not judged on the same instructions")
    after = _reordered(after, before.instructions)
    subsets = {}
    for subset in sorted(set(before.subsets)):
        here = np.array([name == subset for name in before.subsets])
        subsets[subset] = {
            "instructions": int(here.sum()),
            "before": asdict(win_rate(before.preferences[here])),
            "after": asdict(win_rate(after.preferences[here])),
            "gain": asdict(win_rate_gain(before.preferences[here], after.preferences[here])),
        }
    gain = win_rate_gain(before.preferences, after.preferences)
    controlled = length_controlled_gain(
        (before.preferences, before.lengths),
        (after.preferences, after.lengths),
        before.reference_lengths,
    )
    resolved = "excludes" if controlled.low > 0 or controlled.high < 0 else "includes"
    return {
        "gain": asdict(gain),
        "length_controlled_gain": asdict(controlled),
        "mcnemar": asdict(mcnemar_test(before.preferences, after.preferences)),
        "longer_by": float(after.lengths.mean() - before.lengths.mean()),
        "subsets": subsets,
        "statement": (
            f"From {before.name} to {after.name} GPT-4's win rate rises by {gain.value:.1f} points "
            f"(95% interval {gain.low:.1f} to {gain.high:.1f}); under a logistic model that sets "
            f"both answers to the reference's length, {controlled.value:.1f} points are left "
            f"({controlled.low:.1f} to {controlled.high:.1f}), an interval that {resolved} zero."
        ),
    }


def _reordered(model: Judged, instructions: Sequence[str]) -> Judged:
    place = {instruction: index for index, instruction in enumerate(model.instructions)}
    order = [place[instruction] for instruction in instructions]
    return Judged(
        model.name,
        tuple(instructions),
        tuple(model.subsets[i] for i in order),
        tuple(model.responses[i] for i in order),
        model.preferences[order],
        model.reference_lengths[order],
        [model.annotations[i] for i in order],
    )


def _published(record: Mapping[str, Any], where: str, what: str) -> str:
    value = (record["published"][where] or {}).get(what)
    return "" if value is None else f"{value:g}"


def _table_1(model: str) -> str:
    arm = {"alpaca-7b": "baseline", "alpaca-7b-neft": "neft"}.get(model)
    return f"{TABLE_1[arm]['alpaca']:g}" if arm else ""


def model_rows(models: Mapping[str, Any]) -> list[list[str]]:
    """The table of models: a row a measure, the published number beside ours."""

    def row(label: str, form: str, *path: str) -> list[str]:
        texts = [label]
        for record in models.values():
            value: Any = record
            for step in path:
                value = value[step]
            texts.append(form.format(**value) if isinstance(value, dict) else form.format(value))
        return texts

    interval = "{value:.2f} [{low:.2f}, {high:.2f}]"
    records = list(models.values())
    return [
        row("win rate, recomputed", "{:.2f}", "win_rate"),
        [
            "win rate, public leaderboard",
            *(_published(r, "leaderboard", "win_rate") for r in records),
        ],
        ["win rate, paper", *(_published(r, "paper", "win_rate") for r in records)],
        ["win rate, paper's Table 1 (LLaMA-2 7B on Alpaca)", *(_table_1(name) for name in models)],
        row("standard error", "{:.2f}", "standard_error"),
        row("win rate with bootstrap interval", interval, "win_rate_interval"),
        row("length-controlled, our fit", interval, "length_controlled"),
        [
            "length-controlled, public leaderboard",
            *(_published(r, "leaderboard", "length_controlled") for r in records),
        ],
        row("verdicts", "{}", "verdicts"),
        row("missing verdicts", "{}", "missing_verdicts"),
        row("draws", "{}", "draws"),
        row("mean characters", "{:.1f}", "characters"),
        ["mean characters, public", *(_published(r, "leaderboard", "characters") for r in records)],
        ["mean characters, paper", *(_published(r, "paper", "characters") for r in records)],
        row("mean words", "{:.1f}", "words"),
        row("responses of 50 words and more", "{}", "responses_of_50_words"),
        row("2-gram repetition, %", "{:.2f}", "repetition_2"),
        row("3-gram repetition, %", "{:.2f}", "repetition_3"),
        row("4-gram repetition, %", "{:.2f}", "repetition_4"),
        row("log-diversity, as published", "{:.2f}", "log_diversity"),
        row("log-diversity, plain", "{:.2f}", "plain_log_diversity"),
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _interval(estimate: Mapping[str, float]) -> str:
    return "{value:.1f} [{low:.1f}, {high:.1f}]".format(**estimate)


def markdown(models: Mapping[str, Any], pairs: Mapping[str, Any]) -> str:
    """The audit for readers."""
    parts = [
        "# What GPT-4 really said of the public NEFTune models\n",
        "Recomputed from AlpacaEval's public files: 805 instructions, reference text-davinci-003, "
        "judge GPT-4. Repetition and diversity are measured on the first 50 words of the responses "
        "that have so many. Intervals are 95% bootstrap intervals over instructions.\n",
        _table(["", *models], model_rows(models)),
        "The public length-controlled numbers also control for the difficulty of each instruction, "
        "estimated from the verdicts on many other models; ours cannot (formula: "
        "`analysis/length_control.py`), so the two differ, most for the chat models, few of whose "
        "answers are as short as the reference's.\n",
    ]
    if set(PAIRS[0]) <= set(models):
        near = PAPER_TABLE_4_ALPACA
        rows = [
            [
                name,
                f"{model['words']:.1f}",
                f"{arm['words']:g}",
                f"{model['repetition_2']:.2f}",
                f"{arm['repetition_2']:g}",
                f"{model['log_diversity']:.2f}",
                f"{arm['log_diversity']:g}",
            ]
            for name, arm in zip(PAIRS[0], near.values(), strict=True)
            for model in [models[name]]
        ]
        head = ["", "words", "Table 4", "2-gram rep. %", "Table 4", "log-diversity", "Table 4"]
        parts += [
            "Beside the paper's Table 4 (LLaMA-2 7B on Alpaca; the public ones are LLaMA-1):\n",
            _table(head, rows),
        ]
    for name, pair in pairs.items():
        test = pair["mcnemar"]
        rows = [
            [
                subset,
                str(r["instructions"]),
                _interval(r["before"]),
                _interval(r["after"]),
                _interval(r["gain"]),
            ]
            for subset, r in pair["subsets"].items()
        ]
        parts += [
            f"## {name}\n",
            f"**{pair['statement']}**\n",
            f"Answers are longer by {pair['longer_by']:.0f} characters on average. McNemar's exact "
            f"test on instructions that only one of the two wins: {test['only_first']} against "
            f"{test['only_second']}, p = {test['p']:.2g}.\n",
            _table(["subset", "instructions", "before", "after", "gain"], rows),
            f"![win rate against length]({_picture(name)})\n",
        ]
    return "\n".join(parts)


def _picture(pair: str) -> str:
    return pair.replace(" -> ", "-to-") + ".png"


def audit(
    folders: Mapping[str, Path], pairs: Sequence[tuple[str, str]], out: Path, command: str
) -> Path:
    """Audit models and pairs of them, and write everything to a folder.

    Args:
        folders: of each model, by name.
        pairs: names of the models without and with noise.
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
        title = "GPT-4 prefers longer answers, with and without noise"
        save(win_rate_by_length(curves, title), out / Path(_picture(name)).stem)
    record = {"models": models, "pairs": compared}
    write_whole(out / "audit.json", json.dumps(record, indent=1) + "\n")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([["measure", *models], *model_rows(models)])
    write_whole(out / "audit.csv", text.getvalue())
    write_whole(out / "audit.md", markdown(models, compared))
    digests = {
        name: {f: hashlib.sha256((folder / f).read_bytes()).hexdigest() for f in FILES}
        for name, folder in folders.items()
    }
    write_provenance(out / "audit.provenance.json", command, files=digests)
    return out / "audit.md"
