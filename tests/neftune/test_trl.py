"""TRL's own trainers with the callback: noise in the passes that train, in no other."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from neftune import NEFTune, Noise, attach
from tests.neftune.models import instructions, tiny_llama

pytest.importorskip("trl")
from datasets import Dataset

D = 32
"""Of the model."""
COMMON: dict[str, Any] = {
    "max_steps": 2,
    "per_device_train_batch_size": 2,
    "save_strategy": "no",
    "report_to": [],
    "use_cpu": True,
    "bf16": False,
    "disable_tqdm": True,
}


class Watched(NEFTune):
    """The callback, which keeps what comes out of the embedding layer, noise included.

    Args:
        noise: as of the callback.
        embedding: the layer.
    """

    def __init__(self, noise: Noise, embedding: Any) -> None:
        super().__init__(noise)
        self.embedding = embedding
        self.training: list[Tensor] = []
        self.other: list[Tensor] = []

    def on_train_begin(self, *args: Any, **kwargs: Any) -> None:
        super().on_train_begin(*args, **kwargs)
        self.embedding.register_forward_hook(self._keep)

    def _keep(self, module: Any, args: tuple[Tensor], output: Tensor) -> None:
        """The size of what was added to each token."""
        added = (output - module.weight[args[0]]).detach().abs().amax(dim=-1)
        (self.training if torch.is_grad_enabled() else self.other).append(added)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = instructions(8)
    texts = [f"{row['instruction']} {row['output']}" for row in rows]
    return tiny_llama(tmp_path_factory.mktemp("model"), texts)


def loaded(folder: Path) -> tuple[Any, Any]:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.pad_token = tokenizer.eos_token
    return AutoModelForCausalLM.from_pretrained(folder, dtype="float32"), tokenizer


def pairs() -> Dataset:
    rows = instructions(8)
    return Dataset.from_dict(
        {
            "prompt": [row["instruction"] for row in rows],
            "chosen": [row["output"] for row in rows],
            "rejected": [row["output"][::-1] for row in rows],
        }
    )


@pytest.mark.parametrize("adapter", (False, True), ids=("full", "LoRA"))
def test_dpos_reference_pass_is_clean(folder: Path, tmp_path: Path, adapter: bool) -> None:
    from peft import LoraConfig
    from trl import DPOConfig, DPOTrainer

    model, tokenizer = loaded(folder)
    callback = Watched(Noise(20), model.get_input_embeddings())
    DPOTrainer(
        model,
        args=DPOConfig(str(tmp_path), **COMMON),
        train_dataset=pairs(),
        processing_class=tokenizer,
        peft_config=LoraConfig(target_modules=["q_proj"]) if adapter else None,
        callbacks=[callback],
    ).train()
    assert len(callback.training) == 2
    assert all(added.any() for added in callback.training)
    # Without an adapter the reference is another model.
    assert bool(callback.other) == adapter
    assert not any(added.any() for added in callback.other)


def grpo(trainer: Any, folder: Path, out: Path, **settings: Any) -> Any:
    """A GRPO trainer whose reward is the length of a completion.

    Args:
        trainer: the class.
        folder: of the model.
        out: the trainer's folder.
        settings: of the trainer.
    """
    from trl import GRPOConfig

    model, tokenizer = loaded(folder)

    def length(completions: list[str], **_: Any) -> list[float]:
        return [float(len(each)) for each in completions]

    return trainer(
        model,
        reward_funcs=length,
        args=GRPOConfig(str(out), num_generations=2, max_completion_length=6, **settings, **COMMON),
        train_dataset=pairs().select_columns(["prompt"]),
        processing_class=tokenizer,
    )


def test_grpos_rollouts_and_scores_are_clean(folder: Path, tmp_path: Path) -> None:
    from trl import GRPOTrainer

    trainer = grpo(GRPOTrainer, folder, tmp_path, beta=0.1)
    callback = Watched(Noise(20), trainer.model.get_input_embeddings())
    trainer.add_callback(callback)
    trainer.train()
    assert len(callback.training) == 2
    assert all(added.any() for added in callback.training)
    assert len(callback.other) > len(callback.training)
    assert not any(added.any() for added in callback.other)


@pytest.mark.parametrize("clean", (False, True), ids=("with noise", "within paused()"))
def test_grpos_ratio_before_an_update_is_1_without_noise_alone(
    folder: Path, tmp_path: Path, clean: bool
) -> None:
    from trl import GRPOTrainer

    class Compared(GRPOTrainer):
        """Keeps the scores of completions: first those before the update, then the training's."""

        def _get_per_token_logps_and_entropies(self, *args: Any, **kwargs: Any) -> Any:
            found = super()._get_per_token_logps_and_entropies(*args, **kwargs)
            scores.append(found[0].detach())
            return found

        def compute_loss(self, model: Any, *args: Any, **kwargs: Any) -> Any:
            with attachment.paused() if clean else nullcontext():
                return super().compute_loss(model, *args, **kwargs)

    scores: list[Tensor] = []
    # Completions that are used for several updates are scored once before them.
    trainer = grpo(Compared, folder, tmp_path, num_iterations=2)
    with attach(trainer.model, 20) as attachment:
        trainer.train()
    before, training, *_ = scores
    assert torch.allclose(before, training, atol=1e-5) is clean


