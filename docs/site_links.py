"""A hook of the documentation's site: links out of `docs/` become the path that they name.

Pages of this folder link to results and benchmarks beside it, which the site does not have.
"""

from __future__ import annotations

import re
from typing import Any

OUT = re.compile(r"\[([^\]]+)\]\(\.\./(?!\w+\.md)([^)#]+)[^)]*\)")
"""A link that leaves the folder; `../page.md`, from a folder within it, stays."""


def on_page_markdown(markdown: str, **_: Any) -> str:
    """A page with such links as text; mkdocs calls it for each."""
    return OUT.sub(
        lambda link: link[1] if link[1] == link[2] else f"{link[1]} (`{link[2]}`)", markdown
    )
