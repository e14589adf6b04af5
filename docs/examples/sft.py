"""TRL's SFTTrainer with the noise: padded, or as the second argument says packed, padding-free."""

import sys

from datasets import Dataset
from rows import ROWS, model_name
from trl import SFTConfig, SFTTrainer

from neftune import NEFTune

way = sys.argv[2] if len(sys.argv) > 2 else "padded"
settings = {
    "padded": {},
    "packed": {"packing": True, "max_length": 128},
    "padding-free": {"padding_free": True, "max_length": None},
}[way]
SFTTrainer(
    model_name(),
    args=SFTConfig(
        "tuned", max_steps=2, per_device_train_batch_size=2, report_to=[], bf16=False, **settings
    ),
    train_dataset=Dataset.from_list(ROWS),
    callbacks=[NEFTune(5)],
).train()
