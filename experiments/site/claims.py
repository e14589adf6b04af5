"""The claims as a forest plot: differences, the smallest change that matters, verdicts.

    page = claims_page()

The page draws what `make claims` committed; rules and words are those of `experiments/claims/`.
"""

from __future__ import annotations

import json

from experiments.paths import RESULTS
from experiments.site.pages import Page
from neftune.training.json_files import read_text

FILE = RESULTS / "nano" / "claims.json"


def claims_page() -> Page:
    """The page of claims."""
    # What was not measured is NaN there, which is no JSON.
    found = json.loads(read_text(FILE), parse_constant=lambda _: None)
    alphas = list(dict.fromkeys(alpha for claim in found["claims"] for alpha in claim["alphas"]))
    return Page(
        "claims.html",
        "Claims",
        "claims.html",
        {
            "verdicts": found["verdicts"],
            "judges": found["judges"],
            "premises": found["premises"],
            "alphas": alphas,
        },
        {"claims": found["claims"]},
        scripts=("claims.js",),
    )
