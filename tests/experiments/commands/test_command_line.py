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
        ((*FINETUNE, "llama-2-7b", "--lr", "0"), "lr must be above 0 and at most 1, not 0.0"),
        (("show", "table1", "--scale", "giant"), "unknown scale 'giant'; known: nano"),
        (("show", "table99"), "unknown artifact 'table99'; known: benchmarks, budget"),
        (("plan", "table99"), "unknown artifact 'table99'; known: benchmarks, budget"),
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
        (
            ("ablation", "--judge", "claude", "--scale", "paper"),
            "unknown judge 'claude'; known: ch",
        ),
        (("ablation", "--set", "epochs=0"), "epochs must be at least 1: without training"),
        (("ablation", "--set", "epochs=1", "epochs=2"), "epochs is set twice"),
        (("ablation", "--set", "epochs=2.5"), "epochs must be a whole number, not '2.5'"),
        (("ablation", "--set", "lr"), "lr has no value; write it as lr=value"),
        (("ablation", "--set", "adapter_rank=4"), "unknown hyperparameter 'adapter_rank'; known:"),
        (
            ("plan", "table1", "--scale", "paper", "--gpu", "A100"),
            "unknown GPU 'A100'; known: 4090-24GB",
        ),
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


@pytest.mark.parametrize(
    ("arguments", "values", "says"),
    (
        (
            ("show", "table1", "--seeds"),
            ("0", "-1", "two", "1.5", "1001", "100000000", "1_0", "٣", ""),
            "argument --seeds: must be a whole number from 1 to 1,000, not ",
        ),
        (
            ("paper", "--jobs"),
            ("0", "-1", "many", "1e3", "1001"),
            "argument --jobs: must be a whole number from 1 to 1,000, not ",
        ),
        (
            ("plan", "table1", "--scale", "paper", "--gpus"),
            ("0", "3000000", "eight"),
            "argument --gpus: must be a whole number from 1 to 100,000, not ",
        ),
        (
            ("plan", "table1", "--scale", "paper", "--mfu"),
            ("0", "-1", "7", "nan", "inf", "half"),
            "argument --mfu: must be above 0 and at most 1, not ",
        ),
        (
            ("ablation", "--alpha", "0"),
            ("-1", "nan", "inf", "1e9", "1001", "five"),
            "argument --alpha: must be a number from 0 to 1,000, not ",
        ),
    ),
)
def test_numbers_have_ranges(
    arguments: tuple[str, ...],
    values: tuple[str, ...],
    says: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for value in values:
        with pytest.raises(SystemExit) as ended:
            main([*arguments, value])
        assert ended.value.code == 2
        error = capsys.readouterr().err
        assert error.startswith(f"error: {says}{value!r} (python -m experiments {arguments[0]} ")
        assert error.endswith(" --help lists the options)\n")
        assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    (
        ((), "the following arguments are required: COMMAND"),
        (("shwo", "table1"), "unknown command 'shwo'; known: ablation, audit, claims"),
        (("shwo", "table1"), "did you mean show?"),
        (("show",), "the following arguments are required: names"),
        (("show", "table1", "--seed", "1"), "unrecognized arguments: --seed 1"),
        (("show", "table1", "--seeds"), "argument --seeds: expected one argument"),
        (("show", "table\n1"), "'table\\n1' holds a character that cannot be printed"),
        (("where", "table1\udcff"), "'table1\\udcff' holds a character that cannot be printed"),
        (("selection", "--jobs=--"), "--jobs=-- has no value"),
        (("selection", "--jobs", "--"), "argument --jobs: expected one argument"),
        (("audit", "--pair", "one"), "argument --pair: expected 2 arguments"),
    ),
)
def test_an_unreadable_command_line_is_one_line_and_status_2(
    arguments: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code: object = main(list(arguments))
    except SystemExit as ended:
        code = ended.code
    error = capsys.readouterr().err
    assert code == 2
    assert error.startswith("error: ")
    assert says in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("name", ("MODEL_llama27b", "MODEL_llama-2-7b", "DATA_alpacca"))
def test_a_misspelt_model_or_set_in_the_environment_is_an_error(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MODEL_PATH", "another program's")
    assert main(["where", "table1"]) == 0
    monkeypatch.setenv(name, "folder")
    assert main(["where", "table1"]) == 1
    right = "DATA_alpaca" if name.startswith("DATA") else "MODEL_llama_2_7b"
    error = capsys.readouterr().err
    assert error.startswith(f"error: unknown variable {name!r}; known: DATA_alpaca, ")
    assert error.endswith(f"; did you mean {right}?\n")


@pytest.mark.parametrize(
    ("arguments", "code"),
    (
        (("--help",), 0),
        (("plan", "table1", "--scale", "paper"), 0),
        (("plan", "table2", "--scale", "small", "--gpu", "A100-80GB"), 0),
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
