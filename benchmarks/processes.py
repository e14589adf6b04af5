"""Two fine-tunings on two cores: at the same time with one thread each, or in turn with two.

    python -m benchmarks.processes                       # or: make bench
    python -m benchmarks.processes --trials 1            # one trial instead of the median of three

Each trial fine-tunes the laboratory's `llama-2-7b` (2.4M parameters) on Alpaca's stand-in for one
epoch, with alpha 0 and with alpha 5. The processes are started as the workflow starts them. The
workflow runs one single-threaded process per core because of this measurement.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from experiments.roles.instruction_sets import ALPACA
from experiments.runs.record import Record
from experiments.runs.run import Run
from experiments.scales.nano import NANO
from neftune import Noise

TRIALS = 3
SEED = 99
"""A seed that no table uses, so that the benchmark never removes the checkpoints of a table."""


def _start(checkpoint: Path, threads: int) -> subprocess.Popen[bytes]:
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    return subprocess.Popen(
        [sys.executable, "-m", "experiments", "make", str(checkpoint)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _seconds(checkpoints: list[Path], *, at_the_same_time: bool) -> float:
    for checkpoint in checkpoints:
        shutil.rmtree(checkpoint.parent, ignore_errors=True)
    started = time.perf_counter()
    if at_the_same_time:
        processes = [_start(checkpoint, 1) for checkpoint in checkpoints]
        codes = [process.wait() for process in processes]
    else:
        codes = [_start(checkpoint, 2).wait() for checkpoint in checkpoints]
    if any(codes):
        paths = " ".join(map(str, checkpoints))
        raise RuntimeError(
            f"a fine-tuning failed; `python -m experiments make {paths}` shows the error"
        )
    return time.perf_counter() - started


def main() -> None:
    """Measure both ways in alternation, and print the medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trials", type=int, default=TRIALS)
    trials = parser.parse_args().trials
    recipe = replace(NANO.recipe("llama-2-7b", ALPACA), epochs=1)
    runs = [Run(NANO, "llama-2-7b", ALPACA, Noise(alpha), recipe, SEED) for alpha in (0, 5)]
    for run in runs:
        run.write_spec()
    checkpoints = [Record(run, "checkpoint").path for run in runs]
    times: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(trials):
        for at_the_same_time, seconds in times.items():
            seconds.append(_seconds(checkpoints, at_the_same_time=at_the_same_time))
    together, in_turn = (statistics.median(times[key]) for key in (True, False))
    print(f"at the same time, one thread each: {together:6.1f} s  {_rounded(times[True])}")
    print(f"in turn, two threads each:         {in_turn:6.1f} s  {_rounded(times[False])}")
    print(f"ratio: {in_turn / together:.2f}")
    for run in runs:
        shutil.rmtree(run.folder)


def _rounded(seconds: list[float]) -> list[float]:
    return [round(each, 1) for each in seconds]


if __name__ == "__main__":
    main()
