"""A workflow of seconds for tests that stop it: a tiny fine-tuning with all that needs no judge.

    environment = stand_ins(folder)                      # a random model, sets, a reference
    python -m tests.attacks.stopped_workflow             # in that environment

It uses the scale `paper`: with PROCESSES=2 the training has two processes.
"""

import json
import sys
from pathlib import Path

from experiments.nano.instructions import instruction_set
from experiments.nano.tasks import evaluation_tasks
from experiments.roles.instruction_sets import ALPACA, EVOL_INSTRUCT
from experiments.runs.record import Record
from experiments.runs.run import Run
from experiments.runs.workflow import produce
from experiments.scales.fetch import variable
from experiments.scales.paper import PAPER
from neftune.distributions import Noise

ROWS = 16
STEPS = 32
"""Of one training, about."""


def stand_ins(folder: Path) -> dict[str, str]:
    """A model, two sets and a reference, and the environment that names them."""
    from tests.neftune.models import tiny_llama

    tasks = evaluation_tasks("test")
    environment = {"MODEL_llama_2_7b": str(tiny_llama(folder / "llama", [tasks[0].instruction]))}
    for dataset in (ALPACA, EVOL_INSTRUCT):
        path = folder / f"{dataset.role}.jsonl"
        rows = instruction_set(dataset.role, "train")[:ROWS]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        environment[variable("DATA", dataset.role)] = str(path)
    reference = [
        {"instruction": task.instruction, "output": "yes", "generator": "reference"}
        for task in tasks[:8]
    ]
    (folder / "reference.json").write_text(json.dumps(reference))
    return environment | {"REFERENCE_OUTPUTS": str(folder / "reference.json")}


def records() -> list[Record]:
    """What is made: all records of a run that need no judge and no benchmark."""
    recipe = PAPER.recipe("llama-2-7b", ALPACA, batch=4, epochs=STEPS * 4 // ROWS)
    run = Run(PAPER, "llama-2-7b", ALPACA, Noise(5), recipe, seed=0)
    kinds = ("checkpoint", "log", "settings", "responses", "losses", "spectrum")
    return [Record(run, kind) for kind in kinds]


if __name__ == "__main__":
    try:
        produce(records())
    except KeyboardInterrupt:
        sys.exit(130)
