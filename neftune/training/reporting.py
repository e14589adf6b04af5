"""Show a training's log in TensorBoard or Weights & Biases.

    check_reporter("tensorboard")                        # or a ReporterError of one line
    with reporting("tensorboard", folder) as callbacks:  # for transformers' Trainer
        Trainer(…, callbacks=callbacks).train()

Neither package is needed otherwise. TensorBoard reads the folder `tensorboard` of a training's
output. Weights & Biases writes to its folder `wandb`, and sends what it writes to its server unless
WANDB_MODE=offline. It takes its key and its project from its own settings; no key is read here.
Without any other wish, the environment variable REPORT_TO decides.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import TrainerCallback

REPORTERS = ("tensorboard", "wandb")
VARIABLE = "REPORT_TO"


class ReporterError(ValueError):
    """A log cannot be shown; the message says what to install."""


def asked_reporter(named: str | None = None) -> str | None:
    """The reporter that is wanted, checked; None without one.

    Args:
        named: a reporter; without it, the environment variable REPORT_TO decides.

    Raises:
        ReporterError: as of `check_reporter`.
    """
    name = (os.environ.get(VARIABLE) or None) if named is None else named
    check_reporter(name)
    return name


def check_reporter(name: str | None) -> None:
    """Check that a reporter is known and its package is installed, which imports nothing.

    Raises:
        ReporterError: it is not.
    """
    if name is None:
        return
    if name not in REPORTERS:
        raise ReporterError(f"unknown reporter {name!r}; known: {', '.join(REPORTERS)}")
    if importlib.util.find_spec(name) is None:
        raise ReporterError(
            f"reporting to {name} needs the package {name}, which is not installed: "
            f"pip install {name}"
        )


@contextmanager
def reporting(name: str | None, folder: Path) -> Iterator[list[TrainerCallback]]:
    """Open a log below a folder; it is closed at the end.

    Args:
        name: of a reporter, or None.
        folder: of the training's output.

    Yields:
        Callbacks of transformers' Trainer that write the log.
    """
    if name == "tensorboard":
        from torch.utils.tensorboard import SummaryWriter
        from transformers.integrations import TensorBoardCallback

        with SummaryWriter(str(folder / name)) as writer:
            yield [TensorBoardCallback(writer)]
    elif name == "wandb":
        import wandb
        from transformers.integrations import WandbCallback

        folder.mkdir(parents=True, exist_ok=True)
        project = os.environ.get("WANDB_PROJECT", "neftune")
        with wandb.init(project=project, dir=str(folder), reinit="finish_previous"):
            yield [WandbCallback()]
    else:
        yield []
