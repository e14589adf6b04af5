"""lm-eval's numbers do not depend on whether common beginnings are computed once."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lm_eval.models.huggingface import HFLM
from transformers import AutoTokenizer

from eval.leaderboard import Request, SharedBeginnings
from tests.neftune.models import llama
from tests.paths import BASE

torch.manual_seed(0)
MODEL = llama().eval()
TOKENIZER = AutoTokenizer.from_pretrained(BASE)
TOKENS = st.lists(st.integers(3, 12), min_size=1, max_size=6)


def scored(kind: type[HFLM], requests: list[Request], most: int) -> list[tuple[float, bool]]:
    model = kind(pretrained=MODEL, tokenizer=TOKENIZER, batch_size=4, max_length=most)
    return list(model._loglikelihood_tokens(requests, disable_tqdm=True))


@settings(max_examples=25, deadline=None)
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
