"""The learning rate: above 0 in every step, and otherwise that of transformers' schedulers."""

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import get_cosine_schedule_with_warmup

from neftune.training.schedule import schedule, share


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(1, 100_000), st.floats(0, 1), st.floats(0, 1))
def test_it_is_above_zero_and_never_above_the_peak(
    steps: int, warmup_share: float, place: float
) -> None:
    warmup = int(steps * warmup_share)
    for step in {
        0,
        int(place * (steps - 1)),
        max(0, warmup - 1),
        min(warmup, steps - 1),
        steps - 1,
    }:
        assert 0 < share(step, "cosine", steps=steps, warmup=warmup) <= 1
        assert share(step, "constant", steps=steps, warmup=warmup) == 1


def test_it_rises_in_the_warmup_to_the_peak_and_then_falls() -> None:
    rates = [share(step, "cosine", steps=100, warmup=3) for step in range(100)]
    assert rates[:4] == [0.25, 0.5, 0.75, 1]
    assert rates[3:] == sorted(rates[3:], reverse=True)
    assert rates[-1] < 0.001


def test_after_the_warmup_it_is_the_cosine_of_transformers() -> None:
    made = []
    for ours in (True, False):
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        scheduler = (
            schedule(optimizer, "cosine", steps=50, warmup=5)
            if ours
            else get_cosine_schedule_with_warmup(optimizer, 5, 50)
        )
        rates = []
        for _ in range(50):
            rates.append(scheduler.get_last_lr()[0])
            optimizer.step()
            scheduler.step()
        made.append(rates)
    assert made[0][5:] == pytest.approx(made[1][5:])
    assert made[1][0] == 0 < made[0][0]
