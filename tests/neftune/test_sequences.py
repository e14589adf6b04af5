"""L, from whatever tells the sequences of a batch apart."""

from itertools import accumulate, chain

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from neftune.sequences import Told, numbered, sequence_lengths, tokens_of_sequences

lengths_in_a_row = st.lists(st.integers(1, 9), min_size=1, max_size=6)


def of_each_token(lengths: list[int], padding: int = 0) -> list[int]:
    return [length for length in lengths for _ in range(length)] + [0] * padding


def runs(lengths: list[int], stride: int = 1, repeat: int = 1) -> Tensor:
    """(1, T), positions that begin anew in each sequence."""
    return torch.cat(
        [torch.arange(n).div(repeat, rounding_mode="floor") * stride for n in lengths]
    )[None]


def numbers(lengths: list[int], first: int = 0) -> Tensor:
    return torch.cat([torch.full((n,), first + k) for k, n in enumerate(lengths)])[None]


@given(lengths_in_a_row, st.integers(1, 5))
def test_positions_may_have_a_stride(lengths: list[int], stride: int) -> None:
    found = sequence_lengths((1, sum(lengths)), position_ids=runs(lengths, stride))
    assert found[0].tolist() == of_each_token(lengths)


@given(st.lists(st.integers(3, 9), min_size=1, max_size=5))
def test_positions_may_repeat_but_for_the_first(lengths: list[int]) -> None:
    pieces = [[0, *(1 + k // 3 for k in range(n - 1))] for n in lengths]
    positions = torch.tensor([[*chain(*pieces)]])
    assert sequence_lengths(positions.shape, position_ids=positions)[0].tolist() == of_each_token(
        lengths
    )


@given(lengths_in_a_row)
def test_sequences_of_one_token_are_sequences(lengths: list[int]) -> None:
    lengths = [1, 1, *lengths, 1]
    found = sequence_lengths((1, sum(lengths)), position_ids=runs(lengths))
    assert found[0].tolist() == of_each_token(lengths)


def test_the_positions_of_a_picture_begin_no_sequence() -> None:
    """Text of two tokens, a picture of two by two patches, text; and another such sequence."""
    time = [0, 1, 2, 2, 2, 2, 4]
    height = [0, 1, 2, 2, 3, 3, 4]
    width = [0, 1, 2, 3, 2, 3, 4]
    by_axis = torch.tensor([time * 2, height * 2, width * 2])[:, None]
    assert sequence_lengths((1, 14), position_ids=by_axis)[0].tolist() == [7] * 14
    plain = torch.cat([runs([7, 7])[None], by_axis])
    assert sequence_lengths((1, 14), position_ids=plain)[0].tolist() == [7] * 14


def test_a_picture_at_the_beginning_is_one_sequence_with_its_text() -> None:
    axes = torch.tensor([[0, 0, 0, 0, 2], [0, 0, 1, 1, 2], [0, 1, 0, 1, 2]])[:, None]
    assert sequence_lengths((1, 5), position_ids=axes)[0].tolist() == [5] * 5


@given(lengths_in_a_row, st.integers(0, 4))
def test_a_mask_may_number_the_sequences(lengths: list[int], padding: int) -> None:
    mask = torch.cat([numbers(lengths, 1), torch.zeros(1, padding, dtype=torch.int64)], dim=1)
    assert sequence_lengths(mask.shape, mask)[0].tolist() == of_each_token(lengths, padding)


def test_a_hole_in_a_mask_is_within_one_sequence() -> None:
    mask = torch.tensor([[1, 1, 0, 1]])
    assert sequence_lengths(mask.shape, mask).tolist() == [[3, 3, 0, 3]]


def test_positions_of_padding_within_a_sequence_do_not_split_it() -> None:
    """As transformers numbers them: 1 where the mask is 0."""
    mask, positions = torch.tensor([[1, 1, 1, 0, 1, 1]]), torch.tensor([[0, 1, 2, 1, 3, 4]])
    assert sequence_lengths(mask.shape, mask, positions).tolist() == [[5, 5, 5, 0, 5, 5]]


@given(lengths_in_a_row, st.integers(0, 3))
def test_beginnings_in_the_flattened_batch_tell(lengths: list[int], repeated: int) -> None:
    ends = torch.tensor([0, *accumulate(lengths), *[sum(lengths)] * repeated], dtype=torch.int32)
    found = sequence_lengths((1, sum(lengths)), cu_seq_lens=ends)
    assert found[0].tolist() == of_each_token(lengths)
    # They are believed before the positions, which may be those of the whole row.
    whole = torch.arange(sum(lengths))[None]
    assert torch.equal(
        sequence_lengths((1, sum(lengths)), position_ids=whole, cu_seq_lens=ends), found
    )


def test_beginnings_in_a_batch_of_several_rows() -> None:
    found = sequence_lengths((2, 5), cu_seq_lens=torch.tensor([0, 2, 5, 9, 10]))
    assert found.tolist() == [[2, 2, 3, 3, 3], [4, 4, 4, 4, 1]]


@given(lengths_in_a_row)
def test_numbers_of_sequences_tell(lengths: list[int]) -> None:
    found = sequence_lengths((1, sum(lengths)), seq_idx=numbers(lengths).to(torch.int32))
    assert found[0].tolist() == of_each_token(lengths)


def test_tokens_that_came_before_in_a_cache_are_not_counted() -> None:
    mask = torch.tensor([[1, 1, 1, 1, 0], [0, 0, 1, 1, 1]])
    assert sequence_lengths((2, 3), mask).tolist() == [[2, 2, 0], [3, 3, 3]]


@pytest.mark.parametrize(
    ("what", "said"),
    (
        ({"attention_mask": torch.ones(2, 3)}, r"mask of shape \(2, 4\).*not \(2, 3\)"),
        ({"position_ids": torch.zeros(2, 2, 4)}, r"of shape \(2, 4\), \(3, 2, 4\) or \(4,"),
        ({"position_ids": torch.zeros(2, 3)}, r"position_ids must be of shape \(2, 4\), not"),
        ({"seq_idx": torch.zeros(3, 4)}, r"seq_idx must be of shape \(2, 4\), not \(3, 4\)"),
        ({"cu_seq_lens": torch.zeros(1, 4)}, r"cu_seq_lens must be of shape \(N \+ 1,\)"),
    ),
)
def test_what_does_not_fit_is_an_error(what: dict[str, Tensor], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        sequence_lengths((2, 4), **what)


@given(st.lists(lengths_in_a_row, min_size=1, max_size=3))
def test_the_tokens_of_the_sequences_are_all_real_ones_once(rows: list[list[int]]) -> None:
    width = max(map(sum, rows))
    mask = torch.tensor([[1] * sum(row) + [0] * (width - sum(row)) for row in rows])
    positions = torch.stack(
        [
            torch.cat([runs(row)[0], torch.zeros(width - sum(row), dtype=torch.int64)])
            for row in rows
        ]
    )
    sequences, real = numbered(mask.shape, Told(mask, positions))
    places = tokens_of_sequences(sequences, real)
    assert [len(columns) for _, columns in places] == [n for row in rows for n in row]
    seen = sorted((row, int(column)) for row, columns in places for column in columns)
    assert seen == [tuple(place) for place in mask.nonzero().tolist()]
