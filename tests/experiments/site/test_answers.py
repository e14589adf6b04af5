"""Answers side by side: what is shown, how it is marked, and the page in a real browser."""

import io
import json
import lzma
import os
import tarfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from experiments.cells.runs_table import committed_rows
from experiments.nano.oracle import DRAW, Score, score
from experiments.nano.reading import read, read_sentences
from experiments.nano.tasks import Task, evaluation_tasks
from experiments.nano.world import make_world
from experiments.paths import RESULTS
from experiments.runs.archive import ArchiveError
from experiments.scales import real_sets
from experiments.site.answers import answers_page, read_answers, script, shown_runs, unpacked
from experiments.site.fingerprints import (
    FILE,
    Fingerprint,
    asked,
    fingerprints,
    fnv1a,
    of_rows,
    written,
)
from experiments.site.marks import MARKS, pieces
from experiments.site.pages import write
from tests.browser import drop, is_too_wide, opened, violations

LIMIT = 2_000_000
"""Bytes of all answers."""


def task(subset: str) -> Task:
    return next(each for each in evaluation_tasks("test") if each.subset == subset)


def fact(subject: Task, place: int, *, right: bool = True) -> str:
    """A sentence about the first thing of a task, in the laboratory's language."""
    (entity, *_), world = subject.things, make_world()
    attribute = entity.kind.attributes[place]
    values = attribute.values or tuple(
        each.name for each in world.entities if each.kind.name == attribute.refers_to
    )
    truth = entity.facts[attribute.name]
    value = truth if right else next(each for each in values if each != truth)
    statement = next(each for each in attribute.statements if each.startswith("{s}"))
    text = statement.replace("{s}", entity.name).replace("{v}", value)
    return f"{text[0].upper()}{text[1:]}."


# What is marked


def marks(subject: Task, answer: str) -> str:
    found = pieces(subject, answer)
    assert "".join(each[1:] for each in found) == answer
    return "".join(each[0] for each in found).replace(" ", "")


def test_each_claim_is_marked_by_what_the_oracle_makes_of_it() -> None:
    open_task = task("describe")
    right, wrong = fact(open_task, 0), fact(open_task, 1, right=False)
    assert marks(open_task, f"{right} {wrong}") == "rw"
    assert marks(open_task, f"{right} {right}") == "rp"
    assert marks(open_task, f"{right} Seven purple the of.") == "ru"
    assert marks(open_task, f"{wrong} {wrong}") == "ww"
    invented = fact(open_task, 0).replace(open_task.things[0].name, "Xyzzyplugh")
    assert marks(open_task, invented) == "i"
    assert marks(open_task, "") == ""


def test_a_right_claim_that_is_not_asked_for_is_extra() -> None:
    question = task("question")
    (entity,) = question.things
    names = [attribute.name for attribute in entity.kind.attributes]
    asked_for = names.index(question.attributes[0].name)
    other = next(
        i for i, name in enumerate(names) if ("fact", entity.name, name) not in question.asked
    )
    assert marks(question, f"{fact(question, asked_for)} {fact(question, other)}") == "rn"


def test_a_sentence_with_a_right_and_a_wrong_claim_has_a_mark_for_each() -> None:
    open_task = task("describe")
    right, wrong = fact(open_task, 0).rstrip("."), fact(open_task, 1, right=False)
    assert pieces(open_task, f"{right}, and {wrong}") == (f"r{right}, and ", f"w{wrong}")


def test_numbered_lists_and_blank_lines_stay_as_they_are() -> None:
    open_task = task("describe")
    assert marks(open_task, f"1. {fact(open_task, 0)}\n\n2. {fact(open_task, 1)}\n") == "rr"


def test_clauses_of_all_committed_answers_join_to_their_sentences() -> None:
    world = make_world()
    page = answers_page()
    instructions = unpacked(_text(page.files["data/answers-nano.js"]))
    family = unpacked(_text(page.files["data/answers-nano-llama-2-7b-alpaca.js"]))
    for subject, one, answers in zip(
        evaluation_tasks("test"), instructions, family["answers"], strict=True
    ):
        assert one["text"] == subject.instruction
        for found in answers[:2]:
            text = "".join(each[1:] for each in found)
            sentences = list(read_sentences(text, world, subject.topic))
            reading = read(text, world, subject.topic)
            assert sum(each.unreadable for each in sentences) == reading.unreadable
            wrong = sum(not claim.correct for claim in reading.claims)
            assert sum(each[0] in "wi" for each in found) == wrong


