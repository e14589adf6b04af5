"""Losses in chunks of a model that is held by two processes, whole or sharded, and in one.

python -m torch.distributed.run --nproc-per-node 2 -m tests.neftune.training.sharded_losses FOUND
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel

from neftune import Noise
from neftune.attachment import attach
from neftune.training import token_losses
from tests.neftune.models import VOCABULARY, llama

ROWS, COLUMNS, CHUNK = 4, 12, 3


def gradients(model: Any, wrapped: Any, ids: Tensor) -> list[Tensor]:
    """Whole gradients of the summed loss of some rows, with noise."""
    head = token_losses.output_head(model) if wrapped is None else wrapped[1]
    assert head is not None
    called = model if wrapped is None else wrapped[0]
    with attach(called, Noise(5), seed=3, by_sequence=True, step=0):
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        token_losses.summed_loss(called, inputs, ids, head).backward()  # type: ignore[no-untyped-call]
    found = [p.grad for p in model.parameters()]
    return [each.full_tensor() if isinstance(each, DTensor) else each for each in found]


def made(tied: bool) -> Any:
    """The same model in every process."""
    torch.manual_seed(0)
    return llama(tied).train()


def main() -> None:
    """Run on both ranks; rank 0 writes each way's largest difference to the largest gradient."""
    torch.distributed.init_process_group("gloo")
    torch.set_num_threads(1)
    token_losses.TRAINED_LOGITS = CHUNK * VOCABULARY
    rank = torch.distributed.get_rank()
    ids = torch.randint(VOCABULARY, (ROWS, COLUMNS), generator=torch.Generator().manual_seed(0))
    half = ids[rank * ROWS // 2 : (rank + 1) * ROWS // 2]
    differences: dict[str, float] = {}
    for tied in (False, True):
        expected = gradients(made(tied), None, ids)
        for way in ("replicated", "sharded"):
            model = made(tied)
            head = token_losses.output_head(model)
            if way == "sharded":
                for block in model.model.layers:
                    fully_shard(block)
            called = fully_shard(model) if way == "sharded" else DistributedDataParallel(model)
            found = gradients(model, (called, head), half)
            pairs = zip(found, expected, strict=True)
            largest = max(float(b.abs().max()) for b in expected)
            differences[f"{way}, tied {tied}"] = max(
                float((2 * a - b).abs().max()) / largest for a, b in pairs
            )
    if rank == 0:
        Path(sys.argv[1]).write_text(json.dumps(differences))
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
