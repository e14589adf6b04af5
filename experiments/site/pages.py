"""A page of the site, and how all of them are written.

    page = Page("claims.html", "Claims", "claims.html", {"charts": {"forest": spec}})
    write([page], Path("runs/site"))

A page's data stand in the page itself, as JSON, since a browser that opens a page from a file
reads no other file but scripts, styles and pictures.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

HERE = Path(__file__).parent
STATIC = HERE / "static"
CHARTS = "vega.js"
"""The script that draws charts, for pages that have some."""


@dataclass(frozen=True)
class Fact:
    """A number that stands out on a page.

    Args:
        name: what it is.
        value: as text.
        note: what must be known beside it.
    """

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Page:
    """A page of the site.

    Args:
        path: where it is written, below the site.
        title: for readers.
        template: in `templates/`.
        values: what the template shows.
        data: what the page's scripts read, as JSON.
        scripts: names in `static/`, in their order.
        files: what lies beside the page: by path below the site, the file that is copied or the
            text or bytes that are written.
    """

    path: str
    title: str
    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    scripts: Sequence[str] = ()
    files: Mapping[str, Path | str | bytes] = field(default_factory=dict)

    @property
    def root(self) -> str:
        """The way from the page to the site's own folder."""
        return "../" * self.path.count("/")


def write(pages: Sequence[Page], out: Path, menu: Sequence[Page]) -> None:
    """Write pages and what they need into a folder, which is replaced.

    Args:
        pages: all of them.
        out: the site's folder.
        menu: those that every page links.
    """
    staged = out.with_name(f".{out.name}.new")
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    templates = environment()
    for page in pages:
        text = templates.get_template(page.template).render(page=page, menu=menu, **page.values)
        _put(staged / page.path, text)
        for path, content in page.files.items():
            _put(staged / path, content)
    names = {name for page in pages for name in page.scripts} - {CHARTS}
    for name in ("style.css", "site.js", *sorted(names)):
        _put(staged / "static" / name, STATIC / name)
    if any(CHARTS in page.scripts for page in pages):
        _put(staged / "static" / CHARTS, charts_script())
    shutil.rmtree(out, ignore_errors=True)
    staged.rename(out)


def environment() -> Environment:
    """Jinja with the templates of this folder, which refuses names that are not given."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["json"] = json_text
    return made


def _put(path: Path, content: Path | str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, Path):
        shutil.copyfile(content, path)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content, encoding="utf-8")


def json_text(value: Any) -> Markup:
    """JSON that can stand within a script element, which a `</` would end."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("</", "<\\/").replace("<!--", "<\\!--"))


def charts_script() -> str:
    """Vega, Vega-Lite and vega-embed as one script, which sets `vegaEmbed`."""
    import vl_convert

    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return f"(() => {{{bundle}}})();\n"
