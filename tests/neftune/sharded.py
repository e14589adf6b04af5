"""What attached noise does to a model that is held by two processes in a way of sharding.

python -m torch.distributed.run --nproc-per-node 2 -m tests.neftune.sharded FOUND.json fsdp1 fsdp2

Each process measures the noise where the first block of a small Llama gets its inputs: what comes
there with noise, less what comes there without. Rank 0 writes both processes' numbers, by way.
"""

import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard
from torch.distributed.fsdp.wrap import ModuleWrapPolicy
from torch.distributed.tensor import DTensor
from torch.distributed.tensor.parallel import (
    ColwiseParallel,
    RowwiseParallel,
    parallelize_module,
)
from torch.nn.parallel import DistributedDataParallel
from transformers import LlamaForCausalLM
from transformers.distributed import DistributedConfig
from transformers.models.llama.modeling_llama import LlamaDecoderLayer

from neftune import Noise
from neftune.attachment import attach, attachments_of, detach
from neftune.embeddings import pretrained_model
from neftune.noise import noise_scale
from tests.neftune.models import VOCABULARY, D, llama

ROWS, COLUMNS, ALPHA = 4, 12, 5
STEP: dict[str, Any] = {"by_sequence": True, "step": 0}


@dataclass(frozen=True)
class Way:
    """A way of sharding.

    Args:
        shard: what it makes of a model, the thing that is called.
        same_rows: whether both processes compute the same rows together.
        in_place: whether what is called holds the model that it was made of.
        backward: how the gradients of a loss are computed.
        gradients: whole ones, of all parameters in their order.
    """

    shard: Callable[[LlamaForCausalLM], Any]
    same_rows: bool = False
    in_place: bool = True
    backward: Callable[[Any, Tensor], None] = lambda called, loss: torch.autograd.backward(loss)
    gradients: Callable[[Any], list[Tensor]] = lambda called: [
        each.grad.full_tensor() if isinstance(each.grad, DTensor) else each.grad
        for each in called.parameters()
    ]


def fsdp1(
    model: LlamaForCausalLM, orig: bool, alone: frozenset[type[nn.Module]] = frozenset()
) -> Any:
    """The blocks in wrappers of their own, and layers of the types `alone` as well."""
    return FullyShardedDataParallel(
        model,
        auto_wrap_policy=ModuleWrapPolicy({LlamaDecoderLayer, *alone}),
        device_id=torch.device("cpu"),
        use_orig_params=orig,
    )


def fsdp1_gradients(called: Any) -> list[Tensor]:
    with FullyShardedDataParallel.summon_full_params(called, with_grads=True):
        return [each.grad.clone() for each in called.parameters()]


def fsdp2(model: LlamaForCausalLM) -> Any:
    for block in model.model.layers:
        fully_shard(block)
    return fully_shard(model)


def tensor_parallel(model: LlamaForCausalLM) -> Any:
    """By transformers' own plan, which shards a model as it is loaded."""
    config = DistributedConfig(tp_size=dist.get_world_size())
    with tempfile.TemporaryDirectory() as own:
        folder = [own]
        dist.broadcast_object_list(folder)
        model.save_pretrained(folder[0])  # It writes in the first process alone.
        dist.barrier()
        loaded = LlamaForCausalLM.from_pretrained(folder[0], distributed_config=config).train()
        dist.barrier()
    return loaded


def tensor_parallel_by_hand(model: LlamaForCausalLM) -> Any:
    """The feed-forward layers alone, by torch's own function."""
    mesh = init_device_mesh("cpu", (dist.get_world_size(),))
    plan = {"gate_proj": ColwiseParallel(), "up_proj": ColwiseParallel()}
    for block in model.model.layers:
        parallelize_module(block.mlp, mesh, plan | {"down_proj": RowwiseParallel()})
    return model


def zero(model: LlamaForCausalLM, stage: int) -> Any:
    import deepspeed

    config = {
        "train_micro_batch_size_per_gpu": ROWS // 2,
        # Small models would be kept whole.
        "zero_optimization": {"stage": stage, "stage3_param_persistence_threshold": 0},
        "optimizer": {"type": "AdamW", "params": {"torch_adam": True}},
    }
    return deepspeed.initialize(model=model, model_parameters=model.parameters(), config=config)[0]


def zero_gradients(called: Any) -> list[Tensor]:
    from deepspeed.utils import safe_get_full_grad

    return [safe_get_full_grad(each) for each in called.module.parameters()]


def of_stage(stage: int) -> Way:
    return Way(
        partial(zero, stage=stage),
        backward=lambda called, loss: called.backward(loss),
        gradients=zero_gradients,
    )


WAYS = {
    "ddp": Way(DistributedDataParallel),
    "fsdp1": Way(partial(fsdp1, orig=True), gradients=fsdp1_gradients),
    "fsdp1, flat parameters": Way(partial(fsdp1, orig=False), gradients=lambda called: []),
    "fsdp1, embeddings alone": Way(
        partial(fsdp1, orig=True, alone=frozenset({nn.Embedding})), gradients=fsdp1_gradients
    ),
    "fsdp2": Way(fsdp2),
    "tensor parallel": Way(tensor_parallel, same_rows=True, in_place=False),
    "tensor parallel by hand": Way(tensor_parallel_by_hand, same_rows=True),
    "zero1": of_stage(1),
    "zero2": of_stage(2),
    "zero3": of_stage(3),
}


def made() -> LlamaForCausalLM:
    """The same model in every process."""
    torch.manual_seed(0)
    return llama().train()


