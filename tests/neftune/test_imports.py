"""Noise is configured without torch, and the method needs no package of an extra."""

import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.neftune.models import llama
from tests.paths import ROOT


def test_noise_is_made_without_torch() -> None:
    code = "import sys, neftune; neftune.Noise(5); print('torch' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "False"


def test_every_public_name_can_be_imported_and_the_package_is_typed() -> None:
    import neftune

    assert files("neftune").joinpath("py.typed").is_file()
    assert all(getattr(neftune, name) is not None for name in neftune.__all__)
    assert set(neftune.__all__) <= set(dir(neftune))
    with pytest.raises(AttributeError, match="no attribute 'Recipe'"):
        _ = neftune.Recipe


WITHOUT_EXTRAS = """
import sys
for name in ("accelerate", "datasets", "peft", "pydantic"):
    sys.modules[name] = None  # as if it were not installed
import torch, transformers
from neftune import NEFTune, attach
from neftune.command import main
NEFTune(5)
model = transformers.AutoModelForCausalLM.from_pretrained(sys.argv[1]).train()
with attach(model, 5) as attachment:
    model(input_ids=torch.tensor([[3, 4, 5]]))
assert attachment.passes == 1
raise SystemExit(main(["check", sys.argv[1]]))
"""


def test_the_method_needs_torch_transformers_and_tqdm_alone(tmp_path: Path) -> None:
    llama().save_pretrained(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRAS, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "evaluation: ok" in done.stdout
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {Requirement(each).name for each in project["dependencies"]}
    assert declared == {"torch", "transformers", "tqdm"}
