"""Hundreds of malformed files at the command line: one line of error each, and nothing left behind.

Hypothesis makes every file wrong in a known way: instruction files, model folders, and the outputs
and annotations of the audit. Each command must end with a non-zero status, write exactly one line
to standard error, that begins with "error: " and names the file or folder, and change no file.
"""

import gzip
import hashlib
import json
import lzma
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from experiments.__main__ import main
from tests.attacks.reporting import Recorder, attack
from tests.neftune.models import instructions, tiny_llama

Rows = list[dict[str, Any]]
Damage = Callable[[Path], Any]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a good model."""
    folder = tmp_path_factory.mktemp("attacks")
    tiny_llama(folder / "good", ["a few words of text"])
    return folder


def report(record_property: Recorder, attack: str, tried: set[str], least: int) -> None:
    """Report an attack all of whose files were refused, and that there were enough of them.

    Args:
        record_property: pytest's fixture.
        attack: what was malformed.
        tried: a text for each different file.
        least: how many there must be; together at least 300.
    """
    count = len(tried)
    outcomes = {"refused in one line": count}
    record_property("attack", {"attack": attack, "tried": count, "outcomes": outcomes})
    assert count >= least


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def refused(
    arguments: list[str], folder: Path, names: str, capfd: pytest.CaptureFixture[str]
) -> str:
    """The command is refused as the first lines of this file say; returns what it was given."""
    before = digest(folder)
    capfd.readouterr()
    code = main(arguments)
    error = capfd.readouterr().err
    assert code == 1, error
    assert error.startswith("error: "), error
    assert error.count("\n") == 1, error
    assert error.endswith("\n"), error
    assert names in error, error
    assert digest(folder) == before
    assert not (folder / "out").exists()
    return json.dumps(before)


# Values and texts that are wrong wherever they stand.

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False)
junk = st.recursive(
    scalars | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
not_text = junk.filter(lambda value: not isinstance(value, str))
not_rows = junk.filter(lambda value: not isinstance(value, list))


@st.composite
def unreadable(draw: st.DrawFn, good: str) -> bytes:
    """Bytes that are no JSON text in UTF-8, made from a good JSON list."""
    content = good.encode()
    at = draw(st.integers(0, len(content) - 1))
    pack: Callable[[bytes], bytes] = gzip.compress if draw(st.booleans()) else lzma.compress
    ways: dict[str, Callable[[], bytes]] = {
        "cut": lambda: content[:at],
        "byte": lambda: content[:at] + draw(st.sampled_from([b"\xff", b"\x00", b"\xc3("])),
        "utf-16": lambda: good.encode(draw(st.sampled_from(["utf-16", "utf-16-le", "utf-32"]))),
        "latin-1": lambda: good.replace("thing", "Größe").encode("latin-1"),
        "packed": lambda: pack(content),
        "binary": lambda: draw(st.sampled_from([b"PAR1", b"PK\3\4", b"\x89PNG"])) + content[at:],
        "twice": lambda: good.replace("{", '{"same": 1, "same": 2, ', 1).encode(),
        "digits": lambda: good.replace("{", '{"n": 1%s, ' % ("0" * (5000 + at)), 1).encode(),
        "deep": lambda: b"[" * (20_000 + at) + content,
        "text": lambda: b"[" + draw(st.text(max_size=30).filter(lambda t: "]" not in t)).encode(),
    }
    return ways[draw(st.sampled_from(sorted(ways)))]()


@st.composite
def wrong_rows(draw: st.DrawFn, good: Rows, fields: tuple[str, ...]) -> str:
    """JSON lists of rows one of which is wrong in a field that must be text, or is no row."""
    rows = [dict(row) for row in good]
    number = draw(st.integers(0, len(rows) - 1))
    field = draw(st.sampled_from(fields))
    match draw(st.sampled_from(("value", "missing", "row", "surrogate", "not a list"))):
        case "value":
            rows[number][field] = draw(not_text)
        case "missing":
            del rows[number][field]
        case "row":
            broken: list[Any] = [*rows]
            broken[number] = draw(junk.filter(lambda value: not isinstance(value, dict)))
            return json.dumps(broken)
        case "surrogate":
            rows[number][field] += chr(draw(st.integers(0xD800, 0xDFFF)))
        case _:
            return json.dumps(draw(not_rows))
    return json.dumps(rows)


GOOD_ROWS = instructions(12)


@st.composite
def instruction_files(draw: st.DrawFn) -> bytes:
    """Instruction files, each wrong in one way."""
    turns = st.lists(st.sampled_from(("human", "gpt", "system")), max_size=5).filter(
        lambda said: not said or said != ["human", "gpt"] * (len(said) // 2)
    )
    match draw(st.sampled_from(("bytes", "rows", "lines", "talk", "one row", "empty"))):
        case "bytes":
            return draw(unreadable(json.dumps(GOOD_ROWS, ensure_ascii=False)))
        case "rows":
            return draw(wrong_rows(GOOD_ROWS, ("instruction", "output"))).encode()
        case "lines":
            lines = [json.dumps(row) for row in GOOD_ROWS]
            at = draw(st.integers(0, len(lines) - 1))
            lines[at] = lines[at][: draw(st.integers(1, len(lines[at]) - 1))]
            return "\n".join(lines).encode()
        case "talk":
            said = [{"from": who, "value": "hello"} for who in draw(turns)]
            return json.dumps([*GOOD_ROWS, {"conversations": said}]).encode()
        case "one row":
            row = {"instruction": draw(st.text(min_size=1)), "output": draw(st.text())}
            return json.dumps([row]).encode()
        case _:
            return draw(st.text(" \n\t", max_size=30)).encode()


def test_instruction_files(
    place: Path, capfd: pytest.CaptureFixture[str], record_property: Recorder
) -> None:
    tried: set[str] = set()
    folder = place / "instructions"
    folder.mkdir()
    file = folder / "rows.json"
    arguments = ["finetune", "--dataset-file", str(file), "--model", str(place / "good")]
    arguments += ["--out", str(folder / "out" / "tuned")]

    @attack(160)
    @given(content=instruction_files())
    def each(content: bytes) -> None:
        file.write_bytes(content)
        tried.add(refused(arguments, folder, str(file), capfd))

    each()
    report(record_property, "malformed instruction files", tried, 120)


def changed_config(name: str, value: Any) -> Damage:
    def change(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))

    return change


def changed_weight(name: str, how: str, at: float) -> Damage:
    def change(folder: Path) -> None:
        path = folder / "model.safetensors"
        tensors = load_file(path)
        tensor = tensors.pop(name)
        place = int(at * (tensor.numel() - 1))
        match how:
            case "rename":
                tensors[f"{name}.{place}"] = tensor
            case "grow":
                tensors[name] = torch.cat([tensor, tensor[: 1 + place % 3]])
            case "more":
                tensors[name], tensors[f"more.{place}"] = tensor, torch.zeros(2)
            case "nan" | "inf" | "-inf":
                tensor.flatten()[place] = float(how)
                tensors[name] = tensor
        save_file(tensors, path, metadata={"format": "pt"})

    return change


def replaced(name: str, content: bytes) -> Damage:
    return lambda folder: (folder / name).write_bytes(content)


def cut(name: str, share: float) -> Damage:
    def change(folder: Path) -> None:
        content = (folder / name).read_bytes()
        # At least two bytes fewer: without its last line break, a file is still a good one.
        (folder / name).write_bytes(content[: int(share * (len(content) - 2))])

    return change


def pickled(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


WEIGHTS = (
    *("model.embed_tokens.weight", "lm_head.weight", "model.norm.weight"),
    *("model.layers.0.self_attn.q_proj.weight", "model.layers.1.mlp.up_proj.weight"),
)
FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
no_object = junk.filter(lambda value: not isinstance(value, dict)).map(json.dumps).map(str.encode)
sizes = st.sampled_from(
    ("hidden_size", "intermediate_size", "num_hidden_layers", "vocab_size", "num_attention_heads")
)
no_sizes = st.integers(max_value=0) | st.text() | st.booleans() | st.floats(allow_nan=False)
shares = st.floats(0, 1)
model_damages: st.SearchStrategy[Damage] = st.one_of(
    st.builds(changed_config, sizes, no_sizes),
    st.builds(changed_config, st.just("num_hidden_layers"), st.integers(3, 40) | st.just(1)),
    st.builds(changed_config, st.just("vocab_size"), st.integers(1, 10**12).map(lambda n: 7 * n)),
    st.builds(changed_config, st.just("hidden_size"), st.integers(17, 10**6).map(lambda n: 2 * n)),
    st.builds(
        changed_config,
        st.just("model_type"),
        st.sampled_from(("bert", "t5", "gpt2", "whisper", "mamba", "opt", "phi")) | not_text,
    ),
    st.builds(
        changed_weight,
        st.sampled_from(WEIGHTS),
        st.sampled_from(("drop", "rename", "grow", "more", "nan", "inf", "-inf")),
        shares,
    ),
    st.builds(cut, st.sampled_from(FILES), shares),
    st.builds(replaced, st.sampled_from(("config.json", "tokenizer_config.json")), no_object),
    st.builds(replaced, st.just("model.safetensors"), st.binary(max_size=200)),
    st.builds(replaced, st.just("tokenizer.json"), st.binary(max_size=200) | no_object),
    st.just(pickled),
    st.builds(
        lambda name: lambda folder: (folder / name).unlink(),
        st.sampled_from(("config.json", "model.safetensors", "tokenizer.json")),
    ),
)


def test_model_folders(
    place: Path, capfd: pytest.CaptureFixture[str], record_property: Recorder
) -> None:
    tried: set[str] = set()
    folder, file = place / "models", place / "rows.json"
    model = folder / "llama"
    file.write_text(json.dumps(GOOD_ROWS))
    arguments = ["finetune", "--dataset-file", str(file), "--model", str(model), "--epochs", "1"]
    arguments += ["--out", str(folder / "out" / "tuned")]

    @attack(110)
    @given(damage=model_damages)
    def each(damage: Damage) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(place / "good", model)
        damage(model)
        tried.add(refused(arguments, folder, str(model), capfd))

    each()
    report(record_property, "malformed model folders", tried, 80)


OUTPUTS = [
    {"instruction": f"Describe thing {n}.", "output": f"Answer {n}.", "dataset": "koala"}
    for n in range(10)
]
VERDICTS = [
    {
        "instruction": row["instruction"],
        "output_1": "The reference.",
        "output_2": row["output"],
        "preference": 1 + n % 2,
    }
    for n, row in enumerate(OUTPUTS)
]


@st.composite
def audit_files(draw: st.DrawFn) -> dict[str, bytes]:
    """Files of a model of which one is wrong in one way."""
    files = {
        "model_outputs.json": json.dumps(OUTPUTS).encode(),
        "annotations.json": json.dumps(VERDICTS).encode(),
    }
    name = draw(st.sampled_from(sorted(files)))
    rows = OUTPUTS if name == "model_outputs.json" else VERDICTS
    texts = tuple(field for field in rows[0] if field not in ("preference", "dataset"))
    verdicts: list[dict[str, Any]] = [dict(row) for row in VERDICTS]
    number = draw(st.integers(0, len(rows) - 1))
    match draw(st.sampled_from(("bytes", "rows", "twice", "verdict", "answer", "null"))):
        case "bytes":
            files[name] = draw(unreadable(json.dumps(rows)))
        case "rows":
            files[name] = draw(wrong_rows(rows, texts)).encode()
        case "twice":
            at = draw(st.integers(0, len(rows)))
            files[name] = json.dumps([*rows[:at], rows[number], *rows[at:]]).encode()
        case "verdict":
            wrong = junk.filter(lambda v: v is not None and (v is True or v not in (0, 1, 1.5, 2)))
            verdicts[number]["preference"] = draw(wrong)
            files["annotations.json"] = json.dumps(verdicts).encode()
        case "answer":
            field = draw(st.sampled_from(("output_1", "output_2", "instruction")))
            verdicts[number][field] = draw(st.text().filter(lambda t: t != "The reference."))
            files["annotations.json"] = json.dumps(verdicts).encode()
        case _:
            kept = draw(st.integers(0, 4))
            for row in verdicts[kept:]:
                row["preference"] = None
            files["annotations.json"] = json.dumps(verdicts).encode()
    return files


def test_outputs_and_annotations(
    place: Path, capfd: pytest.CaptureFixture[str], record_property: Recorder
) -> None:
    tried: set[str] = set()
    folder = place / "audit"
    good = {
        "model_outputs.json": json.dumps(OUTPUTS).encode(),
        "annotations.json": json.dumps(VERDICTS).encode(),
    }

    @attack(160)
    @given(files=audit_files(), first=st.booleans())
    def each(files: dict[str, bytes], first: bool) -> None:
        for name, content in {"good": good, "bad": files}.items():
            (folder / name).mkdir(parents=True, exist_ok=True)
            for file, data in content.items():
                (folder / name / file).write_bytes(data)
        pair = [str(folder / name) for name in (("bad", "good") if first else ("good", "bad"))]
        arguments = ["audit", "--pair", *pair, "--out", str(folder / "out")]
        tried.add(refused(arguments, folder, ".json: ", capfd))

    each()
    report(record_property, "malformed outputs and annotations", tried, 100)
