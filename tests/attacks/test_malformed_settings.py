"""Hundreds of malformed settings at the command line and at make: one line each, nothing written.

Hypothesis makes every command line wrong in a known way: a name that does not exist, a number out
of its range, a setting of another command, two that exclude each other, a folder that is not there.
Each must end with a non-zero status, print exactly one line of error and nothing else, and leave
the folder as it was. (Where a command that make started fails, make adds a line of its own.)
"""

import hashlib
import shutil
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.__main__ import command_modules, main
from tests.attacks.reporting import Recorder, attack
from tests.make_targets import folder_with_makefile, make
from tests.paths import ROOT

Arguments = list[str]
COMMAND_LINES, MAKES = 400, 24


def contents(folder: Path) -> dict[str, str]:
    """The hashes of a folder's own files, without those that links lead to."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else ""
        for path in sorted(folder.rglob("*"))
        if not path.is_symlink() and "__pycache__" not in path.parts
    }


def is_number(text: str, least: float, most: float, whole: bool) -> bool:
    """Whether a text is a number in a range, by rules as lenient as Python's."""
    try:
        return least <= (int(text) if whole else float(text)) <= most
    except ValueError:
        return False


words = st.text(max_size=12).filter(lambda text: not text.startswith(("-h", "--help")))
numbers = st.one_of(
    st.integers().map(str),
    st.floats().map(repr),
    st.sampled_from(("", " ", "nan", "inf", "-inf", "1e999", "1_0", "٣", "0x1", "1,5", "--")),
    words,
)


def outside(least: float, most: float, *, whole: bool) -> st.SearchStrategy[str]:
    """Texts that are no numbers of a range."""
    return numbers.filter(lambda text: not is_number(text, least, most, whole))


def unknown(*known: str) -> st.SearchStrategy[str]:
    """Texts that are none of some names: misspelt ones, and any."""
    misspelt = st.builds(
        lambda name, at, letter: name[: at % len(name)] + letter + name[at % len(name) + 1 :],
        st.sampled_from(known),
        st.integers(0, 100),
        st.sampled_from(("", "x", "X", "1", " ", "\n")),
    )
    return (words | misspelt).filter(lambda text: text not in known and text[:2] != "-h")


MODELS = (
    *("llama-2-7b", "llama-2-chat-7b", "llama-2-13b", "llama-2-70b", "llama-1-7b"),
    *("llama-1-30b", "opt-6.7b"),
)
SETS = ("alpaca", "evol-instruct", "sharegpt", "open-platypus")
TABLES = ("table1", "table14", "figure4", "human", "phase")
ARTIFACTS = (
    *(f"table{n}" for n in range(1, 15)),
    *(f"figure{n}" for n in range(1, 10)),
    *("human", "phase", "curves"),
)
COUNTS = outside(1, 1000, whole=True)
OPTIONS: dict[str, dict[str, st.SearchStrategy[str]]] = {
    "show table1": {
        "--seeds": COUNTS,
        "--jobs": COUNTS,
        "--scale": unknown("nano", "small", "paper"),
    },
    "plan table1 --scale paper": {
        "--seeds": COUNTS,
        "--gpus": outside(1, 100_000, whole=True),
        "--mfu": outside(1e-300, 1, whole=False),
        "--gpu": unknown("A5000-24GB", "4090-24GB", "A6000-48GB", "A100-40GB", "A100-80GB").filter(
            lambda text: bool(text) and text not in ("H100-80GB", "H200-141GB")
        ),
    },
    "ablation": {
        "--alpha": outside(0, 1000, whole=False),
        "--seeds": COUNTS,
        "--jobs": COUNTS,
        "--model": unknown(*MODELS),
        "--dataset": unknown(*SETS),
        "--noise": unknown("uniform", "gaussian", "bernoulli"),
        "--length-rule": unknown("sequence", "padded"),
        "--judge": unknown("gpt-4", "chatgpt"),
        "--scale": unknown("nano", "small", "paper"),
    },
    "where table1": {"--scale": unknown("nano", "small", "paper")},
    "compare table1": {"--scale": unknown("nano", "small", "paper"), "--seeds": COUNTS},
    "unpack": {"--scale": unknown("nano", "small", "paper")},
    "paper": {"--jobs": COUNTS, "--scale": unknown("nano", "small", "paper")},
    "selection": {"--jobs": COUNTS, "--scale": unknown("nano", "small", "paper")},
    "release": {"--jobs": COUNTS, "--scale": unknown("nano", "small", "paper")},
}
RANGES = {
    "lr": outside(1e-300, 1, whole=False),
    "epochs": outside(1, 1000, whole=True),
    "batch": outside(1, 100_000, whole=True),
    "micro_batch": outside(1, 100_000, whole=True),
    "max_length": outside(2, 1_000_000, whole=True),
    "warmup": outside(0, 1, whole=False),
    "weight_decay": outside(0, 1000, whole=False),
    "max_grad_norm": outside(1e-300, 1_000_000, whole=False),
}


@st.composite
def bad_options(draw: st.DrawFn) -> Arguments:
    """A command with one bad value, of an option or of a hyperparameter."""
    command = draw(st.sampled_from(sorted(OPTIONS)))
    option = draw(st.sampled_from(sorted(OPTIONS[command])))
    value = draw(OPTIONS[command][option])
    return [*command.split(), *([f"{option}={value}"] if draw(st.booleans()) else [option, value])]


@st.composite
def bad_hyperparameters(draw: st.DrawFn) -> Arguments:
    """An ablation with a hyperparameter that does not exist, or cannot have its value."""
    name = draw(st.sampled_from(sorted(RANGES)))
    good, value = "warmup=0.1", draw(RANGES[name])
    setting = draw(
        st.sampled_from(
            (f"{name}={value}", name, f"{name} {value}", f"{value}={name}", f"x{name}=1", "frozen=")
        )
    )
    return ["ablation", "--set", *([good] if name != "warmup" else []), setting]


