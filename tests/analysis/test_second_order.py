"""Theory against measurement: the Hessian's trace, and what small noise does to loss and KL."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.autograd.functional import hessian, jacobian
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from analysis.curvature import hessian_trace
from analysis.dose import Noisy, Reading, embedding_factor, measured, reading
from analysis.dose_summary import probe_error, summary
from analysis.intervals import Estimate
from analysis.second_order import agreement, predicted_rise, reach
from neftune.training.data import Example
from tests.analysis.test_dose import example, made
from tests.neftune.models import D

TEXT = example(prompt=3, answer=3)


def logits_of(model: PreTrainedModel, text: Example) -> tuple[Callable[[Tensor], Tensor], Tensor]:
    """The response logits as a function of the embeddings before their factor, and these."""
    ids = torch.tensor([text["input_ids"]])
    factor = embedding_factor(model)
    start = next(i for i, label in enumerate(text["labels"]) if label >= 0)
    embedded = model.get_input_embeddings()(ids).detach() / factor

    def logits(embeddings: Tensor) -> Tensor:
        hook = model.get_input_embeddings().register_forward_hook(
            lambda m, a, o: embeddings * factor
        )
        try:
            found: Tensor = model(input_ids=ids, use_cache=False).logits[0, start - 1 : -1]
        finally:
            hook.remove()
        return found

    return logits, embedded


def exact(model: PreTrainedModel, text: Example) -> tuple[float, float]:
    """The traces of the Hessian of the summed loss, and of its Fisher part, computed in full."""
    logits, embedded = logits_of(model, text)
    targets = torch.tensor([label for label in text["labels"] if label >= 0])
    size = embedded.numel()

    def loss(embeddings: Tensor) -> Tensor:
        return cross_entropy(logits(embeddings), targets, reduction="sum")

    full = hessian(loss, embedded)  # type: ignore[no-untyped-call]
    whole = float(full.reshape(size, size).diagonal().sum())
    fisher = 0.0
    found = jacobian(logits, embedded)  # type: ignore[no-untyped-call]
    slopes = found.reshape(len(targets), -1, size)
    for slope, p in zip(slopes, logits(embedded).softmax(1), strict=True):
        fisher += float(((p.diag() - torch.outer(p, p)) @ slope * slope).sum())
    return whole, fisher


def sharp(name: str) -> PreTrainedModel:
    """A small model in float64 whose logits are not nearly constant, as a random one's are."""
    model = made(name).double().eval()
    model.set_attn_implementation("eager")
    with torch.no_grad():
        for value in model.parameters():
            value.mul_(4.0 if value.ndim > 1 else 1.0)
    return model


@pytest.mark.parametrize(
    ("name", "attention"), (("llama", "eager"), ("llama", "sdpa"), ("gemma", "eager"))
)
def test_the_trace_is_the_exact_hessians_within_its_standard_error(
    name: str, attention: str
) -> None:
    model = sharp(name)
    wanted, _ = exact(model, TEXT)
    model.set_attn_implementation(attention)
    probes = torch.randn(120, 6, D, generator=torch.Generator().manual_seed(0))
    found = np.array(hessian_trace(model, TEXT, probes))
    error = found.std(ddof=1) / np.sqrt(len(found))
    assert error < abs(wanted)
    assert found.mean() == pytest.approx(wanted, abs=3 * error)


def test_the_standard_error_of_the_probes_is_that_of_repeated_measurements() -> None:
    # The traces of the examples differ much more than the probes of one, and must not count.
    rng = np.random.default_rng(0)
    traces = rng.normal(0, 100, (8, 1))
    drawn = [traces + rng.normal(0, 5, (8, 3)) for _ in range(400)]
    said = np.sqrt(np.mean([probe_error(each) ** 2 for each in drawn]))
    assert said == pytest.approx(np.std([each.mean() for each in drawn], ddof=1), rel=0.1)
    assert np.isnan(probe_error(drawn[0][:, :1]))


