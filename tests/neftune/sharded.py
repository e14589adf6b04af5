"""One step of a model sharded over two processes, against the same step in one.

python -m torch.distributed.run --nproc-per-node 2 -m tests.neftune.sharded FOUND.json
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor

from neftune import Noise
from neftune.attachment import attach
from tests.neftune.models import VOCABULARY, llama

ROWS, COLUMNS = 4, 12


def step(model: Any, ids: torch.Tensor, mask: torch.Tensor, alpha: float) -> float:
    """Backward of the mean loss over the rows; returns it."""
    with attach(model.train(), Noise(alpha), seed=3, by_sequence=True) as attachment:
        attachment.step = 5
        labels = ids.masked_fill(mask.eq(0), -100)
        loss = sum(
            model(input_ids=i[None], attention_mask=m[None], labels=target[None]).loss
            for i, m, target in zip(ids, mask, labels, strict=True)
        ) / len(ids)
        loss.backward()
    return float(loss.detach())


def full(gradient: torch.Tensor) -> torch.Tensor:
    """A sharded gradient as a whole one."""
    return gradient.full_tensor() if isinstance(gradient, DTensor) else gradient


def main() -> None:
    """Run on both ranks; rank 0 writes."""
    torch.distributed.init_process_group("gloo")
    torch.set_num_threads(1)
    rank = torch.distributed.get_rank()
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(VOCABULARY, (ROWS, COLUMNS), generator=generator)
    mask = torch.ones_like(ids)
    for row in range(ROWS):
        mask[row, COLUMNS - 2 * row :] = 0

    torch.manual_seed(0)
    whole = llama()
    torch.manual_seed(0)
    model = llama()
    for block in model.model.layers:
        fully_shard(block)
    fully_shard(model)

    clean = step(whole, ids, mask, 0)
    whole.zero_grad()
    loss_of_one = step(whole, ids, mask, 20)
    half = slice(rank * ROWS // 2, (rank + 1) * ROWS // 2)
    loss = torch.tensor(step(model, ids[half], mask[half], 20))
    torch.distributed.all_reduce(loss)
    pairs = [
        (full(ours.grad), theirs.grad)
        for ours, theirs in zip(model.parameters(), whole.parameters(), strict=True)
    ]
    found = {
        "parameters": len(pairs),
        "sharded parameters": sum(isinstance(p, DTensor) for p in model.parameters()),
        "loss of one": loss_of_one,
        "loss of two": float(loss) / 2,
        "loss without noise": clean,
        "largest difference of gradients": max(float((a - b).abs().max()) for a, b in pairs),
        "largest gradient": max(float(b.abs().max()) for _, b in pairs),
    }
    if rank == 0:
        Path(sys.argv[1]).write_text(json.dumps(found))
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
