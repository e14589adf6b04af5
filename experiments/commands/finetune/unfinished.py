"""The folder in which the output of `finetune` is made, and what is left of a stopped command.

    finished = check_out(inputs)                         # alphas that an earlier command trained
    with making(inputs) as folder:                       # OUT.unfinished
        …                                                # folder / "alpha-5" for each alpha
        finish(inputs, folder)                           # the folder, or its only model, is OUT

A command that fails or is stopped leaves nothing but the alphas that it has finished, in
`OUT.unfinished`. The same command goes on from there. One with other settings is refused, because
its comparison would be of models that differ in more than the noise.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from experiments.commands.finetune.inputs import Inputs
from neftune.training.files import write_atomic

SETTINGS, LOCK, WORKING = "unfinished.json", ".lock", "working"
PREFIX = "alpha-"


class UnfinishedError(ValueError):
    """The output cannot be made there; the message says what to do."""


def check_out(inputs: Inputs) -> list[str]:
    """Check that the output can be made, and find what is finished of it.

    Returns:
        The alphas that an earlier command with the same settings has trained.

    Raises:
        FileExistsError: the output exists.
        UnfinishedError: it cannot be made, or models of another command are in the way.
    """
    out = inputs.out
    if os.path.lexists(out):
        raise FileExistsError(f"{out}: exists already; name another folder with --out")
    parent = next(folder for folder in out.absolute().parents if folder.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise UnfinishedError(f"{out}: cannot be made in {parent}; name another folder with --out")
    place = _place(out)
    if not place.exists():
        return []
    otherwise = f"or remove {place}, or name another folder with --out"
    before = _settings(place)
    if before is None and not _is_empty(place):
        raise UnfinishedError(f"{place}: is in the way; move or remove it, {otherwise[3:]}")
    finished = _finished(place)
    if finished and before is not None:
        holds = f"{place}: holds alpha {', '.join(finished)}"
        _check_same(before, inputs.identity(), holds, otherwise)
    for alpha in finished:
        if alpha not in inputs.alphas:
            raise UnfinishedError(
                f"{place}: holds alpha {alpha}, which is not asked for: add it to --alpha, "
                f"{otherwise}"
            )
    return finished


def _check_same(
    before: Mapping[str, Any], now: Mapping[str, Any], holds: str, otherwise: str
) -> None:
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            if " " in name:
                different = f"other {name}"
            else:
                option = f"--{name.replace('_', '-')}"
                different = f"{option} {before.get(name)} in place of {now.get(name)}"
            raise UnfinishedError(
                f"{holds}, trained with {different}; give the same settings to resume, {otherwise}"
            )


def _place(out: Path) -> Path:
    return out.with_name(f"{out.name}.unfinished")


def _settings(place: Path) -> dict[str, Any] | None:
    """The settings of the command that a folder is of; None if it is of none."""
    try:
        found = json.loads((place / SETTINGS).read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _is_empty(place: Path) -> bool:
    """Whether a command was stopped before it wrote anything here."""
    return place.is_dir() and all(path.name == LOCK for path in place.iterdir())


def _finished(place: Path) -> list[str]:
    return sorted((path.name.removeprefix(PREFIX) for path in place.glob(f"{PREFIX}*")), key=float)


def alpha_folder(folder: Path, alpha: str) -> Path:
    """The folder of the model that is trained with an alpha."""
    return folder / f"{PREFIX}{alpha}"


@contextmanager
def making(inputs: Inputs) -> Iterator[Path]:
    """Yield the folder to make the output in; what is not finished is removed in the end.

    Raises:
        UnfinishedError: another command is making the same output.
    """
    place = _place(inputs.out)
    made = [folder for folder in place.absolute().parents if not folder.exists()]
    place.mkdir(parents=True, exist_ok=True)
    with (place / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UnfinishedError(
                f"{place}: another command is making {inputs.out}; wait for it, or name another "
                "folder with --out"
            ) from None
        _remove_working(place)
        write_atomic(place / SETTINGS, json.dumps(inputs.identity(), indent=1) + "\n")
        try:
            yield place
        except BaseException:
            _leave(place, made)
            raise


def _remove_working(place: Path) -> None:
    for path in place.glob(f"{WORKING}*"):
        shutil.rmtree(path)


def _leave(place: Path, made: list[Path]) -> None:
    """Keep finished models alone; without any, remove the folder and those made for it."""
    if not place.exists():
        return
    _remove_working(place)
    finished = _finished(place)
    if finished:
        print(
            f"Alpha {', '.join(finished)} is finished and kept in {place}; the same command goes "
            "on from there.",
            flush=True,
        )
        return
    shutil.rmtree(place)
    for folder in made:
        folder.rmdir()


def finish(inputs: Inputs, folder: Path) -> None:
    """Put the output in its place: the only model with what compares it, or all of the folder."""
    if len(inputs.noises) > 1:
        os.rename(folder, inputs.out)
        for name in (SETTINGS, LOCK):
            (inputs.out / name).unlink()
        return
    model = alpha_folder(folder, inputs.alphas[0])
    for path in [*folder.glob("comparison.*"), *folder.glob("report.html")]:
        path.rename(model / path.name)
    os.rename(model, inputs.out)
    shutil.rmtree(folder)
