"""transformers' noise in scores of a model in training mode, as DPO's reference with LoRA."""

import torch
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.integrations.neftune import activate_neftune

torch.manual_seed(0)
sizes = {"vocab_size": 64, "hidden_size": 64, "num_attention_heads": 2, "num_hidden_layers": 1}
model = LlamaForCausalLM(LlamaConfig(**sizes)).train()
seen = []
model.model.layers[0].register_forward_pre_hook(lambda layer, given: seen.append(given[0]))

activate_neftune(model, 5.0)
ids = torch.randint(64, (1, 20))
with torch.no_grad():
    model(input_ids=ids)
    noise = seen[0] - model.model.embed_tokens.weight[ids]
print(f"no gradients: {noise.square().mean() ** 0.5:.3f} measured, {0:.3f} right")