@pytest.mark.parametrize("name", ("llama", "gemma"))
def test_with_its_own_directions_small_noise_is_predicted_without_chance(name: str) -> None:
    model = sharp(name)
    alpha = 0.02
    found, directions = measured(model, TEXT, (0.0, alpha), draws=8, seed=1)
    assert directions.shape == (4, 6, D)
    assert float(directions.square().mean()) == pytest.approx(1, rel=0.1)
    assert float(directions.abs().max()) <= 3**0.5 * 1.0001  # Uniform noise has no larger entries.
    trace = np.mean(hessian_trace(model, TEXT, directions))
    predicted = predicted_rise(alpha, np.array([6.0]), D, np.array([trace]))
    assert found.noisy[alpha].loss - found.loss == pytest.approx(float(predicted[0]), rel=0.03)


@pytest.mark.parametrize("name", ("llama", "gemma"))
def test_small_noise_raises_loss_and_divergence_as_predicted(name: str) -> None:
    model = sharp(name)
    whole, fisher = exact(model, TEXT)
    found = []
    for alpha in (0.02, 0.04):
        noisy = reading(model.float(), TEXT, (alpha,), draws=2000, seed=1).noisy[alpha]
        loss = reading(model, TEXT, (), draws=2, seed=1).loss
        of = predicted_rise(alpha, np.array([6.0]), D, np.array([whole, fisher]))
        found.append((noisy.loss - loss, noisy.kl, *of))
    for rise, kl, predicted, expected in found:
        assert rise == pytest.approx(predicted, rel=0.2)
        assert kl == pytest.approx(expected, rel=0.1)


def test_the_prediction_is_the_papers_variance_times_half_the_trace() -> None:
    alpha, length, d, trace = 5.0, 40, 576, 7.0
    variance = (alpha / np.sqrt(length * d)) ** 2 / 3
    found = predicted_rise(alpha, np.array([float(length)]), d, np.array([trace]))
    assert found == pytest.approx([trace * variance / 2])


def test_the_prediction_holds_in_the_interval_or_within_a_fifth() -> None:
    rise = Estimate(1.0, 0.95, 1.3)
    found = [agreement(Estimate(x, x, x), rise) for x in (0.79, 0.81, 1.19, 1.29, 1.31)]
    assert found == ["does not hold", "holds", "holds", "holds", "does not hold"]
    assert agreement(Estimate(2.0, 1.2, 2.8), rise) == "not resolved"
    assert agreement(Estimate(2.0, 1.31, 2.8), rise) == "does not hold"


def test_the_reach_ends_before_the_first_doubt_and_says_the_first_failure() -> None:
    assert reach({1.0: "holds", 2.0: "holds", 5.0: "not resolved", 10.0: "holds"}) == (2.0, None)
    assert reach({1.0: "not resolved", 5.0: "holds", 10.0: "does not hold"}) == (0.0, 10.0)
    assert reach({1.0: "holds"}) == (1.0, None)


def test_a_summary_counts_by_response_tokens() -> None:
    def noisy(tokens: int, rise: float) -> Noisy:
        return Noisy(loss=tokens * (1 + rise), kl=tokens * rise / 2, changed=1, ratio=0.25)

    # The traces are chosen so that the prediction is 0.01 nats a token times the square of alpha.
    rises = {0.0: 0.0, 1.0: 0.01, 2.0: 0.04, 5.0: 0.125}
    tokens = (10, 30)
    readings = [
        Reading(50, n, float(n), 3.0, {alpha: noisy(n, rise) for alpha, rise in rises.items()})
        for n in tokens
    ]
    traces = [[0.01 * n * 6 * 50 * D] * 2 for n in tokens]
    found = summary(readings, traces, D)
    assert found.loss.value == pytest.approx(1)
    assert found.norm.value == pytest.approx(3)
    assert found.trace_error == 0
    assert {alpha: at.rise.value for alpha, at in found.at.items()} == pytest.approx(rises)
    assert found.at[2.0].percent.value == pytest.approx(4)
    assert found.at[2.0].kl.value == pytest.approx(0.02)
    assert found.at[2.0].changed.value == pytest.approx(100 * 2 / 40)
    assert found.at[2.0].ratio.value == 0.25
    assert found.at[2.0].predicted.value == pytest.approx(0.04)
    assert found.at[5.0].predicted.value == pytest.approx(0.25)
    assert found.at[5.0].kl.value == pytest.approx(0.0625)
