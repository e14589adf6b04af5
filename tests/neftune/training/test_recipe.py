"""Hyperparameters have ranges: what is outside them is refused before anything is trained."""

import math

import pytest

from neftune.training.recipe import FreeLB, Recipe


@pytest.mark.parametrize(
    ("field", "values"),
    (
        ("lr", (0, -1e-3, 1.1, 1e9, math.nan, math.inf)),
        ("epochs", (-1, 1001, 2.5, True)),
        ("batch", (0, -1, 10**9)),
        ("micro_batch", (0, 256.0, 10**9)),
        ("max_length", (0, 1, 10**9)),
        ("adapter_rank", (0, 10**9)),
        ("warmup", (-0.1, 1.1, math.nan)),
        ("weight_decay", (-0.1, 1001, math.nan, math.inf)),
        ("penalty", (-0.1, 1001, math.nan, math.inf)),
        ("dropout", (-0.1, 1.1, math.nan)),
        ("label_smoothing", (-0.1, 1.1, math.nan)),
        ("adapter_dropout", (-0.1, 1.1, math.nan)),
        ("max_grad_norm", (0, -1, math.nan, math.inf)),
    ),
)
def test_a_value_out_of_range_is_refused_by_its_name(field: str, values: tuple[float, ...]) -> None:
    for value in values:
        with pytest.raises(ValueError, match=rf"^{field} must be .*, not {value}$"):
            Recipe(**{field: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "value"),
    (("lr", 1), ("epochs", 0), ("batch", 100_000), ("max_length", 2), ("warmup", 1)),
)
def test_the_ends_of_a_range_are_allowed(field: str, value: float) -> None:
    values = {"micro_batch": 1, field: value}
    assert getattr(Recipe(**values), field) == value  # type: ignore[arg-type]


def test_passes_of_unequal_size_are_refused() -> None:
    with pytest.raises(ValueError, match=r"batch \(6\) must be a multiple of micro_batch \(4\)"):
        Recipe(batch=6, micro_batch=4)


def test_passes_over_a_batch_are_those_of_its_kind_of_training() -> None:
    assert Recipe().passes == 1
    assert Recipe(freelb=FreeLB(steps=4)).passes == 4
    assert Recipe(penalty=5).passes == 3
