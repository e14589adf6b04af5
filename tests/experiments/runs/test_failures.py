"""What is shown of failed jobs: a reason, whatever the log holds, and at most a screenful."""

from pathlib import Path

import pytest

from experiments.runs.failures import OUT_OF_MEMORY, Failures

TRACEBACK = """Loading weights: 100%|##########| 21/21 [00:00<00:00]
Traceback (most recent call last):
  File "x.py", line 1, in <module>
OSError: [Errno 28] No space left on device: 'x'
"""
FULL = "cc: x.o: No space left on device"


def failures(folder: Path, log: str | None, status: int, job: int = 0) -> Failures:
    if log is not None:
        (folder / f"job_{job}.log").write_text(log)
    (folder / f"job_{job}.exit").write_text(f"{status}\n")
    return Failures(folder)


@pytest.mark.parametrize(
    ("log", "status", "headline"),
    (
        ("error: a: no key\nerror: b: no key\n", 1, "a: no key"),
        (TRACEBACK, 1, "OSError: [Errno 28] No space left on device: 'x'"),
        ("error: a: failed\ncc: x.o: No space left on device\n", 1, FULL),
        ("10%|#  | 1/9\r20%|##  | 2/9", 137, OUT_OF_MEMORY),
        ("E0 Signal 9 (SIGKILL) received by PID 7\nerror: a: failed\n", 1, OUT_OF_MEMORY),
        ("10%|#  | 1/9\r20%|##  | 2/9", 139, "ended by signal 11"),
        ("", 126, "failed with exit status 126 and wrote nothing"),
        (None, 1, "failed with exit status 1 and wrote nothing"),
    ),
)
def test_a_failed_job_has_a_reason(
    tmp_path: Path, log: str | None, status: int, headline: str
) -> None:
    found = failures(tmp_path, log, status)
    told = found.news()
    assert list(found.headlines.values()) == [headline]
    assert any(headline in line for line in told)
    assert all(line.startswith(str(tmp_path / "job_0.log")) for line in told)
    assert found.news() == []


def test_an_error_is_told_while_the_job_goes_on_and_only_whole_lines_are(tmp_path: Path) -> None:
    found = Failures(tmp_path)
    log = tmp_path / "job_3.log"
    log.write_text("training\nerror: a: no")
    assert found.news() == []
    log.write_text("training\nerror: a: no key\nanswering\n")
    assert found.news() == [f"{log}: a: no key"]
    log.write_text(log.read_text() + "error: 1 of 2 records could not be made\n")
    log.with_suffix(".exit").write_text("1\n")
    assert found.news() == []


def test_many_errors_of_many_jobs_fit_a_screen(tmp_path: Path) -> None:
    for job in range(50):
        failures(tmp_path, f"error: {'long ' * 1000}\n" * 1000, 1, job)
    found = Failures(tmp_path)
    told = found.news()
    assert len(found.headlines) == 50
    assert len(told) <= 20
    assert max(map(len, told)) < 600


def test_logs_of_an_earlier_workflow_are_removed(tmp_path: Path) -> None:
    found = failures(tmp_path, "error: a: no key\n", 1)
    (tmp_path / "notes.txt").touch()
    found.clear()
    assert found.news() == []
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
