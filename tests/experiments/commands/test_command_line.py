"""The command line: which commands there are, one-line errors, and light imports."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.__main__ import command_modules, main
from tests.paths import ROOT

COMMANDS = (
    *("ablation", "audit", "finetune", "make", "paper", "plan", "selection", "show", "unpack"),
)
HEAVY = (
    *("torch", "transformers", "matplotlib", "scipy", "pandas", "datasets", "alpaca_eval"),
    *("lm_eval", "peft", "statsmodels", "sacrebleu", "snakemake"),
)
FINETUNE = ("finetune", "--dataset-file", "x.json", "--out", "o", "--model")


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert set(COMMANDS) <= set(command_modules())
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for name, module in command_modules().items():
        assert module.HELP.split(" (")[0].split()[0] in text
        with pytest.raises(SystemExit) as ended:
            main([name, "--help"])
        assert ended.value.code == 0
        assert name in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    (
        ((*FINETUNE[:5], "--model", "llama-2-7b"), "x.json: no such file"),
        (
            (*FINETUNE, "llama-2-7b", "--alpha", "-1"),
            "alpha must be a finite number of at least 0, not -1.0",
        ),
        ((*FINETUNE, "lama"), "unknown model 'lama'"),
        ((*FINETUNE, "llama-2-7b", "--lr", "0"), "lr must be a positive number"),
        (("show", "table1", "--scale", "giant"), "unknown scale 'giant'; known: nano"),
        (("show", "table99"), "unknown artifact 'table99'; known: curves, figure1"),
        (("plan", "table99"), "unknown artifact 'table99'; known: curves, figure1"),
        (("unpack", "--scale", "giant"), "unknown scale 'giant'; known: nano"),
        (("unpack",), "results/nano/records.tar.xz: no records are committed"),
        (
            ("ablation", "--set", "learning_rate=1"),
            "unknown hyperparameter 'learning_rate'; known:",
        ),
        (("ablation", "--set", "lr=high"), "lr must be a number, not 'high'"),
        (("ablation", "--noise", "pink"), "unknown noise distribution 'pink'; known: uniform"),
        (("ablation", "--length-rule", "x"), "unknown noise length_rule 'x'; known: sequence"),
        (("ablation", "--dataset", "alpacca"), "unknown instruction set 'alpacca'; known: alpaca"),
        (("ablation", "--judge", "judy"), "unknown judge 'judy'; known: chatgpt, gpt-4"),
        (("ablation", "--model", "lama"), "unknown model 'lama'; known: llama-1-30b"),
        (
            ("ablation", "--model", "llama-2-70b", "--scale", "small"),
            "unknown model 'llama-2-70b'; known: llama-1-7b",
        ),
        (("ablation", "--alpha", "-1"), "alpha must be a finite number of at least 0"),
        (("show", "table1"), "results/nano/selection.json: no selection yet"),
    ),
)
def test_bad_input_is_one_clear_line(
    arguments: tuple[str, ...],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(list(arguments)) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert says in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ("--seeds", "--jobs"))
@pytest.mark.parametrize("value", ("0", "-1", "two"))
def test_a_count_is_a_positive_number(
    option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["show", "table1", option, value])
    assert f"must be a whole number of at least 1, not {value!r}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code"),
    (
        (("--help",), 0),
        (("plan", "table1", "--scale", "paper"), 0),
        (("plan", "table2", "--scale", "small"), 0),
        (("show", "no-such-table"), 1),
        (("ablation", "--dataset", "alpacca"), 1),
        ((*FINETUNE, "lama"), 1),
    ),
    ids=lambda given: " ".join(given) if isinstance(given, tuple) else str(given),
)
def test_help_plans_and_errors_import_nothing_heavy(
    arguments: tuple[str, ...], code: int, tmp_path: Path
) -> None:
    script = (
        "import json, sys\n"
        "from experiments.__main__ import main\n"
        "try: code = main(sys.argv[1:])\n"
        "except SystemExit as ended: code = ended.code\n"
        f"print(json.dumps([code, sorted(set({HEAVY}) & sys.modules.keys())]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == [code, []]
