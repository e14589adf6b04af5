"""Every published comparison with and without NEFTune, beside the paper's and this project's own.

    make evidence

Checks the list (`experiments/evidence/published.yaml`), prints every comparison, and writes
`runs/results/findings/`: `evidence.md`, `.csv`, `.json` and pictures. It trains nothing.
docs/evidence.md says what is listed, and how to add an entry.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, get_args

from analysis.evidence_picture import Gain, Line, Panel
from analysis.forest import signed
from experiments.evidence.comparison import Comparison, Group, Kind, Unit
from experiments.paths import RENDERED

HELP = "every published comparison with and without NEFTune, beside this project's own"
OUT = RENDERED / "findings"
GROUPS: dict[Group, str] = {
    "authors": "The method's authors",
    "independent": "Others",
    "here": "This project",
}
MEANT: dict[Group, str] = {"authors": "the authors", "independent": "others"}
"""In a median; this project's own are told apart by their source."""
TITLES: dict[Kind, str] = {
    "win rate": "Win rate against another model's answers",
    "win rate at equal length": "Win rate at equal length",
    "AlpacaEval 2": "AlpacaEval 2: win rate against GPT-4 Turbo",
    "MT-Bench": "MT-Bench",
    "head to head": "Head to head: wins minus losses against the model without noise",
    "benchmarks": "Benchmarks",
    "attack success": "Share of attacks that succeed",
}
UNITS: dict[Unit, str] = {"%": "points", "of 10": "points of 10", "pairs": "of 100 pairs"}
PICTURES: dict[str, tuple[Kind, ...]] = {
    "evidence": ("win rate", "win rate at equal length"),
    "evidence-benchmarks": ("benchmarks",),
    "evidence-other": ("AlpacaEval 2", "MT-Bench", "head to head", "attack success"),
}
"""Kinds of comparisons by the name of the picture that shows them."""
SHORT_JUDGE = 16
"""Characters of a judge's name that has room in a picture."""
HEADS = ("gain", "without", "with", "model", "trained on", "alpha", "metric", "source", "id")


def options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--out", type=Path, default=OUT)


def run(arguments: argparse.Namespace) -> None:
    """Collect, check, write and print.

    Raises:
        EvidenceError: an entry of the list is wrong.
        FileError: a result is neither made here nor shipped.
    """
    found = collected()
    write(found, arguments.out)
    print(plain(found))
    print(f"\n{counts(found)}\nWritten to {arguments.out}.")


def collected() -> tuple[Comparison, ...]:
    """The paper's comparisons, those of the list, and this project's."""
    from experiments.evidence import entries, here, paper

    return (*paper.comparisons(), *entries.load(), *here.comparisons())


def write(found: Sequence[Comparison], out: Path) -> None:
    """Write the tables and the pictures.

    Args:
        found: from `collected`.
        out: the folder.
    """
    from analysis.plots import save
    from experiments.cells.render import as_csv, as_json
    from experiments.runs.provenance import write_provenance
    from neftune.training.files import write_atomic

    flat = [fields(each) for each in found]
    table = [list(flat[0]), *([_cell(value) for value in row.values()] for row in flat)]
    write_atomic(out / "evidence.json", as_json({"comparisons": flat}))
    write_atomic(out / "evidence.csv", as_csv(table))
    write_atomic(out / "evidence.md", markdown(found))
    for name, kinds in PICTURES.items():
        save(picture(found, kinds), out / name)
    write_provenance(out / "evidence.provenance.json", "make evidence")


