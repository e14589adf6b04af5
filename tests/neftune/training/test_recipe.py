"""Hyperparameters have ranges: what is outside them is refused before anything is trained."""

import math

import pytest

from neftune.training.recipe import Recipe


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
        ("weight_decay", (-0.1, 2, math.nan, math.inf)),
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
