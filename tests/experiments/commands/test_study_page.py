"""The blind study in a real browser: from the first key to the merged result."""

import csv
import json
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from experiments.__main__ import main
from experiments.commands.study.pairs import BlindStudy
from tests.browser import Scheme, is_too_wide, opened, violations
from tests.experiments.commands.blind_study import (
    Habits,
    choices_of,
    made,
    ratings_of,
    small_study,
    write_outputs,
)

PAIRS, REPEATS = 140, 14
NO_STORAGE = """
Object.defineProperty(window, "localStorage", {
  get() { throw new DOMException("denied", "SecurityError"); },
});
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("study")


@pytest.fixture(scope="module")
def study(folder: Path) -> BlindStudy:
    with chdir(folder):
        return small_study(folder, "--pairs", "40", "--repeats", "4")


@pytest.fixture(scope="module")
def page_file(folder: Path, study: BlindStudy) -> Path:
    return folder / study.folder / "study.html"


def begin(page: Page, name: str = "Ann") -> None:
    page.get_by_label("Your name or initials").fill(name)
    page.keyboard.press("Enter")


def saved(page: Page, to: Path) -> Path:
    """The file that the page's button saves."""
    with page.expect_download() as download:
        page.locator("#save").click()
    download.value.save_as(to)
    return to


def count(page: Page) -> str:
    return page.locator("#count").inner_text()


def shown(page: Page) -> list[str | None]:
    """The instruction and both answers, as the rater sees them."""
    return [
        page.locator(f"#{part}").text_content() for part in ("instruction", "answer-a", "answer-b")
    ]


def expected(study: BlindStudy, number: int) -> list[str]:
    showing = study.drawn.showings[number]
    pair = study.drawn.pairs[showing.pair]
    answers = [pair.output_1, pair.output_2]
    return [pair.instruction, *(answers[::-1] if showing.second_is_a else answers)]


def test_every_pair_is_shown_in_its_order_and_on_its_sides(
    chromium: Browser, page_file: Path, study: BlindStudy
) -> None:
    with opened(chromium, page_file) as (page, requests):
        begin(page)
        for number in range(len(study.drawn.showings)):
            assert shown(page) == expected(study, number)
            page.keyboard.press("t")
        assert page.get_by_role("heading", name="Thank you").is_visible()
        assert requests == []


def test_what_the_page_saves_is_what_the_merge_expects(
    chromium: Browser, page_file: Path, study: BlindStudy, tmp_path: Path
) -> None:
    keys = {"A": "ArrowLeft", "B": "b", "tie": "t", "neither": "n"}
    choices = ["A", "B", "tie", "neither", "B", "A"]
    with opened(chromium, page_file) as (page, _):
        begin(page, "Zoë & co")
        for choice in choices:
            page.keyboard.press(keys[choice])
        file = saved(page, tmp_path / "saved.json")
        assert page.get_by_role("status").inner_text().startswith("6 ratings saved as ratings-")
    rows = json.loads(file.read_text())
    for row, wanted in zip(rows, ratings_of(study, "Zoë & co", choices), strict=True):
        assert row.pop("seconds") >= 0
        assert row.pop("rated_at").endswith("Z")
        showing = study.drawn.showings[wanted["showing"]]
        assert row.pop("pair") == showing.pair
        assert row.pop("answer_a") == (2 if showing.second_is_a else 1)
        assert row.pop("repeat") == showing.repeat
        assert row == {name: value for name, value in wanted.items() if name in row}
        assert set(wanted) - set(row) == {"seconds", "rated_at"}


def test_four_buttons_do_what_four_keys_do(chromium: Browser, page_file: Path) -> None:
    with opened(chromium, page_file) as (page, _):
        begin(page)
        for number, name in enumerate(("A is better", "Tie", "Neither is good", "B is better")):
            page.get_by_role("button", name=name).click()
            assert page.get_by_role("status").inner_text() == f"{name}. Pair {number + 2} of 44"
        # With the keyboard alone: from the heading, which has the focus, to a button.
        for _ in range(2):
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.get_by_role("status").inner_text() == "Tie. Pair 6 of 44"


def test_undo_takes_back_one_choice_after_the_other(
    chromium: Browser, page_file: Path, study: BlindStudy, tmp_path: Path
) -> None:
    with opened(chromium, page_file) as (page, _):
        begin(page)
        assert page.locator("#undo").is_disabled()
        for key in "aab":
            page.keyboard.press(key)
        page.keyboard.press("u")
        page.locator("#undo").click()
        assert count(page) == "1 of 44"
        assert shown(page) == expected(study, 1)
        page.keyboard.press("b")
        rows = json.loads(saved(page, tmp_path / "saved.json").read_text())
    assert [row["choice"] for row in rows] == ["A", "B"]


