"""Statistics, text measures and pictures of results, as pure functions of the records of runs.

intervals.py        intervals over seeds and items, win rates, and McNemar's test
coverage.py         how often these intervals cover the truth, by simulation
multiplicity.py     how many of many verdicts would be false by chance
length_control.py   length-controlled win rates
official_values.py  win rates of public models, from the leaderboards of alpaca_eval
official_check.py   length-controlled win rates beside the official values
statistics_page.py  computed tables in docs/statistics.md
length_preference.py how much a judge prefers longer answers, from its verdicts on many models
text.py             length, repetition and diversity of responses
overfitting.py      ROUGE-L and BLEU-4 against the training responses
embeddings.py       the effect of the noise on an embedding matrix
dose.py             what the noise does to a model before any training, example by example
dose_summary.py     the same over all examples, beside the second-order prediction
second_order.py     the second-order prediction of the rise of the loss
crowding.py         how crowded the embeddings of a model lie
curvature.py        the trace of the Hessian of the loss in the embeddings
equivalent_alpha.py which alpha acts on one model like another on another
dose_picture.py     the picture of the doses
plots.py            pictures in a common style
committed.py        reading the committed results in notebooks
"""
