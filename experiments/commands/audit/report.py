"""The audit for readers: tables in Markdown and CSV.

markdown(models, pairs)
model_rows(models)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.cells.markdown import markdown_table
from experiments.published import TABLE_1, TABLE_2, TABLE_4, TABLE_5

ALPACA_PAIR = ("alpaca-7b", "alpaca-7b-neft")
CHAT_PAIR = ("llama-2-7b-chat-hf", "llama-2-chat-7b-evol70k-neft")
PAIRS = (ALPACA_PAIR, CHAT_PAIR)
CONFOUNDED = {
    " -> ".join(ALPACA_PAIR): "`alpaca-7b` is Stanford's model, made by Stanford's recipe; "
    "`alpaca-7b-neft` is the NEFTune authors'. The two differ in the recipe as well as in the "
    f"noise: the paper's own baseline of this kind has {TABLE_5['Alpaca-7B'][0]:.2f}.",
    " -> ".join(CHAT_PAIR): "`llama-2-7b-chat-hf` is Meta's model before any tuning on "
    "Evol-Instruct. The two differ in that tuning as well as in the noise: the paper's own "
    "baseline, tuned on Evol-Instruct without noise, has "
    f"{TABLE_2['Evol-Instruct']['llama-2-chat-7b']:.2f}.",
}
"""What each public pair confounds with the noise."""


def _published(record: Mapping[str, Any], where: str, what: str) -> str:
    value = (record["published"][where] or {}).get(what)
    return "" if value is None else f"{value:g}"


def _table_1(model: str) -> str:
    row = {"alpaca-7b": "LLaMA-2 7B", "alpaca-7b-neft": "+NEFT"}.get(model)
    return f"{TABLE_1[row]['alpaca']:g}" if row else ""


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


def _interval(estimate: Mapping[str, float]) -> str:
    return "{value:.1f} [{low:.1f}, {high:.1f}]".format(**estimate)


def markdown(models: Mapping[str, Any], pairs: Mapping[str, Any]) -> str:
    """The audit for readers.

    Args:
        models: by name, from `audit_model`.
        pairs: by "first -> second", from `audit_pair`.
    """
    parts = [
        "# GPT-4's public verdicts, recomputed\n",
        "Recomputed from AlpacaEval's public files: reference text-davinci-003, judge GPT-4. "
        "Repetition and diversity are measured on the first 50 words of the responses that have so "
        "many. Intervals are 95% bootstrap intervals over instructions.\n",
        markdown_table([["", *models], *model_rows(models)]) + "\n",
        "The public length-controlled numbers also control for the difficulty of each instruction, "
        "estimated from the verdicts on many other models. Ours do not (formula: "
        "`analysis/length_control.py`), so the two differ, most for the chat models, few of whose "
        "answers are as short as the reference's.\n",
    ]
    if set(ALPACA_PAIR) <= set(models):
        parts += [
            "The paper's Table 4 (LLaMA-2 7B on Alpaca; the public models are LLaMA-1 7B):\n",
            markdown_table(_beside_table_4(models)) + "\n",
        ]
    for name, pair in pairs.items():
        parts += [f"## {name}\n", f"**{pair['statement']}**\n"]
        parts += [f"{CONFOUNDED[name]}\n"] if name in CONFOUNDED else []
        test = pair["mcnemar"]
        parts += [
            f"Answers are longer by {pair['longer_by']:.0f} characters on average. McNemar's exact "
            f"test on instructions that only one of the two wins: {test['only_first']} against "
            f"{test['only_second']}, p = {test['p']:.2g}.\n",
            markdown_table(_subset_rows(pair)) + "\n",
            f"![win rate against length]({picture(name)}.png)\n",
        ]
    return "\n".join(parts)


def _beside_table_4(models: Mapping[str, Any]) -> list[list[str]]:
    rows = [["", "words", "Table 4", "2-gram rep. %", "Table 4", "log-diversity", "Table 4"]]
    for name, arm in zip(ALPACA_PAIR, ("LLaMA-2 7B", "+NEFT"), strict=True):
        model = models[name]
        row = [name]
        for key, published, digits in (
            ("words", "words", 1),
            ("repetition_2", "2-gram repetition", 2),
            ("log_diversity", "log-diversity", 2),
        ):
            row += [f"{model[key]:.{digits}f}", f"{TABLE_4[arm][published]['alpaca']:g}"]
        rows.append(row)
    return rows


def _subset_rows(pair: Mapping[str, Any]) -> list[list[str]]:
    rows = [["subset", "instructions", "before", "after", "gain"]]
    for subset, found in pair["subsets"].items():
        estimates = (
            _interval(found[key]) if key in found else "no verdicts"
            for key in ("before", "after", "gain")
        )
        rows.append([subset, str(found["instructions"]), *estimates])
    return rows


def picture(pair: str) -> str:
    """The name of a pair's picture, without a suffix."""
    return pair.replace(" -> ", "-to-")
