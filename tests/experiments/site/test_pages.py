"""The site shows the committed results, in a real browser and without a request of others."""

import csv
import json
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
from experiments.site.home import PAIR, home
from experiments.site.pages import json_text, write
from experiments.site.results import found
from tests.browser import CUT, is_too_wide, opened, violations

LIMIT = 10_000_000
"""Bytes of the whole site."""


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


PAGES = [
    "index.html",
    "claims.html",
    "explore.html",
    "answers.html",
    "evidence.html",
    "results.html",
    "results/nano/table1.html",
    "results/nano/claims.html",
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
    laboratory, real = claims_page().data["scales"]
    entries = laboratory["claims"]
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
        assert "from −6 to +6" in page.inner_text("main")
        assert page.evaluate("MOST") == 6
        first.focus()
        page.keyboard.press("Enter")
        assert first.get_attribute("aria-expanded") == "true"
        assert page.get_by_text("Rule: the difference").is_visible()
        page.select_option("#judge", "gpt-4")
        assert set(page.locator("#rows > tr > td:nth-child(2)").all_inner_texts()) <= {"gpt-4"}
        page.select_option("#scale", index=1)
        assert rows(page) == len(real["claims"])
        assert "two small real models" in page.inner_text("main")


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
        # One model and set has several benchmarks, which are told apart.
        page.select_option("#kind", "benchmarks")
        seen = page.locator("#rows > tr > td:nth-child(2)").all_inner_texts()
        metrics = {each["metric"] for each in entries if each["kind"] == "benchmarks"}
        assert {text.partition(": ")[2] for text in seen if text} == metrics
        page.locator(".opener").first.click()
        assert page.get_by_text("Read at its source").first.is_visible()


def test_claims_of_every_scale_that_has_some_can_be_chosen(
    tmp_path: Path, chromium: Browser
) -> None:
    for scale in ("nano", "small"):
        (tmp_path / "results" / scale).mkdir(parents=True)
    shipped = json.loads((RESULTS / "nano" / "claims.json").read_text())
    made_up = {**shipped["claims"][0], "text": "Real answers rhyme", "judge": "a fitted judge"}
    part = {"alpha": "15", "alphas": [15.0], "value": None, "low": None, "high": None}
    part |= {"verdict": "not testable here", "reason": "a made-up reason", "left_out": []}
    made_up["findings"] = [{**part, "parts": []}]
    counted = dict.fromkeys(shipped["verdicts"], 0) | {"not testable here": 1}
    real = {"premises": {"commit": "abc of a day"}, "verdicts": counted, "claims": [made_up]}
    real |= {"scale": "small", "judges": {"a fitted judge": "about it"}}
    for scale, data in (("nano", shipped), ("small", real)):
        (tmp_path / "results" / scale / "claims.json").write_text(json.dumps(data))
    page_of_both = claims_page(tmp_path / "results")
    write([page_of_both], tmp_path / "site", [page_of_both])
    with opened(chromium, tmp_path / "site" / "claims.html") as (page, _):
        assert "2.4 to 5.7 million" in page.inner_text("main")
        assert "gemma-3-270m" not in page.inner_text("main")
        page.select_option("#scale", "small")
        assert page.locator("#alpha option").all_inner_texts() == ["15"]
        assert page.locator(".opener").all_inner_texts() == ["Real answers rhyme"]
        assert "Of 1 verdicts" in page.inner_text("main")
        assert "abc of a day" in page.inner_text("main")
        assert "2.4 to 5.7 million" not in page.inner_text("main")
        assert "about it" in page.inner_text("main")
        page.locator(".opener").click()
        assert page.get_by_text("Not testable here: a made-up reason.").is_visible()
        assert violations(page) == []


@pytest.mark.parametrize("name", PAGES)
def test_on_paper_there_is_no_menu_and_no_control_and_nothing_is_cut(
    name: str, site: Path, chromium: Browser
) -> None:
    with opened(chromium, site / name, scheme="dark", width=700) as (page, _):
        page.wait_for_load_state("networkidle")
        page.emulate_media(media="print", color_scheme="dark")
        assert not page.locator("header nav").is_visible()
        assert page.locator(".controls select:visible, .step button:visible").count() == 0
        assert not is_too_wide(page)
        assert page.evaluate(CUT) == []
        background = "getComputedStyle(document.documentElement).backgroundColor"
        assert page.evaluate(background) == "rgb(255, 255, 255)"


def test_the_first_page_has_the_gain_by_each_judge_and_every_count_of_verdicts() -> None:
    values = home().values
    claims = json.loads((RESULTS / "nano" / "claims.json").read_text())["claims"]
    gains = {fact.note: fact.value for fact in values["laboratory"]}
    for claim in claims:
        if claim["id"] == "conversation":
            (found_,) = [each for each in claim["findings"] if each["alpha"] == "10"]
            # All four sets are in it.
            assert found_["left_out"] == []
            value = f"{found_['value']:+.1f} [{found_['low']:+.1f}, {found_['high']:+.1f}] points"
            value = value.replace("-", "−")
            assert next(note for note, text in gains.items() if text == value).endswith(
                f"{claim['seeds']} seeds: {found_['verdict']}"
            )
    models = json.loads((RESULTS / "audit" / "audit.json").read_text())["models"]
    rows = (RESULTS / "findings" / "each-seed.csv").read_text().splitlines()
    gemma = [row for row in rows if row.startswith("gemma-3-270m,alpha 15")]
    lengths = next(csv.reader(gemma))[6].split(", ")
    assert values["told"][0].startswith(
        "At alpha 15 the length of gemma-3-270m's answers changes by "
        f"{', '.join(lengths[:-1])} and {lengths[-1]}%, "
    )
    assert len(values["told"]) == 2
    for name in PAIR:
        assert f"{name} with {models[name]['verdicts']}" in values["public"][0].note
