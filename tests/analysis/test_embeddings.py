"""Flips of tokens, nearest embeddings, and the spectrum of their similarities."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.embeddings import flip_shares, flips, nearest, noise_to_gap, similarity_spectrum
from neftune.spec import Noise

WEIGHTS = torch.randn(50, 16, generator=torch.Generator().manual_seed(0))


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def test_nearest_agrees_with_all_distances() -> None:
    vectors = torch.randn(30, 16, generator=generator())
    expected = torch.cdist(vectors, WEIGHTS).argmin(1)
    assert torch.equal(nearest(vectors, WEIGHTS, chunk=7), expected)


def test_no_token_flips_without_noise_and_nearly_all_under_much() -> None:
    ids = torch.arange(50)
    assert not flips(WEIGHTS, ids, 10, Noise(0), generator()).any()
    assert flips(WEIGHTS, ids, 10, Noise(1000), generator()).float().mean() > 0.9


@settings(deadline=None, max_examples=25)
@given(st.floats(0, 20), st.integers(1, 512))
def test_noise_smaller_than_half_the_gap_never_flips(alpha: float, length: int) -> None:
    gap = torch.cdist(WEIGHTS, WEIGHTS).fill_diagonal_(torch.inf).min()
    largest = alpha / (length * 16) ** 0.5 * 16**0.5
    flipped = flips(WEIGHTS, torch.arange(50), length, Noise(alpha), generator())
    if largest < 0.999 * gap / 2:
        assert not flipped.any()


def test_a_shorter_sequence_gets_more_noise() -> None:
    assert noise_to_gap(WEIGHTS, 5, 16) == pytest.approx(2 * noise_to_gap(WEIGHTS, 5, 64))
    short, long = flip_shares(WEIGHTS, [[3] * 4, [3] * 400], Noise(30), generator())
    assert short > long


def test_the_spectrum_is_that_of_the_similarity_matrix() -> None:
    expected = torch.linalg.svdvals((WEIGHTS @ WEIGHTS.T).double())[:5]
    torch.testing.assert_close(
        torch.tensor(similarity_spectrum(WEIGHTS, 5)), expected.float(), rtol=1e-5, atol=0
    )
