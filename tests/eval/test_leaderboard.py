"""lm-eval's numbers do not depend on whether common beginnings are computed once."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lm_eval.models.huggingface import HFLM
from transformers import AutoTokenizer

from eval.leaderboard import Request, SharedBeginnings, batches
from tests.neftune.models import llama
from tests.paths import BASE

torch.manual_seed(0)
MODEL = llama().eval()
TOKENIZER = AutoTokenizer.from_pretrained(BASE)
TOKENS = st.lists(st.integers(3, 12), min_size=1, max_size=6)


def scored(kind: type[HFLM], requests: list[Request], most: int) -> list[tuple[float, bool]]:
    model = kind(pretrained=MODEL, tokenizer=TOKENIZER, batch_size=4, max_length=most)
    return list(model._loglikelihood_tokens(requests, disable_tqdm=True))


@settings(max_examples=25)
@given(
    examples=st.lists(st.integers(3, 12), max_size=20),
    questions=st.lists(st.tuples(TOKENS, TOKENS), min_size=1, max_size=9),
    most=st.sampled_from((12, 64)),
)
def test_answers_have_the_likelihoods_of_lm_evals_own_model(
    examples: list[int], questions: list[tuple[list[int], list[int]]], most: int
) -> None:
    """Also where answers begin alike, and where a context is too long and cut from the left."""
    requests: list[Request] = [
        (("", ""), examples + question, answer) for question, answer in questions
    ]
    own, plain = (scored(kind, requests, most) for kind in (SharedBeginnings, HFLM))
    assert [value for value, _ in own] == pytest.approx([value for value, _ in plain], rel=1e-4)
    assert [greedy for _, greedy in own] == [greedy for _, greedy in plain]


@given(
    sequences=st.lists(st.lists(st.integers(0, 3), max_size=9), max_size=30),
    size=st.integers(1, 8),
)
def test_every_request_is_in_one_batch(sequences: list[list[int]], size: int) -> None:
    found = batches(sequences, size)
    assert sorted(place for batch in found for place in batch) == list(range(len(sequences)))
    assert all(len(batch) <= size for batch in found)


def test_requests_share_a_batch_with_those_that_begin_alike_or_are_as_long() -> None:
    examples = [7] * 40
    long = [[*examples, n] for n in range(4)]
    alone = [[n] * length for n, length in ((1, 30), (2, 10), (3, 31), (4, 11))]
    sequences = [alone[0], long[0], alone[1], long[1], alone[2], long[2], alone[3], long[3]]
    assert batches(sequences, 2) == [[1, 3], [5, 7], [2, 6], [0, 4]]
