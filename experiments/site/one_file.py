"""A report as one HTML file: sections with sentences, tables, a picture and answers.

    report = Report("LLaMA-2 7B on Alpaca", "Seed 0.", (Section("Cost", rows=[["", "s"], …]),))
    write_atomic(path, as_html(report))

The file holds its style, has no script and makes no request. The same report gives the same bytes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from jinja2 import Template
from markupsafe import Markup

from analysis.plots import STYLE, pyplot
from experiments.site.pages import HERE, STATIC, Fact, environment

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TEMPLATE = HERE / "templates" / "report.html"
OWN_STYLE = re.compile(r"\s*<defs>\s*<style[^>]*>.*?</style>\s*</defs>", re.DOTALL)


@dataclass(frozen=True)
class Answer:
    """An answer to a prompt.

    Args:
        who: whose it is.
        text: the answer.
        note: its length, its verdicts.
    """

    who: str
    text: str
    note: str = ""


@dataclass(frozen=True)
class Sample:
    """A prompt with answers to it."""

    asked: str
    answers: Sequence[Answer]


@dataclass(frozen=True)
class Section:
    """A part of a report; one without numbers says in its notes why there are none.

    Args:
        title: for readers.
        notes: sentences, of which `Markup` may hold links.
        rows: a table whose first row is its head.
        picture: an SVG, from `drawing`.
        samples: prompts with answers.
    """

    title: str
    notes: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    picture: Markup | None = None
    samples: Sequence[Sample] = ()


@dataclass(frozen=True)
class Report:
    """What `as_html` writes.

    Args:
        title: the heading.
        lead: what it is a report of, in a sentence or two.
        sections: in their order.
        facts: the few numbers that are looked for first.
        made_from: a hash of everything that the report was made from; `made_from` reads it back.
    """

    title: str
    lead: str
    sections: Sequence[Section]
    facts: Sequence[Fact] = ()
    made_from: str = ""


def as_html(report: Report) -> str:
    """The report as the text of an HTML file."""
    return _template().render(report=report)


@cache
def _template() -> Template:
    made = environment()
    made.globals["style"] = Markup((STATIC / "style.css").read_text(encoding="utf-8"))
    return made.get_template(TEMPLATE.name)


def drawing(figure: Figure, alt: str) -> Markup:
    """A picture as SVG that stands within a page; only one picture of a page can be drawn so.

    Args:
        figure: the picture; it is closed.
        alt: what it shows, for readers who do not see it.
    """
    plt, content = pyplot(), io.StringIO()
    none = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with plt.rc_context(STYLE | {"svg.fonttype": "none"}):
        figure.savefig(content, format="svg", bbox_inches="tight", metadata=none)
    plt.close(figure)
    svg = content.getvalue()
    svg = svg[svg.index("<svg ") :]
    # The style of matplotlib's own would apply to the whole page.
    svg = OWN_STYLE.sub("", svg, count=1)
    label = Markup('<svg role="img" aria-label="{}" ').format(alt)
    return label + Markup(svg.removeprefix("<svg "))
