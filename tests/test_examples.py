"""The examples run as they are written, on a tiny model, and their noise is on."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.neftune.models import instructions, tiny_llama
from tests.paths import ROOT

pytestmark = pytest.mark.long
FOLDER = ROOT / "docs" / "examples"
EXAMPLES: dict[str, list[tuple[str, ...]]] = {
    "trainer.py": [()],
    "symnoise.py": [()],
    "sft.py": [(), ("packed",), ("padding-free",)],
    "dpo.py": [()],
    "lora.py": [(), ("4bit",)],
    "lightning_module.py": [()],
    "accelerate_loop.py": [()],
    "pytorch_loop.py": [()],
    "own_module.py": [()],
}
EVERY = [(name, way) for name, ways in EXAMPLES.items() for way in ways]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = instructions(8)
    texts = [f"{row['instruction']} {row['output']}" for row in rows]
    return tiny_llama(tmp_path_factory.mktemp("model"), texts)


@pytest.mark.parametrize(("name", "way"), EVERY, ids=lambda each: str(each))
def test_an_example_runs_and_its_noise_is_on(
    name: str, way: tuple[str, ...], model: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, str(FOLDER / name), str(model), *way],
        cwd=tmp_path,
        env=os.environ
        | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "ACCELERATE_USE_CPU": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    if name == "own_module.py":
        losses = re.findall(r"loss with noise (\S+), without (\S+)", done.stdout)
        assert len(losses) == 2
        assert all(noisy != clean for noisy, clean in losses)
    elif name.endswith(("_loop.py", "_module.py")):
        assert re.search(r"FirstPass\(alpha=5.0, sequences=2, tokens=\d+, ", done.stdout)
    else:
        distribution = "bernoulli" if name == "symnoise.py" else "uniform"
        assert f"NEFTune: {distribution} noise of alpha 5 on" in done.stderr
        if name == "trainer.py":
            assert "eval_train_loss" in done.stdout
            assert "eval_held_out_loss" in done.stdout


def test_every_example_is_listed_and_run() -> None:
    files = {path.name for path in FOLDER.glob("*.py")} - {"rows.py"}
    assert files == set(EXAMPLES)
    page = (FOLDER / "README.md").read_text()
    assert all(f"| `{name}` |" in page for name in files)


def test_an_example_without_a_model_says_how_it_is_called() -> None:
    done = subprocess.run(
        [sys.executable, str(FOLDER / "pytorch_loop.py")],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "usage: python" in done.stderr
