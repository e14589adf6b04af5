"""At which alphas and lengths flips of tokens are counted (the paper's Figures 6, 8 and 9).

ALPHAS                                               # of the record `flips`, and of the figures
"""

ALPHAS = (1.0, 5.0, 10.0, 15.0, 25.0, 50.0, 75.0, 100.0)
LENGTHS = (16, 32, 64, 128, 256, 512)
SHOWN = ((1.0, 512), (15.0, 16), (50.0, 16), (100.0, 16))
"""Alpha and length at which Figure 9 lists tokens; the paper's own setting comes first."""