@st.composite
def bad_names(draw: st.DrawFn) -> Arguments:
    """A command, table, record, option or folder that is not there, or too few or too many."""
    commands = tuple(command_modules())
    folders = st.sampled_from(("nowhere", "results", "results/nano/selection.json", ".", ".."))
    name = draw(unknown(*ARTIFACTS).filter(lambda text: not text.startswith("-")))
    first = draw(st.sampled_from(TABLES))
    match draw(st.sampled_from(("command", "name", "option", "record", "pair", "data", "out"))):
        case "command":
            return [draw(unknown(*commands).filter(lambda t: not t.startswith("-"))), first]
        case "name":
            command = draw(st.sampled_from(("show", "plan", "where", "compare")))
            names = [name] if command == "compare" else draw(st.permutations([first, name]))
            return [command, *names]
        case "option":
            option = draw(st.text("abcdefghijklmnopqrstuvwxyz-", min_size=2, max_size=8))
            return [draw(st.sampled_from(commands)), f"--un{option}", first]
        case "record":
            return ["make", draw(words.filter(lambda text: text[:1] != "-")) + "/annotations.json"]
        case "pair":
            return ["audit", "--pair", *draw(st.lists(folders, max_size=4))]
        case "data":
            return ["audit", "--data", draw(folders), *draw(st.sampled_from(([], ["--pair", "a"])))]
        case _:
            out = draw(st.sampled_from(("results/nano/selection.json", "x" * 300)))
            return ["audit", "--data", "results", "--out", out]


def test_command_lines(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    record_property: Recorder,
) -> None:
    (tmp_path / "results" / "nano").mkdir(parents=True)
    shutil.copy(ROOT / "results" / "nano" / "selection.json", tmp_path / "results" / "nano")
    monkeypatch.chdir(tmp_path)
    before = contents(tmp_path)
    outcomes: dict[tuple[str, ...], str] = {}

    @attack(COMMAND_LINES)
    @given(arguments=bad_options() | bad_hyperparameters() | bad_names())
    def attacked(arguments: Arguments) -> None:
        capfd.readouterr()
        try:
            code: object = main(arguments)
        except SystemExit as ended:
            code = ended.code
        output, error = capfd.readouterr()
        assert code in (1, 2), (arguments, code, error)
        assert output == ""
        assert error.startswith("error: "), error
        assert len(error.splitlines()) == 1, error
        assert error.endswith("\n"), error
        assert contents(tmp_path) == before, arguments
        outcomes[tuple(arguments)] = f"one line, status {code}"

    attacked()
    assert len(outcomes) >= COMMAND_LINES / 2
    tried = {"attack": "malformed command line", "tried": len(outcomes)}
    record_property("attack", tried | {"outcomes": dict(Counter(outcomes.values()))})


@st.composite
def bad_makes(draw: st.DrawFn) -> Arguments:
    """A target with a misspelt, unknown or useless setting, a bad value, or no target of ours."""
    target = draw(st.sampled_from(("table1", "table14", "figure4", "paper", "selection")))
    match draw(st.sampled_from(("misspelt", "other's", "value", "which", "target", "hyper"))):
        case "misspelt":
            name = draw(st.sampled_from(("SEED", "seeds", "Scale", "JOB", "SEEDSS", "JUDGE_MODLE")))
            return [target, f"{name}={draw(st.integers(0, 9))}"]
        case "other's":
            name = draw(st.sampled_from(("ALPHA", "SET", "MODEL", "DATA", "GPUS", "TABLE", "PAIR")))
            return [target, f"{name}=1"]
        case "value":
            value = draw(COUNTS.filter(lambda text: bool(text.strip()) and "\0" not in text))
            return [target, f"JOBS={value.encode('utf-8', 'ignore').decode()}"]
        case "which":
            names = draw(st.permutations(("TABLE=1", "FIGURE=1", "NAME=phase")))
            return [draw(st.sampled_from(("where", "plan", "compare"))), *names[:2]]
        case "target":
            return [draw(st.sampled_from(("tabel1", "table15", "results", "/etc/passwd", "all")))]
        case _:
            name = draw(st.sampled_from(sorted(RANGES)))
            return ["ablation", f"SET=warmup=0.1 {name}=-1", "ALPHA=0 5"]


def test_makes(tmp_path: Path, record_property: Recorder) -> None:
    place = folder_with_makefile(tmp_path, record=False)
    (place / "results" / "nano").mkdir(parents=True)
    shutil.copy(ROOT / "results" / "nano" / "selection.json", place / "results" / "nano")
    before = contents(place)
    outcomes: dict[tuple[str, ...], str] = {}

    @attack(MAKES)
    @given(arguments=bad_makes())
    def attacked(arguments: Arguments) -> None:
        done = make(place, *arguments)
        assert done.returncode == 2, done.stdout
        assert done.stdout == ""
        first, *rest = done.stderr.splitlines()
        by_make = first.startswith("Makefile:") and ": *** " in first
        assert by_make or first.startswith("error: "), done.stderr
        assert len(rest) == (0 if by_make else 1), done.stderr
        assert all(line.startswith("make: *** [") for line in rest), done.stderr
        assert contents(place) == before
        outcomes[tuple(arguments)] = "refused by " + ("make" if by_make else "the command")

    attacked()
    assert len(outcomes) >= MAKES / 2
    tried = {"attack": "malformed setting of make", "tried": len(outcomes)}
    record_property("attack", tried | {"outcomes": dict(Counter(outcomes.values()))})
