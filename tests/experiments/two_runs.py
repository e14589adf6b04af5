"""A small workflow for the tests: two fine-tunings of one epoch, judged on validation.

python -m tests.experiments.two_runs
"""

from experiments.roles.instruction_sets import ALPACA
from experiments.runs.record import Record
from experiments.runs.run import Run
from experiments.runs.workflow import produce
from experiments.scales.nano import NANO
from neftune.distributions import Noise

RECIPE = NANO.recipe("llama-2-7b", ALPACA, epochs=1)
RUNS = [Run(NANO, "llama-2-7b", ALPACA, Noise(alpha), RECIPE, 0) for alpha in (0.0, 5.0)]
TARGETS = [Record(run, "verdicts", "validation", "gpt-4") for run in RUNS]

if __name__ == "__main__":
    produce(TARGETS)
