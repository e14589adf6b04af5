"""Damaged, edited, mixed and foreign records and archives: each is refused, none changes a table.

Two small runs are made by the real workflow and packed. Each attack changes one thing in a copy of
them, and then a table's cells are read, or the archive is unpacked.
"""

import hashlib
import json
import lzma
import os
import random
import shutil
import tarfile
from collections import Counter
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest

from experiments.cells.cell import Cell, table_data
from experiments.cells.metrics import CHARACTERS, OTHER_LOSS, WIN_RATE
from experiments.runs.archive import ArchiveError, hash_file, pack, unpack
from experiments.runs.jobs import JobError, make
from experiments.runs.manifest import MANIFEST, ManifestError
from experiments.runs.record import Record, RecordError, check_those_made
from experiments.runs.run import RunError
from experiments.runs.workflow import produce
from tests.attacks.reporting import Recorder
from tests.experiments.two_runs import RUNS, TARGETS

RUN, OTHER = RUNS
VERDICTS, ANSWERS = TARGETS[0], TARGETS[0].of("responses")
LOG, CHECKPOINT = Record(RUN, "log"), Record(RUN, "checkpoint")
REFUSED = (RecordError, ManifestError, RunError)
Damage = Callable[[], object]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which both runs were trained and judged, and packed."""
    folder = tmp_path_factory.mktemp("made")
    with chdir(folder), pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.fspath(Path(__file__).parents[2]))
        produce(TARGETS)
        pack(RUNS, Path("records.tar.xz"))
    return folder


def read_table() -> str:
    """What a table of these runs says, as text."""
    cells = [
        Cell(f"{run.noise.alpha:g}", "", metric, ((run,),), condition="validation")
        for run in RUNS
        for metric in (WIN_RATE, CHARACTERS, OTHER_LOSS)
    ]
    check_those_made(TARGETS)
    return json.dumps(table_data(cells, None))


def edit_rows(record: Record, change: Callable[[list[dict[str, object]]], object]) -> Damage:
    """Change the rows of a record's JSON, keeping it valid."""

    def damage() -> None:
        rows = json.loads(record.path.read_text())
        changed = change(rows)
        record.path.write_text(json.dumps(rows if changed is None else changed))

    return damage


def set_value(number: int, field: str, value: object) -> Callable[[list[dict[str, object]]], None]:
    """An edit of one field of one row."""

    def change(rows: list[dict[str, object]]) -> None:
        rows[number][field] = value

    return change


def swap_bytes(record: Record, seed: int) -> Damage:
    """Flip one bit at a random place of the record's file."""

    def damage() -> None:
        content = bytearray(record.path.read_bytes())
        place = random.Random(seed).randrange(len(content))
        content[place] ^= 1 << (seed % 8)
        record.path.write_bytes(content)

    return damage


def cut(record: Record, share: float) -> Damage:
    """Cut the record's file."""

    def damage() -> None:
        content = record.path.read_bytes()
        record.path.write_bytes(content[: int(share * len(content))])

    return damage


def copied(source: Path, target: Path) -> Damage:
    """Put another file in the record's place."""

    def damage() -> None:
        shutil.copy(source, target)

    return damage


def remade_answers() -> None:
    """Answers of another training under the verdicts: as if the run had been trained elsewhere."""
    rows = json.loads(ANSWERS.path.read_text())
    rows[0]["output"] = "Something else."
    content = json.dumps(rows)
    ANSWERS.path.write_text(content)
    path = RUN.folder / MANIFEST
    manifest = json.loads(path.read_text())
    manifest["records"][ANSWERS.name]["sha256"] = hashlib.sha256(content.encode()).hexdigest()
    path.write_text(json.dumps(manifest))


def with_listed_commits(content: Any) -> Any:
    """A manifest whose commits are no texts."""
    listed = {name: {**entry, "commit": [1]} for name, entry in content["records"].items()}
    return {**content, "records": listed}


def edited_manifest(change: Callable[[dict[str, object]], object]) -> Damage:
    """Change the manifest's JSON."""

    def damage() -> None:
        path = RUN.folder / MANIFEST
        content = json.loads(path.read_text())
        changed = change(content)
        path.write_text(json.dumps(content if changed is None else changed))

    return damage