def test_the_oracles_verdict_follows_from_the_counts_that_are_shown() -> None:
    page = answers_page()
    instructions = unpacked(_text(page.files["data/answers-nano.js"]))
    family = unpacked(_text(page.files["data/answers-nano-llama-2-7b-alpaca.js"]))
    verdicts = [family["verdicts"][key].get("oracle") for key in family["runs"]]
    assert any(verdicts)
    for place, (one, scores) in enumerate(zip(instructions, family["scores"], strict=True)):
        reference = Score(*one["score"]).helpfulness
        for counts, judged in zip(scores, verdicts, strict=True):
            if judged:
                gain = Score(*counts).helpfulness - reference
                expected = 50 if abs(gain) < DRAW else 100 if gain > 0 else 0
                assert judged[place] == expected


def test_a_score_counts_what_the_formula_names() -> None:
    open_task = task("describe")
    answer = f"{fact(open_task, 0)} {fact(open_task, 1, right=False)} Of the. Of the. Of"
    found = score(open_task, answer)
    assert (found.asked, found.wrong, found.unreadable, found.repeated) == (1, 1, 3, 1)
    assert found.unfinished == 1


# Which runs

ROW = {
    "run": "a",
    "model": "llama-2-7b",
    "dataset": "alpaca",
    "piece_tokens": "",
    "alpha": "5",
    "distribution": "uniform",
    "lr": "0.0004",
    "epochs": "3",
    "seed": "0",
}
SELECTION = {
    "lr": {"alpaca": {"value": 0.0004}, "sharegpt": {"value": 0.001}},
    "alpha": {"llama-2-7b/alpaca": {"value": 5.0}},
}


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({}, True),
        ({"seed": "1"}, False),
        ({"lr": "0.001"}, False),
        ({"epochs": "5"}, False),
        ({"distribution": "gaussian"}, False),
        ({"piece_tokens": "512"}, False),
        ({"dataset": "sharegpt", "piece_tokens": "512", "lr": "0.001"}, True),
    ],
)
def test_runs_of_the_first_seed_with_the_tables_settings_are_shown(
    change: dict[str, str], shown: bool
) -> None:
    assert len(shown_runs("nano", [ROW | change], SELECTION)) == shown


def test_a_run_is_named_by_model_set_and_noise() -> None:
    (run,) = shown_runs("nano", [ROW], SELECTION)
    assert run.title == "LLaMA-2 7B (2.4M stand-in), Alpaca, alpha 5, the chosen one"
    (run,) = shown_runs("small", [ROW | {"alpha": "0", "stopped": "2"}], SELECTION)
    assert run.title == "gemma-3-270m, Alpaca, without noise, stopped after epoch 2"


def test_every_alpha_of_the_first_pair_and_all_real_runs_of_a_seed_are_there() -> None:
    titles = [run["title"] for run in answers_page().data["runs"]]
    first = [each for each in titles if each.startswith("LLaMA-2 7B (2.4M stand-in), Alpaca, ")]
    noises = [each.split(", ")[2] for each in first]
    assert noises[0] == "without noise"
    assert {"alpha 5", "alpha 10", "alpha 15"} < set(noises)
    real = [run for run in answers_page().data["runs"] if run["scale"] == "small"]
    answered = [row for row in committed_rows("small") if row["test: characters"]]
    assert len(real) == sum(row["seed"] == "0" for row in answered)


# Archives


def archive(folder: Path, files: dict[str, Any]) -> Path:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz") as tar:
        for name, value in files.items():
            content = json.dumps(value).encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    path = folder / "records.tar.xz"
    path.write_bytes(packed.getvalue())
    hashed = sha256(packed.getvalue()).hexdigest()
    path.with_name(f"{path.name}.sha256").write_text(f"{hashed}  {path.name}\n")
    return path


def test_answers_and_verdicts_are_read_from_an_archive_and_withheld_texts_are_none(
    tmp_path: Path,
) -> None:
    path = archive(
        tmp_path,
        {
            "small/a/test/model_outputs.json": [
                {"output": "Yes."},
                {"output": {"withheld": ["reference", 1, "output"]}},
            ],
            "small/a/test/gpt-4-00000000/annotations.json": [
                {"preference": 1.25},
                {"preference": None},
            ],
            "small/a/test/gpt-4-00000000/against-b/annotations.json": [{"preference": 2}],
            "small/a/train/model_outputs.json": [{"output": "Other."}],
            "small/b/test/model_outputs.json": [{"output": "Not wanted."}],
        },
    )
    found = read_answers(path, ["a", "c"])
    assert set(found) == {"a"}
    assert found["a"].texts == ["Yes.", None]
    assert found["a"].verdicts == {"gpt-4": [1.25, None]}


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path, {})
    path.write_bytes(lzma.compress(b"other"))
    with pytest.raises(ArchiveError, match="damaged"):
        read_answers(path, [])