def batch() -> tuple[Tensor, Tensor]:
    """Ids and mask of rows of 12, 10, 8 and 6 tokens."""
    ids = torch.randint(VOCABULARY, (ROWS, COLUMNS), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    for row in range(ROWS):
        mask[row, COLUMNS - 2 * row :] = 0
    return ids, mask


def seen(called: Any, rows: slice) -> Tensor:
    """What the first block gets in a pass over some rows."""
    kept: list[Tensor] = []
    ids, mask = batch()
    block = pretrained_model(called).model.layers[0]
    hook = block.register_forward_pre_hook(lambda m, args: kept.append(args[0].detach().clone()))
    called(input_ids=ids[rows], attention_mask=mask[rows], use_cache=False)
    hook.remove()
    return kept[0]


def loss_of(called: Any, rows: slice) -> Tensor:
    """The mean over rows of each row's mean loss: that of all rows is the mean of the parts'."""
    ids, mask = (each[rows] for each in batch())
    labels = ids.masked_fill(mask.eq(0), -100)
    logits = called(input_ids=ids, attention_mask=mask, use_cache=False).logits
    losses = nn.functional.cross_entropy(logits[:, :-1].mT, labels[:, 1:], reduction="none")
    return (losses.sum(dim=1) / labels[:, 1:].ne(-100).sum(dim=1)).mean()


def relative(attached: Callable[[Noise], tuple[Any, Any]]) -> float | str:
    """The noise of `Noise.relative` by what it should be, or the error's text."""
    weight = made().model.embed_tokens.weight.detach()
    try:
        called, attachment = attached(Noise.relative(0.1, "bernoulli"))
    except ValueError as error:
        return str(error)
    with attachment:
        noisy = seen(called, slice(0, 1))
    size = (noisy - seen(called, slice(0, 1))).square().mean().sqrt()
    return float(size / (0.1 * weight.square().mean().sqrt()))


def of_a_stream(called: Any, own: slice, clean: Tensor) -> dict[str, Any]:
    """What one process sees of noise that is drawn from a stream, or why there is none."""
    signs = Noise(ALPHA, "bernoulli")  # Every entry is plus or minus the scale itself.
    rows, mask = slice(0, ROWS // 2), batch()[1][own]
    both, found = seen(called, rows), {}
    try:
        with attach(called, signs):
            noise = seen(called, own) - clean
            called.eval()
            found["evaluation"] = float((seen(called, own) - clean).abs().max())
            called.train()
            with torch.no_grad():
                found["no gradients"] = float((seen(called, own) - clean).abs().max())
        with attach(called, signs):
            drawn = seen(called, rows) - both
    except ValueError as error:
        return {"refused": str(error)}
    scale = noise_scale(ALPHA, mask.sum(dim=1, keepdim=True), D) * mask
    found["rule"] = float((noise.abs() - scale[..., None]).abs().max() / scale.max())
    found["detached"] = float((seen(called, own) - clean).abs().max())
    return found | {"signs": drawn.sign().flatten().tolist()}


def measured(way: Way) -> dict[str, Any]:
    """What one process sees."""
    start = 0 if way.same_rows else dist.get_rank() * ROWS // 2
    own = slice(start, start + ROWS // 2)
    whole, called = made(), way.shard(made())
    clean = seen(called, own)
    found: dict[str, Any] = {"stream": of_a_stream(called, own, clean)}
    with attach(whole, ALPHA, seed=3, **STEP):
        expected = seen(whole, slice(0, ROWS))[own]
        loss = loss_of(whole, own if way.same_rows else slice(0, ROWS))
        loss.backward()  # type: ignore[no-untyped-call]
    with attach(called, ALPHA, seed=3, **STEP):
        found["by sequence"] = float((seen(called, own) - expected).abs().max())
        way.backward(called, loss_of(called, own))
    found["noise by sequence"] = float((expected - clean).abs().max())
    pairs = zip(way.gradients(called), (each.grad for each in whole.parameters()), strict=False)
    found["gradients"] = [float((a - b).abs().max() / b.abs().max()) for a, b in pairs]
    found["relative"] = relative(lambda noise: (called, attach(called, noise, **STEP)))
    if way.in_place:
        found |= attached_before(way, own, clean)
    return found


def attached_before(way: Way, own: slice, clean: Tensor) -> dict[str, Any]:
    """What one process sees of noise that is attached to a model before it is sharded."""
    found: dict[str, Any] = {}

    def attached(noise: Noise) -> tuple[Any, Any]:
        model = made()
        attachment = attach(model, noise, **STEP)
        return way.shard(model), attachment

    found["relative before"] = relative(attached)
    called, _ = attached(Noise(ALPHA))
    found["attached before"] = float((seen(called, own) - clean).abs().max())
    found["attachments known"] = len(attachments_of(called))
    detach(called)
    found["detached by name"] = float((seen(called, own) - clean).abs().max())
    return found


def main() -> None:
    """Run on both ranks; rank 0 writes."""
    out, *ways = sys.argv[1:]
    if any(way.startswith("zero") for way in ways):
        import deepspeed

        deepspeed.init_distributed("gloo")
    else:
        dist.init_process_group("gloo")
    torch.set_num_threads(1)
    found = {}
    for way in ways:
        both: list[Any] = [None] * dist.get_world_size()
        dist.all_gather_object(both, measured(WAYS[way]))
        found[way] = both
    if dist.get_rank() == 0:
        Path(out).write_text(json.dumps(found))
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
