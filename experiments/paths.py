"""Where files are kept. `runs/` and `results/` lie in the folder in which a command is started.

RUNS / "nano" / run.key                              # the records of one fine-tuning
RESULTS / "nano" / "table1.md"                       # a rendered table
"""

from pathlib import Path

RUNS = Path("runs")
"""Records of runs, logs and caches: everything that a command makes on this machine."""

RESULTS = Path("results")
"""Rendered tables and figures, the choices of hyperparameters, and the archive of records."""

LABORATORY = Path(__file__).parent / "nano"
"""The laboratory's own folder, which holds its base models and the configurations of its judges."""
