"""The documentation as a site: it builds without a warning and asks nothing of other servers."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs.site_links import on_page_markdown
from tests.paths import ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return out


def test_every_page_of_the_folder_is_on_the_site(site: Path) -> None:
    pages = [path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")]
    made = [
        page.with_name("index.html" if page.stem == "README" else f"{page.stem}.html")
        for page in pages
    ]
    assert [page for page in made if not (site / page).exists()] == []


def test_the_api_has_signatures_and_what_is_raised(site: Path) -> None:
    page = (site / "api" / "attach.html").read_text()
    for name in ("NEFTune", "attach", "Attachment", "told", "SCHEDULES"):
        assert f">{name}<" in page or f"{name}</span>" in page
    assert "Raises" in page
    assert "by_sequence" in page


def test_nothing_is_loaded_from_other_servers(site: Path) -> None:
    for page in site.rglob("*.html"):
        assert not re.search(r'<(script|link|img)[^>]+(src|href)="https?:', page.read_text()), page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?https?:", sheet.read_text()), sheet


def test_pictures_that_pages_show_are_on_the_site(site: Path) -> None:
    shown = 0
    for source in (ROOT / "docs").glob("*.md"):
        page = site / f"{source.stem}.html"
        pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", source.read_text())
        addresses = re.findall(r'<img[^>]+src="([^"]+)"', page.read_text()) if pictures else []
        shown += len(pictures)
        for picture in pictures:
            address = picture.removeprefix("../")
            assert address in addresses, (source.name, address)
            assert (page.parent / address).is_file()
    assert shown


def test_links_to_other_files_become_the_paths_that_they_name() -> None:
    page = "[doses](../results/dose/dose.md) [results/a.md](../results/a.md) [b](b.md) [c](../c.md)"
    assert on_page_markdown(f"{page} [d.py](examples/d.py)") == (
        "doses (`results/dose/dose.md`) results/a.md [b](b.md) [c](../c.md) d.py (`examples/d.py`)"
    )
    assert on_page_markdown("![a](../results/a.png)") == "![a](results/a.png)"
    assert on_page_markdown("![a](../results/a.jpg)") == "![a](../results/a.jpg)"
