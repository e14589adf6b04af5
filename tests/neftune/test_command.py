"""The command `neftune`: a model that is right, one that is not, and what the package lacks."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import CTRLConfig, CTRLLMHeadModel, LlamaForCausalLM

from neftune import Noise
from neftune.check import CHECKS, _compared, checks, described
from neftune.command import GROUP, main, modules
from tests.neftune.models import SINGLE_STACK, VOCABULARY, D, llama, t5
from tests.paths import ROOT


@pytest.mark.parametrize("name", sorted(set(SINGLE_STACK) - {"bert", "opt", "gpt2"}))
def test_models_that_the_tests_know_are_right(name: str) -> None:
    model = SINGLE_STACK[name]().eval()
    assert {each.name: each.said for each in checks(model, 5)} == dict.fromkeys(CHECKS, "")
    assert not model.training


@pytest.mark.filterwarnings("error")
def test_checks_warn_of_nothing() -> None:
    checks(llama(), 5)


def test_a_model_that_multiplies_its_embeddings_in_place_is_right() -> None:
    model = CTRLLMHeadModel(
        CTRLConfig(vocab_size=VOCABULARY, n_embd=D, dff=32, n_layer=1, n_head=2, n_positions=64)
    )
    assert {each.name: each.said for each in checks(model, 5)} == dict.fromkeys(CHECKS, "")


class Unread(LlamaForCausalLM):
    """Reads its embeddings past their layer, as a fused kernel would."""

    def forward(self, input_ids: Any = None, **kwargs: Any) -> Any:
        vectors = torch.nn.functional.embedding(input_ids, self.model.embed_tokens.weight)
        with torch.no_grad():
            return super().forward(**(kwargs | {"inputs_embeds": vectors}))


def test_a_model_that_gets_no_noise_is_not_right() -> None:
    found = {each.name: each for each in checks(Unread(llama().config), 5)}
    assert not found["padded"].right
    assert not found["packed"].right
    assert found["evaluation"].right


class Louder(nn.Embedding):
    """Multiplies what it looks up, and does not say so."""

    def forward(self, ids: Tensor) -> Tensor:
        return 3 * super().forward(ids)


def test_a_layer_that_multiplies_without_saying_so_is_not_right() -> None:
    model = llama()
    model.set_input_embeddings(Louder(VOCABULARY, D))
    (scale, *others) = checks(model, 5)
    assert scale.said.startswith("the layer multiplies by 3 and says 1 (its attribute embed_scale)")
    assert all(each.right for each in others)


def test_what_is_not_right_is_told_with_numbers() -> None:
    lengths = torch.tensor([[4, 4, 4, 4, 0]])
    added = torch.full((1, 5), 5 / (4 * D) ** 0.5)
    added[0, 4] = 0
    assert _compared(added, lengths, Noise(5), D) == ""
    added[0, 2] *= 2
    said = "token 2 of row 0 has noise of 1.25 where the rule gives 0.625"
    assert _compared(added, lengths, Noise(5), D) == said


def test_the_size_of_the_noise_is_told_beside_the_embeddings() -> None:
    lines = described(llama(), 5)
    assert lines[0].startswith("model.embed_tokens: 64 embeddings of 16 entries, root mean square ")
    assert lines[1].startswith("noise of alpha 5 on 100 tokens: root mean square 0.0722, ")
    assert lines[2] == "lengths are told by calls of LlamaForCausalLM, LlamaModel"


def test_a_saved_model_is_checked_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    llama().save_pretrained(tmp_path / "model")
    assert main(["check", str(tmp_path / "model"), "--alpha", "10"]) == 0
    said = capsys.readouterr().out
    assert "noise of alpha 10" in said
    assert all(f"{name}: ok" in said for name in CHECKS)


def _nothing(folder: Path) -> None:
    folder.mkdir()


def _truncated(folder: Path) -> None:
    llama().save_pretrained(folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])


@pytest.mark.parametrize(
    ("make", "arguments", "said"),
    (
        (_nothing, (), ""),
        (lambda folder: None, (), "there is no folder"),
        (_truncated, (), "the weights in"),
        (
            lambda folder: t5().save_pretrained(folder),
            (),
            "is a t5, and what is checked are causal",
        ),
        (llama().save_pretrained, ("--alpha", "0"), "alpha 0 adds no noise"),
        (llama().save_pretrained, ("--alpha", "nan"), "alpha must be a finite number"),
    ),
    ids=("nothing", "no folder", "truncated", "t5", "alpha 0", "alpha nan"),
)
def test_what_cannot_be_checked_is_one_line(
    make: Any,
    arguments: tuple[str, ...],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make(tmp_path / "model")
    assert main(["check", str(tmp_path / "model"), *arguments]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ")
    assert said in error


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"neftune {version('neftune')}\n"


def test_the_laboratory_adds_its_commands() -> None:
    pytest.importorskip("lm_eval", reason="needs the laboratory: make setup")
    assert set(modules()) == {"check", "conformance", "dose", "finetune"}
    assert GROUP == "neftune.commands"
    done = subprocess.run(
        [sys.executable, "-m", "neftune.command", "dose", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--dataset-file" in done.stdout


def test_without_the_laboratory_one_line_says_what_a_command_needs(
    tmp_path: Path,
) -> None:
    code = (
        "import sys, importlib.abc\n"
        "class Absent(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] == 'experiments':\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "from neftune.command import main\n"
        "raise SystemExit(main(['dose']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "needs the laboratory, which a clone of the repository has" in done.stderr
