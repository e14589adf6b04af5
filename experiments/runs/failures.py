"""Why jobs failed, read from their logs while others still run.

    failures = Failures(Path("runs/logs"))
    failures.clear()                                     # those of an earlier workflow
    failures.news()                                      # what was not told yet, as lines
    failures.headlines                                   # by log, the reason in one line

Each job writes `NAME.log` and, when it fails, its exit status to `NAME.exit`. What is shown is
bounded: a few lines of each of a few jobs.
"""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass, field
from pathlib import Path

LINES_SHOWN = 3
"""Lines of each job."""
JOBS_SHOWN = 5
LINE_LENGTH = 400
OUT_OF_MEMORY = "killed, probably for lack of memory; JOBS=1 needs less"
NO_SPACE = "No space left on device"
COUNT = re.compile(r"error: \d+ of \d+ records")
"""What `jobs.make` prints at its end."""
PROGRESS = re.compile(r"\d+%\||^\s*\{'")
"""A progress bar, or the Trainer's log entry between two of them."""
CLOSING = re.compile(r"Complete log|Shutting down|Exiting because|Elapsed time|At least one job")
"""What Snakemake prints after an error."""


@dataclass
class Failures:
    """The failed jobs of one workflow.

    Args:
        logs: the folder of the jobs' logs.
        headlines: by log, the reason in one line.
    """

    logs: Path
    headlines: dict[Path, str] = field(default_factory=dict)
    _read: dict[Path, int] = field(default_factory=dict)
    _lines: dict[Path, int] = field(default_factory=dict)

    def clear(self) -> None:
        """Remove the logs of an earlier workflow."""
        for path in (*self.logs.glob("job_*.log"), *self.logs.glob("job_*.exit")):
            path.unlink()

    def news(self) -> list[str]:
        """Lines that say which jobs have failed since the last call, and why."""
        # The statuses first: what a job wrote before it failed is then in its log.
        ended = [path.with_suffix(".log") for path in sorted(self.logs.glob("job_*.exit"))]
        told = []
        for log in sorted(self.logs.glob("job_*.log")):
            errors = self._new_errors(log)
            if errors:
                told += self._tell(log, errors[0], errors)
        for log in ended:
            if log not in self.headlines and (why := reason(log)):
                told += self._tell(log, *why)
        return told

    def _new_errors(self, log: Path) -> list[str]:
        """The errors of records that could not be made; the job goes on with the others."""
        start = self._read.get(log, 0)
        if log.stat().st_size == start:
            return []
        with log.open("rb") as file:
            file.seek(start)
            whole, newline, _ = file.read().rpartition(b"\n")
        self._read[log] = start + len(whole + newline)
        return _errors(whole.decode(errors="replace"))

    def _tell(self, log: Path, headline: str, lines: list[str]) -> list[str]:
        self.headlines.setdefault(log, headline)
        if log not in list(self.headlines)[:JOBS_SHOWN]:
            return []
        before = self._lines.get(log, 0)
        self._lines[log] = before + len(lines)
        told = [f"{log}: {line}" for line in lines[: max(0, LINES_SHOWN - before)]]
        if before <= LINES_SHOWN < self._lines[log]:
            told.append(f"{log}: has more errors")
        return told


def reason(log: Path) -> tuple[str, list[str]] | None:
    """Why a job that has ended failed: its own errors, a signal, or the end of its log.

    Args:
        log: the job's log; its exit status lies beside it.

    Returns:
        The reason in one line, and in more; None while the exit status is being written.
    """
    try:
        status = int(log.with_suffix(".exit").read_text())
    except ValueError:
        return None
    text = log.read_text(errors="replace") if log.exists() else ""
    if status == 128 + signal.SIGKILL:
        return OUT_OF_MEMORY, [OUT_OF_MEMORY]
    if errors := _errors(text):
        return errors[0], errors
    lines = last_lines(text)
    if status > 128:
        lines = [*lines, f"ended by signal {status - 128}"]
    lines = lines or [f"failed with exit status {status} and wrote nothing"]
    return lines[-1], lines[-LINES_SHOWN:]


def _errors(text: str) -> list[str]:
    """The errors that `jobs.make` prints, after what other programs say of their cause."""
    causes, errors = [], []
    for line in re.split(r"[\r\n]", text):
        if line.startswith("error: ") and not COUNT.match(line):
            errors.append(line.removeprefix("error: ")[:LINE_LENGTH])
        elif "(SIGKILL)" in line:
            causes.append(OUT_OF_MEMORY)  # torchrun, of one of a training's processes
        elif NO_SPACE in line:
            causes.append(line.strip()[:LINE_LENGTH])  # the compiler, of TMPDIR
    return [*dict.fromkeys(causes), *errors]


def last_lines(text: str) -> list[str]:
    """The last lines of a log, without progress bars and Snakemake's closing words."""
    lines = [line.rstrip()[:LINE_LENGTH] for line in re.split(r"[\r\n]", text) if line.strip()]
    said = [line for line in lines if not PROGRESS.search(line) and not CLOSING.search(line)]
    return said[-LINES_SHOWN:]
