"""The length preference of GPT-4's public verdicts, which the judge in GPT-4's role gets.

    python -m experiments.judge_studies.preference DATA  # prints the tables in docs/judges.md

DATA is the folder of AlpacaEval's public files, as of `analysis/official_check.py`, which says what
the reference of the verdicts is. Takes about four minutes. `analysis/length_preference.py` has the
model.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from analysis.length_preference import FORMS, RELATIVE, Verdicts, fit, held_out
from analysis.official_check import read_verdicts
from experiments.cells.markdown import markdown_table

DIFFICULTY_SDS = (0.0, 1.0, 1.5, 2.0, 3.0)
"""Standard deviations of the difficulty of instructions that are tried; 0 leaves it out."""


def public_verdicts(data: Path) -> Verdicts:
    """Read GPT-4's public verdicts."""
    found = read_verdicts(data)
    return Verdicts(found.preferences - 1, found.lengths, found.reference_lengths)


def difficulty_rows(verdicts: Verdicts) -> dict[float, float]:
    """The held-out log loss by the standard deviation of difficulties, of the form that is used."""
    return {sd: held_out(verdicts, RELATIVE, sd).log_loss for sd in DIFFICULTY_SDS}


def form_rows(verdicts: Verdicts, difficulty_sd: float) -> list[list[str]]:
    """The table of forms."""
    rows = []
    for form in FORMS:
        plain, found = fit(verdicts, form, 0), fit(verdicts, form, difficulty_sd)
        left_out = held_out(verdicts, form, difficulty_sd)
        low, high = left_out.interval(left_out.coefficients, found.coefficient)
        rows.append(
            [
                form.title,
                f"{plain.deviance:,.0f}",
                f"{plain.aic:,.0f}",
                f"{found.deviance:,.0f}",
                f"{left_out.log_loss:.4f}",
                f"{found.coefficient:.2f} [{low:.2f}, {high:.2f}]",
                f"{found.scale:.0f}" if form.has_scale else "",
            ]
        )
    return rows


HEADER = [
    "form",
    "deviance, qualities only",
    "AIC, qualities only",
    "deviance, with difficulties",
    "held-out log loss",
    "coefficient [95% over models]",
    "scale, characters",
]


def main(data: Path) -> None:
    """Print the fit."""
    verdicts = public_verdicts(data)
    losses = difficulty_rows(verdicts)
    chosen = min(losses, key=losses.__getitem__)
    head = ["standard deviation of difficulties", *(f"{sd:g}" for sd in losses)]
    print(markdown_table([head, ["held-out log loss", *(f"{v:.4f}" for v in losses.values())]]))
    print()
    print(markdown_table([HEADER, *form_rows(verdicts, chosen)]))
    print(
        f"\n{len(verdicts.won)} models, {int((~np.isnan(verdicts.won)).sum()):,} verdicts; the "
        f"reference answers have {verdicts.reference_lengths.mean():.0f} characters on average."
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, metavar="DATA")
    main(parser.parse_args().data)