def test_a_script_holds_what_was_put_into_it() -> None:
    value = {"text": 'Ünïcode "quotes" </script>\n', "none": None, "many": list(range(1000))}
    text = script("name", value)
    assert unpacked(text) == value
    assert "</script" not in text


# Fingerprints


def test_the_hash_is_fnv1a() -> None:
    # Values of the reference implementation (RFC 9923).
    assert [fnv1a(text) for text in ("", "a", "foobar")] == ["811c9dc5", "e40c292c", "bf9cf968"]


def test_two_instructions_with_one_fingerprint_are_refused() -> None:
    with pytest.raises(ValueError, match="the same fingerprint"):
        of_rows([{"instruction": "a", "dataset": "b"}] * 2)


def test_what_is_asked_has_alpacaevals_subsets_in_proportion() -> None:
    every, some = fingerprints(), asked(300)
    assert len(every) == 805
    assert len({each.hash for each in every}) == 805
    assert len(some) == 300
    for name in {each.dataset for each in every}:
        share = [sum(each.dataset == name for each in found) for found in (every, some)]
        assert share[1] == pytest.approx(share[0] * 300 / 805, abs=1)


def test_the_subsets_are_those_of_the_committed_records() -> None:
    with tarfile.open(RESULTS / "small" / "records.tar.xz") as tar:
        name = next(each for each in tar.getnames() if each.endswith("test/model_outputs.json"))
        file = tar.extractfile(name)
        assert file
        rows = json.load(file)
    assert [each.dataset for each in asked(len(rows))] == [row["dataset"] for row in rows]


# What is not shipped


def _text(content: Path | str | bytes) -> str:
    assert not isinstance(content, bytes)
    return content if isinstance(content, str) else content.read_text()


def shipped() -> str:
    """All that the page and its scripts hold, unpacked."""
    page = answers_page()
    held = [unpacked(_text(each)) for name, each in page.files.items() if "small" in name]
    return json.dumps([page.data, page.values, held], ensure_ascii=False, default=str)


def test_the_page_holds_no_place_of_a_withheld_text() -> None:
    assert '"withheld"' not in shipped()


@pytest.mark.skipif(not os.environ.get("REFERENCE_OUTPUTS"), reason="REFERENCE_OUTPUTS names none")
def test_no_text_of_alpacaeval_is_shipped_and_the_fingerprints_are_its() -> None:
    rows = real_sets.reference_outputs("test")
    assert FILE.read_text() == written(rows)
    text = shipped()
    for row in rows:
        for field in ("instruction", "output"):
            quoted = json.dumps(row[field], ensure_ascii=False)[1:-1]
            # Answers of a word or two are anybody's.
            if field == "instruction" or len(quoted) > 40:
                assert quoted not in text, (row["dataset"], field)


def test_the_answers_are_small() -> None:
    assert sum(len(_text(each).encode()) for each in answers_page().files.values()) < LIMIT


# In the browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made") / "site"
    write([answers_page()], out, [answers_page()])
    return out


def ready(page: Page) -> Page:
    page.wait_for_selector("#comparison:not([hidden])")
    return page


def position(page: Page) -> str:
    return page.inner_text("#position")


def at(page: Page) -> int:
    return int(page.evaluate("new URLSearchParams(location.hash.slice(1)).get('at')"))


