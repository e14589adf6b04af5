"""The numbers that the paper publishes, table by table (Jain et al., ICLR 2024, arXiv 2310.05914).

    TABLE_1["+NEFT"]["alpaca"]                           # 64.69
    TABLE_6["+Uniform 5"]["alpaca"]                      # (62.55, 1061.89): win rate, characters

Every published number that a table, a figure or a claim of this repository shows is written here
and nowhere else. Rows carry the paper's names; columns are the roles of instruction sets and models
(`experiments/roles/`). Win rates are per cent. A number that the paper itself prints in two tables
is written once and referred to the second time.
"""

from __future__ import annotations

ALPHA_GRID = (5.0, 10.0, 15.0)
"""The values over which the paper tunes alpha."""

EXAMPLES = {
    "alpaca": 52_002,
    "evol-instruct": 70_000,
    "sharegpt": 70_000,
    "open-platypus": 25_000,
}
"""Section 3: rows of each instruction set."""

LEARNING_RATE = 5e-5
"""Appendix A.1: of full fine-tuning, 7B and 13B."""

INSTRUCTIONS = 805
"""Instructions of AlpacaEval."""

TABLE_1 = {
    "LLaMA-2 7B": {
        "alpaca": 29.79,
        "evol-instruct": 70.34,
        "sharegpt": 68.74,
        "open-platypus": 62.00,
        "average": 57.71,
    },
    "+NEFT": {
        "alpaca": 64.69,
        "evol-instruct": 79.60,
        "sharegpt": 76.28,
        "open-platypus": 70.61,
        "average": 72.80,
    },
}
"""AlpacaEval win rate against text-davinci-003, GPT-4 judge, LLaMA-2 7B."""

TABLE_2 = {
    "Evol-Instruct": {
        "llama-2-7b": TABLE_1["LLaMA-2 7B"]["evol-instruct"],
        "llama-2-chat-7b": 74.44,
        "llama-2-13b": 72.61,
        "llama-2-70b": 75.03,
    },
    "+NEFT": {
        "llama-2-7b": TABLE_1["+NEFT"]["evol-instruct"],
        "llama-2-chat-7b": 81.74,
        "llama-2-13b": 82.04,
        "llama-2-70b": 88.81,
    },
    "before fine-tuning": {"llama-2-chat-7b": 71.37},
}
"""Win rate by the GPT-4 judge of further models fine-tuned on Evol-Instruct; the last row is the
table's note, a number of the public leaderboard."""

TABLE_3 = {
    "Base": {
        ("llama-2-7b", "alpaca"): 26.71,
        ("llama-2-7b", "evol-instruct"): 52.80,
        ("llama-2-13b", "alpaca"): 31.99,
        ("llama-2-13b", "evol-instruct"): 56.96,
        ("llama-1-30b", "alpaca"): 41.06,
    },
    "+NEFT alpha 5": {
        ("llama-2-7b", "alpaca"): 31.43,
        ("llama-2-7b", "evol-instruct"): 56.96,
        ("llama-2-13b", "alpaca"): 38.20,
        ("llama-2-13b", "evol-instruct"): 60.99,
        ("llama-1-30b", "alpaca"): 41.12,
    },
    "+NEFT alpha 10": {
        ("llama-2-7b", "alpaca"): 28.57,
        ("llama-2-7b", "evol-instruct"): 54.84,
        ("llama-2-13b", "alpaca"): 41.55,
        ("llama-2-13b", "evol-instruct"): 61.30,
        ("llama-1-30b", "alpaca"): 43.11,
    },
    "+NEFT alpha 15": {
        ("llama-2-7b", "alpaca"): 29.01,
        ("llama-2-7b", "evol-instruct"): 57.27,
        ("llama-2-13b", "alpaca"): 42.17,
        ("llama-2-13b", "evol-instruct"): 57.39,
        ("llama-1-30b", "alpaca"): 41.99,
    },
}
"""QLoRA: win rate by the ChatGPT judge, by base model and instruction set."""

