"""The paper's experiments: roles, scales, runs, tables, figures, claims, and the commands.

    make table6                                          # or python -m experiments show table6
    runs/results/nano/table6.md                          # what it writes

From the ground floor up; imports run downwards only (`docs/architecture.md` draws it):

paths.py, names.py   where files are kept; looking names up
published.py         the numbers that the paper publishes, table by table
roles/               the paper's models, sets and judges, and what stands in for each
nano/                the laboratory: a made-up world, its texts, models and judges
scales/              what is trained at a scale, and with which hyperparameters
runs/                one fine-tuning, its records, and the workflow that makes them
cells/               from records to a table: metrics, intervals, rendering
tables/, figures/    one small file each
artifacts.py         all of them by name
claims/              the paper's claims, their premises, and the rule of their verdicts
commands/            one module a command
"""
