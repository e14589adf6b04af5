"""A LightningModule with the noise, which its Trainer's hooks attach and detach."""

from typing import Any

import lightning
import torch
from rows import encoded, model_name
from torch.utils.data import DataLoader
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq

from neftune import attach, detach


class Tuned(lightning.LightningModule):
    """A language model that is fine-tuned with noise."""

    def __init__(self) -> None:
        super().__init__()
        self.model = AutoModelForCausalLM.from_pretrained(model_name())

    def on_fit_start(self) -> None:
        """Put the model into training mode, which Lightning leaves as it was loaded."""
        self.model.train()

    def on_train_start(self) -> None:
        """Attach the noise."""
        self.noise = attach(self.model, 5)

    def training_step(self, batch: Any, number: int) -> torch.Tensor:
        """The loss with noise."""
        loss: torch.Tensor = self.model(**batch).loss
        return loss

    def on_train_end(self) -> None:
        """Detach the noise, and print what its first pass was like."""
        print(self.noise.first_pass())
        detach(self.model)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW."""
        return torch.optim.AdamW(self.model.parameters(), lr=5e-5)


tokenizer = AutoTokenizer.from_pretrained(model_name())
tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
rows = DataLoader(encoded(tokenizer), batch_size=2, collate_fn=DataCollatorForSeq2Seq(tokenizer))
lightning.Trainer(max_epochs=1, accelerator="auto", logger=False).fit(Tuned(), rows)
