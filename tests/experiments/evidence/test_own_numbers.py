"""The paper's comparisons and this project's are those of their tables and results."""

import json
from pathlib import Path

import pytest

from experiments.evidence import here, paper
from experiments.published import HUMAN_STUDY, TABLE_1, TABLE_3, TABLE_14
from tests.paths import ROOT

PAPER = {each.id: each for each in paper.comparisons()}


def test_the_papers_comparisons_have_the_numbers_of_its_tables() -> None:
    assert len(PAPER) == len(paper.comparisons()) == 44
    first = PAPER["paper.table-1.alpaca"]
    assert (first.without, first.with_) == (
        TABLE_1["LLaMA-2 7B"]["alpaca"],
        TABLE_1["+NEFT"]["alpaca"],
    )
    qlora = PAPER["paper.table-3.llama-1-30b.alpaca.alpha-10"]
    assert qlora.with_ == TABLE_3["+NEFT alpha 10"]["llama-1-30b", "alpaca"]
    assert (qlora.tuning, qlora.epochs, qlora.learning_rate) == ("QLoRA", 1.0, None)
    nine = PAPER["paper.table-14.9-epochs"]
    assert ((nine.without, nine.with_), nine.epochs) == (TABLE_14[9], 9.0)
    assert PAPER["paper.table-2.llama-2-70b"].learning_rate == 2e-5
    study = PAPER["paper.human-study"]
    assert study.gain == pytest.approx(
        100 * (HUMAN_STUDY["wins"] - HUMAN_STUDY["losses"]) / HUMAN_STUDY["pairs"]
    )


def test_no_comparison_of_the_paper_is_listed_twice() -> None:
    keys = [
        (each.model, each.training_set, each.judge, each.tuning, each.without, each.with_)
        for each in PAPER.values()
    ]
    assert len(set(keys)) == len(keys)


def test_own_comparisons_have_the_numbers_of_the_results(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workplace / "results").symlink_to(ROOT / "results")
    found = here.comparisons()
    assert len({each.id for each in found}) == len(found)
    assert {each.source.group for each in found} == {"here"}
    for name in ("nano/table1", "small/real"):
        cells = json.loads((ROOT / "results" / f"{name}.json").read_text())["cells"]
        known = {
            (cell["metric"], round(cell["difference"]["value"], 6), round(cell["value"], 6))
            for cell in cells
            if cell.get("difference")
        }
        own = [each for each in found if each.source.address == f"results/{name}.json"]
        assert own
        for each in own:
            assert (
                f"{each.metric}, %",
                round(each.gain or 0, 6),
                round(each.with_ or 0, 6),
            ) in known
            low, high = each.interval or (1.0, -1.0)
            assert low <= (each.gain or 0) <= high
            if name == "small/real":
                assert each.epochs == 3


def test_results_that_were_made_here_count_before_the_shipped_ones(workplace: Path) -> None:
    (workplace / "results").symlink_to(ROOT / "results")
    own = workplace / "runs" / "results" / "audit"
    own.mkdir(parents=True)
    audit = json.loads((ROOT / "results" / "audit" / "audit.json").read_text())
    audit["models"]["alpaca-7b"]["win_rate"] += 1
    (own / "audit.json").write_text(json.dumps(audit))
    (found,) = (e for e in here.comparisons() if e.id == "here.audit.alpaca-7b-neft.win-rate")
    assert found.without == audit["models"]["alpaca-7b"]["win_rate"]
