"""SymNoise: each batch with noise of -1 and 1, and with the same noise negated."""

from typing import Any

from rows import encoded, model_name
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    Trainer,
    TrainingArguments,
)

from neftune import NEFTune, Noise, attachments_of


class OfBothSigns(Trainer):
    """A Trainer whose loss is the mean over the noise and its opposite."""

    def compute_loss(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The loss of two passes, in training alone."""
        loss = super().compute_loss(model, dict(inputs), *args, **kwargs)
        if not model.training:
            return loss
        (attachment,) = attachments_of(model)
        with attachment.opposite():
            return (loss + super().compute_loss(model, dict(inputs), *args, **kwargs)) / 2


tokenizer = AutoTokenizer.from_pretrained(model_name())
tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
OfBothSigns(
    AutoModelForCausalLM.from_pretrained(model_name()),
    TrainingArguments("tuned", max_steps=2, per_device_train_batch_size=2, report_to=[]),
    train_dataset=encoded(tokenizer),
    data_collator=DataCollatorForSeq2Seq(tokenizer),
    callbacks=[NEFTune(Noise(5, "bernoulli"))],
).train()
