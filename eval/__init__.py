"""Evaluation of a model: its responses, AlpacaEval win rates, and Open LLM Leaderboard scores.

decoding.py         how responses are decoded
generation.py       fast decoding of many prompts at once
responses.py        a model's responses to instructions, in AlpacaEval's format
alpaca.py           win rates against reference answers, by the alpaca-eval package
judge_config.py     reading the configuration of a judge
judge_check.py      whether a judge will answer, asked within seconds
judge_api.py        judges behind an OpenAI-compatible API
leaderboard.py      scores on the leaderboard's tasks, by the lm-eval package
losses.py           the loss of each example without noise
"""
