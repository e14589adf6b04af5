"""A small workflow for the tests: two fine-tunings of one epoch, judged on validation.

python -m tests.experiments.two_runs
"""

from dataclasses import replace

from experiments.jobs import verdicts_file
from experiments.run import Run
from experiments.scale import NANO
from experiments.workflow import produce
from neftune.spec import Noise

RECIPE = replace(NANO.recipe, epochs=1)
RUNS = [Run("nano", "llama-2-7b", "alpaca", Noise(alpha), RECIPE, 0) for alpha in (0.0, 5.0)]
TARGETS = [verdicts_file(run.folder, "validation", "gpt-4") for run in RUNS]

if __name__ == "__main__":
    produce(TARGETS, RUNS)
