"""The judges: for each role the alpaca-eval configuration that plays it at every scale that has it.

    JUDGES["gpt-4"].folder("paper")                      # …/alpaca_eval/evaluators_configs/…

The paper has GPT-4 and ChatGPT. The oracle is the laboratory's own: the scale `nano` alone has it.

A configuration is a folder with a `configs.yaml` that alpaca-eval itself reads. To add a judge, add
an entry: `Shipped(name)` is any configuration that alpaca-eval ships, a `Path` is a folder of your
own.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from experiments.paths import LABORATORY, PUBLIC_JUDGE


@dataclass(frozen=True)
class Shipped:
    """A configuration that the installed alpaca-eval ships.

    Args:
        name: of its folder in `alpaca_eval/evaluators_configs`.
    """

    name: str


@dataclass(frozen=True)
class Judge:
    """A judge of the paper, or the laboratory's oracle.

    Args:
        title: how results name it.
        configurations: by the name of each scale that has it, a folder or a configuration of
            alpaca-eval's.
        stand_in: by the name of the scale, what the judge really is there, for readers.
    """

    title: str
    configurations: Mapping[str, Path | Shipped]
    stand_in: Mapping[str, str]

    def folder(self, scale: str) -> Path:
        """The configuration folder at a scale."""
        configuration = self.configurations[scale]
        if isinstance(configuration, Path):
            return configuration
        return installed("alpaca_eval") / "evaluators_configs" / configuration.name


def installed(package: str) -> Path:
    """The folder of an installed package, found without importing it."""
    found = importlib.util.find_spec(package)
    assert found is not None
    assert found.submodule_search_locations
    return Path(found.submodule_search_locations[0])


JUDGES: dict[str, Judge] = {
    "gpt-4": Judge(
        "GPT-4",
        {
            "nano": LABORATORY / "judges" / "gpt_4_role",
            "small": PUBLIC_JUDGE,
            "paper": Shipped("alpaca_eval_gpt4"),
        },
        {
            "nano": "an oracle of the made-up world with the length preference of GPT-4's public "
            "verdicts, and as far from it as GPT-4 is from people",
            "small": "a model of GPT-4's public verdicts on the same instructions",
        },
    ),
    "chatgpt": Judge(
        "ChatGPT",
        {
            "nano": LABORATORY / "judges" / "chatgpt_role",
            "small": PUBLIC_JUDGE,
            "paper": Shipped("chatgpt"),
        },
        {
            "nano": "the judge in GPT-4's role with more errors, at ChatGPT's published agreement",
            "small": "the model of GPT-4's public verdicts once more, so no second judge",
        },
    ),
    "oracle": Judge(
        "Oracle",
        {"nano": LABORATORY / "judges" / "oracle"},
        {"nano": "an oracle that knows the made-up world and does not look at length"},
    ),
}
