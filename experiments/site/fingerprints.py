"""Fingerprints of AlpacaEval's instructions, by which a reader's file is matched.

    asked(300)                                           # those that are asked, of all 805
    written(json.loads(read_text(file)))                 # that file's content, from outputs

The licence of the instructions does not let the project pass them on. A fingerprint is the 32-bit
FNV-1a hash of a text's UTF-8 bytes, which a page can compute too where it is opened from a file;
the text cannot be had from it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path
from typing import Any

from experiments.scales.real_sets import of_every_subset

FILE = Path(__file__).parent / "alpaca_eval.csv"
_BASIS = 0x811C9DC5
_PRIME = 0x01000193


@dataclass(frozen=True)
class Fingerprint:
    """What the project ships of an instruction.

    Args:
        number: its place in AlpacaEval's list, from 1.
        dataset: its subset, by AlpacaEval's name.
        characters: its length.
        hash: `fnv1a` of its text, in eight hexadecimal digits.
    """

    number: int
    dataset: str
    characters: int
    hash: str


def fnv1a(text: str) -> str:
    """The 32-bit FNV-1a hash of a text's UTF-8 bytes, in eight hexadecimal digits.

    Source: Fowler, Noll and Vo, RFC 9923.
    """
    found = _BASIS
    for byte in text.encode():
        found = (found ^ byte) * _PRIME % 2**32
    return f"{found:08x}"


def of_rows(rows: Sequence[Mapping[str, Any]]) -> list[Fingerprint]:
    """The fingerprints of rows with `instruction` and `dataset`, in their order.

    Raises:
        ValueError: two of them would be taken for each other.
    """
    found = [
        Fingerprint(number, row["dataset"], len(row["instruction"]), fnv1a(row["instruction"]))
        for number, row in enumerate(rows, start=1)
    ]
    if len({each.hash for each in found}) < len(found):
        raise ValueError("two instructions have the same fingerprint")
    return found


def written(rows: Sequence[Mapping[str, Any]]) -> str:
    """The content of the file for all of AlpacaEval's rows."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow([field.name for field in fields(Fingerprint)])
    table.writerows(astuple(each) for each in of_rows(rows))
    return out.getvalue()


def fingerprints() -> list[Fingerprint]:
    """Those of AlpacaEval's 805 instructions, in its order."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return [
            Fingerprint(int(row["number"]), row["dataset"], int(row["characters"]), row["hash"])
            for row in csv.DictReader(file)
        ]


def asked(count: int) -> list[Fingerprint]:
    """Those of the instructions that a scale asks which asks only so many."""
    rows = of_every_subset([asdict(each) for each in fingerprints()], count)
    return [Fingerprint(**row) for row in rows]
