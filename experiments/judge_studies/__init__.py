"""What the laboratory's judges are set by, and what they are like: the tables of docs/judges.md.

    python -m experiments.judge_studies.agreement        # a module prints its tables

No model is needed: answers are written by rule, and the real judges' verdicts are public.

preference.py  the length preference of GPT-4's public verdicts, fitted
agreement.py   how often the judges are right, beside how often GPT-4 and ChatGPT are
length.py      how strongly their verdicts depend on length
"""
