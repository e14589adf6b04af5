"""transformers' noise in a padded batch: too little for the short sequence, some on padding."""

import torch
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.integrations.neftune import activate_neftune

torch.manual_seed(0)
sizes = {"vocab_size": 64, "hidden_size": 64, "num_attention_heads": 2, "num_hidden_layers": 1}
model = LlamaForCausalLM(LlamaConfig(**sizes)).train()
seen = []
model.model.layers[0].register_forward_pre_hook(lambda layer, given: seen.append(given[0]))

activate_neftune(model, 5.0)
ids = torch.randint(64, (2, 160))
mask = torch.ones_like(ids)
mask[0, 20:] = 0  # 20 tokens beside 160
model(input_ids=ids, attention_mask=mask)
noise = (seen[0] - model.model.embed_tokens.weight[ids])[0]
right = 5 / (3 * 20 * 64) ** 0.5
print(f"20 tokens: {noise[:20].square().mean() ** 0.5:.3f} measured, {right:.3f} right")
print(f"padding: {noise[20:].square().mean() ** 0.5:.3f} measured, {0:.3f} right")
