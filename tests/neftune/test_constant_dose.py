"""A schedule holds the dose of the noise while the model changes."""

from typing import Any

import pytest
import torch
from transformers import Trainer, TrainingArguments

from neftune import NEFTune, Noise, attach
from neftune.constant_dose import constant_dose, dose
from neftune.schedules import Schedule
from tests.neftune.models import llama, t5

ROWS = [
    {"input_ids": list(range(3, 23)), "labels": [-100] * 8 + list(range(11, 23))},
    {"input_ids": list(range(5, 15)), "labels": [-100] * 4 + list(range(9, 15))},
]


def doubled(model: Any) -> None:
    """Make the embeddings twice as large, so that the same noise does less."""
    with torch.no_grad():
        model.get_input_embeddings().weight.mul_(2)


def model() -> Any:
    torch.manual_seed(0)
    made = llama()
    with torch.no_grad():
        # Predictions of a fresh model hardly depend on its input.
        made.get_input_embeddings().weight.mul_(20)
        made.lm_head.weight.mul_(20)
    return made.train()


def test_a_dose_grows_with_the_square_of_a_small_alpha() -> None:
    tuned = model()
    with attach(tuned, 0.2):
        once, twice = dose(tuned, ROWS), dose(tuned, ROWS, 2.0)
    assert once > 0
    assert twice / once == pytest.approx(4, rel=0.1)


def test_measuring_a_dose_changes_neither_the_training_noise_nor_the_modes() -> None:
    ids = torch.tensor([ROWS[0]["input_ids"]])

    def second_pass(measured: bool) -> torch.Tensor:
        tuned = model()
        with attach(tuned, 5):
            tuned(input_ids=ids)
            if measured:
                dose(tuned, ROWS)
            assert tuned.training
            found: torch.Tensor = tuned(input_ids=ids).logits
        return found

    torch.testing.assert_close(second_pass(True), second_pass(False), rtol=0, atol=0)


def test_noise_on_prompts_alone_has_another_dose_than_on_all_tokens() -> None:
    doses = {}
    for tokens in ("all", "prompt", "response"):
        tuned = model()
        with attach(tuned, Noise(0.2, tokens=tokens)):
            doses[tokens] = dose(tuned, ROWS)
    assert 0 < doses["prompt"] < doses["all"]
    assert 0 < doses["response"] < doses["all"]


def test_alpha_is_raised_until_the_dose_is_again_what_it_was() -> None:
    tuned = model()
    with attach(tuned, 0.2):
        schedule = constant_dose(tuned, ROWS, every=0.1)
        assert schedule(0.0) == 1
        wanted = dose(tuned, ROWS)
        doubled(tuned)
        assert schedule(0.05) == 1
        assert dose(tuned, ROWS) < 0.7 * wanted
        strength = schedule(0.1)
        assert strength > 1
        assert dose(tuned, ROWS, schedule(0.2)) == pytest.approx(wanted, rel=0.15)


def test_the_trainer_follows_it() -> None:
    tuned = model()
    strengths: list[float] = []
    schedule = constant_dose(tuned, ROWS, every=0.25)

    def followed(progress: float) -> float:
        strengths.append(schedule(progress))
        return strengths[-1]

    trained(tuned, followed)
    assert strengths[0] == 1
    assert len(set(strengths)) == 4


def trained(tuned: Any, schedule: Schedule) -> None:
    pytest.importorskip("accelerate", reason="transformers' Trainer needs accelerate")
    arguments = TrainingArguments(
        output_dir="unused",
        max_steps=4,
        per_device_train_batch_size=1,
        learning_rate=0.01,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
    )
    rows = [{name: torch.tensor(values) for name, values in row.items()} for row in ROWS]
    noise = NEFTune(1, schedule=schedule)
    Trainer(tuned, arguments, train_dataset=rows, callbacks=[noise]).train()


@pytest.mark.parametrize(
    ("rows", "said"),
    (
        ([], "there are none"),
        ([{"input_ids": [3, 4], "labels": [-100, -100]}], "row 0 has no token to predict"),
        ([ROWS[0], {"input_ids": [3, 4]}], "row 1 has no labels"),
        ([{"input_ids": [3, 4, 5], "labels": [4, 5]}], "row 0 has 3 input_ids and 2 labels"),
    ),
)
def test_rows_that_give_no_dose_are_refused(rows: Any, said: str) -> None:
    tuned = model()
    with pytest.raises(ValueError, match=said):
        constant_dose(tuned, rows)
    with pytest.raises(ValueError, match=said):
        NEFTune(5, dose_rows=rows)
    attachment = attach(tuned, 5)
    with pytest.raises(ValueError, match=said):
        dose(tuned, rows)
    attachment.detach()


def test_the_dose_of_an_encoder_decoder_is_refused() -> None:
    translator = t5()
    with pytest.raises(TypeError, match="is an encoder-decoder"):
        constant_dose(translator, ROWS)
    attachment = attach(translator, 5)
    with pytest.raises(TypeError, match="is an encoder-decoder"):
        dose(translator, ROWS)
    attachment.detach()


def test_what_cannot_be_held_is_refused() -> None:
    with pytest.raises(RuntimeError, match="the model has none"):
        constant_dose(model(), ROWS)(0.0)
    tuned = model()
    with attach(tuned, 0), pytest.raises(ValueError, match="does not change the model's"):
        constant_dose(tuned, ROWS)(0.0)
