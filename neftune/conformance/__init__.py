"""Is the noise what the paper says? Every way of calling a model, measured for every library.

    neftune conformance                                  # prints the table, a minute on a CPU
    neftune conformance --out docs/conformance.md docs/conformance/*.json

    libraries.py     who adds noise, and how it is switched on
    models.py        small random models of the kinds that are called
    measuring.py     what a situation is, and how noise is measured
    batches.py       situations of batches: padded, packed, padding-free
    kinds.py         of kinds of models: scaled embeddings, pictures, PEFT, 4 bits
    passes.py        of passes: evaluation, generation, compiled, copied, saved
    trainings.py     of transformers' Trainer: accumulation, an error
    situations.py    all of them
    report.py        the table, and columns that were measured elsewhere
    command.py       `neftune conformance`

What is measured is the noise by that of the paper's rule, alpha / sqrt(L d) for each sequence: 1 is
right, 0 is none, and where there must be none, 0 is right. A library of your own is one entry in
`LIBRARIES`, a situation one function beside those of its subject.
"""