def fields(comparison: Comparison) -> dict[str, Any]:
    """Every field and what is computed from them, flat, under the names of the file."""
    own = comparison.model_dump(by_alias=True)
    source = own.pop("source")
    low, high = comparison.gain_interval or (None, None)
    computed = {"gain": comparison.gain, "gain_low": low, "gain_high": high}
    for key in ("interval", "standard_errors"):
        own.pop(key)
    return {
        "id": own.pop("id"),
        "source": source.pop("name"),
        **source,
        **own,
        **computed,
        "improves": comparison.improves,
    }


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def counts(found: Iterable[Comparison]) -> str:
    """How many there are, and how many of the published ones were read at their source."""
    published = [each for each in found if each.source.group != "here"]
    verified = sum(each.verified for each in published)
    own = sum(each.source.group == "here" for each in found)
    return (
        f"{len(published)} published comparisons, of which {verified} were read at their source "
        f"and {len(published) - verified} were not, and {own} of this project."
    )


def message(found: Iterable[Comparison], kind: Kind) -> str:
    """The median gain of each group, over what was read and differs in the noise alone.

    The laboratory's and real models' are never mixed.

    Returns:
        Text; empty where there is no such comparison.
    """
    by_name: dict[str, list[Comparison]] = {name: [] for name in MEANT.values()}
    for each in found:
        if each.kind == kind and _counts(each):
            name = MEANT.get(each.source.group, each.source.name)
            by_name.setdefault(name, []).append(each)
    parts = []
    for name, told in by_name.items():
        if told:
            middle = signed(median(each.gain for each in told if each.gain is not None), 1)
            better = sum(each.improves is True for each in told)
            parts.append(f"{middle} ({name}; {better} of {len(told)} better)")
    return ", ".join(parts)


def rows(found: Iterable[Comparison]) -> list[list[str]]:
    """A row a comparison, for readers."""
    return [
        [
            gain_text(each),
            *("–" if value is None else f"{value:.2f}" for value in (each.without, each.with_)),
            each.model,
            ", ".join(filter(None, (each.training_set, _tuning(each), each.variant))),
            "–" if each.alpha is None else f"{each.alpha:g}",
            each.metric if each.judge is None else f"{each.metric}; judge: {each.judge}",
            _source(each),
            each.id,
        ]
        for each in found
    ]


def gain_text(comparison: Comparison) -> str:
    """The gain with its interval, or the published relative change."""
    if comparison.gain is None:
        return f"{signed(comparison.change_percent or 0.0, 0)}%"
    digits = 2 if comparison.unit == "of 10" else 1
    text = signed(comparison.gain, digits)
    if comparison.gain_interval:
        low, high = (signed(end, digits) for end in comparison.gain_interval)
        text += f" [{low}, {high}]"
    return text


def _tuning(comparison: Comparison) -> str:
    return "" if comparison.tuning in ("full", "unknown") else comparison.tuning


def _source(comparison: Comparison) -> str:
    marks = [
        *([] if comparison.verified else ["unverified"]),
        *([] if comparison.matched else ["differ in more than the noise"]),
    ]
    return comparison.source.name + (f" ({', '.join(marks)})" if marks else "")


def plain(found: Sequence[Comparison]) -> str:
    """Every comparison as text for a terminal, a kind after the other."""
    parts = []
    for kind in get_args(Kind):
        of_kind = [each for each in found if each.kind == kind]
        parts.append(f"\n{TITLES[kind]}")
        if told := message(of_kind, kind):
            parts.append(f"Median gain: {told}")
        for group, name in GROUPS.items():
            listed = [each for each in of_kind if each.source.group == group]
            parts += [f"  {name}"] * bool(listed)
            for each, row in zip(listed, rows(listed), strict=True):
                gain, without, with_, model, trained, alpha, _, source, _ = row
                values = f"{without} to {with_}" if without != "–" else ""
                by = each.judge if each.judge and len(each.judge) <= SHORT_JUDGE else ""
                shown = [model, trained, f"alpha {alpha}", by if each.judge else each.metric]
                text = f"{source}: {', '.join(filter(None, shown))}"
                parts.append(f"    {gain:<22} {values:<16} {text}")
    return "\n".join(parts).lstrip("\n")


