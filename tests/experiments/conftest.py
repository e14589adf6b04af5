"""What the tests of experiments share: the committed choices, and an empty folder to work in."""

import shutil
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from experiments.runs.selection import Selection, load_selection
from experiments.runs.study import Study
from experiments.scales.registry import SCALES
from tests.paths import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def selection(tmp_path_factory: pytest.TempPathFactory) -> Selection:
    """The committed learning rates and alphas of the laboratory, whatever was chosen here."""
    folder = tmp_path_factory.mktemp("committed")
    committed = Path("results") / "nano" / "selection.json"
    (folder / committed).parent.mkdir(parents=True)
    shutil.copy(ROOT / committed, folder / committed)
    with chdir(folder):
        return load_selection(SCALES["nano"])


@pytest.fixture(scope="session")
def study(selection: Selection) -> Study:
    """The laboratory with two seeds."""
    return Study(SCALES["nano"], 2, selection)


@pytest.fixture(scope="module")
def chromium() -> Iterator["Browser"]:
    """The system's Chromium, for pages."""
    from tests.browser import browser

    with browser() as found:
        yield found


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that commands and the processes they start work in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return tmp_path
