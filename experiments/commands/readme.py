"""The places of README.md that hold results: Table 1, claims, rivals, real models and their claims.

    update_readme()                                      # as `make release` does

The text around them says what is measured and how to read it, and holds whatever the results are,
but for the paragraph below the rivals, which is written by hand for the results that are shipped.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

from experiments.cells.markdown import filled, markdown_table
from experiments.claims.page import Data, beside_the_paper, message, summary_rows
from experiments.claims.premises import CHOSEN
from experiments.paths import RESULTS
from experiments.scales.nano import NANO
from experiments.scales.small import SMALL
from experiments.tables import budget, matched, rivals
from neftune.training.files import write_atomic

PAGE = Path("README.md")
LABORATORY, REAL, FINDINGS = NANO.name, SMALL.name, "findings"
"""Folders of results."""
NOT_MADE = "Not made yet."
NOT_JUDGED = "Not judged yet."
COMPARED = (rivals, budget, matched)
"""The tables of the noise's rivals, whose messages are shown."""
TABLE_1 = ("paper, win rate, %: ", "win rate, %: ", "win rate by the oracle, %: ")
"""The beginnings of the rows of Table 1 that are shown, the paper's first."""


def update_readme() -> None:
    """Write the results in README.md anew, from the project's own."""
    write_atomic(PAGE, with_results(PAGE.read_text(), RESULTS))


def with_results(readme: str, results: Path) -> str:
    """The README with the results as they are now.

    Args:
        readme: its text.
        results: the folder with the results of each scale, and the findings. The place of a result
            that is not in it says that it is not made yet.

    Raises:
        ValueError: the text lacks the marks of a place.
    """
    readme = filled(readme, "table1", _table1(results / LABORATORY))
    readme = filled(readme, "claims", _claims(results / LABORATORY))
    readme = filled(readme, "rivals", _rivals(results / LABORATORY))
    readme = filled(readme, "real", _real(results / FINDINGS))
    return filled(readme, "real claims", _claims(results / REAL))


def _shipped(folder: str) -> str:
    """A folder of results as a link of README.md names it."""
    return (RESULTS / folder).as_posix()


def _table1(results: Path) -> str:
    path = results / "table1.csv"
    if not path.exists():
        return NOT_MADE
    head, *rows = csv.reader(path.read_text().splitlines())
    shown = [row for title in TABLE_1 for row in rows if row[0].startswith(title)]
    picture = f"![Table 1]({_shipped(LABORATORY)}/table1.png)"
    return f"{picture}\n\n{markdown_table([head, *shown])}"


def _claims(results: Path) -> str:
    path = results / "claims.json"
    if not path.exists():
        return NOT_JUDGED
    data = json.loads(path.read_text())
    page = f"{_shipped(results.name)}/README.md"
    return "\n\n".join(
        (
            f"{message(data)}. {_counted_once(data)}{beside_the_paper(data)}".strip(),
            markdown_table(summary_rows(data["claims"])),
            f"[{page}]({page}#claims) has the number and interval of each, the parts of averages, "
            "and every table and figure with its settings.",
        )
    )


def _counted_once(data: Data) -> str:
    if not any(each["alpha"] == CHOSEN for claim in data["claims"] for each in claim["findings"]):
        return ""
    return "Verdicts on the same runs, as where the chosen alpha is one of the others, count once. "


def _real(findings: Path) -> str:
    path = findings / "each-seed.csv"
    if not path.exists():
        return NOT_MADE
    table = list(csv.reader(path.read_text().splitlines()))
    picture = f"![Two real models]({_shipped(REAL)}/real.png)"
    return f"{picture}\n\n{markdown_table(table)}"


def _rivals(results: Path) -> str:
    parts = []
    for each in COMPARED:
        path = results / f"{each.ARTIFACT.name}.json"
        if not path.exists():
            return NOT_MADE
        found = json.loads(path.read_text())
        parts.append(f"- {each.message(found)}.")
        if each is matched:
            parts += [f"- {matched.by_rival(found, rate)}." for rate in matched.win_rates(found)]
            parts.append(f"- {matched.checked(found)}.")
    pictures = (
        f"![{each.ARTIFACT.title}]({_shipped(LABORATORY)}/{each.ARTIFACT.name}.png)"
        for each in (budget, matched)
    )
    return "\n\n".join(["\n".join(parts), *pictures])
