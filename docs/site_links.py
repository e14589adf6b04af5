"""A hook of the documentation's site: links to other files become the path that they name.

Pages of this folder link to results and benchmarks beside it, and to scripts within it, which the
site does not have.
"""

from __future__ import annotations

import re
from typing import Any

OUT = re.compile(r"\[([^\]]+)\]\((?:\.\./(?!\w+\.md)|(?=[\w/]+\.py\)))([^)#]+)[^)]*\)")
"""A link to a script or out of the folder; `../page.md`, from a folder within it, stays."""


def on_page_markdown(markdown: str, **_: Any) -> str:
    """A page with such links as text; mkdocs calls it for each."""
    return OUT.sub(
        lambda link: link[1] if link[1] == link[2] else f"{link[1]} (`{link[2]}`)", markdown
    )
