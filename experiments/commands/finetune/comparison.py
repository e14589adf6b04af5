"""What `finetune` compares: losses without noise and answers, before and after, alpha by alpha.

    comparison = compare(inputs, folder)                 # from the files of the models' folders
    write(comparison, folder)                            # comparison.md and comparison.json
    print(markdown(comparison, prompts=2, characters=300))

Differences are paired: by example for losses, by prompt for the lengths of answers. Their 95%
intervals are of a bootstrap over examples or prompts. Mean losses are those of a token, so that an
example counts by its number of tokens, as it does in training.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from analysis.intervals import percentile_estimate, resamples
from experiments.cells.markdown import estimate_text, markdown_table
from experiments.commands.finetune.inputs import Inputs
from experiments.commands.finetune.training import ANSWERS, DECODING, LOSSES
from experiments.commands.finetune.unfinished import alpha_folder
from neftune.training.files import write_atomic

Comparison = Mapping[str, Any]
TITLES = {"train": "trained on", "held_out": "held out", "other": "other file"}


def compare(inputs: Inputs, folder: Path) -> Comparison:
    """Compare the models of a command.

    Args:
        inputs: the command.
        folder: of the models' folders.

    Returns:
        The content of `comparison.json`. The first alpha is the one that others are compared with.
    """
    losses, answers = (
        {alpha: _read(alpha_folder(folder, alpha) / name) for alpha in inputs.alphas}
        for name in (LOSSES, ANSWERS)
    )
    first = inputs.alphas[0]
    settings = json.loads((alpha_folder(folder, first) / "training_settings.json").read_text())
    return {
        "arguments": dict(inputs.settings),
        "alphas": inputs.alphas,
        "parameters": settings["parameters"],
        "examples": settings["examples"],
        "steps": settings["steps"],
        "losses": {
            name: _losses({alpha: found["each"][name] for alpha, found in losses.items()}, first)
            for name in losses[first]["each"]
        },
        "answers": _lengths(answers, first),
        "prompts": [
            {
                "instruction": asked["instruction"],
                "input": asked["input"],
                "reference": asked["reference"],
                "by alpha": {alpha: answers[alpha][place] for alpha in inputs.alphas},
            }
            for place, asked in enumerate(answers[first])
        ],
    }


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _losses(each: Mapping[str, Mapping[str, list[float]]], first: str) -> dict[str, Any]:
    """The losses of one set of examples, by alpha."""
    tokens = each[first]["tokens"]
    return {
        "examples": len(tokens),
        "tokens": sum(tokens),
        "before": float(np.average(each[first]["before"], weights=tokens)),
        "by alpha": {
            alpha: {
                "after": float(np.average(found["after"], weights=tokens)),
                "after minus before": _paired(found["before"], found["after"], tokens),
                "minus the first alpha": _paired(each[first]["after"], found["after"], tokens),
            }
            for alpha, found in each.items()
        },
    }


def _lengths(answers: Mapping[str, list[dict[str, Any]]], first: str) -> dict[str, Any]:
    """How long the answers of each alpha are, and the file's own."""

    def measured(rows: Sequence[Mapping[str, Any]], text: str, tokens: str) -> dict[str, list[int]]:
        return {
            "tokens": [row[tokens] for row in rows],
            "characters": [len(row[text]) for row in rows],
        }

    every = {alpha: measured(rows, "answer", "tokens") for alpha, rows in answers.items()}
    own = measured(answers[first], "reference", "reference_tokens")
    ones = [1] * len(answers[first])
    return {
        "prompts": len(ones),
        "the file's own": {name: float(np.mean(values)) for name, values in own.items()},
        "by alpha": {
            alpha: {
                **{name: float(np.mean(values)) for name, values in found.items()},
                "ended": sum(row["ended"] for row in answers[alpha]),
                "minus the first alpha": {
                    name: _paired(every[first][name], values, ones)
                    for name, values in found.items()
                },
            }
            for alpha, found in every.items()
        },
    }


def _paired(first: ArrayLike, second: ArrayLike, weights: ArrayLike) -> dict[str, float]:
    """The weighted mean of `second` minus `first`, with the interval of a bootstrap over items."""
    weight = np.asarray(weights, dtype=np.float64)
    difference = (np.asarray(second, np.float64) - np.asarray(first, np.float64)) * weight
    drawn = resamples(len(weight))
    draws = difference[drawn].sum(1) / weight[drawn].sum(1)
    return asdict(percentile_estimate(float(difference.sum() / weight.sum()), draws))