def real(page: Page) -> None:
    page.select_option("#scale", "small")
    page.wait_for_function("document.querySelector('#about').textContent.includes('AlpacaEval')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("scale", ["nano", "small"])
def test_the_page_is_accessible_and_asks_for_nothing_beyond_the_site(
    scheme: Any, scale: str, site: Path, chromium: Browser
) -> None:
    with opened(chromium, site / "answers.html", scheme=scheme) as (page, requests):
        ready(page)
        if scale == "small":
            real(page)
        page.click("#reference summary") if scale == "nano" else None
        assert violations(page) == []
        assert [each for each in requests if not each.startswith((site.as_uri(), "data:"))] == []
        assert not [each for each in requests if "small" in each] or scale == "small"


def test_the_page_fits_a_narrow_screen_with_one_answer_below_the_other(
    site: Path, chromium: Browser
) -> None:
    with opened(chromium, site / "answers.html", width=360) as (page, _):
        ready(page)
        assert not is_too_wide(page)
        left, right = (each.bounding_box() for each in page.locator("#pair article").all())
        assert left
        assert right
        assert right["y"] >= left["y"] + left["height"]
        real(page)
        assert not is_too_wide(page)


def test_claims_have_a_word_for_screen_readers_and_a_sign_with_a_legend(
    site: Path, chromium: Browser
) -> None:
    with opened(chromium, site / "answers.html") as (page, _):
        ready(page)
        names = {mark.name: mark.sign for mark in MARKS.values()}
        claims = page.locator("#pair .claim").all()
        assert claims
        for claim in claims:
            name = claim.locator(".spoken").inner_text().strip(" ()")
            assert claim.locator(".sign").inner_text() == names[name]
            assert claim.locator(".sign").get_attribute("aria-hidden") == "true"
        assert page.locator(".laboratory li").count() == len(MARKS)


def test_filters_leave_what_they_say_and_keys_step_through_it(
    site: Path, chromium: Browser
) -> None:
    page_data = answers_page()
    family = unpacked(_text(page_data.files["data/answers-nano-llama-2-7b-alpaca.js"]))
    keys = page_data.data["first"]["nano"]
    left, right = (family["runs"].index(key) for key in keys)
    wrong = [i for i, each in enumerate(family["scores"]) if each[right][1] > each[left][1]]
    a, b = (family["verdicts"][key]["oracle"] for key in keys)
    turned = [i for i, (x, y) in enumerate(zip(a, b, strict=True)) if x != y]
    length = [[sum(len(p) - 1 for p in run) for run in each] for each in family["answers"]]
    differ = [i for i, each in enumerate(family["answers"]) if each[left] != each[right]]
    longer = [i for i, n in enumerate(length) if n[right] > n[left] and b[i] > 50 >= a[i]]
    with opened(chromium, site / "answers.html") as (page, _):
        ready(page)
        # Alike answers would be a dull beginning.
        assert at(page) - 1 == differ[0]
        assert f"answers differ ({len(differ)})" in page.inner_text("#filter")
        for name, expected in (("wrong", wrong), ("turned", turned), ("longer", longer)):
            assert expected
            page.select_option("#filter", "all")
            page.evaluate("document.activeElement.blur()")
            page.select_option("#filter", name)
            assert f"of {len(expected)} of 805" in position(page)
            assert at(page) - 1 in expected
        page.evaluate("document.activeElement.blur()")
        start = longer.index(at(page) - 1)
        page.keyboard.press("j")
        page.keyboard.press("ArrowRight")
        assert at(page) - 1 == longer[(start + 2) % len(longer)]
        page.keyboard.press("k")
        page.keyboard.press("ArrowLeft")
        page.click("#next")
        assert at(page) - 1 == longer[(start + 1) % len(longer)]
        page.click("#previous")
        page.focus("#judge")
        page.keyboard.press("j")
        assert at(page) - 1 == longer[start]


def test_where_no_judge_saw_both_runs_the_page_says_so(site: Path, chromium: Browser) -> None:
    titles = {run["title"]: run["key"] for run in answers_page().data["runs"]}
    left = titles["LLaMA-2 13B (5.7M stand-in), Evol-Instruct, without noise"]
    right = titles["OPT 6.7B (2.4M stand-in), Evol-Instruct, without noise"]
    with opened(chromium, site / "answers.html") as (page, _):
        ready(page)
        page.evaluate("(to) => { location.hash = to; }", f"left={left}&right={right}")
        expect(page.locator("#judge option")).to_have_text(["none judged both runs"])
        assert "verdict turned (0)" in page.inner_text("#filter")


def test_a_link_opens_the_same_comparison(site: Path, chromium: Browser) -> None:
    with opened(chromium, site / "answers.html") as (page, _):
        ready(page)
        page.select_option("#right", label="OPT 6.7B (2.4M stand-in), Evol-Instruct, without noise")
        page.wait_for_function(
            "document.querySelector('#pair article:last-child h2').textContent.startsWith('OPT')"
        )
        page.select_option("#judge", "chatgpt")
        page.select_option("#filter", "turned")
        page.click("#next")
        seen, fragment = page.inner_text("#comparison"), page.get_attribute("#link", "href")
        page.goto("about:blank")
        page.goto(f"{(site / 'answers.html').as_uri()}{fragment}")
        ready(page)
        assert page.inner_text("#comparison") == seen
        assert page.evaluate("location.hash") == fragment
        page.goto("about:blank")
        page.goto(f"{(site / 'answers.html').as_uri()}#left=none&at=x&show=?&judge=?")
        ready(page)
        assert position(page) == "1 of 805"


def test_real_answers_are_compared_by_words(site: Path, chromium: Browser) -> None:
    page_data = answers_page()
    family = unpacked(_text(page_data.files["data/answers-small-llama-2-7b-alpaca.js"]))
    places = [family["runs"].index(key) for key in page_data.data["first"]["small"]]
    with opened(chromium, site / "answers.html") as (page, _):
        ready(page)
        real(page)
        columns = page.locator("#pair .answer")
        texts = [family["answers"][0][place] for place in places]
        assert [each.text_content() for each in columns.all()] == texts
        only = [columns.nth(0).locator("del"), columns.nth(1).locator("ins")]
        rest = []
        for text, marked in zip(texts, only, strict=True):
            own = " ".join(marked.all_text_contents()).split()
            assert own
            rest.append(len(text.split()) - len(own))
        assert rest[0] == rest[1]
        assert "%" in page.locator("#pair .verdict").first.inner_text()
        assert page.locator("#filter option[value=wrong]").count() == 0


def test_words_are_compared_by_a_longest_common_subsequence(site: Path, chromium: Browser) -> None:
    with opened(chromium, site / "answers.html") as (page, _):
        ready(page)
        found = page.evaluate(
            "([a, b]) => words.shared(words.split(a), words.split(b))", ["a b c d", "b  x c\ne"]
        )
        assert found == [[False, True, True, False], [True, False, True, False]]
        for text in ("", "a", "foobar", "Grüße, 世界 🙂"):
            assert page.evaluate("(text) => words.fingerprint(text)", text) == fnv1a(text)


def test_a_readers_own_file_of_alpacaeval_is_shown(
    site: Path, chromium: Browser, tmp_path: Path
) -> None:
    # The real texts are not here, so one of the fingerprints that the page holds is a made-up one.
    own = Fingerprint(*answers_page().data["asked"][0])
    text = "Who made up <this> text?"
    built = (site / "answers.html").read_text()
    made = site / "made-up.html"
    made.write_text(built.replace(own.hash, fnv1a(text)))
    file = tmp_path / "alpaca_eval.json"
    file.write_text(
        json.dumps(
            [
                {"instruction": text, "output": "A <b>test</b>.", "generator": "someone"},
                {"instruction": "Another one?", "output": "No."},
            ]
        )
    )
    with opened(chromium, made) as (page, requests):
        ready(page)
        real(page)
        assert f"Instruction {own.number} of AlpacaEval" in page.inner_text("#about")
        assert f"{own.characters} characters" in page.inner_text("#about")
        assert "may not be passed on" in page.inner_text("#instruction")
        before = len(requests)
        page.set_input_files("#own", file)
        expect(page.locator("#loaded")).to_have_text(
            "1 of 300 instructions were found in alpaca_eval.json."
        )
        assert page.inner_text("#instruction") == text
        page.click("#reference summary")
        assert page.inner_text("#referred") == "A <b>test</b>."
        assert page.inner_text("#by") == "In your file, by someone"
        annotations = tmp_path / "annotations.json"
        row = {
            "instruction": text,
            "output_1": "First.",
            "generator_1": "reference",
            "output_2": "",
        }
        annotations.write_text(json.dumps([row]))
        page.set_input_files("#own", annotations)
        expect(page.locator("#referred")).to_have_text("First.")
        for content in ("no JSON", "{}", "[1, null]"):
            other = tmp_path / "other.json"
            other.write_text(content)
            page.set_input_files("#own", other)
            expect(page.locator("#loaded")).to_contain_text("other.json is no JSON list")
        assert page.inner_text("#instruction") == text
        assert len(requests) == before
    with opened(chromium, made) as (page, _):
        ready(page)
        drop(page, file)
        expect(page.locator("#loaded")).to_have_text(
            "1 of 300 instructions were found in alpaca_eval.json."
        )
        assert page.inner_text("#instruction") == text


def test_what_is_missing_beside_the_page_is_named(
    site: Path, chromium: Browser, tmp_path: Path
) -> None:
    alone = tmp_path / "site"
    write([answers_page()], alone, [answers_page()])
    (alone / "data" / "answers-nano.js").unlink()
    context = chromium.new_context()
    page = context.new_page()
    page.goto((alone / "answers.html").as_uri())
    expect(page.locator("#position")).to_contain_text(
        "data/answers-nano.js is not beside this page"
    )
    context.close()
