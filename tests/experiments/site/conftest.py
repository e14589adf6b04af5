"""The site, written once for the tests of a module."""

from pathlib import Path

import pytest

from experiments.site.all_pages import menu, pages
from experiments.site.pages import write


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the whole site."""
    out = tmp_path_factory.mktemp("made") / "site"
    write(pages(), out, menu())
    return out
