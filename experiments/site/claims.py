"""The claims as a forest plot: differences, the smallest change that matters, verdicts.

    page = claims_page()

The page draws what `make claims` committed, at every scale that has a `claims.json`; rules and
words are those of `experiments/claims/`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.claims.premises import CHOSEN
from experiments.paths import RESULTS
from experiments.site.pages import Page
from neftune.training.json_files import parse_json, read_text


@dataclass(frozen=True)
class About:
    """What readers must know of the claims of a scale.

    Args:
        title: what was measured on, in a few words.
        models: the models, in a sentence.
        before: before what the rules were stated.
    """

    title: str
    models: str
    before: str


SCALES = {
    "nano": About(
        "the laboratory",
        "Models of 2.4 to 5.7 million parameters, which know a made-up world, were tuned with and "
        "without noise in place of the paper's 7B models.",
        "any outcome with noise was looked at",
    ),
    "small": About(
        "two small real models",
        "gemma-3-270m and SmolLM2-135M-Instruct were tuned on real rows of Alpaca with and without "
        "noise, in place of the paper's 7B models.",
        "any outcome of a real model with noise was looked at",
    ),
    "paper": About(
        "the paper's models",
        "The paper's own models were tuned with and without noise.",
        "anything was trained",
    ),
}
"""In the order in which they can be chosen."""


def claims_page(results: Path = RESULTS) -> Page:
    """The page of claims.

    Args:
        results: the folder of results, with those of each scale below it.
    """
    found = [_claims(results, scale) for scale in SCALES if _file(results, scale).is_file()]
    return Page(
        "claims.html",
        "Claims",
        "claims.html",
        {"scales": found},
        {"scales": found},
        scripts=("claims.js",),
    )


def _file(results: Path, scale: str) -> Path:
    return results / scale / "claims.json"


def _claims(results: Path, scale: str) -> dict[str, Any]:
    """The claims of a scale, with what is said of them and what can be chosen."""
    path, about = _file(results, scale), SCALES[scale]
    data = parse_json(read_text(path), path)
    return {
        "name": scale,
        "title": about.title,
        "models": about.models,
        "before": about.before,
        "commit": data["premises"]["commit"],
        "verdicts": data["verdicts"],
        "judges": data["judges"],
        "alphas": _alphas(data["claims"]),
        "tables": path.with_suffix(".provenance.json").is_file(),
        "claims": data["claims"],
    }


def _alphas(claims: list[dict[str, Any]]) -> list[str]:
    """Those at which some claims are asked, in their order, and the chosen one last."""
    found = dict.fromkeys(finding["alpha"] for claim in claims for finding in claim["findings"])
    return sorted(found, key=lambda each: (each == CHOSEN, 0 if each == CHOSEN else float(each)))
