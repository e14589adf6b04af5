"""transformers' Trainer with the noise: one callback."""

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
Trainer(
    AutoModelForCausalLM.from_pretrained(model_name()),
    TrainingArguments("tuned", max_steps=2, per_device_train_batch_size=2, report_to=[]),
    train_dataset=encoded(tokenizer),
    data_collator=DataCollatorForSeq2Seq(tokenizer),
    callbacks=[NEFTune(5)],
).train()
