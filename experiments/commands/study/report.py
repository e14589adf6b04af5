"""What merged ratings say, as tables: Markdown for readers, and CSV with one number a row.

tables = tables_of(study, raters, judge_verdicts(study))
markdown(study, tables)
as_csv(tables)
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis import ratings
from analysis.intervals import Estimate, binomial_share
from analysis.ratings import Numbers
from experiments.cells.markdown import estimate_text, markdown_table
from experiments.commands.study.judges import JudgeVerdicts
from experiments.commands.study.pairs import BlindStudy
from experiments.commands.study.rating_files import Rater
from experiments.published import HUMAN_STUDY

Cell = int | float | str | Estimate
Row = tuple[str, tuple[Cell, ...]]
KAPPA = "kappa"


@dataclass(frozen=True)
class Table:
    """One part of the report.

    Args:
        title: its heading.
        columns: the head; the first is that of the rows' names.
        rows: names and cells.
        note: what readers must know.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str


def tables_of(study: BlindStudy, raters: Sequence[Rater], judges: JudgeVerdicts) -> list[Table]:
    """Compute every table.

    Args:
        study: what was shown.
        raters: who rated it.
        judges: what judges said of the same pairs.
    """
    outcomes = np.array([rater.outcomes for rater in raters])
    second = study.titles[1]
    return [
        _verdict_table(study, raters, outcomes),
        _raters_table(study, raters),
        _agreement_table(raters, judges),
        _length_table(study, outcomes, second),
    ]


def _verdict_table(study: BlindStudy, raters: Sequence[Rater], outcomes: Numbers) -> Table:
    rows = [(rater.name, _verdict(rater.outcomes)) for rater in raters]
    first, second = study.titles
    note = (
        f"Wins are those of {second} over {first}. Ties and pairs of which neither answer is good "
        "are draws. The win score is the paper's: wins / (pairs - draws). In the win rate a draw "
        "is half a win. Each pair counts at its first showing. Intervals are over pairs"
    )
    if len(raters) > 1:
        rows.append(("all raters", _verdict(outcomes)))
        others = ratings.win_score_of_others(outcomes)
        note += " and for these raters"
        if others is not ratings.NOTHING:
            note += (
                f"; for other raters like them the win score is {estimate_text(vars(others), 1)}"
            )
    if study.runs:
        people = HUMAN_STUDY
        wins, losses = int(people["wins"]), int(people["losses"])
        share = binomial_share(wins, wins + losses)
        score = Estimate(*(100 * value for value in (share.value, share.low, share.high)))
        cells = (int(people["pairs"]), wins, int(people["draws"]), losses, score, "–")
        rows.append(("people in the paper, LLaMA-2 7B on Alpaca", cells))
    columns = ("rater", "rated", "wins", "draws", "losses", "win score, %", "win rate, %")
    return Table("Verdicts", columns, tuple(rows), f"{note}.")


def _verdict(outcomes: Numbers) -> tuple[Cell, ...]:
    found = ratings.counts(outcomes)
    score, rate = ratings.win_score(outcomes), ratings.win_rate(outcomes)
    return (found.rated, found.wins, found.draws, found.losses, score, rate)


def _raters_table(study: BlindStudy, raters: Sequence[Rater]) -> Table:
    first_showings = {s.pair: s.second_is_a for s in study.drawn.showings if not s.repeat}
    second_is_a = np.array([first_showings[n] for n in range(len(study.drawn.pairs))])
    rows = []
    for rater in raters:
        twice = ratings.repeated(rater.outcomes, rater.again)
        bias = ratings.side_bias(rater.outcomes, second_is_a)
        seconds = float(np.median(rater.seconds))
        cells = (bias, twice.pairs, twice.same, twice.same_side, rater.neither, seconds)
        rows.append((rater.name, cells))
    return Table(
        "How far to trust each rater",
        (
            *("rater", "side bias, points", "rated twice", "same verdict again, %"),
            *("same side again", "neither is good", "median seconds"),
        ),
        tuple(rows),
        "Side bias: by how many points an answer wins more often as answer A than as answer B; 0 "
        "is none. Pairs rated twice had their sides exchanged, so a verdict for the same side "
        "again is one that turned.",
    )


