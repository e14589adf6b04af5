"""A page for each committed table and figure, and the list of them.

    pages = [*result_pages(), listing()]

A page is the result's own Markdown with its picture, and what leads back to the numbers: files to
download, where they came from, and the command that gives them again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from markdown import Markdown
from markupsafe import Markup, escape

from experiments.artifacts import ARTIFACTS
from experiments.paths import RESULTS
from experiments.site.dumbbells import dumbbells
from experiments.site.pages import Page
from experiments.site.pictures import message, picture
from neftune.training.json_files import parse_json, read_text

GROUPS = {
    "findings": "Ours beside the paper's and others' numbers",
    "small": "Two small real models",
    "nano": "The laboratory",
    "audit": "GPT-4's public verdicts on NEFTune models",
    "public-judge": "The judge that is fitted to public verdicts",
    "dose": "What the noise does before any training",
}
"""The folders of results, in the order of the list."""
CELL = re.compile(r"<td>[^<]*</td>")
HYPHEN = re.compile(r"(?<![\w.)-])-(?=\d)")
LONG_WORD = re.compile(r"[^\s<>&]{30,}")
PIECE = 15
"""Characters of a long word that stay together."""
IMAGE = re.compile(r"^!\[[^\]]*\]\(([^)]*)\.png\)[^\S\n]*$", re.MULTILINE)
LONG_TABLE = 30
"""Rows beyond which a table scrolls in a frame of its own."""
MADE = re.compile("^Made by [^;]*; do not edit. ")
NO_BREAK = "\xa0"
MARKS = str.maketrans("", "", "`*")
"""Of Markdown, in a line of plain text."""


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

    @cached_property
    def message(self) -> str:
        """What its picture says; empty where it has none."""
        drawn = self.path.with_suffix(".svg")
        return message(read_text(drawn)) if drawn.exists() else ""

    @property
    def pictures(self) -> list[str]:
        """The names of the pictures in its text."""
        return IMAGE.findall(self.text)

    @property
    def summary(self) -> str:
        """What it is about, as plain text, without its message."""
        said = MADE.sub("", Markup(self.about.translate(MARKS)).striptags())
        return said.removeprefix(f"{self.message.replace(NO_BREAK, ' ')}.").strip()

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


def breakable(word: re.Match[str]) -> str:
    """A long word, such as an address, that may be broken where a line ends."""
    text = word[0]
    return "<wbr>".join(text[at : at + PIECE] for at in range(0, len(text), PIECE))


def minus(text: str) -> str:
    """Numbers with a minus sign in place of a hyphen."""
    return HYPHEN.sub("−", text)


def html(markdown: str) -> Markup:
    """Markdown as HTML, with tables in frames that scroll."""
    made = Markdown(extensions=["tables", "md_in_html"]).convert(markdown)
    if "<h2" not in made.partition("<h3")[0]:
        # A page's title is followed by headings of the second level.
        made = re.sub(r"(</?h)3>", r"\g<1>2>", made)
    # A header without a name is none.
    made = made.replace("<th></th>", "<td></td>")
    made = CELL.sub(lambda cell: LONG_WORD.sub(breakable, minus(cell[0])), made)
    return Markup(re.sub(r"<table>.*?</table>", _framed, made, flags=re.DOTALL))


def _framed(table: re.Match[str]) -> str:
    look = "wide long" if table[0].count("<tr>") > LONG_TABLE else "wide"
    return f'<div class="{look}" tabindex="0">{table[0]}</div>'


def result_pages() -> list[Page]:
    """A page for each result."""
    return [_page(result) for result in found()]


def _page(result: Result) -> Page:
    folder, place = Path(result.page).parent, result.path.parent
    files: dict[str, Path | str | bytes] = {}
    shown = {}
    for name in dict.fromkeys([result.name, *result.pictures]):
        drawn = place / f"{name}.svg"
        if drawn.exists():
            file, content = picture(drawn)
            files[str(folder / file)] = content
            shown[name] = {"file": file, "message": message(read_text(drawn))}
    # The page has the title itself, and the result's own picture comes first.
    first = shown.get(result.name)
    body = IMAGE.sub(lambda image: _figure(shown, result, image[1]), result.text)
    table = result.path.with_suffix(".csv")
    if table.exists():
        files[str(folder / table.name)] = table
    return Page(
        result.page,
        result.title,
        "result.html",
        {
            "result": result,
            "body": html(_without_links(body)),
            "picture": first,
            "dumbbells": dumbbells(_data(result.path)),
            "downloads": sorted(Path(file).name for file in files),
            "versions": result.provenance.get("versions", {}),
            "group": GROUPS[result.group],
        },
        files=files,
    )


def _data(result: Path) -> Any:
    source = result.with_suffix(".json")
    return parse_json(read_text(source), source) if source.exists() else None


def _figure(shown: Mapping[str, Mapping[str, str]], result: Result, name: str) -> str:
    """A picture within the text, but for the first one, which stands above it."""
    if name == result.name or name not in shown:
        return ""
    file, said = shown[name]["file"], shown[name]["message"]
    alt = escape(f"{said}; its numbers are in the tables of this page")
    return f'<figure><div class="paper" tabindex="0"><img src="{file}" alt="{alt}"></div></figure>'


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
