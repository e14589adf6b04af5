"""transformers' noise in Gemma 3: beside embeddings times sqrt(d) = 8, it is not times 8."""

import torch
from transformers import Gemma3ForCausalLM, Gemma3TextConfig
from transformers.integrations.neftune import activate_neftune

torch.manual_seed(0)
sizes = {"vocab_size": 64, "hidden_size": 64, "num_attention_heads": 2, "num_hidden_layers": 1}
model = Gemma3ForCausalLM(Gemma3TextConfig(**sizes, num_key_value_heads=2, head_dim=32)).train()
seen = []
model.model.layers[0].register_forward_pre_hook(lambda layer, given: seen.append(given[0]))

activate_neftune(model, 5.0)
ids = torch.randint(64, (1, 20))
model(input_ids=ids)
noise = seen[0] - 8 * model.model.embed_tokens.weight[ids]
right = 8 * 5 / (3 * 20 * 64) ** 0.5
print(f"Gemma 3: {noise.square().mean() ** 0.5:.3f} measured, {right:.3f} right")
