"""One comparison with and without NEFTune, as it was published or measured, and its gain.

    comparison.gain                                      # 34.9, with minus without, in its unit
    comparison.gain_interval                             # (30.9, 39.0), or None
    comparison.improves                                  # True, False, or None where it is equal

Gains are computed here from the two published values and typed nowhere.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator

Kind = Literal[
    "win rate",
    "win rate at equal length",
    "AlpacaEval 2",
    "MT-Bench",
    "head to head",
    "benchmarks",
    "attack success",
]
Unit = Literal["%", "of 10", "pairs"]
Group = Literal["authors", "independent", "here"]
Name = Annotated[str, Field(min_length=1)]
Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]

STRICT = ConfigDict(extra="forbid", frozen=True, strict=True)
TWO_SIDED = 1.96
"""Standard errors from the middle of a 95% interval to its ends."""


class Source(BaseModel):
    """Where comparisons were published.

    Args:
        name: a short one for pictures and tables.
        authors: as they are cited.
        year: of publication.
        address: an arXiv id as `arXiv 2405.14394`, or a web address.
        group: whether the method's authors published it, others did, or it was measured here.
    """

    model_config = STRICT

    name: Name
    authors: Name
    year: Annotated[int, Field(ge=2023, le=2100)]
    address: Annotated[str, Field(pattern=r"^(arXiv \d{4}\.\d{5}|https://\S+|results/\S+)$")]
    group: Group


class Comparison(BaseModel):
    """A model trained with NEFTune and one trained without it, by one metric.

    Args:
        id: stable and unique.
        source: where it was published.
        verified: whether the numbers were read at their source.
        read: what was read, or where the numbers were seen if not at their source.
        model: before fine-tuning.
        size_billions: its parameters.
        training_set: the rows that were trained on.
        rows: how many; None if not given.
        epochs: over them; None if not given.
        learning_rate: the peak; None if not given.
        tuning: which parameters train.
        alpha: of the noise; None if not given.
        length_rule: the L of the noise: a sequence's own length, that of its padded batch, that of
            a row into which several sequences are packed, or not known.
        library: that added the noise; None if not given.
        matched: whether the two trainings are said to differ in the noise alone.
        kind: comparisons of one kind have gains that can be drawn along one axis.
        metric: what was measured.
        judge: who judged; None where nobody did.
        higher_is_better: whether a larger value is the better one.
        unit: of both values; `pairs` are those that a model won against the other.
        without: the value without noise.
        with_: the value with noise; `with` in the file.
        change_percent: the relative change, where the source gives no values.
        items: instructions, questions or pairs that were evaluated; None if not given.
        interval: the 95% interval of the gain, where it is published.
        standard_errors: of the two values, where they are published.
        variant: in a few words, how the two trainings or answers differ from others of the same
            source, model, set and judge.
        note: what a reader should know.
    """

    model_config = STRICT

    id: Id
    source: Source
    verified: bool
    read: Name
    model: Name
    size_billions: Positive
    training_set: Name
    rows: Count | None
    epochs: Positive | None
    learning_rate: Positive | None
    tuning: Literal["full", "LoRA", "QLoRA", "unknown"]
    alpha: Positive | None
    length_rule: Literal["sequence", "padded", "packed", "unknown"]
    library: Name | None
    matched: bool
    kind: Kind
    metric: Name
    judge: Name | None
    higher_is_better: bool
    unit: Unit
    without: float | None = None
    with_: float | None = Field(
        default=None, validation_alias=AliasChoices("with", "with_"), serialization_alias="with"
    )
    change_percent: float | None = None
    items: Count | None = None
    interval: tuple[float, float] | None = Field(default=None, strict=False)
    standard_errors: tuple[Positive, Positive] | None = Field(default=None, strict=False)
    variant: str = ""
    note: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Comparison:
        values = (self.without, self.with_)
        if (self.change_percent is None) == (None in values) or values.count(None) == 1:
            raise ValueError(
                "needs both `without` and `with`, or where the source has neither `change_percent`"
            )
        largest = {"%": 100.0, "of 10": 10.0, "pairs": float(self.items or 0)}[self.unit]
        if self.unit == "pairs" and self.items is None:
            raise ValueError("`items` must be the number of pairs where the unit is pairs")
        for name, value in zip(("without", "with"), values, strict=True):
            if value is not None and not 0 <= value <= largest:
                raise ValueError(f"`{name}` must be from 0 to {largest:g} {self.unit}, not {value}")
        if self.interval and self.standard_errors:
            raise ValueError("has either `interval` or `standard_errors`, not both")
        if self.interval and self.gain is not None:
            low, high = self.interval
            if not low <= self.gain <= high:
                raise ValueError(
                    f"`interval` must contain the gain {self.gain:g}, not be {low:g} to {high:g}"
                )
        return self

    @property
    def gain(self) -> float | None:
        """With minus without in points of the unit; of pairs, the wins more in each hundred."""
        if self.without is None or self.with_ is None:
            return None
        difference = self.with_ - self.without
        return 100 * difference / self.items if self.unit == "pairs" and self.items else difference

    @property
    def gain_interval(self) -> tuple[float, float] | None:
        """The 95% interval of the gain: as published, or of two independent values."""
        if self.interval or self.gain is None:
            return self.interval
        if self.standard_errors:
            reach = TWO_SIDED * sum(error**2 for error in self.standard_errors) ** 0.5
            return self.gain - reach, self.gain + reach
        return None

    @property
    def improves(self) -> bool | None:
        """Whether the model with noise is the better one; None where both are equal."""
        change = self.change_percent if self.gain is None else self.gain
        return None if not change else (change > 0) == self.higher_is_better