TABLE_4 = {
    "training data": {
        "characters": {
            "alpaca": 270.31,
            "evol-instruct": 1356.43,
            "sharegpt": 1276.76,
            "open-platypus": 649.39,
        },
    },
    "LLaMA-2 7B": {
        "characters": {
            "alpaca": 375.22,
            "evol-instruct": 864.06,
            "sharegpt": 1011.28,
            "open-platypus": 1100.98,
        },
        "words": {
            "alpaca": 60.5,
            "evol-instruct": 138.99,
            "sharegpt": 161.04,
            "open-platypus": 170.41,
        },
        "2-gram repetition": {
            "alpaca": 1.49,
            "evol-instruct": 3.87,
            "sharegpt": 4.82,
            "open-platypus": 2.73,
        },
        "log-diversity": {
            "alpaca": 15.97,
            "evol-instruct": 10.65,
            "sharegpt": 8.40,
            "open-platypus": 9.96,
        },
    },
    "+NEFT": {
        "characters": {
            "alpaca": 1061.89,
            "evol-instruct": 1403.59,
            "sharegpt": 1496.86,
            "open-platypus": 1694.26,
        },
        "words": {
            "alpaca": 169.36,
            "evol-instruct": 225.56,
            "sharegpt": 234.99,
            "open-platypus": 264.12,
        },
        "2-gram repetition": {
            "alpaca": 1.72,
            "evol-instruct": 3.79,
            "sharegpt": 4.58,
            "open-platypus": 3.21,
        },
        "log-diversity": {
            "alpaca": 16.41,
            "evol-instruct": 10.77,
            "sharegpt": 8.60,
            "open-platypus": 9.64,
        },
    },
}
"""Length, repetition (per cent) and diversity of the answers, LLaMA-2 7B."""

TABLE_4_WORDS = {"alpaca": 50, "evol-instruct": 100, "sharegpt": 150, "open-platypus": 150}
"""How many words of each answer Table 4 looks at."""

TABLE_5 = {
    "NEFT": (61.99, 1058.46),
    "Long + Comprehensive": (48.01, 620.74),
    "Long": (44.84, 614.21),
    "Comprehensive": (42.14, 494.85),
    "Min new tokens": (38.58, 1110.97),
    "Alpaca-7B": (32.36, TABLE_4["LLaMA-2 7B"]["characters"]["alpaca"]),
}
"""LLaMA-1 7B on Alpaca, GPT-4 judge: win rate and mean characters."""

TABLE_6 = {
    "LLaMA-2 7B": {
        "alpaca": (48.26, TABLE_4["LLaMA-2 7B"]["characters"]["alpaca"]),
        "evol-instruct": (62.55, TABLE_4["LLaMA-2 7B"]["characters"]["evol-instruct"]),
        "open-platypus": (57.20, TABLE_4["LLaMA-2 7B"]["characters"]["open-platypus"]),
    },
    "+Uniform 5": {
        "alpaca": (62.55, TABLE_4["+NEFT"]["characters"]["alpaca"]),
        "evol-instruct": (67.58, TABLE_4["+NEFT"]["characters"]["evol-instruct"]),
        "open-platypus": (60.99, 1428.31),
    },
    "+Uniform 10": {
        "alpaca": (61.18, 1009.94),
        "evol-instruct": (65.59, 1696.88),
        "open-platypus": (60.62, 1833.85),
    },
    "+Uniform 15": {
        "alpaca": (61.86, 819.61),
        "evol-instruct": (66.58, 1650.65),
        "open-platypus": (61.74, TABLE_4["+NEFT"]["characters"]["open-platypus"]),
    },
    "+Gaussian 5": {
        "alpaca": (60.93, 1371.32),
        "evol-instruct": (65.09, 2065.75),
        "open-platypus": (59.13, 2060.92),
    },
}
"""LLaMA-2 7B, ChatGPT judge: win rate and mean characters."""

TABLE_7_ALPHA = {"alpaca": 5.0, "evol-instruct": 5.0, "sharegpt": 10.0, "open-platypus": 15.0}
"""The alphas of Table 1; Table 7 is Table 1 with them."""

TABLE_8 = {
    "opt-6.7b": {"alpaca": 15.0, "evol-instruct": 15.0, "open-platypus": 5.0, "sharegpt": 15.0},
    "llama-1-7b": {"alpaca": 10.0, "evol-instruct": 10.0, "open-platypus": 15.0, "sharegpt": 10.0},
    "llama-2-7b": {"alpaca": 5.0, "evol-instruct": 5.0, "open-platypus": 15.0, "sharegpt": 15.0},
}
"""The alpha used for each model and instruction set in Figures 2 and 3."""

