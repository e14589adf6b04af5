"""transformers' Trainer with the noise: one callback. Its evaluations have no noise."""

from rows import encoded, model_name
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    Trainer,
    TrainingArguments,
)

from neftune import NEFTune

tokenizer = AutoTokenizer.from_pretrained(model_name())
tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
rows = encoded(tokenizer)
Trainer(
    AutoModelForCausalLM.from_pretrained(model_name()),
    TrainingArguments(
        "tuned",
        max_steps=2,
        per_device_train_batch_size=2,
        logging_steps=1,
        eval_strategy="steps",
        report_to=[],
    ),
    train_dataset=rows[:3],
    # The logged `loss` has noise and cannot be compared with that of a training without it; these
    # losses can.
    eval_dataset={"train": rows[:3], "held_out": rows[3:]},
    data_collator=DataCollatorForSeq2Seq(tokenizer),
    callbacks=[NEFTune(5)],
).train()