def write(comparison: Comparison, folder: Path) -> None:
    """Write `comparison.json` and, for readers, `comparison.md` into a folder."""
    content = json.dumps(comparison, indent=1, ensure_ascii=False) + "\n"
    write_atomic(folder / "comparison.json", content)
    text = markdown(comparison, prompts=len(comparison["prompts"]), characters=2000)
    write_atomic(folder / "comparison.md", text + "\n")


def markdown(comparison: Comparison, prompts: int, characters: int) -> str:
    """A comparison for readers.

    Args:
        comparison: from `compare`.
        prompts: how many prompts are shown with their answers.
        characters: how many of each text are shown.
    """
    arguments, alphas = comparison["arguments"], comparison["alphas"]
    several = len(alphas) > 1
    seed = "The intervals do not cover what another seed would change."
    lines = [
        f"# {arguments['model']} fine-tuned on {arguments['dataset_file']}, "
        f"alpha {' and '.join(alphas)}",
        "",
        f"{comparison['parameters']:,} parameters, {comparison['examples']:,} examples, "
        f"{comparison['steps']:,} steps, learning rate {arguments['lr']:g}, "
        f"seed {arguments['seed']}.",
        "",
        "## Losses without noise",
        "",
        "The mean loss a token in nats. In brackets are 95% intervals of differences, paired by "
        f"example. {seed if several else ''}".strip(),
        "",
        markdown_table(loss_rows(comparison)),
        "",
        "## Answers to held-out prompts",
        "",
        f"Greedy, with a repetition penalty of {DECODING.repetition_penalty:g} and at most "
        f"{DECODING.max_new_tokens} tokens, to {comparison['answers']['prompts']} prompts. Lengths "
        "are means.",
        "",
        markdown_table(answer_rows(comparison)),
    ]
    for number, each in enumerate(comparison["prompts"][:prompts], start=1):
        asked = " ".join(filter(None, (each["instruction"], each["input"])))
        lines += ["", f"### {number}. {_shown(asked, characters)}", ""]
        lines.append(f"- the file's own answer: {_shown(each['reference'], characters)}")
        for alpha, found in each["by alpha"].items():
            end = "" if found["ended"] else ", cut"
            text = _shown(found["answer"], characters)
            lines.append(f"- alpha {alpha} ({found['tokens']} tokens{end}): {text}")
    return "\n".join(lines)


def _against(alphas: Sequence[str], what: str = "") -> list[str]:
    """The head of the column of differences from the first alpha, where there are several."""
    return [f"{what}minus alpha {alphas[0]}"] if len(alphas) > 1 else []


def loss_rows(comparison: Comparison) -> list[list[str]]:
    """The losses without noise as rows of text, by set and alpha."""
    alphas = comparison["alphas"]
    rows = [["examples", "alpha", "before", "after", "after minus before", *_against(alphas)]]
    for name, found in comparison["losses"].items():
        for alpha in alphas:
            each = found["by alpha"][alpha]
            row = [f"{TITLES[name]} ({found['examples']})", alpha, f"{found['before']:.3f}"]
            row += [f"{each['after']:.3f}", estimate_text(each["after minus before"], 3, sign=True)]
            if len(alphas) > 1:
                other = estimate_text(each["minus the first alpha"], 3, sign=True)
                row.append("" if alpha == alphas[0] else other)
            rows.append(row)
    return rows


def answer_rows(comparison: Comparison) -> list[list[str]]:
    """The lengths of answers as rows of text, by alpha."""
    alphas, answers = comparison["alphas"], comparison["answers"]
    heads = [head for what in ("tokens", "characters") for head in (what, *_against(alphas))]
    rows = [["answers", *heads, "ended by themselves"]]
    own = answers["the file's own"]
    for alpha in (None, *alphas):
        each = own if alpha is None else answers["by alpha"][alpha]
        row = ["the file's own" if alpha is None else f"alpha {alpha}"]
        for what in ("tokens", "characters"):
            row.append(f"{each[what]:.1f}")
            if len(alphas) > 1:
                empty = alpha in (None, alphas[0])
                row.append(
                    "" if empty else estimate_text(each["minus the first alpha"][what], 1, True)
                )
        ended = "" if alpha is None else f"{each['ended']} of {answers['prompts']}"
        rows.append([*row, ended])
    return rows


def _shown(text: str, characters: int) -> str:
    """A text in one line, without control characters, and cut."""
    line = "".join(c for c in " ".join(text.split()) if c.isprintable())
    return line if len(line) <= characters else f"{line[:characters]} …"
