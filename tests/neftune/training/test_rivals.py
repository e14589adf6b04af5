"""The rivals of the noise: each does to the loss what its definition says, and nothing at zero."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy
from transformers import TrainingArguments

from neftune.distributions import Noise
from neftune.noise import noise_scale
from neftune.training import precision
from neftune.training.base_model import load_model_and_tokenizer, load_tokenizer
from neftune.training.bounded_trainer import BoundedTrainer
from neftune.training.data import collator
from neftune.training.dropout import dropped
from neftune.training.finetune import finetune
from neftune.training.recipe import Execution, Recipe
from neftune.training.rivals import PenaltyTrainer, SmoothedTrainer
from tests.neftune.models import llama, opt
from tests.neftune.training.test_freelb import EXAMPLES, trained
from tests.paths import BASE

SHORT: dict[str, Any] = {"epochs": 1, "batch": 4, "micro_batch": 4}
PLAIN = Execution(compile_blocks=False)


def trainer(kind: type[BoundedTrainer], out: Path, model: Any, **settings: Any) -> BoundedTrainer:
    arguments = TrainingArguments(str(out), use_cpu=True, report_to=[], max_grad_norm=0)
    return kind(model, arguments, train_dataset=EXAMPLES, data_collator=collator(0), **settings)


def test_a_smoothed_loss_is_the_mixture_of_the_labels_and_all_tokens(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = llama()
    batch = collator(0)(EXAMPLES[:4])
    logits = model(**{k: v for k, v in batch.items() if k != "labels"}).logits[:, :-1]
    targets = batch["labels"][:, 1:]
    counted = targets.ne(-100)
    plain = cross_entropy(logits[counted], targets[counted])
    even = -logits[counted].log_softmax(-1).mean()
    smoothed = trainer(SmoothedTrainer, tmp_path, model, share=0.2)
    torch.testing.assert_close(smoothed.compute_loss(model, batch), 0.8 * plain + 0.2 * even)


@pytest.mark.parametrize("alpha", (0.05, 0.2))
def test_the_penalty_is_half_the_variance_times_the_trace_of_the_hessian(
    tmp_path: Path, alpha: float
) -> None:
    """The mean over many draws, against the trace that autograd computes."""
    torch.manual_seed(0)
    model = llama().double()
    model.set_attn_implementation("eager")  # The others have no second derivative.
    batch = collator(0)(EXAMPLES[:1])
    given = {k: v for k, v in batch.items() if k != "input_ids"}
    embeddings = model.get_input_embeddings()(batch["input_ids"]).detach()

    def loss(moved: torch.Tensor) -> torch.Tensor:
        return model(inputs_embeds=moved.view_as(embeddings), **given).loss

    hessian = torch.func.hessian(loss)(embeddings.flatten())
    length, d = embeddings.shape[1:]
    variance = noise_scale(alpha, torch.tensor(length), d).double() ** 2 / 3
    wanted = loss(embeddings).item() + 0.5 * variance.item() * hessian.trace().item()

    of_penalty = trainer(PenaltyTrainer, tmp_path, model, noise=Noise(alpha), noise_seed=0)
    found = torch.stack(
        [of_penalty.training_pass(model, dict(batch), None).double() for _ in range(100)]
    )
    error = found.std().item() / len(found) ** 0.5
    assert abs(found.mean().item() - wanted) < 4 * error + 0.02 * abs(wanted - loss(embeddings))
    assert error < 0.2 * abs(wanted - loss(embeddings).item())


def test_a_penalty_of_no_size_is_plain_training(tmp_path: Path) -> None:
    plain = trained(BoundedTrainer, tmp_path)
    none = trained(PenaltyTrainer, tmp_path, noise=Noise(0), noise_seed=0)
    for name, value in plain.items():
        torch.testing.assert_close(none[name], value, rtol=1e-3, atol=1e-4)


def test_dropout_drops_in_training_alone_and_ends_with_its_block() -> None:
    torch.manual_seed(0)
    model = llama().train()
    ids = torch.arange(12).view(1, 12)
    usual = model(ids).logits
    with dropped(model, 0.5, seed=0):
        first, second = model(ids).logits, model(ids).logits
        with torch.no_grad():
            torch.testing.assert_close(model(ids).logits, usual.detach())
    assert not torch.equal(first, second)
    torch.testing.assert_close(model(ids).logits, usual)


def test_dropout_keeps_the_mean_of_what_a_layer_puts_out() -> None:
    torch.manual_seed(0)
    model = llama().train()
    embedding = model.get_input_embeddings()
    ids = torch.arange(12).view(1, 12)
    plain = embedding(ids).detach()
    with dropped(model, 0.25, seed=0):
        draws = torch.stack([embedding(ids).detach() for _ in range(2000)])
    zero = draws.eq(0)
    assert abs(zero.double().mean().item() - 0.25) < 0.01
    torch.testing.assert_close(draws[~zero], (plain / 0.75).expand_as(draws)[~zero])


def test_dropout_refuses_an_architecture_whose_parts_it_does_not_know() -> None:
    refused = pytest.raises(ValueError, match="dropout is known for blocks with self_attn and mlp")
    with refused, dropped(opt(), 0.1, seed=0):
        pass


def test_dropout_leaves_the_generator_that_orders_the_examples_alone() -> None:
    model, ids = llama().train(), torch.arange(12).view(1, 12)
    state = torch.get_rng_state()
    with dropped(model, 0.5, seed=0):
        first = model(ids).logits
    assert torch.equal(torch.get_rng_state(), state)
    with dropped(model, 0.5, seed=0):
        torch.testing.assert_close(model(ids).logits, first)


def test_the_penalty_is_computed_in_float32_where_training_is_in_bfloat16(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "for_training", lambda: torch.bfloat16)
    tokenizer = load_tokenizer(BASE)
    seen: dict[str, set[torch.dtype]] = {}
    for name, recipe in (("plain", Recipe(**SHORT)), ("penalty", Recipe(**SHORT, penalty=5))):
        model, _ = load_model_and_tokenizer(BASE, recipe, seed=0)
        kinds = seen.setdefault(name, set())
        model.model.layers[0].mlp.register_forward_hook(
            lambda layer, given, output, kinds=kinds: kinds.add(output.dtype)
        )
        out = tmp_path / name
        finetune(model, tokenizer, EXAMPLES, recipe, Noise(0), seed=0, out=out, execution=PLAIN)
    # Before the training a few passes of either are in float32.
    assert torch.bfloat16 in seen["plain"]
    assert seen["penalty"] == {torch.float32}


@pytest.mark.parametrize("other", ({"dropout": 0.1}, {"adapter": "qlora"}))
def test_the_penalty_goes_with_no_dropout(other: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="leave dropout at 0, and adapter at none"):
        Recipe(penalty=5, **other)


def test_a_training_has_one_kind_of_pass() -> None:
    with pytest.raises(ValueError, match="give one of label_smoothing and penalty"):
        Recipe(label_smoothing=0.1, penalty=5)
