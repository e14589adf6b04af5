"""The claims for readers: data, a page, and a picture, each a function of the one before.

write_claims(questions(PREMISES, study), study, Path("runs/results/nano"))
data = claims_data(findings, study)                  # claims.json
claims_text(data)                                    # the text of claims.md, without its title
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from analysis.claims_picture import claims_picture
from analysis.intervals import Estimate
from analysis.plots import save
from experiments.cells.markdown import estimate_text, markdown_table
from experiments.cells.render import as_json, runs_of
from experiments.cells.settings import measured_with, settings_of
from experiments.claims.finding import (
    Finding,
    PartFinding,
    Question,
    find,
    records_of,
    runs_behind,
)
from experiments.claims.measures import MEASURES
from experiments.claims.premises import CHOSEN, file_of, last_changed
from experiments.claims.published_changes import PUBLISHED_CHANGES
from experiments.claims.rule import UNTESTABLE, VERDICTS
from experiments.runs.provenance import write_provenance
from experiments.runs.study import Study
from neftune.training.files import write_atomic

Data = dict[str, Any]
ERROR = 0.025
"""How often a 95% interval lies wholly above the truth, and how often wholly below it."""


def write_claims(asked: Sequence[Question], study: Study, out: Path) -> Data:
    """Write claims.json, claims.md, their picture and provenance, from records that exist.

    Returns:
        The data.
    """
    data = claims_data([find(question) for question in asked], study)
    settings = settings_of([cell for question in asked for cell in question.cells], study)
    write_atomic(out / "claims.json", as_json(data))
    write_atomic(out / "claims.md", f"# Claims\n\n{claims_text(data)}\n")
    title = f"{message(data)}\n{measured_with(settings)}"
    save(claims_picture(data["claims"], title), out / "claims")
    where = "" if study.scale.name == "nano" else f" SCALE={study.scale.name}"
    write_provenance(
        out / "claims.provenance.json",
        f"make claims{where}",
        range(study.seeds),
        runs_of(records_of(asked)),
        settings=settings,
        premises=data["premises"],
    )
    return data


def claims_data(findings: Sequence[Finding], study: Study) -> Data:
    """The findings as JSON: an entry for each claim and judge, with all its alphas."""
    claims: dict[tuple[str, str], Data] = {}
    distinct: dict[tuple[Any, ...], str] = {}
    for finding in findings:
        question, premise = finding.question, finding.question.premise
        # Where the chosen alpha is one of the others, its verdict is the same one.
        asked = (tuple(question.alphas), runs_behind(question))
        distinct[premise.measure, premise.direction, question.judge, *asked] = finding.verdict
        entry = claims.setdefault(
            (premise.id, question.judge),
            asdict(premise)
            | {
                "quantity": MEASURES[premise.measure].quantity,
                "published_change": PUBLISHED_CHANGES.get(premise.id),
                "judge": question.judge,
                "findings": [],
            },
        )
        entry["findings"].append(
            {
                "alpha": question.alpha,
                "alphas": question.alphas,
                **_estimate(finding.estimate),
                "verdict": finding.verdict,
                "reason": finding.reason,
                "left_out": list(finding.left_out),
                "parts": [_part(part) for part in finding.parts],
            }
        )
    counted = Counter(distinct.values())
    judges = dict.fromkeys(finding.question.judge for finding in findings)
    return {
        "scale": study.scale.name,
        "premises": last_changed(study.scale.name),
        "verdicts": {verdict: counted[verdict] for verdict in VERDICTS},
        "judges": {role: study.scale.describe_judge(role) for role in judges if role},
        "claims": list(claims.values()),
    }


def _part(part: PartFinding) -> Data:
    found = asdict(part)
    found.pop("estimate")
    return found | _estimate(part.estimate)


def _estimate(estimate: Estimate) -> dict[str, float | None]:
    """An estimate as it is in claims.json: None where there is none."""
    return {name: None if math.isnan(end) else end for name, end in asdict(estimate).items()}


def message(data: Data) -> str:
    """What the verdicts come to, in one line."""
    counted = {verdict: n for verdict, n in data["verdicts"].items() if n}
    tested = sum(n for verdict, n in counted.items() if verdict != UNTESTABLE)
    parts = [f"{counted.get('holds', 0)} of {tested} testable verdicts hold"]
    named = {
        "holds, but negligible": "negligible",
        "does not hold": "do not hold",
        "not resolved": "not resolved",
    }
    parts += [f"{counted[verdict]} {text}" for verdict, text in named.items() if verdict in counted]
    if UNTESTABLE in counted:
        parts.append(f"{counted[UNTESTABLE]} more cannot be tested here")
    return ", ".join(parts)


def by_chance(data: Data) -> str:
    """How many verdicts there are, and how many of them would be false by chance."""
    every = sum(data["verdicts"].values())
    tested = every - data["verdicts"][UNTESTABLE]
    return (
        f"There are {every} verdicts on different sets of runs, of which {tested} could be tested. "
        "An interval that covers the truth in 95% of cases lies wholly on one side of it in "
        f"{100 * ERROR:g}%: were nothing true of what is claimed, at most about "
        f"{tested * ERROR:.1f} of them would say by chance that it holds, and were all of it true, "
        "at most about as many that it does not. That is not so of claims which are asked only "
        "where the same runs show a gain (on length, and on QLoRA): a gain that was found by "
        "chance comes with them. No verdict is corrected for the number of verdicts; those that "
        "share runs err together."
    )


def beside_the_paper(data: Data) -> str:
    """In how many testable verdicts the change that the paper reports lies within the interval.

    Only where like is compared with like: no part is left out, the judge is one in the role of the
    paper's, and a chosen alpha that is also asked for itself counts once.
    """
    compared = []
    for claim in data["claims"]:
        if claim["published_change"] is None or claim["judge"] == "oracle":
            continue
        seen = []
        for finding in claim["findings"]:
            whole = finding["verdict"] != UNTESTABLE and not finding["left_out"]
            if whole and finding["alphas"] not in seen:
                seen.append(finding["alphas"])
                compared.append(finding["low"] <= claim["published_change"] <= finding["high"])
    if not compared:
        return ""
    return (
        f"For {len(compared)} of the testable verdicts the paper's tables give a change of LLaMA-2 "
        f"7B, too: in {sum(compared)} of them it lies within the interval of what was measured "
        f"here, in {len(compared) - sum(compared)} outside."
    )


def claims_text(data: Data) -> str:
    """The claims as Markdown: rules, tables by group, why what could not be tested, parts."""
    claims, scale = data["claims"], data.get("scale", "nano")
    parts = [
        INTRODUCTION.format(
            premises=file_of(scale).name,
            before=BEFORE[scale].format(
                changed=data["premises"]["commit"], code=data["premises"]["code"]
            ),
            chosen=CHOICE if CHOSEN in _alphas(claims) else "",
            chance=by_chance(data),
            paper=beside_the_paper(data),
        )
    ]
    if data["judges"]:
        said = "; ".join(f"`{role}`: {text}" for role, text in data["judges"].items())
        parts.append(f"Judges: {said}.")
    parts += ["![Claims](claims.png)", markdown_table(summary_rows(claims))]
    for group in dict.fromkeys(claim["group"] for claim in claims):
        members = [claim for claim in claims if claim["group"] == group]
        parts += [f"### {group}", markdown_table(_rows(members))]
    averages = [claim for claim in claims if len(claim["findings"][0]["parts"]) > 1]
    if averages:
        parts += ["### Parts of the averages", PARTS]
        for claim in averages:
            parts += [f"**{_title(claim)}**, {claim['quantity']}", markdown_table(_parts(claim))]
    return "\n\n".join(parts)


BEFORE = {
    "nano": "any outcome of a run with noise was looked at (last changed in commit {changed}, when "
    "the trainings that choose alpha had begun; the code that says what its words mean, in {code})",
    "small": "any outcome of a real model with noise was looked at (last changed in commit "
    "{changed}; the code that says what its words mean, in {code}). That code is later: up to "
    "then a measure moved to another file, variants with one seed got a table of their own, the "
    "models before tuning, of which no claim speaks, were added, and ends of intervals that differ "
    "from 0 by rounding alone became 0, which changed no verdict",
    "paper": "anything was trained (last changed in commit {changed}; the code that says what its "
    "words mean, in {code})",
}
"""By scale, before what the premises were stated."""
INTRODUCTION = """\
What is claimed, the smallest change that matters, the dose of noise and the limits that make a \
claim testable were stated in `experiments/claims/{premises}` before {before}; what came later is \
marked *exploratory*. Estimates are paired differences with 95% intervals.

