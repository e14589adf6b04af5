"""The Makefile: settings refused before anything runs, and values that arrive unchanged."""

import json
import re
from pathlib import Path

import pytest

from experiments.__main__ import parser
from experiments.roles.instruction_sets import INSTRUCTION_SETS
from experiments.roles.models import MODELS
from experiments.scales.fetch import variable
from tests.make_targets import folder_with_makefile, make
from tests.paths import ROOT

GOOD = {
    "SEEDS": "2",
    "JOBS": "2",
    "SCALE": "paper",
    "ALPHA": "0 5",
    "DATASET": "alpaca",
    "MODEL": "opt-6.7b",
    "NOISE": "gaussian",
    "LENGTH_RULE": "padded",
    "JUDGE": "chatgpt",
    "SET": "lr=1e-3 epochs=5",
    "GPU": "A100-80GB",
    "GPUS": "8",
    "MFU": "0.4",
    "TABLE": "6",
    "DATA": "a folder",
    "EXAMPLES": "64",
    "DRAWS": "4",
    "OUTPUTS": "one.json two.json",
    "PAIRS": "20",
    "REPEATS": "2",
    "EQUAL_LENGTH": "10",
    "SHUFFLE": "1",
    "RUNS": "a folder",
    "RATINGS": "ann.json ben.json",
}
INTERNAL = {"RANK", "WORLD_SIZE", "MAKE_PID"}
"""Set by torch's own launcher, and by the Makefile itself."""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return folder_with_makefile(tmp_path, record=True)


def ran(place: Path, *arguments: str, **environment: str) -> tuple[list[str], dict[str, str]]:
    """What a target's command got: its arguments, and its environment."""
    done = make(place, *arguments, environment=environment)
    assert done.returncode == 0, done.stderr
    given, found = json.loads(done.stdout)
    assert given[:2] == ["-m", "experiments"]
    return given[2:], found


@pytest.mark.parametrize(
    ("arguments", "says"),
    (
        (("table1", "SEED=1"), 'SEED is no setting of "make table1". Did you mean SEEDS?'),
        (("table1", "scale=paper"), "Did you mean SCALE?  Its settings: JOBS PYTHON SCALE SEEDS"),
        (("table1", "FOO=1"), 'FOO is no setting of "make table1".  Its settings: JOBS PYTHON'),
        (("table1", "ALPHA=5"), 'ALPHA is no setting of "make table1" but of ablation study.'),
        (
            ("lint", "JOBS=2"),
            'JOBS is no setting of "make lint" but of ablation claims laboratory-check',
        ),
        (("SEED=1",), 'SEED is no setting of "make help".'),
        (("unpack", "SCALE=nano", "JUDGE_MODEL=x"), 'JUDGE_MODEL is no setting of "make unpack"'),
        (("table1", "JUDGE_MODLE=x"), "Did you mean JUDGE_MODEL?"),
        (("plan", "TABLE=1", "FIGURE=1"), "give one of TABLE FIGURE NAME, not several"),
        (("where", "TABLE=1", "NAME=phase"), "give one of TABLE FIGURE NAME, not several"),
        (("table1", "SCALE=nano\npaper"), "SCALE has more than one line"),
        (("tabel1",), 'there is no target "tabel1". Did you mean table1?'),
        (("README.md",), 'there is no target "README.md".'),
        (("/etc/passwd",), 'there is no target "/etc/passwd".'),
    ),
    ids=lambda given: " ".join(given) if isinstance(given, tuple) else "",
)
def test_what_cannot_be_meant_is_one_line_before_anything_is_installed(
    place: Path, arguments: tuple[str, ...], says: str
) -> None:
    done = make(place, *arguments, "VENV=nowhere", environment={"LC_ALL": "C.UTF-8"})
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert re.sub(" +", " ", says) in re.sub(" +", " ", done.stderr)
    assert not (place / "nowhere").exists()
    assert not (place / "runs").exists()


