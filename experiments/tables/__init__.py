"""The paper's tables, one small file each.

    make table6                           # tables/table6.py writes runs/results/nano/table6.md

A file gives a table's cells: which runs, measured how, beside which published number. A new file
that defines `ARTIFACT` is a new table and a new make target (docs/extending.md shows one).
"""
