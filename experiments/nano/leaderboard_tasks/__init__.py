"""The laboratory's task files for lm-eval, and a metric that they use.

nano_*.yaml   one file for each task; `experiments/nano/leaderboard.py` writes the questions
_mmlu.yaml    the settings that the subjects of MMLU's counterpart share
mc2.py        TruthfulQA's metric mc2, which lm-eval has only for TruthfulQA itself
"""
