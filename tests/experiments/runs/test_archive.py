"""The archive of records: what is packed comes back, and nothing else is written."""

import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.runs.archive import ArchiveError, pack, unpack
from experiments.runs.record import Record
from experiments.runs.workflow import produce
from tests.experiments.two_runs import RUNS

RUN = replace(RUNS[0], recipe=replace(RUNS[0].recipe, epochs=0))


def test_packed_records_come_back_and_are_not_made_again(workplace: Path) -> None:
    verdicts = Record(RUN, "verdicts", "validation", "gpt-4")
    checkpoint, log = Record(RUN, "checkpoint"), Record(RUN, "log")
    targets = [verdicts, Record(RUN, "losses"), Record(RUN, "settings")]
    produce(targets)
    archive = workplace / "records.tar.xz"
    pack([RUN], archive)
    kept = {path: path.read_bytes() for path in RUN.folder.rglob("*.json*")}
    shutil.rmtree("runs")

    assert unpack(archive) > 0
    assert not checkpoint.exists()
    assert not list(Path("runs").rglob("*.safetensors"))
    back = {path: path.read_bytes() for path in RUN.folder.rglob("*.json*")}
    assert back == {path: content for path, content in kept.items() if path in back}
    assert {record.path for record in (*targets, verdicts.of("responses"), log)} <= set(back)
    produce(targets)
    assert not checkpoint.exists()

    first = archive.read_bytes()
    pack([RUN], archive)
    assert archive.read_bytes() == first


def test_files_that_exist_are_not_overwritten(workplace: Path) -> None:
    spec = RUN.write_spec()
    archive = workplace / "records.tar.xz"
    pack([RUN], archive)
    spec.write_text("mine")
    assert unpack(archive) == 0
    assert spec.read_text() == "mine"


def test_an_archive_cannot_write_outside_of_its_folder(workplace: Path) -> None:
    with tarfile.open("evil.tar.xz", "w:xz") as tar:
        tar.addfile(tarfile.TarInfo("../outside.json"))
    with pytest.raises(ArchiveError, match=r"evil.tar.xz: damaged .*outside the destination"):
        unpack(Path("evil.tar.xz"))
    assert not Path("outside.json").exists()


def test_a_missing_or_damaged_archive_is_an_error_that_names_it(tmp_path: Path) -> None:
    archive = tmp_path / "records.tar.xz"
    with pytest.raises(ArchiveError, match="no records are committed; `make paper` makes the runs"):
        unpack(archive)
    archive.write_bytes(b"no archive")
    with pytest.raises(ArchiveError, match=r"records.tar.xz: damaged"):
        unpack(archive)
