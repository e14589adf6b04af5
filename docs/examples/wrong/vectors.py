"""transformers' noise where the caller looks embeddings up itself: none."""

import torch
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.integrations.neftune import activate_neftune

torch.manual_seed(0)
sizes = {"vocab_size": 64, "hidden_size": 64, "num_attention_heads": 2, "num_hidden_layers": 1}
model = LlamaForCausalLM(LlamaConfig(**sizes)).train()
seen = []
model.model.layers[0].register_forward_pre_hook(lambda layer, given: seen.append(given[0]))

activate_neftune(model, 5.0)
vectors = model.model.embed_tokens.weight[torch.randint(64, (1, 20))].detach()
model(inputs_embeds=vectors)
noise = seen[0] - vectors
right = 5 / (3 * 20 * 64) ** 0.5
print(f"inputs_embeds: {noise.square().mean() ** 0.5:.3f} measured, {right:.3f} right")
