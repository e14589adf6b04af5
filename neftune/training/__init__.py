"""Fine-tuning with NEFTune as in the paper: from instruction data to a checkpoint.

    from pathlib import Path

    from neftune import Noise
    from neftune.training.base_model import load_model_and_tokenizer
    from neftune.training.data import encode, load_instructions
    from neftune.training.finetune import finetune
    from neftune.training.recipe import Recipe

    recipe = Recipe(lr=5e-5, epochs=3)
    model, tokenizer = load_model_and_tokenizer("meta-llama/Llama-2-7b-hf", recipe, seed=0)
    rows = load_instructions("tatsu-lab/alpaca")
    examples = encode(rows, tokenizer, prompt="alpaca", max_length=recipe.max_length)
    finetune(model, tokenizer, examples, recipe, Noise(alpha=5), seed=0, out=Path("tuned"))

First, the base model and its tokenizer are loaded (`base_model`), in float32, or quantized with an
adapter (`qlora`). Instructions are read and checked, put into a prompt format (`prompts`) and
encoded (`data`). Then transformers' Trainer trains the model with the hyperparameters of a `Recipe`
(`finetune`), on padded or packed batches (`packing`), with noise or with FreeLB (`freelb`). The
result is a Hugging Face checkpoint with the log and the settings of the training.

    recipe.py           hyperparameters of a fine-tuning, and how it is executed
    instructions.py     instruction data: reading and checking rows
    data.py             instruction data as tokens with labels, and padded batches
    prompts.py          the prompt formats of Alpaca and Vicuna
    model_folder.py     checking a model's folder before it is loaded
    weights.py          loading exactly the weights that a configuration asks for
    base_model.py       loading a base model and its tokenizer
    finetune.py         the fine-tuning itself
    bounded_trainer.py  the Trainer in bounded memory: split passes, evaluation by tokens
    token_losses.py     losses in chunks of tokens, whatever the vocabulary
    schedule.py         the learning rate of each step
    reporting.py        the log in TensorBoard or Weights & Biases
    packing.py          packed batches, without padding
    freelb.py           FreeLB, the adversarial training of the paper's Table 12
    dropout.py          dropout in models that have none, a rival of the noise
    rivals.py           label smoothing and the second-order penalty, rivals of the noise
    qlora.py            QLoRA, the quantized fine-tuning of the paper's Table 3
    precision.py        the number format of matrix products on this machine
    compilation.py      compiled transformer blocks
    checkpoints.py      resuming a training that was interrupted
    epochs.py           keeping the weights after every epoch
    json_files.py       reading JSON files, with errors that name them
    files.py            writing files atomically
    foreign_messages.py hiding messages of other packages that tell a user nothing
"""

from neftune.training.foreign_messages import hide

# peft imports bitsandbytes, which warns that it has no faster kernel of the hub for a product of
# 4-bit weights. Nothing here needs it, and no one can act on the warning.
hide("bitsandbytes.backends.cpu.ops", "Failed to load CPU gemm_4bit_forward")
