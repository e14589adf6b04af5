"""transformers' noise in a training after one that raised an error: twice, sqrt(2) as large."""

import torch
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments

torch.manual_seed(0)
sizes = {"vocab_size": 64, "hidden_size": 64, "num_attention_heads": 2, "num_hidden_layers": 1}
model = LlamaForCausalLM(LlamaConfig(**sizes))
ids, seen = torch.randint(64, (20,)), []
arguments = TrainingArguments(max_steps=1, learning_rate=0.0, save_strategy="no", use_cpu=True)
arguments.neftune_noise_alpha = 5.0
trainer = Trainer(model, arguments, train_dataset=[{"input_ids": ids, "labels": ids}])
broken = model.lm_head.register_forward_pre_hook(lambda *_: 1 / 0)
try:
    trainer.train()
except ZeroDivisionError:
    broken.remove()
model.model.layers[0].register_forward_pre_hook(lambda layer, given: seen.append(given[0]))
trainer.train()
noise = seen[0] - model.model.embed_tokens.weight[ids]
right = 5 / (3 * 20 * 64) ** 0.5
print(f"second training: {noise.square().mean() ** 0.5:.3f} measured, {right:.3f} right")