def other_folder() -> None:
    """The whole folder of the other run under this run's name."""
    shutil.rmtree(RUN.folder)
    shutil.copytree(OTHER.folder, RUN.folder)


def shuffled(rows: list[dict[str, object]]) -> None:
    random.Random(0).shuffle(rows)


def nulls(rows: list[dict[str, object]]) -> None:
    for row in rows[:: len(rows) // 20]:
        row["preference"] = None


DAMAGES: dict[str, Damage] = {
    **{
        f"verdict set to {value!r}": edit_rows(VERDICTS, set_value(3, "preference", value))
        for value in (1, 2, 1.5, 200, -1, True, None, "2", [2], float("nan"))
    },
    "5% of the verdicts null": edit_rows(VERDICTS, nulls),
    "verdicts shuffled": edit_rows(VERDICTS, shuffled),
    "verdicts: one row left out": edit_rows(VERDICTS, lambda rows: rows[1:]),
    "verdicts: one row twice": edit_rows(VERDICTS, lambda rows: [*rows, rows[0]]),
    "verdicts: no list": edit_rows(VERDICTS, lambda rows: {"rows": rows}),
    "verdicts of the other run": copied(TARGETS[1].path, VERDICTS.path),
    "answers shuffled": edit_rows(ANSWERS, shuffled),
    "one answer edited": edit_rows(ANSWERS, set_value(0, "output", "A better answer.")),
    "answers of the other run": copied(TARGETS[1].of("responses").path, ANSWERS.path),
    "answers of another training under the verdicts": remade_answers,
    "log of the other run": copied(Record(OTHER, "log").path, LOG.path),
    "log: a loss edited": lambda: LOG.path.write_text(LOG.path.read_text().replace("0.", "1.", 1)),
    "the other run's manifest": copied(OTHER.folder / MANIFEST, RUN.folder / MANIFEST),
    "the other run's folder": other_folder,
    "manifest: no run": edited_manifest(lambda content: content.pop("run") and None),
    "manifest: a list": edited_manifest(lambda content: [content]),
    "manifest: an entry empty": edited_manifest(
        lambda content: {**content, "records": {ANSWERS.name: {}}}
    ),
    "manifest: a commit is a list": edited_manifest(with_listed_commits),
    "manifest empty": lambda: (RUN.folder / MANIFEST).write_text(""),
    "manifest binary": lambda: (RUN.folder / MANIFEST).write_bytes(b"\xff\xfe\x00"),
    **{
        f"{record.kind}: bit flipped ({seed})": swap_bytes(record, seed)
        for record in (VERDICTS, ANSWERS, LOG)
        for seed in range(4)
    },
    **{
        f"{record.kind}: cut to {share:.0%}": cut(record, share)
        for record in (VERDICTS, ANSWERS, LOG)
        for share in (0.0, 0.5, 0.99)
    },
}


def test_no_damaged_record_gets_into_a_table(
    made: Path, tmp_path: Path, record_property: Recorder
) -> None:
    outcomes: Counter[str] = Counter()
    wrong = []
    with chdir(made):
        whole = read_table()
    for number, (name, damage) in enumerate(DAMAGES.items()):
        place = tmp_path / str(number)
        shutil.copytree(made / "runs", place / "runs")
        with chdir(place):
            damage()
            try:
                outcome = "harmless" if read_table() == whole else "changed the table"
            except REFUSED as error:
                text = str(error)
                named = "runs/" in text and "remove" in text and "\n" not in text
                outcome = "refused" if named else f"refused without a place: {text}"
            outcomes[outcome] += 1
            if outcome != "refused":
                wrong.append(f"{name}: {outcome}")
        shutil.rmtree(place)
    record_property(
        "attack",
        {"attack": "damaged records", "tried": len(DAMAGES), "outcomes": dict(outcomes)},
    )
    assert wrong == []


def test_a_job_refuses_damaged_weights(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(made / "runs", tmp_path / "runs")
    with chdir(tmp_path):
        weights = CHECKPOINT.path.with_name("model.safetensors")
        content = bytearray(weights.read_bytes())
        middle = len(content) // 2
        content[middle : middle + 4096] = bytes(4096)
        weights.write_bytes(content)
        with pytest.raises(JobError):
            make([Record(RUN, "losses").path])
    assert f"{CHECKPOINT.path}: was changed after it was made" in capsys.readouterr().err


def test_forged_unfinished_answers_are_not_used(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "runs", tmp_path / "runs")
    with chdir(tmp_path):
        right = ANSWERS.path.read_bytes()
        ANSWERS.path.unlink()
        forged = "".join(json.dumps([n, "forged", "0" * 16]) + "\n" for n in range(50))
        ANSWERS.path.with_name(f"{ANSWERS.path.name}.new.partial").write_text(forged)
        make([ANSWERS.path])
        assert ANSWERS.path.read_bytes() == right
        assert read_table()


def archives(whole: bytes) -> dict[str, bytes]:
    """Damaged archives by name."""
    rng = random.Random(0)
    found = {}
    for number in range(21):
        flipped = bytearray(whole)
        flipped[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        found[f"bit flipped ({number})"] = bytes(flipped)
    for share in (0.0, 0.3, 0.9, 0.999):
        found[f"cut to {share:.1%}"] = whole[: int(share * len(whole))]
    found["another file"] = lzma.compress(b"nothing")
    found["something appended"] = whole + b"\0"
    return found


def hostile() -> dict[str, tarfile.TarInfo]:
    """Entries that want to leave `runs/`, or are no files."""

    def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, link
        return info

    return {
        "parent folder": entry("../outside.json"),
        "absolute path": entry("/outside.json"),
        "parent folder within": entry("nano/../../outside.json"),
        "link to the outside": entry("nano/a/spec.json", tarfile.SYMTYPE, "../../../outside.json"),
        "hard link to a missing name": entry("nano/a/spec.json", tarfile.LNKTYPE, "nano/missing"),
        "device": entry("nano/a/spec.json", tarfile.CHRTYPE),
        "pipe": entry("nano/a/spec.json", tarfile.FIFOTYPE),
    }


def test_no_damaged_archive_is_unpacked(
    made: Path, tmp_path: Path, record_property: Recorder
) -> None:
    whole = (made / "records.tar.xz").read_bytes()
    recorded = hash_file(made / "records.tar.xz").read_text()
    outcomes: Counter[str] = Counter()
    with chdir(tmp_path):
        archive = Path("records.tar.xz")
        attacks = {name: (content, recorded) for name, content in archives(whole).items()}
        for name, info in hostile().items():
            with tarfile.open("hostile.tar.xz", "w:xz") as tar:
                tar.addfile(info)
            content = Path("hostile.tar.xz").read_bytes()
            # Whoever makes such an archive makes its hash as well.
            attacks[name] = (content, f"{hashlib.sha256(content).hexdigest()}  records.tar.xz\n")
        for name, (content, hash_) in attacks.items():
            archive.write_bytes(content)
            hash_file(archive).write_text(hash_)
            try:
                unpack(archive)
                outcomes[f"accepted: {name}"] += 1
            except ArchiveError as error:
                named = str(archive) in str(error) and "\n" not in str(error)
                outcomes["refused" if named else f"refused without its name: {name}"] += 1
            assert not list(Path("runs").rglob("*.json")), name
            assert not (tmp_path.parent / "outside.json").exists()
            assert not Path("outside.json").exists()
    record_property(
        "attack",
        {"attack": "damaged archives", "tried": len(attacks), "outcomes": dict(outcomes)},
    )
    assert set(outcomes) == {"refused"}


def test_a_kill_while_unpacking_leaves_no_run_in_part(made: Path, tmp_path: Path) -> None:
    """What lies in the folder of unpacking is no run, and the next unpacking removes it."""
    with chdir(tmp_path):
        for name in ("records.tar.xz", "records.tar.xz.sha256"):
            shutil.copy(made / name, name)
        left = Path("runs", ".unpacking", "nano", RUN.key)
        left.mkdir(parents=True)
        (left / "spec.json").write_text("{")
        assert unpack(Path("records.tar.xz")) == (2, 0)
        assert not left.exists()
        assert read_table()
        assert unpack(Path("records.tar.xz")) == (0, 2)
