"""Two fine-tunings on two cores: side by side on a core each, or one after the other on both.

    python -m benchmarks.processes                       # or: make bench

The workflow starts one single-threaded process a core because of this measurement. Each trial is
the same two runs (short answers, alpha 0 and 5, one epoch), started as the workflow starts them.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from experiments.jobs import checkpoint_file
from experiments.run import Run
from experiments.scale import NANO
from neftune.spec import Noise

TRIALS = 3


def _start(folder: Path, threads: int) -> subprocess.Popen[bytes]:
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    return subprocess.Popen(
        [sys.executable, "-m", "experiments", "make", str(checkpoint_file(folder))],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _seconds(folders: list[Path], *, side_by_side: bool) -> float:
    for folder in folders:
        shutil.rmtree(folder / "model", ignore_errors=True)
    started = time.perf_counter()
    if side_by_side:
        codes = [process.wait() for process in [_start(folder, 1) for folder in folders]]
    else:
        codes = [_start(folder, 2).wait() for folder in folders]
    if any(codes):
        raise RuntimeError("a fine-tuning failed; run `python -m experiments make` to see why")
    return time.perf_counter() - started


def main() -> None:
    """Measure, alternating between the two, and print medians and their ratio."""
    recipe = replace(NANO.recipe, epochs=1)
    runs = [Run("nano", "llama-2-7b", "alpaca", Noise(alpha), recipe, 99) for alpha in (0.0, 5.0)]
    folders = [run.write_spec().parent for run in runs]
    times: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(TRIALS):
        for side_by_side, seconds in times.items():
            seconds.append(_seconds(folders, side_by_side=side_by_side))
    together, apart = (statistics.median(times[key]) for key in (True, False))
    print(f"one process a core, side by side:      {together:6.1f} s  {times[True]}")
    print(f"one process on both, after each other: {apart:6.1f} s  {times[False]}")
    print(f"ratio: {apart / together:.2f}")
    for folder in folders:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
