"""Scales: what is trained, with which hyperparameters, on which data.

    scale = SCALES["nano"]
    scale.recipe("llama-2-7b", ALPACA)                   # the hyperparameters of one fine-tuning
    scale.rows(ALPACA, "train")

Every table and figure is made at every scale by the same code. `nano` is the embedded laboratory;
`small` has models that one GPU fine-tunes; `paper` is the paper's own setting.

scale.py             what a scale is, and the one place that resolves recipe and execution
nano.py              the laboratory
paper.py             the paper's models, data and judges
small.py             the same with small models
registry.py          the scales by name
fetch.py             models and data from the hub, or from local files
hub.py               asking the hub, once and within seconds
packages.py          models and data that packages of the package index carry
memory.py            what a fine-tuning takes of memory
real_sets.py         the real instruction sets and AlpacaEval's instructions
real_leaderboard.py  the 2023 Open LLM Leaderboard
"""
