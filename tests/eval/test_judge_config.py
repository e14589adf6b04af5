"""The configuration of a judge is what alpaca-eval reads, and a folder without one is named."""

from pathlib import Path

import alpaca_eval
import pytest
from alpaca_eval.utils import load_configs

from eval.judge_config import PRICES, JudgeError, api_model, judge_configuration

JUDGES = Path(alpaca_eval.__file__).parent / "evaluators_configs"
NAMES = ("alpaca_eval_gpt4", "chatgpt_fn", "weighted_alpaca_eval_gpt4_turbo")


@pytest.mark.parametrize(
    "name", ("alpaca_eval_gpt4", "chatgpt_fn", "weighted_alpaca_eval_gpt4_turbo")
)
def test_the_configuration_is_what_alpaca_eval_reads(name: str) -> None:
    (expected,) = load_configs(JUDGES / name).values()
    assert judge_configuration(JUDGES / name) == expected


def test_a_judge_behind_an_api_has_a_model_with_a_price(tmp_path: Path) -> None:
    assert api_model(JUDGES / "alpaca_eval_gpt4") in PRICES
    (tmp_path / "configs.yaml").write_text("own:\n  fn_completions: my.module:judge\n")
    assert api_model(tmp_path) is None


def test_a_folder_without_a_judge_is_named(tmp_path: Path) -> None:
    with pytest.raises(JudgeError, match=r"a judge is a folder with a configs.yaml"):
        judge_configuration(tmp_path)


@pytest.mark.parametrize(
    "content",
    ("", "[]", "a: [", "one: {}\ntwo: {}", "one: 7", "one:\n  fn_completions: 7"),
)
def test_a_file_without_one_judge_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "configs.yaml").write_text(content)
    with pytest.raises(JudgeError, match=r"configs.yaml: ") as error:
        judge_configuration(tmp_path)
    assert "\n" not in str(error.value)


def test_a_judge_behind_an_api_without_a_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "configs.yaml").write_text("one:\n  fn_completions: openai_completions\n")
    with pytest.raises(JudgeError, match="completions_kwargs name no model_name"):
        api_model(tmp_path)
