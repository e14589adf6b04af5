"""Stops at random moments: nothing runs on, no record is half written, the same command resumes.

A small workflow is started by `make` again and again in one folder, and each time INT, TERM, HUP or
KILL is sent to the process group, to make, to python, or to one of the processes below it. Whenever
the workflow has finished, its files must equal those of an undisturbed run, and it starts anew.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import product
from pathlib import Path

import psutil
import pytest

from experiments.runs import lock, workflow
from experiments.runs.lock import RunsInUseError
from tests.attacks.reporting import Recorder
from tests.attacks.stopped_workflow import records, stand_ins
from tests.paths import ROOT

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
TARGETS = ("group", "make", "python")
BELOW = {"keeper": "experiments.runs.keeper", "snakemake": "snakemake", "job": "make"}
"""Processes below the one that is called python here, by a word of their command lines."""
WAITS = [(signal.SIGINT, "make"), (signal.SIGHUP, "make")]
"""GNU make itself does not pass these on: it waits for what it started."""
STOPS = [
    *[kind for kind in product(SIGNALS, TARGETS) if kind not in WAITS] * 3,
    *WAITS,
    *[(signal.SIGKILL, below) for below in BELOW],
]
MARK = "STOPPED_WORKFLOW"
SECONDS_TO_END = 30
OF_ONE_MACHINE = ("made.json", ".lock")

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="finds processes by /proc, which is not here"
)


class Place:
    """A folder with a workflow that `make` starts."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        folder.mkdir()
        self.mark = f"{folder}"
        self.environment = os.environ | stand_ins(folder) | environment
        self.environment |= {MARK: self.mark, "PYTHONPATH": str(ROOT)}
        # The Makefile's own rule for the virtual environment is satisfied.
        for name in ("requirements.lock", "pyproject.toml", ".venv/.ready"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).touch()

    def start(self) -> "subprocess.Popen[bytes]":
        # As a setting the Makefile would refuse it.
        run = {"RUN": f"@{sys.executable} -m tests.attacks.stopped_workflow"}
        with (self.folder / "output.txt").open("a") as output:
            return subprocess.Popen(
                ["make", "-e", "-f", str(ROOT / "Makefile"), "paper"],
                cwd=self.folder,
                env=self.environment | run,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def environments(self) -> dict[int, list[bytes]]:
        """The environments of the workflow's processes that are alive, which tell them apart."""
        found = {}
        for path in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                variables = path.read_bytes().split(b"\0")
                if f"{MARK}={self.mark}".encode() in variables:
                    found[int(path.parent.name)] = variables
        return found

    def processes(self) -> list[int]:
        return list(self.environments())

    def files(self) -> dict[str, bytes]:
        """The files of its runs, without what says where and how fast they were made."""
        runs = self.folder / "runs" / "paper"
        return {
            path.relative_to(runs).as_posix(): path.read_bytes()
            for path in sorted(runs.rglob("*"))
            if path.is_file() and path.name not in OF_ONE_MACHINE
        }

    def output(self) -> str:
        return (self.folder / "output.txt").read_text()


def until(reached: Callable[[], object], seconds: float) -> bool:
    """Whether something is reached in time."""
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def ended(make: "subprocess.Popen[bytes]", seconds: float) -> bool:
    """Whether make ends in time."""
    return until(lambda: make.poll() is not None, seconds)


def finished(name: str) -> bool:
    """Whether a file should be whole as soon as it is there, by its name and its folders."""
    return not any(".partial" in part or part.endswith(".new") for part in name.split("/"))


def below(make: "subprocess.Popen[bytes]", word: str) -> psutil.Process | None:
    """The last of the processes below make that has a word in its command line."""
    found = None
    with suppress(psutil.Error):
        for each in psutil.Process(make.pid).children(recursive=True):
            with suppress(psutil.Error):
                if sys.executable in each.cmdline() and word in each.cmdline():
                    found = each
    return found


def send(number: signal.Signals, target: str, make: "subprocess.Popen[bytes]") -> bool:
    """Send a signal, if need be once there is such a process; false if all ended before."""
    if target == "make":
        make.send_signal(number)
    elif target == "group":
        os.killpg(make.pid, number)
    else:
        word = BELOW.get(target, "tests.attacks.stopped_workflow")
        assert until(lambda: below(make, word) or make.poll() is not None, SECONDS_TO_END)
        found = below(make, word)
        if not found:
            return False
        with suppress(psutil.NoSuchProcess):
            found.send_signal(number)
    return True


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path / "disturbed")
    yield made
    for process in made.processes():
        os.kill(process, signal.SIGKILL)


def test_nothing_outlives_a_stop_and_the_same_command_resumes(
    tmp_path: Path, place: Place, record_property: Recorder
) -> None:
    undisturbed = Place(tmp_path / "undisturbed")
    undisturbed.environment |= place.environment | {MARK: undisturbed.mark}
    started = time.monotonic()
    assert undisturbed.start().wait() == 0, undisturbed.output()
    whole = time.monotonic() - started
    expected = undisturbed.files()
    assert undisturbed.processes() == []

    rng = random.Random("stops")
    kinds = rng.sample(STOPS, len(STOPS))
    outcomes: Counter[str] = Counter()

    def complete() -> None:
        assert place.files() == expected
        shutil.rmtree(place.folder / "runs")

    while kinds:
        number, target = kinds[-1]
        make = place.start()
        if ended(make, rng.uniform(0, whole)) or not send(number, target, make):
            assert make.wait() == 0, place.output()
            complete()
            continue
        kinds.pop()
        name = f"{number.name[3:]} to {target}"
        if (number, target) in WAITS:
            make.wait(timeout=300)
            complete()
            outcomes[f"{name}: make waited, all finished"] += 1
            continue
        assert ended(make, SECONDS_TO_END), name
        assert until(lambda: not place.processes(), SECONDS_TO_END), name
        there = {file: content for file, content in place.files().items() if finished(file)}
        assert there.items() <= expected.items(), name
        outcomes[f"{name}: all ended, no record half written"] += 1
    assert place.start().wait() == 0, place.output()
    complete()
    attack = {"attack": "signals during a workflow", "tried": len(STOPS)}
    record_property("attack", attack | {"outcomes": dict(outcomes)})
    assert sum(outcomes.values()) == len(STOPS) >= 30


def test_processes_of_a_job_end_with_the_workflow(place: Place) -> None:
    """Each process of a training has a session of its own, by torchrun."""
    place.environment |= {"PROCESSES": "2"}
    make = place.start()

    def trainers() -> list[int]:
        return [
            process
            for process, variables in place.environments().items()
            if any(variable.startswith(b"LOCAL_RANK=") for variable in variables)
        ]

    assert until(lambda: len(trainers()) == 2, 120), place.output()
    send(signal.SIGKILL, "python", make)
    make.wait()
    assert until(lambda: not place.processes(), SECONDS_TO_END)
    assert place.start().wait() == 0, place.output()


def test_a_workflow_is_refused_as_long_as_jobs_of_a_killed_one_run(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = place.start()
    assert until(lambda: below(make, BELOW["job"]), 60)
    keeper = below(make, BELOW["keeper"])
    assert keeper
    keeper.suspend()
    os.killpg(make.pid, signal.SIGKILL)
    make.wait()
    assert len(place.processes()) >= 3
    monkeypatch.chdir(place.folder)
    monkeypatch.setattr(lock, "PATIENCE", 1.0)
    for name, value in place.environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(RunsInUseError, match="another workflow is running"):
        workflow.produce(records())
    keeper.resume()
    assert until(lambda: not place.processes(), SECONDS_TO_END)
