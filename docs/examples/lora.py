"""PEFT's LoRA with the noise; with the second argument 4bit, on a model in 4 bits (QLoRA)."""

import sys

from peft import LoraConfig, get_peft_model
from rows import encoded, model_name
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    DataCollatorForSeq2Seq,
    Trainer,
    TrainingArguments,
)

from neftune import NEFTune

quantized = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")
base = AutoModelForCausalLM.from_pretrained(
    model_name(), quantization_config=quantized if "4bit" in sys.argv else None
)
model = get_peft_model(base, LoraConfig(target_modules=["q_proj", "v_proj"]))
tokenizer = AutoTokenizer.from_pretrained(model_name())
tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
Trainer(
    model,
    TrainingArguments("tuned", max_steps=2, per_device_train_batch_size=2, report_to=[]),
    train_dataset=encoded(tokenizer),
    data_collator=DataCollatorForSeq2Seq(tokenizer),
    callbacks=[NEFTune(5)],
).train()
