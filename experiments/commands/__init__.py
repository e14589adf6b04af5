"""The commands of `python -m experiments`, one module each.

    python -m experiments show table1 --seeds 3

A module with `HELP`, `options` and `run` is a command of its name: `options` describes its
arguments to argparse, `run` does the work. Modules import nothing heavy before `run`, so that help
and errors appear at once.

show.py       make tables and figures, and print them
paper.py      make everything, the claims, and the page of results
claims.py     only what the claims need, and their verdicts
release.py    the same, and replace the project's own results
compare.py    your own results beside the project's and the paper's
where.py      where a table is made, its result, its settings
ablation.py   one fine-tuning under many alphas
study/        people compare two runs' answers blindly, and their ratings are merged
plan/         what a table costs, before anything is spent
judge_card.py how far the judge of the scale `small` can be trusted
findings.py   what noise does to real models and to the laboratory's at the same dose
site.py       the results as pages to look at
evidence.py   every published comparison with and without NEFTune, beside this project's own
selection.py  choose learning rates and alphas
audit/        GPT-4's public verdicts on NEFTune models, recomputed
dose/         what the noise does to a model before any training
finetune/     fine-tune any model on any instruction file, with and without noise
unpack.py     put the committed records into runs/
make.py       make records; called by the workflow
options.py    arguments that several commands share
"""
