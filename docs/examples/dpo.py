"""TRL's DPOTrainer with LoRA and the noise; the reference is the model without its adapter."""

from datasets import Dataset
from peft import LoraConfig
from rows import ROWS, model_name
from trl import DPOConfig, DPOTrainer

from neftune import NEFTune

pairs = [
    {"prompt": row["prompt"], "chosen": row["completion"], "rejected": " I do not know."}
    for row in ROWS
]
DPOTrainer(
    model_name(),
    args=DPOConfig("tuned", max_steps=2, per_device_train_batch_size=2, report_to=[], bf16=False),
    train_dataset=Dataset.from_list(pairs),
    peft_config=LoraConfig(task_type="CAUSAL_LM", target_modules=["q_proj", "v_proj"]),
    callbacks=[NEFTune(5)],
).train()
