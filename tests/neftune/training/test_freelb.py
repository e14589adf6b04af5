"""FreeLB: the ascent stays in its ball and goes uphill; of no size it is plain training."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import Trainer, TrainingArguments

from neftune.training.data import Example, collator
from neftune.training.freelb import FreeLBTrainer, ascend
from neftune.training.recipe import FreeLB
from tests.neftune.models import llama

EXAMPLES: list[Example] = [
    {"input_ids": [3, 4, 5, 6 + i, 7], "labels": [-100, -100, 5, 6 + i, 7]} for i in range(8)
]


@given(st.integers(0, 1000), st.floats(0, 10), st.floats(0.1, 10))
def test_a_step_keeps_every_sequence_within_the_ball(seed: int, size: float, radius: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    delta, gradient = torch.randn(2, 3, 4, 5, generator=generator)
    moved = ascend(delta, gradient, FreeLB(step_size=size, max_norm=radius))
    assert (moved.flatten(1).norm(dim=1) <= radius * 1.0001).all()


def test_a_step_within_the_ball_goes_along_the_gradient_by_its_size() -> None:
    delta, gradient = torch.zeros(2, 3, 4), torch.randn(2, 3, 4)
    moved = ascend(delta, gradient, FreeLB(step_size=0.5, max_norm=10))
    torch.testing.assert_close(moved.flatten(1).norm(dim=1), torch.full((2,), 0.5))
    assert (moved * gradient).sum() > 0


def trained(kind: type[Trainer], out: Path, **settings: object) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    model = llama()
    arguments = TrainingArguments(
        str(out),
        per_device_train_batch_size=4,
        num_train_epochs=1,
        learning_rate=1e-2,
        use_cpu=True,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
    )
    kind(model, arguments, train_dataset=EXAMPLES, data_collator=collator(0), **settings).train()
    return {name: value.clone() for name, value in model.state_dict().items()}


def test_a_perturbation_of_no_size_is_plain_training(tmp_path: Path) -> None:
    plain = trained(Trainer, tmp_path)
    nothing = FreeLB(steps=2, magnitude=0, step_size=0, max_norm=0)
    still = trained(FreeLBTrainer, tmp_path, settings=nothing, noise_seed=0)
    for name, value in plain.items():
        torch.testing.assert_close(still[name], value, rtol=1e-3, atol=1e-5)


def test_a_perturbation_changes_training_the_same_way_every_time(tmp_path: Path) -> None:
    plain = trained(Trainer, tmp_path)
    first, second = (
        trained(FreeLBTrainer, tmp_path, settings=FreeLB(), noise_seed=1) for _ in range(2)
    )
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], plain[name]) for name in plain)


@pytest.mark.parametrize("field", ("steps", "magnitude", "step_size", "max_norm"))
def test_impossible_settings_are_refused(field: str) -> None:
    with pytest.raises(ValueError, match=field):
        FreeLB(**{field: -1})
