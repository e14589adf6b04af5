"""What transformers' own option adds, measured, against the paper and docs/noise-scale.md."""

import math
import re
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers.integrations.neftune import activate_neftune, deactivate_neftune

from neftune import Noise, attach
from tests.neftune.models import D, llama

DOC = Path(__file__).parents[2] / "docs" / "noise-scale.md"
CASES = {
    "20 of 80 tokens, padded": ([20, 80], False),
    "5 of 80 tokens, padded": ([5, 80], False),
    "8 sequences of 20 in one packed row": ([20] * 8, True),
    "32 sequences of 64 in one packed row": ([64] * 32, True),
}


def inputs(lengths: list[int], packed: bool) -> dict[str, Tensor]:
    if packed:
        positions = torch.cat([torch.arange(n) for n in lengths])[None]
        return {"input_ids": torch.full_like(positions, 7), "position_ids": positions}
    mask = (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()
    return {"input_ids": torch.full_like(mask, 7), "attention_mask": mask}


def spread(case: str, ours: bool) -> float:
    """Root mean square of the noise on the first sequence of a case."""
    lengths, packed = CASES[case]
    model = llama().train()
    embedding = model.get_input_embeddings()
    embedding.weight.data.zero_()
    batch, outputs = inputs(lengths, packed), []
    torch.manual_seed(0)
    if ours:
        with attach(model, Noise(alpha=5)):
            hook = embedding.register_forward_hook(lambda m, i, o: outputs.append(o))
            for _ in range(40):
                model(**batch)
    else:
        theirs = activate_neftune(model, 5.0)
        hook = embedding.register_forward_hook(lambda m, i, o: outputs.append(o))
        for _ in range(40):
            model(**batch)
        deactivate_neftune(model, theirs)
    hook.remove()
    drawn = torch.stack(outputs)[:, 0, : lengths[0]]
    return drawn.square().mean().sqrt().item()


@pytest.mark.parametrize("case", CASES)
def test_ratio_to_the_papers_scale_is_what_the_document_says(case: str) -> None:
    lengths, packed = CASES[case]
    paper = 5 / math.sqrt(3 * lengths[0] * D)
    assert spread(case, ours=True) == pytest.approx(paper, rel=0.02)
    ratio = spread(case, ours=False) / paper
    whole = sum(lengths) if packed else max(lengths)
    assert ratio == pytest.approx(math.sqrt(lengths[0] / whole), rel=0.02)
    row = re.search(rf"\| {re.escape(case)} \| ([\d.]+) \|", DOC.read_text())
    assert row is not None, f"{DOC.name} has no row for: {case}"
    assert float(row[1]) == pytest.approx(ratio, abs=0.01)


def test_transformers_noises_padding_and_ours_does_not() -> None:
    batch = inputs([5, 80], packed=False)
    model = llama().train()
    embedding = model.get_input_embeddings()
    embedding.weight.data.zero_()
    padding = batch["attention_mask"] == 0
    theirs = activate_neftune(model, 5.0)
    assert torch.all(embedding(batch["input_ids"])[padding].abs().sum(-1) > 0)
    deactivate_neftune(model, theirs)
    outputs: list[Tensor] = []
    with attach(model, Noise(5)):
        hook = embedding.register_forward_hook(lambda m, i, o: outputs.append(o))
        model(**batch)
    hook.remove()
    assert torch.all(outputs[0][padding] == 0)
