"""What the noise is, by property: its bounds, moments, norm, and the length it is scaled by."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neftune.distributions import DISTRIBUTIONS, RANK, Noise
from neftune.noise import expected_norm, noise_scale, sample, sample_by_sequence
from neftune.sequences import Told, numbered, sequence_lengths, tokens_of_sequences

alphas = st.floats(0.1, 100)
dimensions = st.integers(1, 64)
row_lengths = st.lists(st.integers(1, 12), min_size=1, max_size=6)
distributions = st.sampled_from(sorted(DISTRIBUTIONS))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def padded(lengths: list[int], left: bool) -> torch.Tensor:
    """The attention mask of sequences of these lengths, padded to a common one."""
    width = max(lengths) + 2
    mask = torch.zeros(len(lengths), width, dtype=torch.int64)
    for row, length in enumerate(lengths):
        start = width - length if left else 0
        mask[row, start : start + length] = 1
    return mask


@given(row_lengths, st.booleans())
def test_length_is_each_sequences_own_on_either_side_of_padding(
    lengths: list[int], left: bool
) -> None:
    mask = padded(lengths, left)
    found = sequence_lengths(mask.shape, mask)
    assert torch.equal(found, mask * torch.tensor(lengths)[:, None])


@given(row_lengths)
def test_a_packed_row_and_the_same_sequences_padded_get_the_same_scales(lengths: list[int]) -> None:
    positions = torch.cat([torch.arange(length) for length in lengths])[None]
    packed = sequence_lengths((1, sum(lengths)), position_ids=positions)
    mask = padded(lengths, left=False)
    apart = sequence_lengths(mask.shape, mask)[mask.bool()]
    assert torch.equal(packed[0], apart)


@given(row_lengths, st.integers(1, 5))
def test_padding_behind_a_packed_row_is_not_counted(lengths: list[int], padding: int) -> None:
    runs = [torch.arange(length) for length in [*lengths, padding]]
    positions = torch.cat(runs)[None]
    mask = torch.cat([torch.ones(1, sum(lengths)), torch.zeros(1, padding)], dim=1)
    found = sequence_lengths(mask.shape, mask, positions)
    expected = [length for length in lengths for _ in range(length)] + [0] * padding
    assert found[0].tolist() == expected


@pytest.mark.parametrize("pads", ([0, 0], [1, 1], [0, 1]))
def test_position_ids_of_left_padding_do_not_split_a_sequence(pads: list[int]) -> None:
    positions = torch.tensor([[*pads, 0, 1, 2]])
    mask = torch.tensor([[0, 0, 1, 1, 1]])
    assert sequence_lengths(mask.shape, mask, positions).tolist() == [[0, 0, 3, 3, 3]]


def test_without_mask_or_positions_the_length_is_the_rows() -> None:
    assert sequence_lengths((2, 7)).tolist() == [[7] * 7] * 2


def test_a_mask_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(2, 3\).*not \(2, 1, 3, 3\)"):
        sequence_lengths((2, 3), torch.ones(2, 1, 3, 3))


@given(alphas, st.integers(1, 4096), st.integers(1, 8192))
def test_scale_is_the_papers_formula_in_float32(alpha: float, length: int, d: int) -> None:
    scale = noise_scale(alpha, torch.tensor([length, 0]), d)
    assert scale.dtype == torch.float32
    assert scale[0].item() == pytest.approx(alpha / math.sqrt(length * d), rel=1e-6)
    assert scale[1].item() == 0


@given(alphas, row_lengths, dimensions, distributions, st.booleans())
def test_padding_is_untouched_and_the_rest_is_bounded(
    alpha: float, lengths: list[int], d: int, distribution: str, left: bool
) -> None:
    mask = padded(lengths, left)
    noise = Noise(alpha, distribution)
    drawn = sample(noise, d, sequence_lengths(mask.shape, mask), generator())
    assert torch.all(drawn[mask == 0] == 0)
    if distribution in ("gaussian", "low-rank"):
        return
    bound = alpha / torch.sqrt(torch.tensor(lengths) * d) * (1 + 1e-5)
    assert torch.all(drawn.abs().amax(dim=(1, 2)) <= bound)
    if distribution == "bernoulli":
        sizes = set(drawn.abs()[mask == 1].flatten().tolist())
        assert len(sizes) <= len(set(lengths))


@pytest.mark.parametrize("distribution", sorted(DISTRIBUTIONS))
@pytest.mark.parametrize("length", (1, 10, 400))
def test_mean_variance_and_norm(distribution: str, length: int) -> None:
    noise, d, rows = Noise(5, distribution), 64, 4000 // length + 20
    drawn = sample(noise, d, torch.full((rows, length), length), generator())
    scale = 5 / math.sqrt(length * d)
    # Independent numbers that the entries are made from; five standard errors of normal ones.
    numbers = RANK * d if distribution == "low-rank" else drawn.numel()
    assert abs(drawn.mean().item()) < 5 * scale / math.sqrt(numbers)
    variance = drawn.var().item() / scale**2
    near = 5 * math.sqrt(2 / numbers)
    assert variance == pytest.approx(DISTRIBUTIONS[noise.distribution].variance, rel=near)
    norms = drawn.flatten(1).norm(dim=1)
    root_mean_square = norms.square().mean().sqrt().item()
    assert root_mean_square == pytest.approx(expected_norm(noise), rel=near)


def test_low_rank_noise_lies_in_a_few_directions() -> None:
    lengths = torch.full((2, 50), 50)
    drawn = sample(Noise(5, "low-rank"), 64, lengths, generator()).flatten(0, 1)
    assert int(torch.linalg.matrix_rank(drawn)) == RANK


def test_the_norm_of_uniform_noise_is_alpha_over_the_root_of_three() -> None:
    assert expected_norm(Noise(5)) == pytest.approx(5 / math.sqrt(3))


def test_the_padded_rule_takes_the_tensors_length_and_noises_padding() -> None:
    mask = padded([2, 10], left=False)
    noise = Noise(5, "bernoulli", "padded")
    drawn = sample(noise, 16, sequence_lengths(mask.shape, mask), generator())
    assert torch.allclose(drawn.abs(), torch.tensor(5 / math.sqrt(12 * 16)))


@settings(max_examples=20)
@given(st.one_of(st.floats(max_value=-1e-9), st.just(math.nan), st.just(math.inf)))
def test_an_impossible_alpha_is_refused(alpha: float) -> None:
    with pytest.raises(ValueError, match="alpha must be"):
        Noise(alpha)


def test_unknown_names_are_refused_with_the_right_ones() -> None:
    with pytest.raises(ValueError, match="uniform, gaussian, bernoulli"):
        Noise(5, "cauchy")
    with pytest.raises(ValueError, match="sequence, padded"):
        Noise(5, length_rule="batch")


@given(
    st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=9), min_size=1, max_size=5),
    distributions,
    st.booleans(),
)
@settings(max_examples=50)
def test_noise_by_sequence_is_the_same_alone_padded_and_packed(
    sequences: list[list[int]], distribution: str, left: bool
) -> None:
    noise, d = Noise(5, distribution), 4

    def draw(ids: torch.Tensor, *where: torch.Tensor | None) -> torch.Tensor:
        places = tokens_of_sequences(*numbered(ids.shape, Told(*where)))
        return sample_by_sequence(noise, ids, d, places, key="0 7 ")

    alone = [draw(torch.tensor([ids]))[0] for ids in sequences]
    mask = padded([len(ids) for ids in sequences], left)
    rows = torch.zeros_like(mask)
    rows[mask.bool()] = torch.tensor([i for ids in sequences for i in ids])
    in_rows = draw(rows, mask)
    assert torch.equal(in_rows[mask.bool()], torch.cat(alone))
    assert not in_rows[~mask.bool()].any()
    packed = torch.tensor([[i for ids in sequences for i in ids]])
    positions = torch.cat([torch.arange(len(ids)) for ids in sequences])[None]
    assert torch.equal(draw(packed, None, positions)[0], torch.cat(alone))


def test_noise_by_sequence_differs_between_sequences_keys_and_follows_the_scale() -> None:
    ids = torch.arange(4000).reshape(2, 2000)
    places = tokens_of_sequences(*numbered(ids.shape, Told()))
    drawn = sample_by_sequence(Noise(5), ids, 8, places, key="0 0 ")
    other = sample_by_sequence(Noise(5), ids, 8, places, key="0 1 ")
    bound = 5 / math.sqrt(2000 * 8)
    assert drawn.abs().max() <= bound
    assert drawn.square().mean() == pytest.approx(bound**2 / 3, rel=0.02)
    for a, b in ((drawn[0], drawn[1]), (drawn, other)):
        correlation = torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1]
        assert abs(correlation) < 0.03


def test_noise_by_sequence_does_not_depend_on_how_ids_are_stored() -> None:
    ids = torch.tensor([[3, 4, 5]])
    places = tokens_of_sequences(*numbered(ids.shape, Told()))
    long, short = (
        sample_by_sequence(Noise(5), each, 8, places, key="0 0 ") for each in (ids, ids.int())
    )
    assert torch.equal(long, short)


def test_the_padded_rule_cannot_be_drawn_by_sequence() -> None:
    ids = torch.ones(1, 3, dtype=torch.int64)
    noise, places = (
        Noise(5, length_rule="padded"),
        tokens_of_sequences(*numbered(ids.shape, Told())),
    )
    with pytest.raises(ValueError, match="depends on the batch"):
        sample_by_sequence(noise, ids, 4, places, key="")
