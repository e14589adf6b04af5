"""What configures a run is imported quickly: without torch and the other heavy packages."""

import subprocess
import sys

import pytest

from tests.paths import ROOT

HEAVY = ("torch", "transformers", "matplotlib", "scipy", "pandas", "datasets")
LIGHT = (
    "neftune",
    "neftune.distributions",
    "neftune.training.recipe",
    "eval.judge_config",
    "eval.decoding",
    "analysis.plots",
    "analysis.intervals",
    "analysis.text",
    "analysis.length_control",
)


@pytest.mark.parametrize("module", LIGHT)
def test_a_light_module_imports_no_heavy_package(module: str) -> None:
    code = f"import sys, {module}; print(*(set({HEAVY}) & sys.modules.keys()))"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == ""
