"""The table of the conformance suite: a row a situation, a column a library.

columns = [measure("neftune"), read(Path("ms-swift.json"))]
markdown(columns)

A column can be measured where its library is installed, and be kept as a file (`write`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
from pydantic import TypeAdapter, ValidationError
from tqdm import tqdm

from neftune.conformance.libraries import LIBRARIES, OTHERS
from neftune.conformance.situations import SITUATIONS

NEAR = 0.05
"""How far from what is right a measured ratio may lie, of thousands of drawn numbers."""
BESIDE = ("torch", "transformers", "peft", "trl", "bitsandbytes")
"""Packages whose versions a column tells, besides its own."""
INTRODUCTION = """# Conformance: is the noise what the paper says?

Written by `neftune conformance --out docs/conformance.md docs/conformance/*.json`; do not edit.
For each way of calling a model the table has the noise that a library adds, by that of the paper's
rule: alpha / sqrt(L d) for each sequence, L its own tokens, on the embeddings before anything else
is done to them. 1 is right, and 0 where there must be none. Each number is a root mean square over
thousands of entries; what is off by more than {near:g} is set in bold. In rows that ask whether
there is any noise, or the same noise again, the number is 1 or 0 and says nothing of its size.
"""
SCRIPTS = {
    "padded.py": "a short sequence in a padded batch gets less noise, and padding gets some",
    "packed.py": "every sequence of a packed row gets the noise of the whole row's length",
    "vectors.py": "embeddings that the caller looks up get none",
    "scaled.py": "Gemma 3's is smaller by sqrt(d), as it is added after the scaling",
    "encoder_decoder.py": "BART gets none",
    "generation.py": "in training mode a prompt has noise when text is generated, and each new "
    "token that of a sequence of one token",
    "no_gradients.py": "scores in training mode have noise, as DPO's reference with LoRA",
    "error.py": "a training after one that raised an error has the noise twice",
    "copy_of_model.py": "a copy of a model keeps its noise when the training is over",
}
"""The scripts in docs/examples/wrong/, and what each shows of transformers' option."""
REPRODUCE = """## See it yourself

Each of these scripts needs transformers and torch alone, has fewer than 25 lines, and prints what
transformers' option adds beside what is right:

| script | what it shows |
| --- | --- |
{scripts}

A column of a library that is not installed beside this one is measured in an environment of its
own, and kept as a file beside this page. Of Ludwig nothing but its hook is needed (`pip install
--no-deps ludwig`, beside peft):

```
pip install . trl bitsandbytes ms-swift
neftune conformance --library ms-swift --measured docs/conformance/ms-swift.json
```
"""


@dataclass(frozen=True)
class Found:
    """What was measured.

    Args:
        ratio: the noise by that of the paper's rule; None where there is none.
        error: the first line of the error that the library raised.
        left_out: why it was not measured.
    """

    ratio: float | None = None
    error: str = ""
    left_out: str = ""

    def right(self, situation: str) -> bool:
        """Whether the noise is that of the paper's rule."""
        wanted = SITUATIONS[situation].right
        return self.ratio is not None and abs(self.ratio - wanted) <= NEAR


@dataclass(frozen=True)
class Column:
    """A library in all situations.

    Args:
        library: its name.
        versions: of its package, and of those beside it.
        found: by situation.
    """

    library: str
    versions: dict[str, str]
    found: dict[str, Found] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The library's name and version."""
        return f"{self.library} {self.versions[LIBRARIES[self.library].package]}"

    @property
    def wrong(self) -> str:
        """How many situations are not right."""
        here = {name: each for name, each in self.found.items() if not each.left_out}
        return (
            f"{sum(not each.right(name) for name, each in here.items())} of {len(here)} of "
            f"{self.title}"
        )