def _agreement_table(raters: Sequence[Rater], judges: JudgeVerdicts) -> Table:
    rows = [
        (f"{one.name} and {other.name}", _agreement(one.outcomes, other.outcomes))
        for number, one in enumerate(raters)
        for other in raters[number + 1 :]
    ]
    if len(raters) > 2:
        rows.append(("all raters (Fleiss)", _agreement(*(each.outcomes for each in raters))))
    rows += [
        (f"{rater.name} and {judge}", _agreement(rater.outcomes, said))
        for judge, said in judges.outcomes.items()
        for rater in raters
    ]
    note = (
        "Of win, draw and loss, on the pairs that all of a row rated. Kappa (Cohen's for two) is "
        "agreement beyond chance: 1 is perfect, 0 is chance; – where it is not defined, because "
        "all gave one verdict throughout."
    )
    columns = ("who", "pairs", "same verdict, %", KAPPA)
    return Table("Agreement", columns, tuple(rows), f"{note} {judges.note}".rstrip())


def _agreement(*outcomes: Numbers) -> tuple[Cell, ...]:
    found = ratings.agreement(*outcomes)
    return (found.pairs, found.same, found.kappa)


def _length_table(study: BlindStudy, outcomes: Numbers, second: str) -> Table:
    one, two = np.array([pair.lengths for pair in study.drawn.pairs], float).T
    thirds = ratings.by_length(outcomes, two - one)
    names = ("shortest third", "middle third", "longest third")
    rows: list[Row] = [
        (f"{name} beside the other answer", (part.pairs, part.difference, part.rate))
        for name, part in zip(names, thirds, strict=False)
    ]
    rows.append(("at equal length", ("–", 0.0, ratings.at_equal_length(outcomes, one, two))))
    longer = ratings.longer_wins(outcomes, two - one)
    text = estimate_text(vars(longer), 1)
    return Table(
        "Length",
        (f"answers of {second}", "pairs", "mean difference, characters", "win rate, %"),
        tuple(rows),
        f"The longer answer wins {text}% of the ratings that are no draw. At equal length: the win "
        "rate to expect by a model like AlpacaEval 2.0's, were both answers equally long.",
    )


def markdown(study: BlindStudy, tables: Sequence[Table]) -> str:
    """The report as Markdown."""
    drawn, (first, second) = study.drawn, study.titles
    bound = drawn.how.equal_length
    unequal = (
        ""
        if bound is None
        else f"; others that differ in length by more than {bound}%: {drawn.unequal}"
    )
    parts = [
        f"# Blind study {study.key}: {_plain(second)} against {_plain(first)}",
        f"{_plain(study.about)}. {len(drawn.pairs)} pairs drawn from {drawn.instructions} "
        f"instructions; identical answers, which are never shown: {drawn.identical}{unequal}. "
        "docs/blind-study.md says how each number is computed and read.",
    ]
    for table in tables:
        rows = [[name, *map(_text, cells, table.columns[1:])] for name, cells in table.rows]
        head = [list(table.columns), *rows]
        shown = markdown_table([[_plain(cell) for cell in row] for row in head])
        parts += [f"## {table.title}", *([shown] if rows else []), table.note]
    return "\n\n".join(parts) + "\n"


def _plain(text: str) -> str:
    """A text that breaks no row of a table."""
    return text.replace("|", "\\|")


def _text(cell: Cell, column: str) -> str:
    """A cell for readers; kappa is a share of 1 and gets two digits, per cent and points one."""
    if isinstance(cell, Estimate):
        return estimate_text(vars(cell), 2 if column == KAPPA else 1)
    return f"{cell:.1f}" if isinstance(cell, float) else str(cell)


def as_csv(tables: Sequence[Table]) -> str:
    """The same numbers, one a row, with their intervals where they have one."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["table", "row", "column", "value", "low", "high"])
    for table in tables:
        for name, cells in table.rows:
            for column, cell in zip(table.columns[1:], cells, strict=True):
                writer.writerow([table.title, name, column, *_numbers(cell)])
    return out.getvalue()


def _numbers(cell: Cell) -> list[str]:
    if isinstance(cell, Estimate):
        values = (cell.value, cell.low, cell.high)
        return ["" if np.isnan(value) else f"{value:.10g}" for value in values]
    return ["" if cell == "–" else f"{cell:.10g}" if isinstance(cell, float) else str(cell), "", ""]
