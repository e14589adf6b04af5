"""A judge without an API: a model of GPT-4's public verdicts on AlpacaEval's instructions.

    pool = read_pool(verdicts, references)               # 41 public models, GPT-4's verdict on each
    judge = fit(pool)
    judge.probabilities(dict(enumerate(answers)))        # how likely GPT-4 prefers each of them

verdicts.py   the public models' answers and GPT-4's verdicts, read and checked
texts.py      what an answer is like: length, form, and likeness to other texts
features.py   an answer beside the public models' answers to the same instruction
model.py      fitted to their verdicts, and asked about a model that it has not seen
card.py       how far to trust it: each public model left out in turn

The case it is made for is a new model that answers the same instructions as the public ones. It
knows how hard each instruction's reference is to beat, and compares an answer with those that GPT-4
preferred and those that it did not. It reads no meaning: two answers of the same words in another
order are the same to it.
"""
