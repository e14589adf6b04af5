"""The paper's claims, each measured by one number and judged by a fixed rule.

    claims = measured(QUESTIONS, Study(NANO, 5, load_selection(NANO)))
    claims[0].verdict                                    # "does not hold here"

rule.py       what a claim is, and the rule of its verdict
questions.py  the claims as data: what was published, what is measured, the smallest change of note
estimates.py  from the cells of a claim to one estimate
"""
