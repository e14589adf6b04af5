"""What is published on NEFTune: every comparison with and without it that could be traced.

    make evidence                                        # docs/evidence.md says what is listed

published.yaml   others' numbers and the public leaderboard's, one entry a comparison
comparison.py    what an entry holds, and its gain
entries.py       read the file, and say clearly what is wrong with it
paper.py         the paper's own comparisons, from experiments/published.py
here.py          this project's, from results/
"""
