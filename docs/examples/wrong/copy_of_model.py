"""transformers' noise in a copy, such as an average of weights, after the training."""

import copy

import torch
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.integrations.neftune import activate_neftune, deactivate_neftune

torch.manual_seed(0)
sizes = {"vocab_size": 64, "hidden_size": 64, "num_attention_heads": 2, "num_hidden_layers": 1}
model = LlamaForCausalLM(LlamaConfig(**sizes)).train()
hook = activate_neftune(model, 5.0)
other = copy.deepcopy(model)
deactivate_neftune(model, hook)
seen = []
other.model.layers[0].register_forward_pre_hook(lambda layer, given: seen.append(given[0]))
ids = torch.randint(64, (1, 20))
other(input_ids=ids)
noise = seen[0] - other.model.embed_tokens.weight[ids]
print(f"copy: {noise.square().mean() ** 0.5:.3f} measured, {0:.3f} right")
