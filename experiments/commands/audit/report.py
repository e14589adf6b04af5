"""The audit for readers: tables in Markdown and CSV.

markdown(models, pairs)
model_rows(models)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.official_values import LEADERBOARDS
from experiments.cells.markdown import estimate_text, markdown_table
from experiments.commands.audit.measures import official_values
from experiments.published import TABLE_1, TABLE_2, TABLE_4, TABLE_5

ALPACA_PAIR = ("alpaca-7b", "alpaca-7b-neft")
CHAT_PAIR = ("llama-2-7b-chat-hf", "llama-2-chat-7b-evol70k-neft")
PAIRS = (ALPACA_PAIR, CHAT_PAIR)
DECODED = (
    "those of the model with noise name a repetition penalty of 1.2 and a temperature of 0.1, "
    "those of the other none"
)
CONFOUNDED = {
    " -> ".join(ALPACA_PAIR): "`alpaca-7b` is Stanford's model, made by Stanford's recipe; "
    "`alpaca-7b-neft` is the NEFTune authors'. The two differ in hyperparameters as well as in the "
    f"noise: the paper's own baseline of this kind has {TABLE_5['Alpaca-7B'][0]:.2f}. They differ "
    f"in decoding, too, as far as the files tell: {DECODED}.",
    " -> ".join(CHAT_PAIR): "`llama-2-7b-chat-hf` is Meta's model before any tuning on "
    "Evol-Instruct. The pair mixes that tuning with the noise: the paper's own "
    "baseline, tuned on Evol-Instruct without noise, has "
    f"{TABLE_2['Evol-Instruct']['llama-2-chat-7b']:.2f}. Decoding may differ, too: {DECODED}.",
}
"""What each public pair confounds with the noise."""

PROMPTED = {"alpaca-7b": ("alpaca-7b_verbose", "alpaca-7b_concise")}
"""Public models of which a leaderboard has values with a prompt for long and for short answers."""


def _number(value: float | None, form: str = "g") -> str:
    return "" if value is None else format(value, form)


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

    def published(label: str, source: str, *path: str) -> list[str]:
        texts = [label]
        for record in models.values():
            value: Any = record[source]
            for step in path:
                value = (value or {}).get(step)
            texts.append(_number(value))
        return texts

    interval = "{value:.2f} [{low:.2f}, {high:.2f}]"
    first = "AlpacaEval 1"
    rows = [
        row("win rate, recomputed", "{:.2f}", "win_rate"),
        published("win rate, public leaderboard", "official", first, "win_rate"),
        published("win rate, paper", "paper", "win_rate"),
        ["win rate, paper's Table 1 (LLaMA-2 7B on Alpaca)", *(_table_1(name) for name in models)],
        row("standard error", "{:.2f}", "standard_error"),
        row("win rate with interval", interval, "win_rate_interval"),
        row("length-controlled, our fit", interval, "length_controlled"),
        published("length-controlled, official", "official", first, "length_controlled"),
        row("verdicts", "{}", "verdicts"),
        row("missing verdicts", "{}", "missing_verdicts"),
        row("draws", "{}", "draws"),
        row("mean characters", "{:.1f}", "characters"),
        published("mean characters, public", "official", first, "characters"),
        published("mean characters, paper", "paper", "characters"),
        row("mean words", "{:.1f}", "words"),
        row("responses of 50 words and more", "{}", "responses_of_50_words"),
        row("2-gram repetition, %", "{:.2f}", "repetition_2"),
        row("3-gram repetition, %", "{:.2f}", "repetition_3"),
        row("4-gram repetition, %", "{:.2f}", "repetition_4"),
        row("log-diversity, as published", "{:.2f}", "log_diversity"),
        row("log-diversity, plain", "{:.2f}", "plain_log_diversity"),
    ]
    return [texts for texts in rows if any(texts[1:])]


def official_rows(names: Sequence[str]) -> list[list[str]]:
    """The official values of models, and of the same models when asked for long or short answers.

    Only the title, where no leaderboard lists any of them.
    """
    titles = ["", *(f"{board}, {what}" for board in LEADERBOARDS for what in ("raw", "controlled"))]
    rows = [titles]
    for name in (one for model in names for one in (model, *PROMPTED.get(model, ()))):
        found = official_values(name)
        values = [
            found.get(board, {}).get(what)
            for board in LEADERBOARDS
            for what in ("win_rate", "length_controlled")
        ]
        if found:
            rows.append([name, *(_number(value, ".2f") or "–" for value in values)])
    return rows


def forms_rows(pair: Mapping[str, Any]) -> list[list[str]]:
    """What is left of a difference at equal length, by the form in which length enters."""
    forms = pair["length_controlled_forms"]
    return [
        ["length difference enters as", "left at equal length, points"],
        *([form, estimate_text(found, 1, sign=True)] for form, found in forms.items()),
    ]


def _interval(estimate: Mapping[str, float]) -> str:
    return "{value:.1f} [{low:.1f}, {high:.1f}]".format(**estimate)


def markdown(models: Mapping[str, Any], pairs: Mapping[str, Any]) -> str:
    """The audit for readers.

    Args:
        models: by name, from `audit_model`.
        pairs: by "first -> second", from `audit_pair`.
    """
    judges = sorted({record["judge"] for record in models.values()})
    judge = " and ".join(judges)
    parts = [
        f"# {judge[0].upper()}{judge[1:]}'s verdicts, recomputed\n",
        "Recomputed from files in AlpacaEval's format. Repetition and diversity are measured on "
        "the first 50 words of the responses that have so many. Intervals are 95% intervals over "
        "instructions; there is one run of each model, so they do not cover what another seed "
        "would change.\n",
        markdown_table([["", *models], *model_rows(models)]) + "\n",
    ]
    known = official_rows(list(models))
    if len(known) > 1:
        parts += [
            "## Official values\n",
            "From the leaderboards of the installed alpaca_eval: win rates, raw and controlled for "
            "length (Dubois et al. 2024). AlpacaEval 1 compares with text-davinci-003, "
            "AlpacaEval 2 with GPT-4 Turbo. Verbose and concise are the same model, asked for "
            "long or short answers.\n",
            markdown_table(known) + "\n",
            "Our fit is of the official model without the difficulty of instructions, whose file "
            "is not part of the package; docs/statistics.md says how far the two differ.\n",
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
            "What is left at equal length depends on the form of the model:\n",
            markdown_table(forms_rows(pair)) + "\n",
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
