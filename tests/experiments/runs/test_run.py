"""A run: its key, its folder, and reading it back."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from experiments.names import UnknownNameError
from experiments.roles.instruction_sets import EVOL_INSTRUCT, SHAREGPT
from experiments.runs.run import Run, RunError, read_run, run_from
from experiments.scales.nano import NANO
from experiments.scales.registry import SCALES
from neftune.distributions import Noise
from neftune.training.recipe import FreeLB, Recipe
from tests.experiments.two_runs import RUNS

RUN = RUNS[0]
CHANGES: dict[str, Any] = {
    "seed": 1,
    "noise": Noise(5),
    "recipe": Recipe(),
    "dataset": EVOL_INSTRUCT,
    "model": "llama-1-7b",
}


def test_equal_runs_have_equal_keys_and_any_change_makes_another() -> None:
    assert RUN.key == replace(RUN).key
    changed = [replace(RUN, **{field: value}) for field, value in CHANGES.items()]
    assert len({run.key for run in [RUN, *changed]}) == 1 + len(CHANGES)


def test_the_key_covers_the_training_rows_and_the_base_model(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_rows = replace(NANO, rows_identity=lambda dataset: "other rows")
    assert Run(with_rows, RUN.model, RUN.dataset, RUN.noise, RUN.recipe, 0).key != RUN.key
    monkeypatch.setenv("MODEL_llama_2_7b", str(NANO.base("llama-1-7b")))
    assert replace(RUN).key != RUN.key


def test_the_key_covers_the_set_whose_loss_is_logged_and_the_attention(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own, other = RUN.dataset.role, NANO.other(RUN.dataset).role
    with_other = replace(NANO, rows_identity=lambda dataset: f"changed {dataset.role}")
    of_own = replace(NANO, rows_identity=lambda d: f"changed {d.role}" if d.role == own else d.role)
    assert own != other
    first, second = (replace(RUN, scale=scale).key for scale in (with_other, of_own))
    assert first != second
    before = RUN.key
    monkeypatch.setenv("ATTENTION", NANO.attention)
    assert replace(RUN).key == before
    monkeypatch.setenv("ATTENTION", "sdpa")
    assert replace(RUN).key != before
    monkeypatch.setenv("ATTENTION", "moon")
    with pytest.raises(UnknownNameError, match="unknown ATTENTION 'moon'; known: eager, flash_att"):
        _ = replace(RUN).key


@pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES)
def test_pieces_of_512_and_1024_tokens_are_different_runs(scale: Any) -> None:
    runs = []
    for tokens in (512, 1024):
        pieces = replace(SHAREGPT, piece_tokens=tokens)
        recipe = scale.recipe("llama-2-7b", pieces)
        runs.append(Run(scale, "llama-2-7b", pieces, Noise(0), recipe, 0))
    first, second = runs
    assert first.key != second.key
    same_recipe = replace(second, recipe=first.recipe)
    assert first.key != same_recipe.key


@pytest.mark.parametrize(
    "run",
    (
        RUN,
        replace(RUN, dataset=replace(SHAREGPT, piece_tokens=1024)),
        replace(RUN, noise=Noise(5, "gaussian", "padded")),
        replace(RUN, recipe=Recipe(frozen=("attention", "lm_head"), freelb=FreeLB(max_norm=2.0))),
    ),
    ids=("plain", "longer pieces", "another noise", "frozen parts and FreeLB"),
)
def test_a_run_is_read_back_from_its_folder(run: Run, workplace: Path) -> None:
    folder = run.write_spec().parent
    assert folder == Path("runs") / "nano" / run.key
    assert read_run(folder) == run
    assert run_from(json.loads(json.dumps(run.settings()))) == run


def test_a_scale_without_the_model_has_no_such_run() -> None:
    with pytest.raises(
        UnknownNameError, match=r"unknown model 'llama-9'; known: llama-1-30b, llama-1-7b"
    ):
        replace(RUN, model="llama-9")
    with pytest.raises(UnknownNameError, match="unknown model 'llama-2-70b'"):
        replace(RUN, scale=SCALES["small"], model="llama-2-70b")


def test_settings_that_were_edited_are_refused_by_the_name_of_their_file(workplace: Path) -> None:
    path = RUN.write_spec()
    settings = json.loads(path.read_text())
    settings["noise"]["alpha"] = 15.0
    path.write_text(json.dumps(settings))
    with pytest.raises(RunError, match=rf"^{path}: is the run [0-9a-f]{{16}}, not {RUN.key}: "):
        read_run(RUN.folder)


def test_settings_in_the_folder_of_another_run_are_refused(workplace: Path) -> None:
    first, second = (run.write_spec() for run in RUNS)
    second.write_text(first.read_text())
    with pytest.raises(RunError, match=rf"^{second}: is the run {RUNS[0].key}, not {RUNS[1].key}"):
        read_run(second.parent)


@pytest.mark.parametrize(
    ("text", "says"),
    (
        ("{", "cannot be read as a run's settings"),
        ("{}", "cannot be read as a run's settings"),
        ("[]", "cannot be read as a run's settings"),
    ),
)
def test_settings_that_cannot_be_read_are_named(text: str, says: str, workplace: Path) -> None:
    path = RUN.write_spec()
    path.write_text(text)
    with pytest.raises(RunError, match=rf"^{path}: {says}"):
        read_run(RUN.folder)


@pytest.mark.parametrize("field", ("scale", "model"))
def test_settings_with_an_unknown_name_are_refused(field: str, workplace: Path) -> None:
    path = RUN.write_spec()
    path.write_text(json.dumps(RUN.settings() | {field: "giant"}))
    with pytest.raises(RunError, match=rf"^{path}: .*unknown {field} 'giant'; known: "):
        read_run(RUN.folder)


def test_a_folder_without_settings_is_named(workplace: Path) -> None:
    with pytest.raises(RunError, match=rf"^{RUN.folder}/spec.json: "):
        read_run(RUN.folder)
