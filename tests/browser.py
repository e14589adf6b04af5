"""A real Chromium for tests of pages: the system's own, without a window, driven by Playwright.

    with browser() as chromium, opened(chromium, path, width=360) as (page, requests):
        assert violations(page) == []
        assert requests == []

Playwright's own browsers are downloads of its vendor; the system's comes with the machine's
packages (`apt-get install chromium`). Tests are skipped where there is none, with that reason.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
NO_PRELOAD = {"preload": False}
"""axe-core would read stylesheets by requests, which pages opened from a file may not make."""
Scheme = Literal["light", "dark"]


@contextmanager
def browser() -> Iterator[Browser]:
    """The system's Chromium; the test is skipped where there is none."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("no Chromium on this machine; install it with: apt-get install chromium")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        try:
            yield found
        finally:
            found.close()


@contextmanager
def opened(
    chromium: Browser,
    path: Path,
    *,
    scheme: Scheme = "light",
    width: int = 1280,
    height: int = 860,
    script: str = "",
) -> Iterator[tuple[Page, list[str]]]:
    """Open a page from the disk, in a fresh profile.

    Args:
        chromium: from `browser`.
        path: of the page.
        scheme: the colours that the reader asks for.
        width: of the window, in CSS pixels.
        height: of the window.
        script: JavaScript that runs before the page's own, such as one that disables a feature.

    Yields:
        The page, and a list of all addresses that it asks for besides itself, which grows. Errors
        of the page's script end the test.
    """
    context = chromium.new_context(
        color_scheme=scheme,
        viewport={"width": width, "height": height},
        reduced_motion="reduce",
        accept_downloads=True,
    )
    if script:
        context.add_init_script(script)
    page, requests, errors = context.new_page(), list[str](), list[str]()
    address = path.resolve().as_uri()
    page.on("request", lambda one: None if one.url == address else requests.append(one.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.goto(address)
    try:
        yield page, requests
    finally:
        context.close()
    assert errors == [], errors


def violations(page: Page) -> list[str]:
    """What axe-core finds against its rules on the page as it is now, one line each."""
    from axe_playwright_python.sync_playwright import Axe

    found: list[dict[str, Any]] = Axe().run(page, options=NO_PRELOAD).response["violations"]
    return [f"{rule['id']}: {node['html']}" for rule in found for node in rule["nodes"]]


def is_too_wide(page: Page) -> bool:
    """Whether the page has to be scrolled sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))
