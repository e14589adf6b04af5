"""This project's own comparisons, read from its results; none of their numbers is typed here.

comparisons()                    # the laboratory's Table 1, small real models, public verdicts
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from experiments.cells.differences import Difference, differences
from experiments.evidence.comparison import Comparison, Kind, Source
from experiments.paths import own_or_shipped
from experiments.roles.models import MODELS
from experiments.scales.registry import SCALES
from neftune.training.json_files import parse_json, read_text

WIN_RATE = "win rate, %"
EQUAL_LENGTH = "length-controlled win rate, %"
WITH_JUDGE_ERROR = "win rate with the fitted judge's error, %"
KINDS: dict[str, Kind] = {
    WIN_RATE: "win rate",
    WITH_JUDGE_ERROR: "win rate",
    EQUAL_LENGTH: "win rate at equal length",
}


@dataclass(frozen=True)
class Table:
    """A table of results with comparisons for the list.

    Args:
        name: below the folder of results, without a suffix.
        title: of the source in tables and pictures.
        metrics: the titles of those that are listed.
        by_set: whether columns are instruction sets; else they are models, trained on Alpaca.
        note: what a reader should know.
    """

    name: str
    title: str
    metrics: tuple[str, ...]
    by_set: bool
    note: str = ""


TABLES = (
    Table(
        "nano/table1",
        "laboratory",
        (WIN_RATE, EQUAL_LENGTH),
        by_set=True,
        note="A made-up world.",
    ),
    Table(
        "small/real",
        "small real models",
        (WITH_JUDGE_ERROR, EQUAL_LENGTH),
        by_set=False,
        note="The judge is fitted to GPT-4's public verdicts; at equal length the interval does "
        "not contain its error.",
    ),
)


def comparisons() -> tuple[Comparison, ...]:
    """Every own comparison of a win rate with and without noise.

    Raises:
        FileError: a result is neither made here nor shipped.
    """
    return (*(each for table in TABLES for each in _of_table(table)), *_of_public_verdicts())


def _read(name: str) -> Any:
    path = own_or_shipped(name)
    return parse_json(read_text(path), path)


def _source(title: str, name: str) -> Source:
    return Source(
        name=title,
        authors="this project",
        year=2026,
        address=f"results/{name}",
        group="here",
    )


def _of_table(table: Table) -> Iterator[Comparison]:
    data, settings = _read(f"{table.name}.json"), _read(f"{table.name}.provenance.json")["settings"]
    noisy = ("alpha ", "+NEFT")
    for each in differences(data, *table.metrics):
        if each.row.startswith(noisy) and each.column != "Average":
            yield _compared(table, each, settings)


def _compared(table: Table, found: Difference, settings: Mapping[str, Any]) -> Comparison:
    """A difference of a table with the settings of its training, from its provenance."""
    scale = SCALES[settings["scale"]]
    roles = list(settings["models"])
    role = next(each for each in roles if table.by_set or scale.short_title(each) == found.column)
    trained = next(
        each
        for each in settings["trainings"]
        if each["model"] == settings["models"][role]["title"]
        and each["set"] == (found.column if table.by_set else "Alpaca")
        and each["recipe"]["epochs"] > 0
    )
    alphas = [float(each.split()[1]) for each in trained["noise"] if each.startswith("uniform ")]
    alpha = alphas[0] if len(alphas) == 1 else float(found.row.removeprefix("alpha "))
    kind = KINDS[found.metric]
    return Comparison(
        id="-".join(
            f"here.{table.name}.{found.column}.{found.row}.{kind}".lower()
            .replace("/", ".")
            .replace("+", "")
            .split()
        ),
        source=_source(table.title, f"{table.name}.json"),
        verified=True,
        read=f"{table.name}.json of the results",
        model=scale.short_title(role),
        size_billions=scale.parameters(role) / 1e9,
        training_set=trained["set"],
        rows=trained["rows"],
        epochs=float(trained["recipe"]["epochs"]),
        learning_rate=trained["recipe"]["lr"],
        tuning="full",
        alpha=alpha,
        length_rule="sequence",
        library="neftune",
        matched=True,
        kind=kind,
        metric=found.metric.removesuffix(", %"),
        judge=settings["judges"]["gpt-4"],
        higher_is_better=True,
        unit="%",
        without=found.level,
        with_=found.level + found.value,
        interval=(found.low, found.high),
        note=table.note,
    )


def _of_public_verdicts() -> Iterator[Comparison]:
    """GPT-4's public verdicts on the authors' models, compared instruction by instruction."""
    found = _read("audit/audit.json")
    for pair, gains in found["pairs"].items():
        first, _, second = pair.partition(" -> ")
        values: dict[Kind, tuple[str, str | None, Mapping[str, float]]] = {
            "win rate": ("win_rate", None, gains["gain"]),
            "win rate at equal length": (
                "length_controlled",
                "value",
                gains["length_controlled_gain"],
            ),
        }
        chat = "chat" in first
        for kind, (name, part, gain) in values.items():
            levels = [found["models"][model][name] for model in (first, second)]
            without, with_ = (level[part] if part else level for level in levels)
            yield Comparison(
                id=f"here.audit.{second}.{kind.replace(' ', '-')}",
                source=_source("public verdicts", "audit/audit.json"),
                verified=True,
                read="audit/audit.json of the results, made from the public verdicts",
                model=MODELS["llama-2-chat-7b" if chat else "llama-1-7b"].title,
                size_billions=SCALES["paper"].parameters("llama-2-chat-7b") / 1e9,
                training_set="Evol-Instruct" if chat else "Alpaca",
                rows=None,
                epochs=None,
                learning_rate=None,
                tuning="full",
                alpha=None,
                length_rule="sequence",
                library="the authors' code",
                matched=False,
                kind=kind,
                metric=f"AlpacaEval {kind} against text-davinci-003",
                judge="GPT-4",
                higher_is_better=True,
                unit="%",
                without=without,
                with_=with_,
                items=min(found["models"][model]["verdicts"] for model in (first, second)),
                interval=(gain["low"], gain["high"]),
                note="Public models that differ in more than the noise; verdicts are paired.",
            )
