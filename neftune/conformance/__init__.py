"""Is the noise what the paper says? Every way of calling a model, measured for every library.

    neftune conformance                                  # prints the table, a minute on a CPU
    neftune conformance --out docs/conformance.md

    libraries.py     who adds noise, and how it is switched on
    models.py        small random models of the kinds that are called
    situations.py    the ways of calling them, and what is measured in each
    report.py        the table
    command.py       `neftune conformance`

What is measured is the noise by that of the paper's rule, alpha / sqrt(L d) for each sequence: 1 is
right, 0 is none, and where there must be none, 0 is right. A library of your own is one entry in
`LIBRARIES`, a situation one function in `situations.py`.
"""
