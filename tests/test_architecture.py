"""The code's structure: imports run downwards, and the picture of them is the real one."""

import subprocess
from pathlib import Path

import pytest

from docs.architecture import (
    OUT,
    circle,
    drawn,
    imports,
    module_graph,
    modules,
    room_graph,
)
from tests.paths import ROOT

GRAPH = module_graph()


def test_no_modules_and_no_packages_import_each_other_in_a_circle() -> None:
    assert circle(GRAPH) == []
    assert circle(room_graph()) == []


def test_a_circle_would_be_found() -> None:
    assert set(circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})) == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("package", "above"),
    (
        ("neftune", ("eval", "analysis", "experiments")),
        ("eval", ("analysis", "experiments")),
        ("analysis", ("eval", "experiments")),
        ("experiments.roles", ("experiments.scales", "experiments.nano", "experiments.runs")),
        ("experiments.scales", ("experiments.runs", "experiments.cells")),
        ("experiments.runs", ("experiments.cells", "experiments.tables", "experiments.figures")),
        ("experiments.cells", ("experiments.tables", "experiments.figures")),
        ("experiments.tables", ("experiments.figures", "experiments.claims")),
        ("experiments.claims", ("experiments.commands",)),
        ("experiments.evidence", ("experiments.claims", "experiments.commands")),
    ),
)
def test_a_package_imports_nothing_from_above(package: str, above: tuple[str, ...]) -> None:
    found = [
        f"{module} imports {other}"
        for module, imported in GRAPH.items()
        if module == package or module.startswith(f"{package}.")
        for other in imported
        if any(other == name or other.startswith(f"{name}.") for name in above)
    ]
    assert found == []


def test_the_method_does_not_import_the_training() -> None:
    method = [m for m in GRAPH if m.startswith("neftune") and not m.startswith("neftune.training")]
    assert [m for m in method if any(o.startswith("neftune.training") for o in GRAPH[m])] == []


def test_imports_within_functions_count(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text("def f():\n    from experiments import artifacts\n    import eval.losses\n")
    assert imports(file, modules()) == {"experiments.artifacts", "eval.losses"}


def test_the_picture_is_drawn_from_the_imports_as_they_are() -> None:
    assert OUT.read_text() == drawn(), "out of date: run `make architecture`"


def test_every_folder_and_module_says_what_it_is_for() -> None:
    import ast

    silent = [
        name
        for name, path in modules().items()
        if not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def test_make_offers_every_table_and_figure() -> None:
    from experiments.artifacts import ARTIFACTS

    for name in ARTIFACTS:
        asked = subprocess.run(["make", "-n", name], cwd=ROOT, capture_output=True, text=True)
        assert asked.returncode == 0, name
        assert f"show {name}" in asked.stdout
