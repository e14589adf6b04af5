"""Looking a name up, and what is said of one that does not exist."""

import pytest

from experiments.names import UnknownNameError, look_up


def test_an_unknown_name_is_an_error_that_lists_the_known_ones() -> None:
    assert look_up("colour", "red", {"red": 1, "blue": 2}) == 1
    with pytest.raises(UnknownNameError, match=r"^unknown colour 'pink'; known: blue, red$"):
        look_up("colour", "pink", {"red": 1, "blue": 2})


def test_the_nearest_name_is_suggested() -> None:
    with pytest.raises(UnknownNameError, match=r"known: blue, red; did you mean red\?$"):
        look_up("colour", "rad", {"red": 1, "blue": 2})
