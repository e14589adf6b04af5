"""The archive of records: what is packed comes back, and nothing else is written."""

import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.runs.archive import ArchiveError, hash_file, pack, unpack
from experiments.runs.manifest import digest
from experiments.runs.record import Record
from experiments.runs.workflow import produce
from tests.experiments.records import write_record
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

    assert unpack(archive) == (1, 0)
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


def test_a_run_that_was_made_here_stays_as_it_is_in_whole(workplace: Path) -> None:
    """Nothing of the archive is put beside records of one's own."""
    archive = workplace / "records.tar.xz"
    RUN.write_spec()
    write_record(Record(RUN, "losses"), "{}")
    write_record(Record(RUN, "spectrum"), "[1]")
    pack([RUN], archive)
    shutil.rmtree("runs")
    RUN.write_spec()
    write_record(Record(RUN, "spectrum"), "[2]")
    assert unpack(archive) == (0, 1)
    assert Record(RUN, "spectrum").read() == [2]
    assert not Record(RUN, "losses").exists()


def test_a_folder_in_which_nothing_was_made_yet_is_replaced(workplace: Path) -> None:
    archive = workplace / "records.tar.xz"
    RUN.write_spec()
    write_record(Record(RUN, "spectrum"), "[1]")
    pack([RUN], archive)
    shutil.rmtree("runs")
    RUN.write_spec()
    assert unpack(archive) == (1, 0)
    assert Record(RUN, "spectrum").read() == [1]


def test_an_archive_cannot_write_outside_of_its_folder(workplace: Path) -> None:
    archive = Path("evil.tar.xz")
    with tarfile.open(archive, "w:xz") as tar:
        tar.addfile(tarfile.TarInfo("../outside.json"))
    hash_file(archive).write_text(f"{digest({'': archive})}  {archive}\n")
    with pytest.raises(ArchiveError, match=r"evil.tar.xz: damaged .*outside the destination"):
        unpack(archive)
    assert not Path("outside.json").exists()


def test_a_missing_or_damaged_archive_is_an_error_that_names_it(tmp_path: Path) -> None:
    archive = tmp_path / "records.tar.xz"
    with pytest.raises(ArchiveError, match="no records are committed at this scale"):
        unpack(archive)
    archive.write_bytes(b"no archive")
    with pytest.raises(ArchiveError, match=r"records.tar.xz.sha256: not there"):
        unpack(archive)
    hash_file(archive).write_text(f"{'0' * 64}  {archive.name}\n")
    with pytest.raises(ArchiveError, match=r"records.tar.xz: damaged, or not the one"):
        unpack(archive)
