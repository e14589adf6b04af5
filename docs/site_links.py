"""A hook of the documentation's site: pictures of results come along, other links out become text.

Pages of this folder link to results and benchmarks beside it, and to scripts within it, which the
site does not have.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

PICTURE = re.compile(r"!\[([^\]]*)\]\(\.\./([\w/.-]+\.(?:png|svg))\)")
"""A picture beside the folder, on a page that lies in the folder itself."""
OUT = re.compile(r"(?<!!)\[([^\]]+)\]\((?:\.\./(?!\w+\.md)|(?=[\w/]+\.py\)))([^)#]+)[^)]*\)")
"""A link to a script or out of the folder; `../page.md`, from a folder within it, stays.

A picture elsewhere stays, too, so that the build, which is strict, fails on it.
"""


def on_files(files: Files, config: Any) -> Files:
    """The site's files with the pictures that pages show; mkdocs calls it once."""
    root = Path(config["docs_dir"]).parent
    for page in list(files.documentation_pages()):
        for picture in PICTURE.finditer(page.content_string):
            if files.get_file_from_path(picture[2]) is None:
                path = str(root / picture[2])
                files.append(File.generated(config, picture[2], abs_src_path=path))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """A page with such pictures where they are now, and such links as text."""
    return OUT.sub(
        lambda link: link[1] if link[1] == link[2] else f"{link[1]} (`{link[2]}`)",
        PICTURE.sub(r"![\1](\2)", markdown),
    )
