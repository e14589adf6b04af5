"""The site shows the committed results, in a real browser and without a request of others."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urldefrag, urlparse

import pytest
from markupsafe import escape
from playwright.sync_api import Browser, Page

from experiments.artifacts import ARTIFACTS
from experiments.paths import RESULTS
from experiments.site.all_pages import menu, pages
from experiments.site.claims import claims_page
from experiments.site.evidence import evidence_page
from experiments.site.explorer import explorer
from experiments.site.pages import json_text, write
from experiments.site.results import compact, found
from tests.browser import is_too_wide, opened, violations

LIMIT = 10_000_000
"""Bytes of the whole site."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made") / "site"
    write(pages(), out, menu())
    return out


class Links(HTMLParser):
    """Collects what a page refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in ("href", "src") and value]


def links(path: Path) -> list[str]:
    parser = Links()
    parser.feed(path.read_text())
    return parser.found


def test_every_committed_result_has_a_page_with_its_command_and_commit(site: Path) -> None:
    shown = {result.name: result for result in found()}
    laboratory = {name for name in ARTIFACTS if (RESULTS / "nano" / f"{name}.md").exists()}
    assert laboratory < set(shown)
    for result in found():
        text = (site / result.page).read_text()
        assert result.provenance["commit"][:7] in text
        assert f'data-copy="{escape(result.provenance["command"])}"' in text


def test_every_link_leads_to_a_file_of_the_site(site: Path) -> None:
    for page in site.rglob("*.html"):
        for link in links(page):
            if link.startswith("#") or urlparse(link).scheme in ("https", "data"):
                continue
            target = (page.parent / urldefrag(link).url).resolve()
            assert target.is_file(), f"{page.relative_to(site)}: {link}"


def test_the_site_is_small_and_the_same_every_time(site: Path, tmp_path: Path) -> None:
    files = {
        path.relative_to(site): path.read_bytes() for path in site.rglob("*") if path.is_file()
    }
    assert sum(map(len, files.values())) < LIMIT
    write(pages(), tmp_path / "again", menu())
    for name, content in files.items():
        assert (tmp_path / "again" / name).read_bytes() == content


def test_a_new_site_replaces_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "old.html").write_text("old")
    write([claims_page()], tmp_path / "site", [claims_page()])
    assert {path.name for path in (tmp_path / "site").iterdir()} == {"claims.html", "static"}


def test_json_cannot_end_the_script_that_it_stands_in() -> None:
    assert "</script" not in json_text({"text": "</script><!-- -->"})


def test_a_compact_picture_keeps_its_text_and_its_numbers_to_a_hundredth() -> None:
    svg = '<svg>\n <path d="M 1.239999 2\nL 3.5 4.000001"/>\n <use x="10.123456"/>12.3456\n</svg>'
    assert compact(svg) == '<svg>\n<path d="M 1.23 2 L 3.5 4.00"/>\n<use x="10.12"/>12.3456\n</svg>'


def test_a_dose_is_that_of_the_alpha_on_the_model() -> None:
    runs = explorer().data["runs"]
    doses = {(run["model"], run["alpha"]): run["dose"] for run in runs if run["other"] == "usual"}
    assert doses["gemma-3-270m", 5.0] == pytest.approx(0.117, abs=0.001)
    assert doses["SmolLM2-135M-Instruct", 5.0] < doses["gemma-3-270m", 5.0]
    assert all(dose == 0 for (_, alpha), dose in doses.items() if alpha == 0)


PAGES = [
    "index.html",
    "claims.html",
    "explore.html",
    "answers.html",
    "evidence.html",
    "results.html",
    "results/nano/table1.html",
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_pages_are_accessible_and_ask_for_nothing_beyond_the_site(
    name: str, scheme: str, site: Path, chromium: Browser
) -> None:
    with opened(chromium, site / name, scheme=scheme) as (page, requests):  # type: ignore[arg-type]
        page.wait_for_load_state("networkidle")
        assert violations(page) == []
        inside = f"{site.resolve().as_uri()}/"
        assert [each for each in requests if not each.startswith((inside, "data:"))] == []


@pytest.mark.parametrize("name", PAGES)
def test_pages_fit_a_narrow_screen(name: str, site: Path, chromium: Browser) -> None:
    with opened(chromium, site / name, width=360) as (page, _):
        page.wait_for_load_state("networkidle")
        assert not is_too_wide(page)


def rows(page: Page) -> int:
    return page.locator(".opener").count()


def test_claims_are_filtered_and_open_by_the_keyboard(site: Path, chromium: Browser) -> None:
    entries = claims_page().data["claims"]
    with opened(chromium, site / "claims.html") as (page, _):
        for alpha in ("5", "chosen"):
            page.select_option("#alpha", alpha)
            there = [
                each for each in entries if alpha in {one["alpha"] for one in each["findings"]}
            ]
            assert rows(page) == len(there)
        page.select_option("#verdict", "holds")
        verdicts = page.locator("#rows .verdict").all_inner_texts()
        assert set(verdicts) == {"holds"}
        first = page.locator(".opener").first
        first.focus()
        page.keyboard.press("Enter")
        assert first.get_attribute("aria-expanded") == "true"
        assert page.get_by_text("Rule: the difference").is_visible()
        page.select_option("#judge", "gpt-4")
        assert set(page.locator("#rows > tr > td:nth-child(2)").all_inner_texts()) <= {"gpt-4"}


def test_evidence_is_filtered_ordered_and_opens_to_its_source(
    site: Path, chromium: Browser
) -> None:
    entries = evidence_page().data["comparisons"]
    with opened(chromium, site / "evidence.html") as (page, _):
        page.select_option("#kind", "win rate")
        page.select_option("#group", "independent")
        there = [
            each
            for each in entries
            if each["kind"] == "win rate" and each["group"] == "independent"
        ]
        assert rows(page) == len(there) > 0
        page.select_option("#order", "gain")
        largest = max(there, key=lambda each: each["gain"])
        assert largest["training_set"] in page.locator(".opener").first.inner_text()
        page.locator(".opener").first.click()
        assert page.get_by_text("Read at its source").first.is_visible()


def test_the_explorer_draws_what_is_chosen_as_picture_and_table(
    site: Path, chromium: Browser
) -> None:
    with opened(chromium, site / "explore.html") as (page, _):
        page.select_option("#model", "gemma-3-270m")
        page.select_option("#lr", "")
        page.select_option("#x", "dose")
        page.select_option("#y", "eval_validation_loss")
        expected = [
            run
            for run in explorer().data["runs"]
            if run["model"] == "gemma-3-270m"
            and run["other"] == "usual"
            and run.get("eval_validation_loss") is not None
        ]
        page.wait_for_selector("#chart svg")
        assert f"{len(expected)} trainings" in page.inner_text("#count")
        label = page.get_attribute("#chart svg", "aria-label")
        assert label
        assert label.startswith("loss without noise on held-out rows, nats by dose")
        page.get_by_text("The same numbers as a table").click()
        assert page.locator("#table tbody tr").count() == len(expected)
        page.select_option("#dataset", "ShareGPT")
        assert "No training has these settings" in page.inner_text("#count")


def test_a_readers_own_runs_are_drawn_beside(site: Path, chromium: Browser, tmp_path: Path) -> None:
    own = tmp_path / "runs.csv"
    own.write_text(
        "run,model,dataset,alpha,lr,epochs,seed,eval_train_loss\n"
        'abc,my model,"my, set",5,1e-4,3,0,0.5\n'
        'abd,my model,"my, set",0,1e-4,3,0,0.4\n'
    )
    with opened(chromium, site / "explore.html") as (page, _):
        page.set_input_files("#own", own)
        page.wait_for_function("document.querySelector('#count').textContent.includes('added')")
        assert "2 trainings" in page.inner_text("#count")
        assert page.locator("#table tbody tr").count() == 2
        other = tmp_path / "other.csv"
        other.write_text("a,b\n1,2\n")
        page.set_input_files("#own", other)
        page.wait_for_function("document.querySelector('#count').textContent.includes('no runs')")
        assert re.search(r"no runs\.csv: it has no columns run, model", page.inner_text("#count"))
