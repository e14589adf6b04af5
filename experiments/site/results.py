"""A page for each committed table and figure, and the list of them.

    pages = [*result_pages(), listing()]

A page is the result's own Markdown with its picture, and what leads back to the numbers: files to
download, where they came from, and the command that gives them again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from markdown import Markdown
from markupsafe import Markup

from experiments.artifacts import ARTIFACTS
from experiments.paths import RESULTS
from experiments.site.pages import Page
from neftune.training.json_files import parse_json, read_text

GROUPS = {
    "findings": "Real models, the laboratory and the paper, by dose",
    "small": "Two small real models",
    "nano": "The laboratory",
    "audit": "GPT-4's public verdicts on NEFTune models",
    "public-judge": "The judge that is fitted to public verdicts",
    "dose": "What the noise does before any training",
}
"""The folders of results, in the order of the list."""
LARGE = 400_000
"""Bytes of an SVG beyond which the site has the PNG, which is about half as large then."""
HUNDREDTHS = re.compile(r"(\d\.\d\d)\d+")
IMAGE = re.compile(r"^!\[[^\]]*\]\([^)]*\)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Result:
    """A table or figure that is committed.

    Args:
        path: of its Markdown file.
        title: its first heading.
        text: the rest of it.
        about: its first paragraph.
        provenance: where it came from.
    """

    path: Path
    title: str
    text: str
    about: str
    provenance: dict[str, Any]

    @property
    def name(self) -> str:
        """Its own, without a folder."""
        return self.path.stem

    @property
    def group(self) -> str:
        """The folder that it lies in."""
        return self.path.relative_to(RESULTS).parts[0]

    @property
    def page(self) -> str:
        """Where its page is, below the site."""
        return f"results/{self.path.relative_to(RESULTS).with_suffix('.html').as_posix()}"


@cache
def found() -> tuple[Result, ...]:
    """Every committed result, by group, then as the paper has them."""
    paths = [
        path for path in RESULTS.rglob("*.md") if path.with_suffix(".provenance.json").exists()
    ]
    return tuple(sorted((_read(path) for path in paths), key=_place))


def _place(result: Result) -> tuple[int, int, str]:
    order = {name: number for number, name in enumerate(ARTIFACTS)}
    return list(GROUPS).index(result.group), order.get(result.name, -1), result.name


def _read(path: Path) -> Result:
    title, _, text = read_text(path).partition("\n")
    paragraphs = [each.strip() for each in text.split("\n\n")]
    about = next((each for each in paragraphs if each[:1] not in ("|", "!", "#", "")), "")
    source = path.with_suffix(".provenance.json")
    provenance = parse_json(read_text(source), source)
    return Result(path, title.removeprefix("# "), text, about, provenance)


def html(markdown: str) -> Markup:
    """Markdown as HTML, with tables in frames that scroll."""
    made = Markdown(extensions=["tables", "md_in_html"]).convert(markdown)
    # A header without a name is none.
    made = made.replace("<th></th>", "<td></td>")
    return Markup(
        re.sub(
            r"<table>.*?</table>",
            r'<div class="wide" tabindex="0">\g<0></div>',
            made,
            flags=re.DOTALL,
        )
    )


def result_pages() -> list[Page]:
    """A page for each result."""
    return [_page(result) for result in found()]


def _page(result: Result) -> Page:
    # The page has the title itself; the picture comes first, as SVG.
    body = IMAGE.sub("", result.text)
    picture = _picture(result.path)
    downloads = [path for path in (result.path.with_suffix(".csv"), picture) if path.exists()]
    folder = Path(result.page).parent
    files = {
        str(folder / path.name): compact(read_text(path)) if path.suffix == ".svg" else path
        for path in downloads
    }
    return Page(
        result.page,
        result.title,
        "result.html",
        {
            "result": result,
            "body": html(_without_links(body)),
            "picture": picture.name if picture.exists() else None,
            "downloads": [path.name for path in downloads],
            "versions": result.provenance.get("versions", {}),
            "group": GROUPS[result.group],
        },
        files=files,
    )


def _picture(result: Path) -> Path:
    """A result's picture: as SVG, or as PNG where the SVG draws so much that it is larger."""
    drawn = result.with_suffix(".svg")
    large = drawn.exists() and drawn.stat().st_size > LARGE
    return result.with_suffix(".png") if large else drawn


def compact(svg: str) -> str:
    """A picture with coordinates to a hundredth of a point, and without indentation."""

    def shorter(found: re.Match[str]) -> str:
        plain = re.sub(r"\s*\n\s*", " ", found[2])
        return f'{found[1]}="{HUNDREDTHS.sub(lambda each: each[1], plain)}"'

    return re.sub(r"\n\s+", "\n", re.sub(r'(?<= )(d|x|y)="([^"]*)"', shorter, svg))


def _without_links(markdown: str) -> str:
    """Links to other files of the repository, which are not on the site, as their text."""
    return re.sub(r"\[([^\]]+)\]\((?!https?:)[^)]*\)", r"\1", markdown)


def listing() -> Page:
    """The list of all results."""
    groups = {
        title: [result for result in found() if result.group == name]
        for name, title in GROUPS.items()
    }
    return Page("results.html", "Results", "results.html", {"groups": groups})
