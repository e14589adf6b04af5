"""The benchmarks of a GPU and of memory run end to end, with a tiny model on a CPU."""

import json
import subprocess
import sys

import pytest

from tests.paths import ROOT

pytestmark = pytest.mark.long


def benchmark(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "benchmarks.gpu", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_gpu_benchmark_runs_with_a_tiny_model() -> None:
    done = benchmark("--tiny", "--steps", "2", "--batch", "2", "--responses", "8")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    ways = found["ways"]
    assert len(ways) == 4
    assert all(way["tokens per second"] > 0 for way in ways.values())
    assert found["responses per second"] > 0
    assert found["GPU-hours of Table 1, one seed"] > 0


def test_the_memory_benchmark_measures_both_ways() -> None:
    command = [sys.executable, "-m", "benchmarks.memory", "--small"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    row = done.stdout.splitlines()[-1]
    assert row.startswith("| 2,048 | 0.02 GB | ")
    peaks = [float(cell.split()[0]) for cell in row.strip("| ").split("|")[2:]]
    assert len(peaks) == 2
    assert all(0.2 < peak < 3 for peak in peaks)
