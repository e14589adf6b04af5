"""transformers' noise in a packed row: that of the row's length, not of each sequence's."""

import torch
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.integrations.neftune import activate_neftune

torch.manual_seed(0)
sizes = {"vocab_size": 64, "hidden_size": 64, "num_attention_heads": 2, "num_hidden_layers": 1}
model = LlamaForCausalLM(LlamaConfig(**sizes)).train()
seen = []
model.model.layers[0].register_forward_pre_hook(lambda layer, given: seen.append(given[0]))

activate_neftune(model, 5.0)
ids = torch.randint(64, (1, 160))
positions = torch.arange(20).repeat(8)[None]  # eight sequences of 20 tokens
model(input_ids=ids, position_ids=positions)
noise = seen[0] - model.model.embed_tokens.weight[ids]
right = 5 / (3 * 20 * 64) ** 0.5
print(f"packed: {noise.square().mean() ** 0.5:.3f} measured, {right:.3f} right")
