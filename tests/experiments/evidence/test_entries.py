"""The list of published comparisons: the shipped file passes, and what is wrong is named."""

from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from experiments.evidence.entries import FILE, EvidenceError, load, read

SOURCE: dict[str, Any] = {
    "name": "Someone",
    "authors": "Someone et al.",
    "year": 2024,
    "address": "arXiv 2401.00001",
    "group": "independent",
}
ENTRY: dict[str, Any] = {
    "id": "someone.gsm8k",
    "source": "someone",
    "verified": True,
    "read": "Table 1",
    "model": "LLaMA-2 7B",
    "size_billions": 6.74,
    "training_set": "GSM8K",
    "rows": 7473,
    "epochs": 3,
    "learning_rate": None,
    "tuning": "full",
    "alpha": 5,
    "length_rule": "padded",
    "library": None,
    "matched": True,
    "kind": "benchmarks",
    "metric": "GSM8K",
    "judge": None,
    "higher_is_better": True,
    "unit": "%",
    "without": 35.9,
    "with": 36.1,
}


def text(*entries: object, sources: object = None, **others: object) -> str:
    """A file with some entries."""
    content = {"sources": sources or {"someone": SOURCE}, "comparisons": list(entries), **others}
    return str(yaml.safe_dump(content))


def errors(content: str) -> list[str]:
    """The lines of the error that reading a text gives."""
    with pytest.raises(EvidenceError) as raised:
        read(content)
    return str(raised.value).splitlines()


def test_the_shipped_file_passes_and_says_what_was_read_at_its_source() -> None:
    found = load()
    raw = yaml.safe_load(FILE.read_text())
    assert [each.id for each in found] == [entry["id"] for entry in raw["comparisons"]]
    unverified = [each.id for each in found if not each.verified]
    assert unverified == ["zhao-2024.alpaca-eval-2", "zhao-2024.open-llm"]
    assert len(found) - len(unverified) == 108
    used = {entry["source"] for entry in raw["comparisons"]}
    assert used == set(raw["sources"])


def test_no_own_result_and_no_number_of_the_paper_is_typed_again() -> None:
    assert {each.source.group for each in load()} == {"authors", "independent"}
    assert not any("2310.05914" in each.source.address for each in load())


def test_an_entry_is_what_its_file_says() -> None:
    (found,) = read(text(ENTRY))
    assert (found.source.name, found.without, found.with_) == ("Someone", 35.9, 36.1)
    assert found.epochs == 3.0


@pytest.mark.parametrize("field", [key for key in ENTRY if key not in ("id", "without", "with")])
def test_a_missing_field_is_named(field: str) -> None:
    (line,) = errors(text({key: value for key, value in ENTRY.items() if key != field}))
    expected = "expected a value, or null where it is not known"
    assert line == f"published.yaml: someone.gsm8k: `{field}`: {expected}"


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    (
        ("source", "nobody", "unknown source 'nobody'; known: someone"),
        ("verified", "yes", "expected true or false, given 'yes'"),
        ("read", "", "expected text that is not empty, given ''"),
        ("model", None, "expected text, given None"),
        ("size_billions", "7B", "expected a number, given '7B'"),
        ("size_billions", 0, "expected to be greater than 0, given 0"),
        ("training_set", 5, "expected text, given 5"),
        ("rows", 7.5, "expected a whole number, given 7.5"),
        ("rows", 0, "expected to be greater than or equal to 1, given 0"),
        ("epochs", "three", "expected a number, given 'three'"),
        ("learning_rate", -1e-5, "expected to be greater than 0, given -1e-05"),
        ("learning_rate", "5e-5", "expected a number, given '5e-5'"),
        ("tuning", "lora", "expected to be 'full', 'LoRA', 'QLoRA' or 'unknown', given 'lora'"),
        ("alpha", 0, "expected to be greater than 0, given 0"),
        ("alpha", True, "expected a number, given True"),
        (
            "length_rule",
            "batch",
            "expected to be 'sequence', 'padded', 'packed' or 'unknown', given 'batch'",
        ),
        ("library", "", "expected text that is not empty, given ''"),
        ("matched", 1, "expected true or false, given 1"),
        ("metric", None, "expected text, given None"),
        ("judge", 4, "expected text, given 4"),
        ("higher_is_better", None, "expected true or false, given None"),
        ("without", "35.9", "expected a number, given '35.9'"),
        ("items", 80.5, "expected a whole number, given 80.5"),
        ("standard_errors", [1.0, 0.0], "expected to be greater than 0, given 0.0"),
        ("note", None, "expected text, given None"),
        ("gain", 0.2, "no such field"),
        ("aplha", 5, "no such field"),
    ),
)
def test_a_wrong_field_is_named_with_what_it_should_be(
    field: str, value: object, expected: str
) -> None:
    (line,) = errors(text({**ENTRY, field: value}))
    where = "standard_errors.1" if field == "standard_errors" else field
    assert line == f"published.yaml: someone.gsm8k: `{where}`: {expected}"


