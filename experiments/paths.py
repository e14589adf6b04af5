"""Where files are kept. `runs/` and `results/` lie in the folder in which a command is started.

    RUNS / "nano" / run.key                              # the records of one fine-tuning
    RENDERED / "nano" / "table1.md"                      # a table that you made
    RESULTS / "nano" / "table1.md"                       # the one that the project ships

Everything that a command makes goes below `runs/`. Only `make release` writes to `results/`.
"""

from pathlib import Path

RUNS = Path("runs")
"""Records of runs, logs and caches."""

RENDERED = RUNS / "results"
"""Tables, figures and choices of hyperparameters that were made on this machine."""

RESULTS = Path("results")
"""The project's own results, which are committed: tables, figures, choices, records."""

LABORATORY = Path(__file__).parent / "nano"
"""The laboratory's own folder, which holds its base models and the configurations of its judges."""

PUBLIC_JUDGE = Path(__file__).parent / "scales" / "judges" / "public_verdicts"
"""The configuration of the judge that is fitted to GPT-4's public verdicts."""


def own_or_shipped(name: str) -> Path:
    """A file of results: the one that was made here where there is one, else the project's.

    Args:
        name: its path below the folder of results.
    """
    own = RENDERED / name
    return own if own.exists() else RESULTS / name