def test_the_last_choice_can_be_undone(chromium: Browser, page_file: Path) -> None:
    with opened(chromium, page_file) as (page, _):
        begin(page)
        for _ in range(50):
            page.keyboard.press("a")
        assert count(page) == "44 of 44"
        page.keyboard.press("u")
        assert page.get_by_role("heading", name="Pair 44 of 44").is_visible()


def test_progress_is_kept_and_each_rater_has_their_own(chromium: Browser, page_file: Path) -> None:
    with opened(chromium, page_file) as (page, requests):
        begin(page)
        for key in "abtn":
            page.keyboard.press(key)
        page.reload()
        assert count(page) == "4 of 44"
        page.keyboard.press("u")
        page.reload()
        assert count(page) == "3 of 44"
        page.get_by_role("button", name="Change").click()
        begin(page, "Ben")
        assert count(page) == "0 of 44"
        page.get_by_role("button", name="Change").click()
        begin(page, " Ann ")
        assert count(page) == "3 of 44"
        assert requests == []


def test_two_windows_of_one_rater_stay_alike(chromium: Browser, page_file: Path) -> None:
    with opened(chromium, page_file) as (page, _):
        begin(page)
        other = page.context.new_page()
        other.goto(page.url)
        other.keyboard.press("a")
        page.get_by_text("1 of 44", exact=True).wait_for()
        page.keyboard.press("b")
        other.get_by_text("2 of 44", exact=True).wait_for()


def test_damaged_progress_is_not_used(chromium: Browser, page_file: Path) -> None:
    with opened(chromium, page_file) as (page, _):
        begin(page)
        page.keyboard.press("a")
        for damaged in ("[", "7", '[{"choice": "left"}]', "[null]"):
            page.evaluate(
                "text => localStorage.setItem(Object.keys(localStorage).find("
                "key => key.endsWith('-Ann')), text)",
                damaged,
            )
            page.reload()
            assert count(page) == "0 of 44"


def test_without_storage_a_saved_file_is_gone_on_from(
    chromium: Browser, page_file: Path, tmp_path: Path
) -> None:
    with opened(chromium, page_file, script=NO_STORAGE) as (page, _):
        assert page.get_by_text("This browser keeps nothing for this page").is_visible()
        begin(page)
        for key in "abt":
            page.keyboard.press(key)
        assert violations(page) == []
        file = saved(page, tmp_path / "saved.json")
    with opened(chromium, page_file) as (page, _):
        page.get_by_text("Go on from a saved file").click()
        page.get_by_label("File of ratings of this study").set_input_files(file)
        page.get_by_text("3 of 44", exact=True).wait_for()
        page.keyboard.press("n")
        rows = json.loads(saved(page, tmp_path / "more.json").read_text())
        assert [row["choice"] for row in rows] == ["A", "B", "tie", "neither"]
        # The older file does not replace the longer work that this browser has.
        page.get_by_role("button", name="Change").click()
        page.get_by_label("File of ratings of this study").set_input_files(file)
        page.get_by_text("this browser has 4 ratings of Ann").wait_for()


@pytest.mark.parametrize(
    ("change", "says"),
    (
        (lambda rows: [], "it holds no ratings"),
        (lambda rows: [row | {"study": "0" * 16} for row in rows], "it is of another study"),
        (lambda rows: rows[1:], "it is damaged"),
        (lambda rows: [row | {"annotator": " "} for row in rows], "it is damaged"),
        (lambda rows: "{", "it is not JSON"),
    ),
)
def test_other_files_are_not_loaded(
    chromium: Browser,
    page_file: Path,
    study: BlindStudy,
    tmp_path: Path,
    change: Callable[[list[dict[str, object]]], object],
    says: str,
) -> None:
    content = change(ratings_of(study, "Ann", ["A", "B"]))
    file = tmp_path / "ratings.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    with opened(chromium, page_file) as (page, _):
        page.get_by_text("Go on from a saved file").click()
        page.get_by_label("File of ratings of this study").set_input_files(file)
        page.get_by_text(f"This file cannot be loaded: {says}.").wait_for()
        assert page.get_by_role("heading", name="Before you begin").is_visible()


