"""Read JSON files that people wrote: what is wrong is said in one line that names the file.

    value = parse_json(read_text(path), path)            # a JSON file
    rows = [parse_json(line, path, number) for number, line in …]

Stricter than `json.load`: a key that appears twice in an object is an error, because one of its two
values would be lost silently. This module does not import torch, so that files can be checked
before anything heavy is loaded.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SIGNATURES = {
    b"\x1f\x8b": "compressed with gzip; decompress it first",
    b"PK\x03\x04": "a zip archive; unpack it first",
    b"\xfd7zXZ": "compressed with xz; decompress it first",
    b"\x28\xb5\x2f\xfd": "compressed with zstd; decompress it first",
    b"PAR1": "a Parquet file; convert it to JSON lines first",
    b"\xff\xfe": "UTF-16 or UTF-32; convert it to UTF-8: iconv -f UTF-16 -t UTF-8",
    b"\xfe\xff": "UTF-16; convert it to UTF-8: iconv -f UTF-16 -t UTF-8",
    b"\0\0\xfe\xff": "UTF-32; convert it to UTF-8: iconv -f UTF-32 -t UTF-8",
}
"""What a file is that begins with these bytes, and what to do."""


class FileError(ValueError):
    """A file is missing, unreadable or malformed; the message says which, where and why."""


def read_text(path: Path) -> str:
    """Read a UTF-8 file, with or without a byte-order mark.

    Only a regular file is opened: a pipe would never end.

    Raises:
        FileError: there is no such file, or it is not text in UTF-8.
    """
    if path.is_dir():
        raise FileError(f"{path}: is a folder; give a file")
    if not path.exists():
        raise FileError(f"{path}: no such file")
    if not path.is_file():
        raise FileError(f"{path}: is not a regular file; give a file on disk")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({error.strerror})") from None
    for start, kind in SIGNATURES.items():
        if content.startswith(start):
            raise FileError(f"{path}: is {kind}")
    if b"\0" in content:
        raise FileError(f"{path}: is a binary file, or UTF-16; give JSON in UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FileError(
            f"{path}: line {line}: byte 0x{content[error.start]:02x} is not UTF-8; convert the "
            "file, for example from Latin-1: iconv -f LATIN1 -t UTF-8"
        ) from None


def parse_json(text: str, path: Path, line: int | None = None) -> Any:
    """Parse JSON.

    Args:
        text: a whole file, or one line of it.
        path: names the file in errors.
        line: the number of the line, if the text is one.

    Raises:
        FileError: the text is not JSON, has a key twice in an object, or is beyond what Python
            parses: a number of thousands of digits, a thousand nested lists.
    """
    where = f"{path}: line {line}" if line else f"{path}"
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise FileError(f"{path}: line {line or error.lineno}: not JSON: {error.msg}") from None
    except _DuplicateKeyError as error:
        raise FileError(
            f"{where}: the key {str(error)[:80]!r} appears twice in an object"
        ) from None
    except RecursionError:
        raise FileError(f"{where}: nested too deeply to be read") from None
    except ValueError:
        raise FileError(f"{where}: a number has too many digits to be read") from None


class _DuplicateKeyError(ValueError):
    """The message is the key."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _DuplicateKeyError(next(key for key in keys if keys.count(key) > 1))
    return found


def is_unicode(text: str) -> bool:
    r"""Whether a text can be written as UTF-8; half of a surrogate pair, `\ud800`, cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