@pytest.mark.parametrize(
    "value", ("a folder", "it's", "$HOME", "$(shell touch made)", "`touch made`", "a;b", "*", '"')
)
def test_a_value_arrives_as_it_was_typed(place: Path, value: str) -> None:
    assert ran(place, "audit", f"DATA={value}")[0] == ["audit", f"--data={value}"]
    assert not (place / "made").exists()


def test_lists_are_split_at_spaces(place: Path) -> None:
    given, _ = ran(place, "ablation", "ALPHA=0 5", "SET=lr=1e-3 epochs=5")
    assert given == ["ablation", "--alpha", "0", "5", "--set", "lr=1e-3", "epochs=5"]
    assert ran(place, "audit", "PAIR=one two")[0] == ["audit", "--pair", "one", "two"]


def test_a_table_or_figure_is_named_by_its_number_or_name(place: Path) -> None:
    for arguments, name in (
        ((), "table1"),
        (("TABLE=6",), "table6"),
        (("FIGURE=4",), "figure4"),
        (("NAME=phase",), "phase"),
    ):
        for target in ("where", "plan", "compare"):
            assert ran(place, target, *arguments)[0] == [target, "--", name]


def test_what_another_program_calls_name_is_not_meant(place: Path) -> None:
    assert ran(place, "where", "TABLE=6", NAME="host")[0] == ["where", "--", "table6"]


def test_settings_are_taken_from_the_environment_too(place: Path) -> None:
    assert ran(place, "table1", SEEDS="2")[0] == ["show", "table1", "--seeds=2"]


def test_makes_own_options_work(place: Path) -> None:
    assert ran(place, "-j2", "table1", "SEEDS=1", "PYTHON=python3")[0][0] == "show"
    done = make(place, "-n", "table1", "SEEDS=1")
    words = done.stdout.split()
    assert words == ["venv/bin/python", "-m", "experiments", "show", "table1", "--seeds='1'"]


def test_a_command_that_starts_make_itself_does_not_hand_its_settings_on(place: Path) -> None:
    _, environment = ran(place, "table1", "SEEDS=1", SCALE="paper", ALPHA="5")
    assert not environment.keys() & {"MAKEFLAGS", "SEEDS", "SCALE", "ALPHA"}


def test_every_setting_of_a_target_is_an_option_of_its_command(place: Path) -> None:
    text = make(place, "help").stdout
    table = text[text.index("\nSettings\n") : text.index("  SCALE is")].splitlines()[2:]
    settings = {target: found for target, *found in map(str.split, table)}
    assert {"table1", "compare", "plan", "ablation", "audit"} <= set(settings)
    for target in set(settings) - {"test", "test-long", "test-versions"}:
        wanted = [name for name in settings[target] if name in GOOD]
        given, _ = ran(place, target, *(f"{name}={GOOD[name]}" for name in wanted))
        arguments = parser().parse_args(given)
        for name in set(wanted) - {"TABLE"}:
            value = getattr(arguments, name.lower())
            words = value if isinstance(value, list) else [value]
            assert (
                " ".join(f"{w:g}" if isinstance(w, float) else str(w) for w in words)
                in (GOOD[name])
            )


def variables() -> set[str]:
    """The variables that the code reads from the environment, and those of every model and set."""
    found = {variable("MODEL", role) for role in MODELS}
    found |= {variable("DATA", role) for role in INSTRUCTION_SETS}
    for package in ("experiments", "eval", "neftune"):
        for path in (ROOT / package).rglob("*.py"):
            found |= set(re.findall(r"environ\.get\(\s*\"(\w+)\"", path.read_text()))
    return found - INTERNAL


def test_every_variable_that_the_code_reads_can_be_given_to_make(place: Path) -> None:
    names = variables()
    assert {"JUDGE_MODEL", "REFERENCE_OUTPUTS", "PROFILE", "ATTENTION"} <= names
    _, environment = ran(place, "table1", *(f"{name}=a value" for name in sorted(names)))
    assert {name: environment.get(name) for name in names} == dict.fromkeys(names, "a value")
