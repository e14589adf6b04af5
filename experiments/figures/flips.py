"""Figures 6, 8 and 9: which tokens the noise turns into others.

make figure6            make figure8            make figure9
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from analysis.embeddings import embedding_of, flip_shares, flipped_to, flips, noise_to_gap
from analysis.intervals import mean_estimate
from analysis.plots import curves
from experiments.artifact import Artifact, Data, Record
from experiments.study import Study
from neftune.spec import Noise

ALPHAS = (1.0, 5.0, 10.0, 15.0, 25.0, 50.0, 75.0, 100.0)
LENGTHS = (16, 32, 64, 128, 256, 512)
SEED = 0


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(SEED)


def _training_tokens(study: Study, folder: str) -> list[list[int]]:
    """The Alpaca set's training examples as one model's token ids."""
    from transformers import AutoTokenizer

    from neftune.data import checked, encode

    tokenizer = AutoTokenizer.from_pretrained(folder)
    rows = checked(study.scale.rows("alpaca", "train"), "alpaca")
    return [example["input_ids"] for example in encode(rows, tokenizer, "alpaca", 512)]


def _no_records(study: Study) -> list[Record]:
    return []


def flips_by_alpha(study: Study) -> Data:
    """Figure 6: per base model and alpha, the mean share of flipped tokens of a sequence."""
    points: dict[str, list[dict[str, float]]] = {}
    gaps: dict[str, float] = {}
    for role in study.scale.models:
        folder = study.scale.base(role)
        weights = embedding_of(str(folder))
        sequences = _training_tokens(study, str(folder))
        gaps[role] = round(noise_to_gap(weights, 15.0, 60), 4)
        for alpha in ALPHAS:
            shares = flip_shares(weights, sequences, Noise(alpha), _generator())
            estimate = mean_estimate(shares)
            points.setdefault(role, []).append({"x": alpha, **vars(estimate)})
    return {"points": points, "noise to half gap at alpha 15": gaps}


def flips_by_length(study: Study) -> Data:
    """Figure 8: how many of the whole vocabulary flip, by alpha and sequence length."""
    weights = embedding_of(str(study.scale.base("llama-2-7b")))
    ids = torch.arange(len(weights))
    points: dict[str, list[dict[str, float]]] = {}
    for length in LENGTHS:
        for alpha in ALPHAS:
            count = float(flips(weights, ids, length, Noise(alpha), _generator()).sum())
            share = 100 * count / len(ids)
            point = {"x": alpha, "value": share, "low": share, "high": share, "count": count}
            points.setdefault(f"L = {length}", []).append(point)
    return {"points": points}


def flipped_tokens(study: Study) -> Data:
    """Figure 9: at which alpha tokens first flip, and into what; the paper's setting too."""
    from transformers import AutoTokenizer

    folder = str(study.scale.base("llama-2-7b"))
    weights, tokenizer = embedding_of(folder), AutoTokenizer.from_pretrained(folder)
    ids = torch.arange(len(weights))
    found: list[dict[str, Any]] = []
    for alpha, length in ((1.0, 512), (15.0, 16), (50.0, 16), (100.0, 16)):
        to = flipped_to(weights, ids, length, Noise(alpha), _generator())
        pairs = [
            [tokenizer.decode([int(i)]), tokenizer.decode([int(to[i])])] for i in ids[to.ne(ids)]
        ]
        found.append({"alpha": alpha, "length": length, "flipped": len(pairs), "first": pairs[:12]})
    return {"settings": found, "norms": np.round(weights.norm(dim=1).numpy(), 3).tolist()}


def point_rows(data: Data) -> list[list[str]]:
    """Points as a table: a row a line, a column an alpha."""
    lines = data["points"]
    xs = [point["x"] for point in next(iter(lines.values()))]
    rows = [["share of tokens that flip, %", *(f"alpha {x:g}" for x in xs)]]
    for name, points in lines.items():
        rows.append([name, *(f"{point['value']:.2f}" for point in points)])
    return rows


def token_rows(data: Data) -> list[list[str]]:
    """The flipped tokens as a table."""
    rows = [["alpha", "L", "tokens that flip", "the first of them"]]
    for setting in data["settings"]:
        told = ", ".join(f"`{a}` to `{b}`" for a, b in setting["first"]).replace("|", "\\|")
        told = told.replace("\n", "\\n")
        rows.append(
            [f"{setting['alpha']:g}", str(setting["length"]), str(setting["flipped"]), told]
        )
    return rows


def _draw_points(label: str) -> Any:
    def draw(data: Data, title: str) -> Figure:
        return curves({label: data["points"]}, title, "alpha", "tokens that flip, %", log=True)

    return draw


def _draw_norms(data: Data, title: str) -> Figure:
    from analysis.plots import histograms

    settings: Sequence[dict[str, Any]] = data["settings"]
    counts = "; ".join(f"alpha {s['alpha']:g}, L {s['length']}: {s['flipped']}" for s in settings)
    panels = {f"tokens that flip at {counts}": {"embeddings": data["norms"]}}
    return histograms(panels, title, "norm of a token's embedding")


FIGURE_6 = Artifact(
    "figure6",
    "Figure 6: tokens of a sentence that noise turns into others",
    "The share of the tokens of each Alpaca training example whose noisy embedding is nearest to "
    "another token's, for every base model. Published: none up to alpha 15, some from 25 on.",
    seeds=1,
    needs=_no_records,
    data=flips_by_alpha,
    rows=point_rows,
    draw=_draw_points("Alpaca training examples"),
)
FIGURE_8 = Artifact(
    "figure8",
    "Figure 8: flips over the whole vocabulary, by alpha and sequence length",
    "LLaMA-2 7B's embedding, all 2,048 tokens, one draw of the noise. Published: at most 0.4% of "
    "32,000.",
    seeds=1,
    needs=_no_records,
    data=flips_by_length,
    rows=point_rows,
    draw=_draw_points("whole vocabulary"),
)
FIGURE_9 = Artifact(
    "figure9",
    "Figure 9: which tokens flip",
    "LLaMA-2 7B's embedding. The paper lists the tokens that flip at alpha 1 and L 512; here none "
    "does, so larger noise on short sequences is shown too.",
    seeds=1,
    needs=_no_records,
    data=flipped_tokens,
    rows=token_rows,
    draw=_draw_norms,
)
