"""A training loop in plain PyTorch."""

import torch
from rows import encoded, model_name
from torch.utils.data import DataLoader
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq

from neftune import attach

tokenizer = AutoTokenizer.from_pretrained(model_name())
tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
model = AutoModelForCausalLM.from_pretrained(model_name()).train()
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5)
collate = DataCollatorForSeq2Seq(tokenizer)
with attach(model, 5) as attachment:
    for batch in DataLoader(encoded(tokenizer), batch_size=2, collate_fn=collate):
        model(**batch).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
print(attachment.first_pass())
