"""The premises of every claim, read from two files: what was stated before the runs.

`premises.yaml` has the claims that are asked of the laboratory and of the paper's models,
`real_premises.yaml` those that are asked of real small models.

    PREMISES                                             # every claim, in the file's order
    by_id("conversation").margin                         # 1.0
    last_changed("nano")                                 # a file's hash and its last commit

To add a claim, add an entry to a file, and where it measures something new a measure to
`measures.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from experiments import published
from experiments.claims.measures import MEASURES
from experiments.claims.published_changes import FULL_GAINS, QLORA_GAINS, of_table_6
from experiments.claims.rule import DIRECTIONS, Direction
from experiments.names import look_up
from experiments.runs.provenance import git

FILE, REAL_FILE = (Path(__file__).with_name(f"{n}premises.yaml") for n in ("", "real_"))
SCALES_OF = {FILE: ("nano", "paper"), REAL_FILE: ("small",)}
"""The scales at which the claims of a file are asked."""
CHOSEN = "chosen"
"""In place of an alpha: the one that validation chose for each model and set."""
JUDGE_ROLES = ("oracle", "gpt-4", "chatgpt")


class PremiseError(ValueError):
    """An entry of the file cannot be what it is; the message names it."""


@dataclass(frozen=True)
class Gain:
    """What must exist before a claim says anything.

    Args:
        measure: a name in `MEASURES`.
        least: its smallest value.
        otherwise: why the claim is not testable where it does not exist.
    """

    measure: str
    least: float
    otherwise: str


@dataclass(frozen=True, kw_only=True)
class Premise:
    """One claim and the terms on which it is judged; the file explains every field."""

    id: str
    group: str
    text: str
    published: str
    measure: str
    direction: Direction
    margin: float
    because: str
    alphas: tuple[str, ...]
    seeds: int
    registered: bool
    least_dose: float | None = None
    limits: tuple[float, float] | None = None
    gain: Gain | None = None
    judges: tuple[str, ...] = ()
    scales: tuple[str, ...] = SCALES_OF[FILE]


def read(text: str, scales: tuple[str, ...] = SCALES_OF[FILE]) -> tuple[Premise, ...]:
    """The claims of a file's text.

    Args:
        text: YAML.
        scales: at which they are asked.

    Raises:
        PremiseError: an entry has an unknown field, lacks one, or two have the same name.
        UnknownNameError: a measure, direction or judge has no such name.
    """
    content = yaml.safe_load(text)
    claims = content.get("claims") if isinstance(content, dict) else None
    if not isinstance(claims, list) or not claims:
        raise PremiseError("the file has no list of claims")
    found = tuple(_premise({**claim, "scales": scales}) for claim in claims)
    names = [premise.id for premise in found]
    if len(set(names)) < len(names):
        raise PremiseError("two claims have the same id")
    return found


def _premise(entry: Mapping[str, Any]) -> Premise:
    fields = {name.replace(" ", "_"): value for name, value in entry.items()}
    try:
        if fields.get("gain"):
            fields["gain"] = Gain(**fields["gain"])
        for name in ("alphas", "limits", "judges"):
            if not isinstance(fields.get(name, []), list):
                raise PremiseError(f"claim {entry.get('id')}: {name} is no list")
        fields["alphas"] = tuple(map(str, fields["alphas"]))
        for name in ("limits", "judges"):
            if name in fields:
                fields[name] = tuple(fields[name])
        fields["published"] = fields["published"].format_map(_published())
        premise = Premise(**fields)
    except (TypeError, KeyError) as error:
        raise PremiseError(f"claim {entry.get('id')}: {error}") from None
    measure = look_up("measure", premise.measure, MEASURES)
    if premise.gain:
        look_up("measure", premise.gain.measure, MEASURES)
    look_up("direction", premise.direction, dict.fromkeys(DIRECTIONS))
    for judge in premise.judges:
        look_up("judge", judge, dict.fromkeys(JUDGE_ROLES))
    if measure.judged != bool(premise.judges):
        raise PremiseError(f"claim {premise.id}: its measure and its judges do not fit")
    if wrong := next(_wrong(premise), None):
        raise PremiseError(f"claim {premise.id}: {wrong}")
    return premise


def _wrong(premise: Premise) -> Iterator[str]:
    """What the values of a claim cannot be, as phrases."""
    numbers: dict[str, Any] = {"margin": premise.margin}
    if premise.least_dose is not None:
        numbers["least dose"] = premise.least_dose
    if premise.gain:
        numbers["least of the gain"] = premise.gain.least
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield f"{name} must be a number, not {value!r}"
    if not isinstance(premise.registered, bool):
        yield f"registered must be true or false, not {premise.registered!r}"
    if isinstance(premise.seeds, bool) or not isinstance(premise.seeds, int) or premise.seeds < 1:
        yield f"seeds must be a number from 1 on, not {premise.seeds!r}"
    grid = [*(f"{alpha:g}" for alpha in published.ALPHA_GRID), CHOSEN]
    if unknown := [alpha for alpha in premise.alphas if alpha not in grid]:
        yield f"alphas may be {', '.join(grid)}, not {', '.join(unknown)}"
    if not premise.alphas:
        yield "alphas are missing"
    if premise.limits is not None:
        if len(premise.limits) != 2 or not 0 <= premise.limits[0] < premise.limits[1] <= 100:
            yield f"limits must be two rising per cents, not {list(premise.limits)}"
        elif premise.limits[1] <= 1:
            yield f"limits are per cents, not shares: {list(premise.limits)}"


def _published() -> dict[str, Any]:
    """What the file's `published` may name: the paper's tables, and rows of them as text."""
    tables = {name: value for name, value in vars(published).items() if name.isupper()}

    def listed(rates: Mapping[str, float], sign: str = "") -> str:
        return ", ".join(f"{rate:{sign}.2f}" for rate in rates.values())

    return tables | {
        "UNIFORM": listed(of_table_6("+Uniform 5")),
        "GAUSSIAN": listed(of_table_6("+Gaussian 5")),
        "QLORA_GAINS": listed(QLORA_GAINS, "+"),
        "FULL_GAINS": listed(FULL_GAINS, "+"),
    }


MEANING = (
    *("measures.py", "estimates.py", "finding.py", "rule.py"),
    *("../runs/rivals.py", "../runs/real_models.py"),
    *("../../analysis/equal_loss.py", "../../analysis/intervals.py"),
)
"""The files that say what the file's words mean, beside it."""


def file_of(scale: str) -> Path:
    """The file with the claims that are asked at a scale."""
    return next(file for file, scales in SCALES_OF.items() if scale in scales)


def last_changed(scale: str) -> dict[str, str]:
    """The SHA-256 of a file, and its last commit with its day; `code` is that of its meaning.

    Args:
        scale: at which its claims are asked.
    """
    file = file_of(scale)
    return {
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "commit": _last_commit(file.name),
        "code": _last_commit(*MEANING),
    }


def _last_commit(*files: str) -> str:
    paths = (str(FILE.parent / name) for name in files)
    return git("log", "-1", "--format=%h of %cs", "--", *paths) or "not committed"


PREMISES = tuple(
    premise
    for file, scales in SCALES_OF.items()
    for premise in read(file.read_text(encoding="utf-8"), scales)
)


def by_id(name: str) -> Premise:
    """The claim of a name.

    Raises:
        UnknownNameError: there is none.
    """
    return look_up("claim", name, {premise.id: premise for premise in PREMISES})
