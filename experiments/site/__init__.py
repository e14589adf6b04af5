"""The results as pages to look at: `make site` writes runs/site/index.html.

    pages.py         a page, and how all of them are written
    pictures.py      the pictures of results, small and with their message as text
    dumbbells.py     a table's published and measured numbers on one axis
    results.py       a page for each table and figure, from its committed files
    home.py          what was found, in three lanes that are never mixed
    claims.py        the claims as a forest plot
    explorer.py      every run by alpha, learning rate and epochs
    own_runs.py      a reader's own runs, which the explorer shows beside them
    answers.py       answers of any two runs side by side
    evidence.py      published comparisons with and without NEFTune
    marks.py         the laboratory's answers, marked claim by claim
    fingerprints.py  AlpacaEval's instructions, as far as the site may name them
    run_report.py    a report of one run, as one file in its folder (not a page of the site);
                     one_file.py, training_parts.py, run_records.py, run_samples.py and
                     run_comparison.py are its parts
    templates/       the pages' HTML (Jinja)
    static/          their style and scripts

The pages are made of committed results alone, need no server and make no request of others. Charts
are drawn in the browser by Vega-Lite, which is written into the site.
"""
