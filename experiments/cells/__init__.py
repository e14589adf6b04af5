"""From records to a table: metrics, cells, and how results are written.

    cell = Cell("+NEFT", "Alpaca", WIN_RATE, (study.neft(ALPACA),), judge="gpt-4")
    records_of([cell])                                   # what must be made first
    table_data([cell], against=None)                     # mean and interval, as JSON

metrics.py    what can be measured: functions from a record to numbers
cell.py       a cell, its value and its difference from another row
artifact.py   a table or figure: cells, data, rows, picture; all pure functions of records
settings.py   what a result's runs have in common: models and their sizes, hyperparameters, judges
render.py     have the records made, then write Markdown, CSV, JSON, pictures and provenance
compare.py    your own result beside the shipped one
markdown.py   rows of text as a Markdown table, estimates as text
"""
