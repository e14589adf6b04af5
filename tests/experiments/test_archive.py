"""The committed records: what is packed comes back, and results render from it alone."""

import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.archive import ArchiveError, archive_file, pack, unpack
from experiments.artifact import make
from experiments.artifacts import ARTIFACTS
from experiments.jobs import checkpoint_file, losses_file, outputs_file, verdicts_file
from experiments.scale import NANO
from experiments.workflow import produce
from tests.experiments.two_runs import RUNS
from tests.paths import ROOT

RUN = replace(RUNS[0], recipe=replace(RUNS[0].recipe, epochs=0))


def test_packed_records_come_back_and_are_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    targets = [verdicts_file(RUN.folder, "validation", "gpt-4"), losses_file(RUN.folder)]
    produce(targets, [RUN])
    archive = tmp_path / "records.tar.xz"
    pack([RUN], archive)
    kept = {path: path.read_bytes() for path in RUN.folder.rglob("*.json*")}
    shutil.rmtree("runs")

    assert unpack(archive) > 0
    assert not checkpoint_file(RUN.folder).exists()
    back = {path: path.read_bytes() for path in RUN.folder.rglob("*.json*")}
    assert back == {path: content for path, content in kept.items() if path in back}
    assert {*targets, outputs_file(RUN.folder, "validation")} <= set(back)
    produce(targets, [RUN])
    assert not checkpoint_file(RUN.folder).exists()

    first = archive.read_bytes()
    pack([RUN], archive)
    assert archive.read_bytes() == first


def test_what_is_there_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    spec = RUN.write_spec()
    archive = tmp_path / "records.tar.xz"
    pack([RUN], archive)
    spec.write_text("mine")
    assert unpack(archive) == 0
    assert spec.read_text() == "mine"


def test_an_archive_cannot_write_outside_of_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with tarfile.open("evil.tar.xz", "w:xz") as tar:
        tar.addfile(tarfile.TarInfo("../outside.json"))
    with pytest.raises(ArchiveError, match=r"evil.tar.xz: damaged .*outside the destination"):
        unpack(Path("evil.tar.xz"))
    assert not Path("outside.json").exists()


def test_a_missing_or_damaged_archive_is_told(tmp_path: Path) -> None:
    archive = tmp_path / "records.tar.xz"
    with pytest.raises(ArchiveError, match="no records are committed; `make paper` makes them"):
        unpack(archive)
    archive.write_bytes(b"no archive")
    with pytest.raises(ArchiveError, match=r"records.tar.xz: damaged"):
        unpack(archive)


def test_results_render_from_the_committed_records_with_equal_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed = ROOT / archive_file(NANO).parent
    (tmp_path / "results").mkdir()
    shutil.copytree(committed, tmp_path / "results" / NANO.name)
    monkeypatch.chdir(tmp_path)
    unpack(archive_file(NANO))
    names = ("table1", "table4", "table6", "figure5", "figure7")
    for path in make([ARTIFACTS[name] for name in names], NANO):
        for kind in ("md", "csv", "json"):
            own = path.with_suffix(f".{kind}")
            assert own.read_bytes() == (committed / own.name).read_bytes(), own.name
    assert not list(Path("runs").rglob("model.safetensors"))