@pytest.mark.parametrize(
    ("changed", "expected"),
    (
        ({"without": None}, "needs both `without` and `with`"),
        ({"without": None, "with": None}, "needs both `without` and `with`"),
        ({"change_percent": 25}, "needs both `without` and `with`"),
        ({"with": 361}, "`with` must be from 0 to 100 %, not 361"),
        ({"unit": "of 10"}, "`without` must be from 0 to 10 of 10, not 35.9"),
        ({"unit": "pairs"}, "`items` must be the number of pairs"),
        ({"interval": [1.0, 2.0]}, "`interval` must contain the gain 0.2, not be 1 to 2"),
        (
            {"interval": [0.0, 1.0], "standard_errors": [1.0, 1.0]},
            "has either `interval` or `standard_errors`",
        ),
    ),
)
def test_fields_that_do_not_fit_each_other_are_named(
    changed: dict[str, object], expected: str
) -> None:
    (line,) = errors(text({**ENTRY, **changed}))
    assert line.startswith(f"published.yaml: someone.gsm8k: {expected}")


def test_every_wrong_field_of_every_entry_has_its_line() -> None:
    lines = errors(
        text(
            {**ENTRY, "alpha": "5", "source": "nobody"},
            {**ENTRY, "id": "someone.arc", "rows": "all"},
            "an entry",
            {key: value for key, value in ENTRY.items() if key != "id"},
        )
    )
    assert lines == [
        "published.yaml: someone.gsm8k: `source`: unknown source 'nobody'; known: someone",
        "published.yaml: someone.gsm8k: `alpha`: expected a number, given '5'",
        "published.yaml: someone.arc: `rows`: expected a whole number, given 'all'",
        "published.yaml: entry 3: expected fields, given 'an entry'",
        "published.yaml: entry 4: `id`: expected a value, or null where it is not known",
    ]


def test_ids_are_unique() -> None:
    (line,) = errors(text(ENTRY, ENTRY))
    assert line == "published.yaml: someone.gsm8k: `id`: expected to be unique, given 2 times"


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    (
        ("address", "http://x.org", "expected to match pattern"),
        ("year", 2022, "expected to be greater than or equal to 2023, given 2022"),
        ("group", "friends", "expected to be 'authors', 'independent' or 'here'"),
    ),
)
def test_a_wrong_source_is_named(field: str, value: object, expected: str) -> None:
    (line,) = errors(text(ENTRY, sources={"someone": {**SOURCE, field: value}}))
    assert line.startswith(f"published.yaml: source someone: `{field}`: {expected}")


@pytest.mark.parametrize(
    ("content", "expected"),
    (
        ("", "expected sources and comparisons, given None"),
        ("- 1", "expected sources and comparisons, given [1]"),
        ("comparisons: [", "not YAML: while parsing"),
        (text(), "`comparisons`: expected a list with at least one entry"),
        (text(ENTRY, others={}), "`others`: no such part"),
    ),
)
def test_a_file_without_its_parts_is_refused(content: str, expected: str) -> None:
    (line,) = errors(content)
    assert line.startswith(f"published.yaml: {expected}")
