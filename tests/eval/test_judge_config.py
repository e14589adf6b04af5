"""The configuration of a judge is what alpaca-eval reads, and a folder without one is named."""

from pathlib import Path

import alpaca_eval
import pytest
from alpaca_eval.utils import load_configs

from eval.judge_config import (
    OPENAI,
    PRICES,
    JudgeError,
    api_model,
    judge_configuration,
    judge_identity,
)

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


@pytest.fixture
def judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A judge behind an API, of one's own, and no setting of the environment."""
    for name in ("JUDGE_BASE_URL", "OPENAI_BASE_URL", "JUDGE_MODEL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "judges" / "mine"
    folder.mkdir(parents=True)
    (folder.parent / "template.txt").write_text("Which is better?")
    (folder / "configs.yaml").write_text(
        "mine:\n  fn_completions: openai_completions\n  prompt_template: template.txt\n"
        "  completions_kwargs: {model_name: gpt-4}\n"
    )
    return folder


def test_what_changes_a_judges_verdicts_changes_its_identity(
    judge: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = judge_identity(judge)
    assert (own["model"], own["server"]) == ("gpt-4", OPENAI)
    monkeypatch.setenv("JUDGE_MODEL", "judge-b")
    monkeypatch.setenv("JUDGE_BASE_URL", "https://anna:s3cret@Host:8000/v1/?key=s3cret")
    asked = judge_identity(judge)
    assert asked == own | {"model": "judge-b", "server": "https://host:8000/v1"}
    for path, text in (
        (judge / "configs.yaml", "# another temperature\n"),
        (judge.parent / "template.txt", " Length does not count."),
    ):
        before = judge_identity(judge)
        path.write_text(path.read_text() + text)
        assert judge_identity(judge)["configuration"] != before["configuration"]


def test_the_servers_address_is_the_one_that_openais_package_uses(
    judge: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:1/v1")
    assert judge_identity(judge)["server"] == "http://localhost:1/v1"


def test_the_identity_reads_every_configuration_that_alpaca_eval_ships() -> None:
    for path in sorted(JUDGES.glob("*/configs.yaml")):
        if len(load_configs(path)) == 1:
            identity = judge_identity(path.parent)
            assert len(identity["configuration"]) == 64
            assert bool(identity["model"]) == bool(identity["server"])


def test_a_judge_without_its_template_is_named(judge: Path) -> None:
    (judge.parent / "template.txt").unlink()
    with pytest.raises(JudgeError, match=r"configs\.yaml: there is no prompt template .*template"):
        judge_identity(judge)
