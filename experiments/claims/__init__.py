"""The paper's claims, judged against premises stated before the runs.

    study = Study(NANO, 5, load_selection(NANO))
    asked = questions(PREMISES, study)                   # each claim at each alpha by each judge
    find(asked[0]).verdict                               # "does not hold"

premises.yaml         what every verdict rests on, committed before the runs that it judges
premises.py           the same, read and checked
measures.py           what a claim measures: which runs, which number of them
estimates.py          from the parts of a measure to one estimate
rule.py               from an estimate to a verdict
finding.py            a claim asked of runs, tested against its premises, and judged
published_changes.py  the change that the paper reports for a claim
page.py               the claims for readers: data, page, picture
"""
