"""How far to trust the judge of the scale `small`: each public model left out in turn.

    make judge-card PUBLIC_VERDICTS=FILE REFERENCE_OUTPUTS=FILE

Writes `runs/results/public-judge/`: `card.md`, `.json`, `.csv` and a picture. It takes about a
quarter of an hour on one core, and holds numbers and names of public models alone.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from experiments.paths import RENDERED

HELP = "how far the judge that is fitted to GPT-4's public verdicts can be trusted"
OUT = RENDERED / "public-judge"

WAYS = {
    "model": "the model",
    "relatives": "the model and the three with the most similar answers",
    "instructions": "the model, and all verdicts on the instructions that are judged",
}
"""What is left out, for readers."""


def options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--out", type=Path, default=OUT)


def run(arguments: argparse.Namespace) -> None:
    """Measure, write and print.

    Raises:
        JudgeError: there are no public verdicts.
        SourceError: there are no instructions.
    """
    from eval.judge_config import judge_identity
    from eval.preference.card import card, left_out_in_turn, pairs_left_out
    from eval.preference.features import Seen
    from experiments.paths import PUBLIC_JUDGE
    from experiments.scales.public_judge import public_pool

    seen = Seen(public_pool())
    read = [seen.of(answers) for answers in seen.pool.answers]
    found = card(left_out_in_turn(seen, read), pairs_left_out(seen, read))
    write(found, arguments.out, judge_identity(PUBLIC_JUDGE)["configuration"])
    print((arguments.out / "card.md").read_text())
    print(f"Written to {arguments.out}.")


def write(found: dict[str, Any], out: Path, judge: str) -> None:
    """Write a card.

    Args:
        found: from `eval.preference.card`.
        out: the folder.
        judge: what names the judge and its verdicts (`judge_identity`).
    """
    from analysis.judge_picture import judge_picture
    from analysis.plots import save
    from experiments.cells.render import as_csv, as_json
    from experiments.runs.provenance import write_provenance
    from neftune.training.files import write_atomic

    write_atomic(out / "card.json", as_json(found))
    write_atomic(out / "card.csv", as_csv(model_rows(found)))
    write_atomic(out / "card.md", markdown(found))
    notes = f"The judge of the scale small; {len(found['models'])} public models, 805 instructions"
    save(judge_picture(found, f"{message(found)}\n{notes}"), out / "card")
    write_provenance(out / "card.provenance.json", "make judge-card", judge=judge)


def message(found: dict[str, Any]) -> str:
    """What the card comes to, in one line."""
    own = found["ways"]["model"]
    return (
        f"On models that it has not seen, the fitted judge agrees with GPT-4 on "
        f"{own['agreement']:.1f}% of answers, where the longer answer agrees on "
        f"{found['baselines']['the longer answer']:.1f}%; its win rates are off by "
        f"{own['win rate, mean absolute error']:.1f} points on average"
    )


def markdown(found: dict[str, Any]) -> str:
    """The card for readers."""
    from experiments.cells.markdown import markdown_table

    pairs, weak = found["pairs"], found["weak models"]
    return (
        "\n\n".join(
            [
                "# The judge that is fitted to GPT-4's public verdicts: how far to trust it",
                f"{message(found)}. docs/public-judge.md says how it is made. Each public model "
                "was judged by a judge that was fitted without it. Agreement is on the answers on "
                "which GPT-4 preferred one side. The order of the two answers does not matter to "
                "this judge.",
                "![card](card.png)",
                markdown_table(way_rows(found)),
                f"Of {pairs['pairs']} pairs of similar models, both left out of one judge with "
                "their relatives, the difference of the two win rates is off by "
                f"{pairs['root mean square error']:.1f} points (root mean square).",
                f"Of the {weak['models']} models that win less than {weak['win rate below, %']:g}%"
                f", left out with their relatives, the win rates are off by "
                f"{weak['root mean square error']:.1f} points (root mean square; on average "
                f"{weak['mean error']:+.1f}).",
                "## By length of the answer",
                "Lengths are multiples of the reference's. The probability and the share that "
                "GPT-4 preferred are means over answers of models that were left out.",
                markdown_table(length_rows(found)),
                "## By model",
                markdown_table(model_rows(found)),
            ]
        )
        + "\n"
    )


def way_rows(found: dict[str, Any]) -> list[list[str]]:
    """A row a measure, a column for what is left out, and for two simple rules."""
    head = ["", *(f"left out: {title}" for title in WAYS.values()), *found["baselines"]]
    measures = {
        "agreement": "agreement with GPT-4, %",
        "lowest agreement": "lowest agreement of a model, %",
        "win rate, mean error": "win rate: mean error, points",
        "win rate, mean absolute error": "win rate: mean absolute error, points",
        "win rate, standard deviation of the error": "win rate: standard deviation of the error",
        "win rates within 3 points, %": "win rates within 3 points of GPT-4's, %",
        "rank correlation of models": "rank correlation of the models' win rates",
    }
    rows = [head]
    for name, title in measures.items():
        digits = 3 if name.startswith("rank") else 1
        rules = [
            f"{rate:.1f}" if name == "agreement" else "" for rate in found["baselines"].values()
        ]
        rows.append([title, *(f"{found['ways'][way][name]:.{digits}f}" for way in WAYS), *rules])
    return rows


def length_rows(found: dict[str, Any]) -> list[list[str]]:
    """A row for each range of lengths."""
    rules = ("agreement", "the longer answer", "probability", "preferred")
    head = ["length", "answers", "agreement with GPT-4, %", "agreement of the longer answer, %"]
    rows = [[*head, "probability by this judge, %", "preferred by GPT-4, %"]]
    for each in found["by length"]:
        to = "" if each["to"] is None else f" to {each['to']:g}"
        lengths = f"above {each['above']:g}{to}" if each["above"] else to.strip()
        rows.append([lengths, f"{each['answers']:,}", *(f"{each[rule]:.1f}" for rule in rules)])
    return rows


def model_rows(found: dict[str, Any]) -> list[list[str]]:
    """A row a model: its win rates and agreements."""
    rules = list(found["baselines"])
    head = ["model", "win rate by GPT-4, %"]
    for title in WAYS.values():
        head += [f"win rate, %, without {title}", f"agreement, %, without {title}"]
    rows = [[*head, *(f"agreement of {rule}, %" for rule in rules)]]
    for model in found["models"]:
        row = [model["name"], f"{model['win rate by GPT-4']:.1f}"]
        for way in WAYS:
            row += [f"{model[way]['win rate']:.1f}", f"{model[way]['agreement']:.1f}"]
        rows.append([*row, *(f"{model[rule]:.1f}" for rule in rules)])
    return rows
