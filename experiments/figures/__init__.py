"""The paper's figures, one small file each, and three more.

    make figure4                          # figures/figure4.py writes runs/results/nano/figure4.md

`curves` shows losses over the steps of training, `phase` alpha against learning rate, and `human`
the human study's counterpart. A new file that defines `ARTIFACT` is a new figure and a new make
target.
"""