A claim of a rise or fall **holds** if the interval lies beyond the smallest change that matters, \
**holds, but is negligible** if it lies between zero and that change, **does not hold** if it \
rules that change out and does not lie beyond zero on the claimed side, and is **not resolved** \
otherwise. That something stays, or does not rise, holds if the interval lies within that change. \
**Not testable here** means that the noise is too weak a treatment (the KL divergence that it \
causes before any training, on the same set, is below the stated dose), that what is compared \
with is at a ceiling or floor, or that there is nothing to explain. {chosen}All \
verdicts are on the models measured here, and not on the paper's.

{chance} {paper}"""

CHOICE = "*Chosen* is the alpha that validation chose for each model and set. "

PARTS = """\
What the averages above are made of, each judged for itself by the same rule. These verdicts are \
exploratory and not counted above; they are there so that an average hides nothing. The dose \
stands in braces."""


def _title(claim: Data) -> str:
    judge = f", judge {claim['judge']}" if claim["judge"] else ""
    return f"{claim['text']}{judge}{'' if claim['registered'] else ' (exploratory)'}"


def summary_rows(claims: Sequence[Data]) -> list[list[str]]:
    """The verdicts alone: a row for each claim and judge, a column for each alpha.

    Where parts of an average are left out, it is said how many are not.
    """
    alphas = _alphas(claims)
    rows = [["claim", "judge", *map(_column, alphas)]]
    for claim in claims:
        found = {each["alpha"]: _verdict(each) for each in claim["findings"]}
        mark = "" if claim["registered"] else " (exploratory)"
        verdicts = (found.get(alpha, "") for alpha in alphas)
        rows.append([claim["text"] + mark, claim["judge"], *verdicts])
    return rows


def _verdict(finding: Data) -> str:
    every, absent = len(finding["parts"]), len(finding["left_out"])
    of = f" ({every - absent} of {every} parts)" if absent else ""
    return f"{finding['verdict']}{of}"


def _rows(claims: Sequence[Data]) -> list[list[str]]:
    """A row for each claim and judge, a column for each alpha."""
    alphas = _alphas(claims)
    head = ["claim", "published", "change", "measured here", "smallest change that matters"]
    rows = [[*head, *map(_column, alphas)]]
    for claim in claims:
        found = {each["alpha"]: each for each in claim["findings"]}
        both = claim["direction"] == "stays"
        change = claim["published_change"]
        row = [_title(claim), claim["published"], "" if change is None else f"{change:+.2f}"]
        row.append(claim["quantity"])
        row.append(f"{'±' if both else ''}{claim['margin']:g}")
        row += [_said(found[a], claim) if a in found else "" for a in alphas]
        rows.append(row)
    return rows


def _parts(claim: Data) -> list[list[str]]:
    """A row a part, a column an alpha."""
    titles = [part["title"] for part in claim["findings"][0]["parts"]]
    rows = [["", *map(_column, _alphas([claim]))]]
    for place, title in enumerate(titles):
        parts = [finding["parts"][place] for finding in claim["findings"]]
        said = []
        for part in parts:
            dose = "" if part["dose"] is None else f" {{{part['dose']:.2g}}}"
            said.append(_said(part, claim) + dose)
        rows.append([title, *said])
    return rows


def _alphas(claims: Sequence[Data]) -> list[str]:
    """The alphas at which some claims are asked, numbers first."""
    found = {each["alpha"] for claim in claims for each in claim["findings"]}
    return sorted(
        found, key=lambda alpha: (alpha == CHOSEN, 0 if alpha == CHOSEN else float(alpha))
    )


def _column(alpha: str) -> str:
    return "alpha chosen" if alpha == CHOSEN else f"alpha {alpha}"


def _said(found: Mapping[str, Any], claim: Data) -> str:
    """A verdict, its estimate and its reason."""
    digits = 3 if claim["margin"] < 0.1 else 2
    text = f"**{found['verdict']}** {estimate_text(found, digits, sign=True)}"
    reasons = [found["reason"]] if found["reason"] else []
    if found.get("left_out"):
        reasons.append(f"without {', '.join(found['left_out'])}")
    if found["alpha"] == CHOSEN and len(found["alphas"]) == 1:
        reasons.append(f"alpha {found['alphas'][0]:g}")
    return f"{text} ({'; '.join(reasons)})" if reasons else text
