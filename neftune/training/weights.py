"""Load a model's weights, exactly those that its configuration asks for, or refuse.

    model = load_weights("llama", dtype=torch.float32)

Without the check transformers draws missing weights at random and leaves out superfluous ones. No
code of a model is run, and no pickle is read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import AutoModelForCausalLM, PreTrainedModel

from neftune.training.model_folder import ModelFolderError

ONE_PLACE = (
    "config.json and the *.safetensors files are not of the same model; take both from one place"
)


def load_weights(source: Path | str, **settings: Any) -> PreTrainedModel:
    """Load a causal language model.

    Args:
        source: a checkpoint folder, or the name of a model on the Hugging Face hub.
        settings: of transformers' `from_pretrained`.

    Returns:
        The model.

    Raises:
        ModelFolderError: weights are missing, or have no place in the model.
    """
    model, found = AutoModelForCausalLM.from_pretrained(
        source,
        use_safetensors=True,
        trust_remote_code=False,
        output_loading_info=True,
        **settings,
    )
    for key, problem in (
        ("missing_keys", "are missing, and would be random"),
        ("unexpected_keys", "have no place in the model of its config.json"),
    ):
        names = sorted(map(str, found[key]))
        if names:
            raise ModelFolderError(
                f"{source}: {len(names)} weights {problem} ({names[0]}, …): {ONE_PLACE}"
            )
    return model
