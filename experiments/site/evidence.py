"""Every published comparison with and without NEFTune that could be traced, beside ours.

    page = evidence_page()

The comparisons are those that `make evidence` committed.
"""

from __future__ import annotations

import json
from typing import Any

from experiments.paths import RESULTS
from experiments.site.pages import Page
from neftune.training.json_files import read_text

FILE = RESULTS / "findings" / "evidence.json"
SHOWN = (
    "id",
    "source",
    "authors",
    "year",
    "address",
    "group",
    "verified",
    "read",
    "model",
    "size_billions",
    "training_set",
    "rows",
    "epochs",
    "learning_rate",
    "tuning",
    "alpha",
    "length_rule",
    "library",
    "matched",
    "kind",
    "metric",
    "judge",
    "unit",
    "without",
    "with",
    "items",
    "variant",
    "note",
    "gain",
    "gain_low",
    "gain_high",
    "improves",
)
"""Of each comparison, on the page."""
GROUPS = {"authors": "the method's authors", "independent": "others", "here": "this project"}


def evidence_page() -> Page:
    """The page of evidence."""
    entries: list[dict[str, Any]] = json.loads(read_text(FILE))["comparisons"]
    verified = sum(each["verified"] for each in entries if each["group"] != "here")
    return Page(
        "evidence.html",
        "Evidence",
        "evidence.html",
        {
            "kinds": list(dict.fromkeys(each["kind"] for each in entries)),
            "groups": GROUPS,
            "published": sum(each["group"] != "here" for each in entries),
            "verified": verified,
            "ours": sum(each["group"] == "here" for each in entries),
        },
        {
            "comparisons": [{name: each[name] for name in SHOWN} for each in entries],
            "groups": GROUPS,
        },
        scripts=("evidence.js",),
    )
