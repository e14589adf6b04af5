"""Table 1: AlpacaEval win rate with and without noise, LLaMA-2 7B on four instruction sets.

    make table1            make table1 SEEDS=3            make table1 SELECT=1

Writes `results/<scale>/table1.{json,csv,md,png}`, a pure function of the runs' records, and
`table1.provenance.json` beside them; with several seeds, `table1.seeds3.…` and so on.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from analysis.intervals import mean_estimate, win_rate_gain, wins
from analysis.length_control import length_controlled_gain
from analysis.plots import compare_with_paper, save
from experiments.evaluation import Cell, load_cell, summary
from experiments.jobs import seconds, verdicts_file
from experiments.paper import DATASET_TITLES, TABLE_1, TABLE_1_ALPHA
from experiments.provenance import write_provenance
from experiments.run import Run
from experiments.scale import Scale
from experiments.selection import RESULTS, Choice, load_selection, run_of, select
from experiments.workflow import produce
from neftune.files import write_whole

ARMS = {"baseline": "LLaMA-2 7B", "neft": "+NEFT"}
JUDGE = "gpt-4"


def runs(
    scale: Scale, choices: Mapping[str, Choice], seeds: int
) -> dict[tuple[str, str], list[Run]]:
    """The runs of each arm and data set, one a seed."""
    return {
        (arm, dataset): [
            run_of(scale, dataset, choice.lr, choice.alpha if arm == "neft" else 0.0, seed)
            for seed in range(seeds)
        ]
        for dataset, choice in choices.items()
        for arm in ARMS
    }


def table(cells: Mapping[tuple[str, str], Cell], choices: Mapping[str, Choice]) -> dict[str, Any]:
    """The table as data: per column both arms, the gain, and what was published."""
    columns: dict[str, Any] = {}
    for dataset, choice in choices.items():
        base, neft = cells["baseline", dataset], cells["neft", dataset]
        columns[dataset] = {
            "lr": choice.lr,
            "alpha": {"here": choice.alpha, "paper": TABLE_1_ALPHA[dataset]},
            "baseline": summary(base),
            "neft": summary(neft),
            "gain": asdict(win_rate_gain(base.preferences, neft.preferences)),
            "length_controlled_gain": asdict(
                length_controlled_gain(
                    (base.preferences, base.lengths),
                    (neft.preferences, neft.lengths),
                    base.reference_lengths,
                )
            ),
        }
    shares = {
        arm: np.mean([100 * wins(cells[arm, d].preferences) for d in choices], axis=0)
        for arm in ARMS
    }
    columns["average"] = {
        **{arm: {"win_rate": asdict(mean_estimate(values))} for arm, values in shares.items()},
        "gain": asdict(mean_estimate(shares["neft"] - shares["baseline"])),
    }
    for name, column in columns.items():
        published = {arm: TABLE_1[arm][name] for arm in ARMS}
        column["published"] = {**published, "gain": published["neft"] - published["baseline"]}
    return columns


def _rows(columns: Mapping[str, Any], scale: str) -> list[list[str]]:
    """The table as rows of text."""

    def across(label: str, *path: str, form: str = "{:.2f}") -> list[str]:
        texts = []
        for column in columns.values():
            value: Any = column
            for step in path:
                value = value.get(step) if isinstance(value, Mapping) else None
            if isinstance(value, Mapping):
                texts.append("{value:.2f} [{low:.2f}, {high:.2f}]".format(**value))
            else:
                texts.append("" if value is None else form.format(value))
        return [label, *texts]

    return [
        across("LLaMA-2 7B, paper", "published", "baseline"),
        across("+NEFT, paper", "published", "neft"),
        across("gain, paper", "published", "gain", form="{:+.2f}"),
        across(f"LLaMA-2 7B, {scale}", "baseline", "win_rate"),
        across(f"+NEFT, {scale}", "neft", "win_rate"),
        across(f"gain, {scale}", "gain"),
        across("length-controlled: LLaMA-2 7B", "baseline", "length_controlled"),
        across("length-controlled: +NEFT", "neft", "length_controlled"),
        across("length-controlled: gain", "length_controlled_gain"),
        across("mean characters: LLaMA-2 7B", "baseline", "characters", form="{:.0f}"),
        across("mean characters: +NEFT", "neft", "characters", form="{:.0f}"),
        across("draws %: LLaMA-2 7B", "baseline", "draws", form="{:.1f}"),
        across("draws %: +NEFT", "neft", "draws", form="{:.1f}"),
        across("clean training loss: LLaMA-2 7B", "baseline", "clean_losses", "train"),
        across("clean training loss: +NEFT", "neft", "clean_losses", "train"),
        across("clean loss on another set: LLaMA-2 7B", "baseline", "clean_losses", "other"),
        across("clean loss on another set: +NEFT", "neft", "clean_losses", "other"),
        across("alpha, paper", "alpha", "paper", form="{:g}"),
        across(f"alpha, {scale}", "alpha", "here", form="{:g}"),
        across(f"learning rate, {scale}", "lr", form="{:g}"),
    ]


def markdown(columns: Mapping[str, Any], scale: str, seeds: int) -> str:
    """The table for readers."""
    titles = [*(DATASET_TITLES[d] for d in columns if d != "average"), "Average"]
    rows = _rows(columns, scale)
    cells = [["", *titles], *rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]

    def line(row: Sequence[str]) -> str:
        return "| " + " | ".join(text.ljust(w) for text, w in zip(row, widths, strict=True)) + " |"

    rule = "| " + " | ".join("-" * width for width in widths) + " |"
    return "\n".join(
        [
            f"Table 1 at scale `{scale}`: AlpacaEval win rate (%) against the reference, "
            f"{seeds} {'seed' if seeds == 1 else 'seeds'}; [95% bootstrap interval over "
            "instructions].",
            "",
            line(cells[0]),
            rule,
            *map(line, rows),
            "",
        ]
    )


def _csv(columns: Mapping[str, Any], scale: str) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["row", *columns])
    writer.writerows(_rows(columns, scale))
    return text.getvalue()


def make(
    scale: Scale,
    seeds: int = 1,
    jobs: int | None = None,
    reselect: bool = False,
    command: str = "make table1",
) -> Path:
    """Train, judge and write the table.

    Args:
        scale: what stands for the paper's models, sets and judges.
        seeds: how many; seed 0 first.
        jobs: how many at a time; by default one a core.
        reselect: choose learning rates and alphas again.
        command: noted in the provenance.

    Returns:
        The Markdown file.
    """
    choices = select(scale, jobs, "make table1 SELECT=1") if reselect else load_selection(scale)
    asked = runs(scale, choices, seeds)
    every = [run for group in asked.values() for run in group]
    produce([verdicts_file(run.folder, "test", JUDGE) for run in every], every, jobs)
    cells = {key: load_cell(group, JUDGE, "test") for key, group in asked.items()}
    columns = table(cells, choices)

    out = RESULTS / scale.name
    name = "table1" if seeds == 1 else f"table1.seeds{seeds}"
    write_whole(out / f"{name}.json", json.dumps(columns, indent=1) + "\n")
    write_whole(out / f"{name}.csv", _csv(columns, scale.name))
    write_whole(out / f"{name}.md", markdown(columns, scale.name, seeds))
    save(
        compare_with_paper(
            {arm: [TABLE_1[arm][name] for name in columns] for arm in ARMS},
            {arm: [column[arm]["win_rate"] for column in columns.values()] for arm in ARMS},
            columns=[*(DATASET_TITLES[d] for d in choices), "Average"],
            labels=ARMS,
            title=f"Table 1: win rate with and without noise, at scale {scale.name}",
        ),
        out / f"{name}.png",
    )
    write_provenance(
        out / f"{name}.provenance.json",
        command,
        seeds=list(range(seeds)),
        runs={run.key: seconds(run.folder) for run in every},
    )
    return out / f"{name}.md"
