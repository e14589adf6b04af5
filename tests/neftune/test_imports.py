"""What configures a run is imported quickly: without torch and the other heavy packages."""

import subprocess
import sys
from importlib.resources import files

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
    with pytest.raises(AttributeError, match="no attribute 'Recipe'"):
        _ = neftune.Recipe