TABLE_9_ALPHA = {
    "llama-2-7b": 5.0,
    "llama-2-chat-7b": 5.0,
    "llama-2-13b": 5.0,
    "llama-2-70b": 15.0,
}
"""The alphas of Table 2; Table 9 is Table 2 with them."""

TABLE_10 = {
    "greedy": (
        TABLE_6["LLaMA-2 7B"]["evol-instruct"][0],
        TABLE_6["+Uniform 5"]["evol-instruct"][0],
    ),
    "HP 0": (63.11, 66.83),
    "HP 1": (62.48, 66.71),
    "WizardLM": (62.05, 66.96),
    "LLaMA-2": (63.73, 65.47),
}
"""Decoding strategies, LLaMA-2 7B on Evol-Instruct, ChatGPT judge: without and with noise."""

TABLE_10_GPT_4 = {
    "greedy": (TABLE_1["LLaMA-2 7B"]["evol-instruct"], TABLE_1["+NEFT"]["evol-instruct"]),
    "LLaMA-2": (70.49, None),
}
"""The numbers by the GPT-4 judge that Table 10 gives in parentheses."""

TABLE_11 = {
    "standard fine-tuning": TABLE_6["LLaMA-2 7B"]["alpaca"][0],
    "NEFT": TABLE_6["+Uniform 5"]["alpaca"][0],
    "NEFT, embedding frozen": 61.06,
    "NEFT, LM head frozen": 61.12,
    "NEFT, attention frozen": 22.17,
    "no fine-tuning": 22.17,
}
"""Which parts train, LLaMA-2 7B on Alpaca, ChatGPT judge."""

TABLE_12 = {"LLaMA-1 7B": 62.30, "+NEFT": 67.45, "+FreeLB (tuned)": 63.48}
"""Against FreeLB, LLaMA-1 7B on Evol-Instruct, ChatGPT judge."""

TABLE_13 = {512: (63.48, 64.22), 1024: (61.68, 64.35)}
"""By the tokens of a piece of a conversation, LLaMA-2 7B on ShareGPT, ChatGPT judge: without and
with noise."""

TABLE_14 = {
    1: (40.50, 55.09),
    3: (TABLE_6["LLaMA-2 7B"]["alpaca"][0], TABLE_6["+Uniform 5"]["alpaca"][0]),
    5: (48.94, 62.24),
    7: (48.63, 60.50),
    9: (47.45, 58.14),
}
"""By epochs, LLaMA-2 7B on Alpaca, ChatGPT judge: without and with noise."""

FIGURE_6 = "none up to alpha 15, some from 25 on"
"""At which alphas tokens flip."""

FIGURE_8_LARGEST_SHARE = 0.4
"""The largest share of the vocabulary that flips, per cent of 32,000 tokens."""

HUMAN_STUDY = {"pairs": 140, "wins": 88, "draws": 22, "losses": 30, "win score": 74.6}
"""People's preferences between LLaMA-2 7B on Alpaca with and without noise; the win score is
wins / (pairs - draws)."""

HUMAN_STUDY_GPT_4 = 92.80
"""GPT-4's win score on the same pairs."""

PAPER_ON_PUBLIC_MODELS = {
    "alpaca-7b": {
        "table": "Table 5",
        "win_rate": TABLE_5["Alpaca-7B"][0],
        "characters": TABLE_5["Alpaca-7B"][1],
    },
    "alpaca-7b-neft": {
        "table": "Table 5",
        "win_rate": TABLE_5["NEFT"][0],
        "characters": TABLE_5["NEFT"][1],
    },
    "llama-2-7b-chat-hf": {
        "table": "Table 2, note",
        "win_rate": TABLE_2["before fine-tuning"]["llama-2-chat-7b"],
    },
    "llama-2-chat-7b-evol70k-neft": {
        "table": "Table 2",
        "win_rate": TABLE_2["+NEFT"]["llama-2-chat-7b"],
    },
}
"""What the paper gives for models that resemble the public ones. The public `alpaca-7b` is
Stanford's model and not the paper's own baseline."""
