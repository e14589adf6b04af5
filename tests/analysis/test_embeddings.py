"""Flips of tokens, nearest embeddings, and the spectrum of their similarities."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from analysis.embeddings import (
    embedding_of,
    flip_shares,
    flips,
    nearest,
    noise_to_gap,
    similarity_spectrum,
)
from neftune.distributions import Noise
from neftune.training.model_folder import ModelFolderError
from tests.neftune.models import SINGLE_STACK, llama

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


@settings(max_examples=25)
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


@pytest.mark.parametrize("dtype", (torch.float32, torch.bfloat16))
@pytest.mark.parametrize("name", sorted(SINGLE_STACK))
def test_the_embedding_of_a_checkpoint_is_the_models(
    name: str, dtype: torch.dtype, tmp_path: Path
) -> None:
    model = SINGLE_STACK[name]().to(dtype)
    model.save_pretrained(tmp_path)
    read = embedding_of(tmp_path)
    assert read.dtype == torch.float32
    assert torch.equal(read, model.get_input_embeddings().weight.float())


@pytest.mark.parametrize("tied", (False, True))
def test_the_embedding_of_a_sharded_checkpoint_is_the_models(tied: bool, tmp_path: Path) -> None:
    model = llama(tied)
    model.save_pretrained(tmp_path, max_shard_size="8KB")
    assert (tmp_path / "model.safetensors.index.json").is_file()
    assert torch.equal(embedding_of(str(tmp_path)), model.get_input_embeddings().weight)


def test_a_folder_without_an_embedding_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match=rf"{tmp_path.name}: no model.safetensors"):
        embedding_of(tmp_path)
    save_file({"embed_positions.weight": torch.zeros(2, 2)}, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match=r"no embedding .*embed_tokens.weight, wte.weight"):
        embedding_of(tmp_path)
