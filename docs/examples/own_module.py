"""A model that is not transformers', such as litgpt's: three lines where it embeds."""

import torch
from rows import encoded, model_name
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import AutoTokenizer, DataCollatorForSeq2Seq

from neftune import Noise, sample, sequence_lengths

NOISE = Noise(5)
GENERATOR = torch.Generator().manual_seed(0)
"""Of its own, so that all else is drawn as without noise."""


class Recurrent(nn.Module):
    """A recurrent language model."""

    def __init__(self, vocabulary: int, width: int = 32) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.layer = nn.GRU(width, width, batch_first=True)
        self.head = nn.Linear(width, vocabulary)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """The logits of the tokens that follow `ids`; `mask` is 0 on padding."""
        read = self.embedding(ids)
        if self.training and torch.is_grad_enabled():
            lengths = sequence_lengths(ids.shape, mask)
            read = read + sample(NOISE, read.shape[-1], lengths, GENERATOR, read.dtype)
        found: Tensor = self.head(self.layer(read)[0])
        return found


tokenizer = AutoTokenizer.from_pretrained(model_name())
tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
model = Recurrent(len(tokenizer)).train()
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
collate = DataCollatorForSeq2Seq(tokenizer)


def loss_of(batch: dict[str, Tensor]) -> Tensor:
    """The mean loss of a batch, in nats a token."""
    logits = model(batch["input_ids"], batch["attention_mask"])
    return nn.functional.cross_entropy(
        logits[:, :-1].flatten(0, 1), batch["labels"][:, 1:].flatten()
    )


for batch in DataLoader(encoded(tokenizer), batch_size=2, collate_fn=collate):
    loss = loss_of(batch)
    with torch.no_grad():
        clean = loss_of(batch)
    print(f"loss with noise {loss:.5f}, without {clean:.5f}")
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
