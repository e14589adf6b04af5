"""Every published comparison with and without NEFTune that could be traced, beside ours.

    page = evidence_page()

The comparisons are those that `make evidence` committed.
"""

from __future__ import annotations

from typing import Any

from experiments.paths import RESULTS
from experiments.site.pages import Page
from neftune.training.json_files import parse_json, read_text

FILE = RESULTS / "findings" / "evidence.json"
GROUPS = {"authors": "the method's authors", "independent": "others", "here": "this project"}


def evidence_page() -> Page:
    """The page of evidence."""
    entries: list[dict[str, Any]] = parse_json(read_text(FILE), FILE)["comparisons"]
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
            "comparisons": entries,
            "groups": GROUPS,
        },
        scripts=("evidence.js",),
    )
