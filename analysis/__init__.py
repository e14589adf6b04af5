"""Statistics, text measures and pictures of results, as pure functions of the records of runs.

intervals.py        win rates with bootstrap intervals, and McNemar's test
length_control.py   length-controlled win rates
text.py             length, repetition and diversity of responses
overfitting.py      ROUGE-L and BLEU-4 against the training responses
embeddings.py       the effect of the noise on an embedding matrix
plots.py            pictures in a common style
committed.py        reading the committed results in notebooks
"""
