"""Texts of others: out of the archive, and back to the byte."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.runs.withheld import Place, WithheldError, restored, withheld

FOREIGN = ("Name a river.", "The Danube.", "", "Écris un poème.")
TEXTS: dict[Place, str] = {
    ("reference", number, "instruction"): text for number, text in enumerate(FOREIGN)
}
ROWS = st.lists(
    st.dictionaries(
        st.sampled_from(("instruction", "output", "output_1", "preference")),
        st.one_of(st.sampled_from(FOREIGN), st.text(), st.floats(1, 2), st.none()),
        max_size=4,
    )
)


def written(rows: object) -> bytes:
    return (json.dumps(rows, indent=1, ensure_ascii=False) + "\n").encode()


@given(ROWS)
def test_content_comes_back_to_the_byte_and_shows_no_text_of_others(rows: object) -> None:
    content = written(rows)
    kept = withheld(content, TEXTS)
    assert restored(kept, TEXTS) == content
    values = [value for row in json.loads(kept) for value in row.values()]
    assert not any(isinstance(value, str) and value in FOREIGN for value in values)


def test_our_own_answers_stay() -> None:
    kept = withheld(written([{"instruction": "Name a river.", "output": "The Rhine."}]), TEXTS)
    assert json.loads(kept) == [
        {"instruction": {"withheld": ["reference", 0, "instruction"]}, "output": "The Rhine."}
    ]


def test_other_data_are_refused() -> None:
    kept = withheld(written([{"instruction": "Écris un poème."}]), TEXTS)
    fewer = {place: text for place, text in TEXTS.items() if place[1] < 3}
    with pytest.raises(WithheldError, match="the instruction 3 of reference is not here"):
        restored(kept, fewer)


def test_a_file_in_another_form_is_refused() -> None:
    content = json.dumps([{"instruction": "Name a river."}]).encode()
    with pytest.raises(WithheldError, match="not in the form"):
        withheld(content, TEXTS)
