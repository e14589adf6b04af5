"""Golden losses: a few steps of the laboratory's training give the losses that they always gave.

A change of the training, the noise, the data or the shipped model that is meant to change nothing
must not change these. Where a change is meant, this prints the new ones:

python -m tests.experiments.nano.test_golden_losses
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch

from experiments.roles.instruction_sets import ALPACA
from experiments.scales.nano import NANO
from neftune import Noise
from neftune.training import precision
from neftune.training.base_model import load_model_and_tokenizer
from neftune.training.data import checked, encode
from neftune.training.finetune import finetune

STEPS = 5
GOLDEN = {
    0.0: [1.13899, 0.75849, 0.73026, 0.64118, 0.64403],
    5.0: [1.14635, 0.77604, 0.74345, 0.64969, 0.6348],
    45.0: [4.84496, 4.39017, 3.84127, 4.40831, 4.05163],
}
"""By alpha, the losses with noise at the first steps, in float32."""


def losses(alpha: float, out: Path) -> list[float]:
    """The training loss with noise at each of the first steps, learning rate 1e-3, batch 16."""
    recipe = NANO.recipe("llama-2-7b", ALPACA, lr=1e-3, epochs=1)
    model, tokenizer = load_model_and_tokenizer(
        NANO.base("llama-2-7b"), recipe, seed=0, attention=NANO.attention
    )
    rows = checked(NANO.rows(ALPACA, "train"), "alpaca")[: STEPS * recipe.batch]
    examples = encode(rows, tokenizer, ALPACA.prompt, recipe.max_length)
    log = finetune(model, tokenizer, examples, recipe, Noise(alpha), seed=0, out=out / "tuned")
    return [entry["loss"] for entry in log if "loss" in entry]


@pytest.mark.parametrize("alpha", GOLDEN)
def test_a_few_steps_give_the_golden_losses(alpha: float, tmp_path: Path) -> None:
    # Rounding of float32 products adds up to some 1e-5; bfloat16 has 8 bits, 4e-3.
    rounding = 1e-3 if precision.for_training() == torch.float32 else 2e-2
    assert losses(alpha, tmp_path) == pytest.approx(GOLDEN[alpha], rel=rounding)


def test_the_noise_changes_the_losses_by_more_than_rounding() -> None:
    first, second = GOLDEN[0.0], GOLDEN[45.0]
    assert min(abs(a - b) / a for a, b in zip(first, second, strict=True)) > 0.05


if __name__ == "__main__":
    for each in (0.0, 5.0, 45.0):
        with TemporaryDirectory() as folder:
            print(each, [round(value, 5) for value in losses(each, Path(folder))])
