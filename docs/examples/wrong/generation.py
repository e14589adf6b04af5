"""transformers' noise while a model in training mode generates, as in rollouts."""

import torch
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.integrations.neftune import activate_neftune

torch.manual_seed(0)
sizes = {"vocab_size": 64, "hidden_size": 64, "num_attention_heads": 2, "num_hidden_layers": 1}
model = LlamaForCausalLM(LlamaConfig(**sizes)).train()
seen = []
model.model.layers[0].register_forward_pre_hook(lambda layer, given: seen.append(given[0]))

activate_neftune(model, 5.0)
ids = torch.randint(3, 64, (1, 20))
written = model.generate(ids, max_new_tokens=2, do_sample=False, pad_token_id=0)
weights = model.model.embed_tokens.weight
for name, vectors, tokens in (("prompt", seen[0], ids), ("next token", seen[1], written[:, 20:21])):
    noise = vectors - weights[tokens]
    print(f"{name}: {noise.square().mean() ** 0.5:.3f} measured, {0:.3f} right")
