"""Every page of the site, and the menu that each of them has.

pages(), menu()
"""

from __future__ import annotations

from functools import cache

from experiments.site.answers import answers_page
from experiments.site.claims import claims_page
from experiments.site.evidence import evidence_page
from experiments.site.explorer import explorer
from experiments.site.home import home
from experiments.site.pages import Page
from experiments.site.results import listing, result_pages


@cache
def menu() -> tuple[Page, ...]:
    """The pages that every page links."""
    return home(), claims_page(), explorer(), answers_page(), evidence_page(), listing()


def pages() -> list[Page]:
    """All pages."""
    return [*menu(), *result_pages()]
