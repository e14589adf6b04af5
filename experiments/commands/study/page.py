"""The blind study's page: one HTML file with everything in it, which asks nothing of any server.

write_page(study)                                    # runs/study/<study.key>/study.html

The page is made of the three files in `page/`. What it shows lies in it in Base64, so that nobody
who looks at its source reads by accident which answer is whose; no run is named in it at all. Its
Content Security Policy allows nothing but its own script and styles.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from string import Template

from experiments.commands.study.pairs import BlindStudy
from neftune.training.files import write_atomic

PARTS = Path(__file__).parent / "page"


def write_page(study: BlindStudy) -> Path:
    """Write the page of a study."""
    path = study.folder / "study.html"
    write_atomic(path, page(study))
    return path


def page(study: BlindStudy) -> str:
    """The page as HTML; the same study gives the same bytes."""
    style, script = ((PARTS / f"study.{kind}").read_text("utf-8") for kind in ("css", "js"))
    return Template((PARTS / "study.html").read_text("utf-8")).substitute(
        style=style,
        style_hash=_policy_hash(style),
        script=script,
        script_hash=_policy_hash(script),
        study=base64.b64encode(json.dumps(_shown(study), ensure_ascii=False).encode()).decode(),
    )


def _shown(study: BlindStudy) -> dict[str, object]:
    """What the script reads."""
    return {
        "study": study.key,
        "notice": study.notice,
        "pairs": [[p.instruction, p.output_1, p.output_2] for p in study.drawn.pairs],
        "showings": [[s.pair, s.second_is_a, s.repeat] for s in study.drawn.showings],
    }


def _policy_hash(content: str) -> str:
    """The name by which a Content Security Policy allows one script or style element."""
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"
