"""The first page: what NEFTune is, and what was found, in three lanes that are never mixed.

    page = home()

The lanes are the paper's own models, GPT-4's public verdicts on models with and without the noise,
and what was measured here, in the laboratory and with small real models.
"""

from __future__ import annotations

import csv
from typing import Any

from experiments.paths import RESULTS
from experiments.published import ALPHA_GRID, TABLE_1
from experiments.site.pages import Fact, Page
from experiments.site.results import minus
from neftune.training.json_files import parse_json, read_text

PAIR = ("alpaca-7b", "alpaca-7b-neft")
"""The public pair that differs in the noise most nearly alone."""
ALPHA = "10"
"""Of the laboratory's gain: the least at which the noise is strong enough on all four sets."""
JUDGES = {
    "gpt-4": "the judge in GPT-4's role",
    "oracle": "an oracle that does not look at length",
}
SETS = ("alpaca", "evol-instruct", "sharegpt", "open-platypus")


def home() -> Page:
    """The first page."""
    real = _real()
    return Page(
        "index.html",
        "Overview",
        "home.html",
        {
            "paper": _paper(),
            "public": _public(),
            "laboratory": _laboratory(),
            "real": real,
            "told": _told(real),
        },
    )


def _json(name: str) -> Any:
    path = RESULTS / name
    return parse_json(read_text(path), path)


def _paper() -> list[Fact]:
    base, noise = TABLE_1["LLaMA-2 7B"], TABLE_1["+NEFT"]
    gains = [noise[name] - base[name] for name in SETS]
    return [
        Fact(
            "Win rate, LLaMA-2 7B on Alpaca",
            f"{base['alpaca']:.2f} → {noise['alpaca']:.2f}",
            "AlpacaEval, GPT-4 as judge",
        ),
        Fact(
            "Gain over four sets",
            f"{min(gains):+.1f} to {max(gains):+.1f} points",
            f"the best of alpha {', '.join(f'{alpha:g}' for alpha in ALPHA_GRID)}, chosen on the "
            "instructions that are reported",
        ),
    ]


def _public() -> list[Fact]:
    base, noise = (_json("audit/audit.json")["models"][name] for name in PAIR)
    return [
        Fact(
            "Win rate, recomputed",
            f"{base['win_rate']:.1f} → {noise['win_rate']:.1f}",
            f"{PAIR[0]} with {base['verdicts']} verdicts and {PAIR[1]} with {noise['verdicts']}; "
            "one run of each",
        ),
        Fact(
            "At equal length",
            f"{base['length_controlled']['value']:.1f} → {noise['length_controlled']['value']:.1f}",
            "length-controlled win rate, our fit",
        ),
        Fact(
            "Length of answers",
            f"{base['characters']:.0f} → {noise['characters']:.0f} characters",
            "AlpacaEval's 805 instructions",
        ),
    ]


def _laboratory() -> list[Fact]:
    found = _json("nano/claims.json")
    counts = found["verdicts"]
    tested = sum(counts.values()) - counts["not testable here"]
    return [
        *(_gain(found["claims"], judge, about) for judge, about in JUDGES.items()),
        Fact(
            "Claims that hold",
            f"{counts['holds']} of {tested} that could be tested",
            f"{counts['does not hold']} do not hold, {counts['not resolved']} are not resolved",
        ),
    ]


def _gain(claims: list[dict[str, Any]], judge: str, about: str) -> Fact:
    """The gain over the four sets by one judge."""
    claim = next(each for each in claims if (each["id"], each["judge"]) == ("conversation", judge))
    gain = next(each for each in claim["findings"] if each["alpha"] == ALPHA)
    return Fact(
        f"Gain over four sets at alpha {ALPHA}",
        minus(f"{gain['value']:+.1f} [{gain['low']:+.1f}, {gain['high']:+.1f}] points"),
        f"win rate by {about}, {claim['seeds']} seeds: {gain['verdict']}",
    )


def _real() -> list[list[str]]:
    """For each real model and alpha, the differences of each seed from itself without noise.

    Titles come first.
    """
    text = read_text(RESULTS / "findings" / "each-seed.csv")
    head, *rows = csv.reader(text.splitlines())
    return [head, *([minus(cell) for cell in row] for row in rows if row[1].startswith("alpha"))]


def _told(real: list[list[str]]) -> list[str]:
    """For each real model, what its largest alpha changes, each seed named."""
    head, *rows = real
    largest = {row[0]: dict(zip(head, row, strict=True)) for row in rows}

    def of(row: dict[str, str], name: str) -> str:
        *others, last = row[name].split(", ")
        return f"{', '.join(others)} and {last}" if others else last

    return [
        f"At {row['trained with']} the length of {model}'s answers changes by "
        f"{of(row, 'length, %')}%, its win rate by {of(row, 'win rate, points')} points, and at "
        f"equal length by {of(row, 'win rate at equal length, points')} points."
        for model, row in largest.items()
    ]
