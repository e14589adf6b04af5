"""Instruction files that are not what they should be: one line names them, without torch."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neftune.training.instructions import (
    InstructionDataError,
    check_prompt,
    checked,
    load_instructions,
)
from neftune.training.json_files import is_unicode
from tests.paths import ROOT

GOOD = {"instruction": "Name a colour.", "output": "Red."}
LINE = json.dumps(GOOD)
DEEP = "[" * 100_000 + "]" * 100_000


def file(folder: Path, content: str | bytes, name: str = "rows.jsonl") -> str:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


@pytest.mark.parametrize(
    ("content", "says"),
    (
        (LINE.encode("utf-16"), "is UTF-16 or UTF-32; convert it to UTF-8: iconv"),
        (LINE.encode("utf-16-be"), "is a binary file, or UTF-16"),
        (LINE.encode("utf-32"), "is UTF-16 or UTF-32; convert"),
        (b"\0\0\xfe\xff" + LINE.encode("utf-32-be"), "is UTF-32; convert"),
        (f"{LINE}\n{LINE}".replace("Red", "Röt").encode("latin-1"), "line 1: byte 0xf6 is not"),
        (gzip.compress(LINE.encode(), mtime=0), "is compressed with gzip; decompress it first"),
        (b"PAR1\x15\x04" + bytes(20), "is a Parquet file; convert it to JSON lines first"),
        (b"PK\x03\x04" + bytes(20), "is a zip archive; unpack it first"),
        (bytes(range(256)) * 4, "is a binary file, or UTF-16"),
        (b"\x89PNG\r\n\x1a\n", "line 1: byte 0x89 is not UTF-8"),
        (f"{LINE}\n" + '{"instruction": 1' + "0" * 5000 + "}", "line 2: a number has too many"),
        (DEEP, "nested too deeply to be read"),
        (f'{LINE}\n{{"instruction": {DEEP}, "output": ""}}', "line 2: nested too deeply"),
        (LINE[:-1] + ', "output": "Blue."}', "line 1: the key 'output' appears twice"),
        (f'[{LINE[:-1]}, "output": "Blue."}}]', "the key 'output' appears twice"),
        (LINE.replace("Red", "\\ud83d"), "row 1: output: half of a surrogate pair"),
        (LINE.replace("Name", "\\ude00"), "row 1: instruction: Input should be a valid"),
        ('{"conversations": [{"from": "human", "value": "\\ud800"}]}', "row 1: conversations.0.v"),
        ("", "holds no rows"),
        ("\n \n", "holds no rows"),
    ),
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, content: str | bytes, says: str
) -> None:
    with pytest.raises(InstructionDataError) as error:
        load_instructions(file(tmp_path, content))
    message = str(error.value)
    assert message.startswith(f"{tmp_path}/rows.jsonl: ")
    assert says in message
    assert "\n" not in message
    assert is_unicode(message)


@pytest.mark.parametrize(
    "content",
    (
        "\ufeff" + LINE,
        "\ufeff[" + LINE + "]",
        f"{LINE}\r\n{LINE}\r\n",
        LINE.replace("Red", "Red\u2028\u0085\u2029\x1c dots").replace("\x1c", "\\u001c"),
        LINE.replace("Red", "\\ud83d\\ude00"),
    ),
    ids=("byte-order mark", "the same, a list", "CRLF", "line separators", "surrogate pair"),
)
def test_valid_files_are_read(tmp_path: Path, content: str) -> None:
    rows = load_instructions(file(tmp_path, content))
    assert rows[0].instruction == GOOD["instruction"]


@given(st.lists(st.text(min_size=1).filter(is_unicode), min_size=1, max_size=4))
def test_any_text_comes_back_from_json_lines(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    lines = [json.dumps({"instruction": t, "output": t}, ensure_ascii=False) for t in texts]
    path = file(tmp_path_factory.mktemp("rows"), "\n".join(lines))
    assert [row.output for row in load_instructions(path)] == texts


def test_a_folder_and_a_pipe_are_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(InstructionDataError, match="is a folder; give a file"):
        load_instructions(str(tmp_path))
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(InstructionDataError, match=r"pipe.json: is not a regular file"):
        load_instructions(str(tmp_path / "pipe.json"))
    with pytest.raises(InstructionDataError, match="/dev/zero: is not a regular file"):
        load_instructions("/dev/zero")


def test_longer_conversations_need_a_prompt_that_holds_them() -> None:
    turns = [{"from": who, "value": "hello"} for who in ("human", "gpt") * 2]
    rows = checked([GOOD, {"conversations": turns}], "talks.json")
    check_prompt(rows, "vicuna", "talks.json")
    with pytest.raises(InstructionDataError, match=r"talks.json: row 2: .*use vicuna"):
        check_prompt(rows, "alpaca", "talks.json")


def test_reading_does_not_import_torch(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from neftune.training.instructions import load_instructions\n"
        "load_instructions(sys.argv[1])\n"
        "assert not {'torch', 'transformers', 'datasets'} & sys.modules.keys()\n"
    )
    command = [sys.executable, "-c", script, file(tmp_path, LINE)]
    subprocess.run(command, cwd=ROOT, check=True)
