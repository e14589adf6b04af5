"""Where the real data and the shipped base model are; tests that lack data are skipped.

shared("alpaca_eval")                                # a folder of public files
BASE                                                 # the laboratory's LLaMA-2 7B
"""

from pathlib import Path

import pytest

from experiments.paths import LABORATORY

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
BASE = LABORATORY / "models" / "llama-2-7b"
SOURCES = {
    "alpaca52k": "alpaca_data.json of github.com/tatsu-lab/stanford_alpaca",
    "alpaca_eval": "results/ of github.com/tatsu-lab/alpaca_eval",
    "alpaca_eval_verdicts": "results/*/alpaca_eval_gpt4 of github.com/tatsu-lab/alpaca_eval",
    "evol_instruct": "data/evol-instruct/ of github.com/tml-epfl/long-is-more-for-alignment",
    "leaderboard_arc": "scripts/eval/local_data/ of github.com/mosaicml/llm-foundry",
    "leaderboard_mmlu": "data/mmlu/ of github.com/HaeChan0305/MLILAB-FedLLM",
    "leaderboard_truthfulqa": "TruthfulQA.csv of github.com/sylinrl/TruthfulQA",
    "sharegpt": "data/dummy_conversation.json of github.com/lm-sys/FastChat",
}
"""Where the folders of public data come from; licences keep them out of this repository."""


def shared(name: str) -> Path:
    """A file or folder of real public data; the test is skipped where it is absent."""
    return _there(SHARED / "data" / name, SOURCES[name.split("/")[0]])


def published_facts() -> Path:
    """Every published number, read off the paper; the test is skipped where the file is absent."""
    return _there(SHARED / "paper" / "paper.yaml", "the paper's numbers, typed a second time")


def _there(path: Path, what: str) -> Path:
    if not path.exists():
        pytest.skip(f"no ../{path.relative_to(ROOT.parent)} beside the repository ({what})")
    return path
