"""A training loop with accelerate: the noise is attached to the prepared model."""

import torch
from accelerate import Accelerator
from rows import encoded, model_name
from torch.utils.data import DataLoader
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq

from neftune import attach

accelerator = Accelerator()
tokenizer = AutoTokenizer.from_pretrained(model_name())
tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
model = AutoModelForCausalLM.from_pretrained(model_name())
model, optimizer, batches = accelerator.prepare(
    model,
    torch.optim.AdamW(model.parameters(), lr=5e-5),
    DataLoader(encoded(tokenizer), batch_size=2, collate_fn=DataCollatorForSeq2Seq(tokenizer)),
)
model.train()
with attach(model, 5) as attachment:
    for batch in batches:
        loss = model(**batch).loss
        accelerator.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
print(attachment.first_pass())
