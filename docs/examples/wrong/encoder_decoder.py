"""transformers' noise in BART: none, as its stacks read embedding layers of their own."""

import torch
from transformers import BartConfig, BartForConditionalGeneration
from transformers.integrations.neftune import activate_neftune

torch.manual_seed(0)
sizes = {"vocab_size": 64, "d_model": 64, "encoder_layers": 1, "decoder_layers": 1}
model = BartForConditionalGeneration(BartConfig(**sizes, scale_embedding=False)).train()
seen = []
norm = model.model.encoder.layernorm_embedding  # what comes before the first layer
norm.register_forward_pre_hook(lambda layer, given: seen.append(given[0]))
ids = torch.randint(3, 64, (1, 20))
model(input_ids=ids, labels=ids)
activate_neftune(model, 5.0)
model(input_ids=ids, labels=ids)
noise = seen[1] - seen[0]
right = 5 / (3 * 20 * 64) ** 0.5
print(f"BART: {noise.square().mean() ** 0.5:.3f} measured, {right:.3f} right")
