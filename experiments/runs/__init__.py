"""Fine-tunings as values: runs, their records, and how records are made.

    study = Study(NANO, seeds=3, selection=load_selection(NANO))
    run = study.neft(ALPACA)[0]                          # the run of seed 0 with the chosen alpha
    record = Record(run, "verdicts", judge="gpt-4")      # …/test/gpt-4-7d30c2aa/annotations.json
    produce([record])                                    # trains, decodes and asks the judge
    record.read()                                        # 2 won, 1 lost, 1.5 draw

run.py         one fine-tuning; the hash of its content names its folder
conditions.py  how a model is asked: which instructions, with which prompt and decoding
record.py      a file of a run: its path, what it is made from, how it is read
manifest.py    by record, its hash, what it was made from, where and in how many seconds
flips.py       at which alphas and lengths flips of tokens are counted
dose.py        what the noise does to a base model before any training, on a run's own set
jobs.py        how each kind of record is made; runs in worker processes
judging.py     asking a judge
preflight.py   what is missing before records can be made, all of it, within seconds
capacity.py    whether this machine has room for trainings: disk, memory, GPUs
machine.py     what this machine has: memory, GPUs, folders that can be written to
lock.py        one workflow at a time in the folder of runs
workflow.py    Snakemake makes the missing records, on this machine or a cluster
keeper.py      ends the workflow's processes when the command that started them ends
failures.py    why jobs failed, from their logs
selection.py   learning rates and alphas, chosen on validation instructions
study.py       the runs that tables ask for, by set, model, noise and seed
provenance.py  where a result came from
archive.py     the records of every run in one committed file
"""
