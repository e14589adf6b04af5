"""Every page of the site, and the menu that each of them has.

pages(), menu()
pages(read_rows(Path("runs")))                       # with the reader's own runs in the explorer
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from experiments.site.answers import answers_page
from experiments.site.claims import claims_page
from experiments.site.evidence import evidence_page
from experiments.site.explorer import explorer
from experiments.site.home import home
from experiments.site.own_runs import Row
from experiments.site.pages import Page
from experiments.site.results import listing, result_pages


@cache
def menu() -> tuple[Page, ...]:
    """The pages that every page links."""
    return home(), claims_page(), explorer(), answers_page(), evidence_page(), listing()


def pages(own: Sequence[Row] = ()) -> list[Page]:
    """All pages.

    Args:
        own: rows of the reader's own runs, which the explorer shows beside the shipped ones.
    """
    with_own = {page.path: page for page in ([explorer(own)] if own else [])}
    return [with_own.get(page.path, page) for page in (*menu(), *result_pages())]