def test_keys_rate_only_where_they_are_meant(chromium: Browser, page_file: Path) -> None:
    with opened(chromium, page_file) as (page, _):
        page.get_by_label("Your name or initials").press_sequentially("bat")
        page.keyboard.press("Enter")
        assert count(page) == "0 of 44"
        page.keyboard.down("a")
        for _ in range(5):  # a key that is held down
            page.keyboard.down("a")
        page.keyboard.up("a")
        assert count(page) == "1 of 44"
        page.keyboard.press("Control+a")
        assert count(page) == "1 of 44"
        page.get_by_role("checkbox").uncheck()
        page.keyboard.press("a")
        assert count(page) == "1 of 44"


def test_a_name_is_needed(chromium: Browser, page_file: Path) -> None:
    with opened(chromium, page_file) as (page, _):
        begin(page, "  ")
        assert page.get_by_text("Please enter a name or initials.").is_visible()
        assert page.evaluate("document.activeElement.id") == "rater"


@pytest.mark.parametrize("scheme", ("light", "dark"))
@pytest.mark.parametrize("width", (1280, 360))
def test_every_screen_is_accessible_and_fits(
    chromium: Browser, page_file: Path, scheme: Scheme, width: int
) -> None:
    with opened(chromium, page_file, scheme=scheme, width=width, height=740) as (page, requests):
        page.get_by_text("Go on from a saved file").click()
        assert violations(page) == []
        assert not is_too_wide(page)
        begin(page)
        page.keyboard.press("a")
        assert violations(page) == []
        assert not is_too_wide(page)
        assert page.evaluate("document.activeElement.id") == "pair-title"
        for button in page.locator("[data-choice]").all():
            box = button.bounding_box()
            assert box is not None
            assert box["height"] >= 44
            assert box["y"] + box["height"] <= 740
        for _ in range(50):
            page.keyboard.press("b")
        assert violations(page) == []
        assert not is_too_wide(page)
        assert requests == []


def test_accessibility_findings_would_be_found(chromium: Browser, page_file: Path) -> None:
    with opened(chromium, page_file) as (page, _):
        page.evaluate("document.querySelector('[for=rater]').remove()")
        assert any(found.startswith("label: ") for found in violations(page))


@pytest.fixture(scope="module")
def rated(
    chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> tuple[BlindStudy, dict[str, Habits], dict[tuple[str, str], list[float]]]:
    """Three simulated raters rate 140 pairs with real keys; their files are merged."""
    folder = tmp_path_factory.mktemp("rated")
    habits = {"Ann": Habits(0.0, 0.75), "Ben": Habits(0.3, 0.75), "Cyd": Habits(0.6, 0.75)}
    with chdir(folder):
        files = write_outputs(folder, 200)
        study = made("--outputs", *files, "--pairs", str(PAIRS), "--repeats", str(REPEATS))
        saved_files = []
        for seed, (name, habit) in enumerate(habits.items()):
            with opened(chromium, study.folder / "study.html") as (page, requests):
                begin(page, name)
                for choice in choices_of(study, habit, seed):
                    page.keyboard.press("ArrowLeft" if choice == "A" else "ArrowRight")
                saved_files.append(str(saved(page, folder / f"{name}.json")))
                assert requests == []
        assert main(["study", "--ratings", *saved_files]) == 0
        with (study.folder / "merged.csv").open() as file:
            merged = {
                (row["row"], row["column"]): [
                    float(row[key] or "nan") for key in ("value", "low", "high")
                ]
                for row in csv.DictReader(file)
            }
    return study, habits, merged


def test_a_simulated_raters_bias_and_preference_are_recovered(
    rated: tuple[BlindStudy, dict[str, Habits], dict[tuple[str, str], list[float]]],
) -> None:
    study, habits, merged = rated
    assert len(study.drawn.showings) == PAIRS + REPEATS
    for name, habit in habits.items():
        assert merged[name, "rated"][0] == PAIRS
        assert merged[name, "rated twice"][0] == REPEATS
        _, low, high = merged[name, "side bias, points"]
        assert low <= 100 * habit.bias <= high
        _, low, high = merged[name, "win score, %"]
        assert low <= habit.score <= high
    # Who is not biased says the same again; who is takes the same side again.
    assert merged["Ann", "same verdict again, %"][0] == 100
    assert merged["Ann", "same side again"][0] == 0
    assert merged["Cyd", "same side again"][0] > 0
    assert merged["Ann", "side bias, points"][2] < merged["Cyd", "side bias, points"][1]