def _counts(comparison: Comparison) -> bool:
    """Whether a median takes a comparison in."""
    return comparison.gain is not None and comparison.matched and comparison.verified


def markdown(found: Sequence[Comparison]) -> str:
    """The page for readers: a table for each kind, then the sources."""
    from experiments.cells.markdown import markdown_table

    parts = [
        "# What is published on NEFTune",
        f"{counts(found)} Gains are computed: with noise minus without. Intervals are of 95%: our "
        "own are those of our results, those of published standard errors take both models as "
        "independent. A median is over comparisons that were read at their source and differ in "
        "nothing but the noise; comparisons of one study are not independent of each other.",
    ]
    for name in PICTURES:
        parts.append(f"![{name.replace('-', ', ').capitalize()}]({name}.png)")
    for kind in get_args(Kind):
        of_kind = [each for each in found if each.kind == kind]
        if of_kind:
            told = message(of_kind, kind)
            parts += [f"## {TITLES[kind]}", *([f"Median gain: {told}."] if told else [])]
            parts.append(markdown_table([list(HEADS), *rows(of_kind)]))
    notes = [[each.id, each.note] for each in found if each.note and each.source.group != "here"]
    parts += ["## Notes", markdown_table([["id", "note"], *notes])]
    return "\n\n".join([*parts, "## Sources", markdown_table(sources(found))]) + "\n"


def sources(found: Iterable[Comparison]) -> list[list[str]]:
    """Where the numbers are from and what of it was read, titles first."""
    counted: dict[tuple[str, ...], int] = {}
    for each in found:
        source, read = each.source, each.read if each.verified else f"unverified: {each.read}"
        key = (source.name, source.authors, str(source.year), source.address, read)
        counted[key] = counted.get(key, 0) + 1
    heads = ["source", "authors", "year", "address", "read", "comparisons"]
    return [heads, *([*key, str(count)] for key, count in counted.items())]


def picture(found: Iterable[Comparison], kinds: Sequence[Kind]) -> Any:
    """The gains of some kinds, a panel each."""
    from analysis.evidence_picture import evidence

    listed = list(found)
    panels = [panel(listed, kind) for kind in kinds if any(each.kind == kind for each in listed)]
    told = [f"{kind} {text}" for kind in kinds if (text := message(listed, kind))]
    title = f"Median gain with noise: {'; '.join(told)}"
    return evidence(panels, title, list(GROUPS.values()))


def panel(found: Iterable[Comparison], kind: Kind) -> Panel:
    """The comparisons of one kind, those of one source, model, set, judge and variant in a line."""
    lines: dict[str, dict[tuple[str, ...], list[Comparison]]] = {}
    of_kind = [each for each in found if each.kind == kind]
    for group, name in GROUPS.items():
        for each in of_kind:
            if each.source.group == group:
                lines.setdefault(name, {}).setdefault(_line_of(each), []).append(each)
    first = of_kind[0]
    return Panel(
        TITLES[kind],
        UNITS[first.unit],
        {name: [_line(*each) for each in by_key.items()] for name, by_key in lines.items()},
        digits=2 if first.unit == "of 10" else 1,
        lower_is_better=not first.higher_is_better,
    )


def _line_of(comparison: Comparison) -> tuple[str, ...]:
    """What comparisons of one line of a picture have in common: its label and its source."""
    label = (comparison.model, comparison.training_set, _tuning(comparison), comparison.variant)
    judge = comparison.judge or ""
    source = (comparison.source.name, judge if len(judge) <= SHORT_JUDGE else "")
    return ", ".join(filter(None, label)), ", ".join(filter(None, source))


def _line(key: tuple[str, ...], found: Sequence[Comparison]) -> Line:
    gains = [
        Gain(each.gain, each.gain_interval, each.verified, each.matched)
        for each in found
        if each.gain is not None
    ]
    return Line(key[0], key[1], gains, "" if gains else ", ".join(map(gain_text, found)))
