"""The README's commands, run in a fresh clone: none changes a file that git tracks, or adds one."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.neftune.models import instructions
from tests.paths import BASE, ROOT

pytestmark = pytest.mark.long

FENCED = re.compile(r"^```\w*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
RUN = (
    *("make unpack", "make table1", "make table6 SEEDS=3", "make compare TABLE=6"),
    *("make where TABLE=6", "make plan SCALE=paper TABLE=1 GPU=A100-80GB GPUS=8"),
    *("make study", "make paper", "make site", "make site RUNS=runs/nano", "make evidence"),
)
"""The records of all runs are unpacked first, so that these train nothing."""
NOT_RUN = {
    "make test": "the tests themselves, which .ci/run runs in the same way",
    "make notebook": "opens Jupyter, which runs until it is stopped",
    "make notebooks": "executes and writes all of them; tests/test_notebooks.py executes each",
    "make dose": "measures six models; tests/experiments/commands/test_dose.py measures one",
    "make selection SCALE=small": "tunes two real models, which takes hours",
    "make table1 SCALE=paper": "needs LLaMA-2, a GPU and a judge",
    'make ablation ALPHA="0 1 2 5 10 15 30" DATASET=evol-instruct MODEL=llama-1-7b NOISE=gaussian '
    'SET="epochs=5"': "trains seven models; `make ablation` below does not",
}


def commands() -> list[str]:
    """The make commands in the README's blocks, without their comments."""
    lines = "".join(FENCED.findall((ROOT / "README.md").read_text())).splitlines()
    made = (line.partition("#")[0].strip() for line in lines if line.startswith("make "))
    return list(dict.fromkeys(made))


def test_every_make_command_of_the_readme_is_run_here_or_it_is_said_why_not() -> None:
    assert set(commands()) - {"make unpack"} == (set(RUN) - {"make unpack"}) | set(NOT_RUN)


def test_no_command_leaves_a_tracked_file_changed(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    rows = tmp_path / "rows.json"
    rows.write_text(json.dumps(instructions(40)))
    environment = Path(sys.prefix)
    # As the README says, but with the Python that runs the tests.
    make = ["make", f"VENV={environment}", "-o", str(environment / ".ready")]
    python = [sys.executable, "-m", "experiments"]
    finetune = [*python, "finetune", "--model", str(BASE), "--dataset-file", str(rows)]
    for command in (
        *([*make, *text.split()[1:]] for text in RUN),
        [*make, "ablation"],
        [*finetune, "--epochs", "1", "--alpha", "5", "--out", "runs/mine"],
    ):
        done = subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (command, done.stderr[-2000:])
        status = ["git", "status", "--porcelain"]
        changed = subprocess.run(status, cwd=clone, capture_output=True, text=True, check=True)
        assert changed.stdout == "", command
        if command[-1] == "table1":
            # The reader's numbers stand beside the project's own and the paper's.
            assert "numbers agree with the shipped ones" in done.stdout
            assert "win rate, %: +NEFT minus baseline, Alpaca" in done.stdout
    shutil.rmtree(clone)