def tuned(folder: Path, out: Path, **settings: Any) -> list[Tensor]:
    """The size of the noise on each token, of the two steps of a training of SFTTrainer."""
    from trl import SFTConfig, SFTTrainer

    model, tokenizer = loaded(folder)
    rows = instructions(8)
    data = Dataset.from_dict(
        {
            "prompt": [row["instruction"] for row in rows],
            "completion": [row["output"] for row in rows],
        }
    )
    # Every entry is plus or minus the scale itself.
    noise = Noise(20, distribution="bernoulli")
    callback = Watched(noise, model.get_input_embeddings())
    SFTTrainer(
        model,
        args=SFTConfig(str(out), **COMMON, **settings),
        train_dataset=data,
        processing_class=tokenizer,
        callbacks=[callback],
    ).train()
    assert len(callback.training) == 2
    return callback.training


def scale(length: int) -> float:
    return round(20 / (length * D) ** 0.5, 4)


@pytest.mark.parametrize(
    ("way", "settings"),
    (
        ("plain", {}),
        ("packed", {"packing": True, "max_length": 64}),
        ("packed, long rows split", {"packing": True, "packing_strategy": "bfd_split"}),
        ("padding-free", {"padding_free": True, "max_length": None}),
    ),
    ids=("plain", "packed", "packed, split", "padding-free"),
)
def test_sft_gives_each_sequence_its_own_noise(
    folder: Path, tmp_path: Path, way: str, settings: dict[str, Any]
) -> None:
    _, tokenizer = loaded(folder)
    texts = [f"{row['instruction']}{row['output']}" for row in instructions(8)]
    longest = 1 + max(len(tokenizer(text).input_ids) for text in texts)
    possible = {scale(length) for length in range(1, longest + 1)}
    for added in tuned(folder, tmp_path, **settings):
        found = {round(float(each), 4) for each in added.flatten() if each > 0}
        assert found
        assert found <= possible
        assert way == "plain" or len(found) > 1


def test_rows_that_are_cut_from_one_text_are_one_sequence_each(
    folder: Path, tmp_path: Path
) -> None:
    """TRL says nothing of the sequences in them, and the model's attention ignores them, too."""
    settings = {"packing": True, "packing_strategy": "wrapped", "max_length": 32}
    for added in tuned(folder, tmp_path, **settings):
        for row in added:
            found = [round(float(each), 4) for each in row if each > 0]
            assert set(found) == {scale(len(found))}