def measure(library: str, situations: Iterable[str] | None = None) -> Column:
    """Measure a library.

    Args:
        library: its name in `LIBRARIES`.
        situations: names; all by default.

    Raises:
        ValueError: it is not installed.
    """
    package = LIBRARIES[library].package
    if LIBRARIES[library].version is None:
        raise ValueError(f"{library} is not installed: pip install {package}")
    names = list(situations or SITUATIONS)
    found = {name: _found(library, name) for name in tqdm(names, desc=library, disable=None)}
    return Column(library, _versions((package, *BESIDE)), found)


def _found(library: str, name: str) -> Found:
    situation = SITUATIONS[name]
    if situation.missing:
        return Found(left_out=f"{' and '.join(situation.missing)} not installed")
    if situation.training and LIBRARIES[library].trainer is None:
        return Found(left_out="it has a training loop of its own")
    torch.manual_seed(0)
    try:
        return Found(round(situation.measure(LIBRARIES[library]), 4))
    except Exception as error:
        # A library that fails is a result, too.
        return Found(error=(str(error) or type(error).__name__).splitlines()[0])


def _versions(packages: Iterable[str]) -> dict[str, str]:
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def write(column: Column, file: Path) -> None:
    """Keep a column as a file."""
    file.write_text(json.dumps(asdict(column), indent=2) + "\n", encoding="utf-8")


def read(file: Path) -> Column:
    """A column that `write` kept.

    Raises:
        ValueError: the file is not such a column, or is of other situations or libraries.
    """
    try:
        column = TypeAdapter(Column).validate_json(file.read_bytes())
    except ValidationError as error:
        raise ValueError(f"{file} is no measured column: {error}") from error
    if column.library not in LIBRARIES:
        raise ValueError(f"{file} is of {column.library}, which is none of {', '.join(LIBRARIES)}")
    if LIBRARIES[column.library].package not in column.versions:
        raise ValueError(f"{file} does not say the version of {column.library}")
    if odd := sorted(set(column.found) ^ set(SITUATIONS)):
        raise ValueError(
            f"{file} is of other situations than these, measure it again; what differs: "
            f"{', '.join(odd)}"
        )
    return column


def markdown(columns: list[Column]) -> str:
    """The page."""
    head = ["situation", "what it is", "right", *(each.title for each in columns)]
    rows = [head, ["---"] * len(head)]
    for name, situation in SITUATIONS.items():
        if here := [each.found[name] for each in columns if name in each.found]:
            cells = [_cell(name, each) for each in here]
            rows.append([name, situation.about, f"{situation.right:g}", *cells])
    parts = [
        INTRODUCTION.format(near=NEAR),
        _table(rows),
        f"Not right: {'; '.join(each.wrong for each in columns)}.",
        _notes(columns),
        "## Other libraries\n\n" + _table([["library", "noise"], ["---", "---"], *OTHERS.items()]),
        REPRODUCE.format(scripts="\n".join(map(_script, SCRIPTS))),
    ]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _table(rows: Iterable[Iterable[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _script(name: str) -> str:
    return f"| [{name}](examples/wrong/{name}) | {SCRIPTS[name]} |"


def _cell(situation: str, found: Found) -> str:
    if found.left_out:
        return "not measured"
    if found.ratio is None:
        return f"**error: {found.error[:60]}**"
    text = f"{found.ratio:.2f}"
    return text if found.right(situation) else f"**{text}**"


def _notes(columns: list[Column]) -> str:
    """With which versions, and what was not measured."""
    lines = []
    for each in columns:
        beside = [f"{name} {text}" for name, text in each.versions.items() if name in BESIDE]
        lines.append(
            f"- {each.title}: {LIBRARIES[each.library].about}, measured with {', '.join(beside)}."
        )
        reasons = dict.fromkeys(found.left_out for found in each.found.values() if found.left_out)
        for reason in reasons:
            names = [name for name, found in each.found.items() if found.left_out == reason]
            lines.append(f"- {each.title}, not measured in “{'”, “'.join(names)}”: {reason}.")
    if absent := [name for name in LIBRARIES if name not in [each.library for each in columns]]:
        lines.append(f"- Not installed here, and not measured elsewhere: {', '.join(absent)}.")
    return "\n".join(lines)
