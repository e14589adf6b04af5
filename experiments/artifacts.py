"""Every artifact by its make target, in the paper's order; those the paper lacks stand last.

ARTIFACTS["table6"]
"""

from __future__ import annotations

from experiments.artifact import Artifact
from experiments.figures import (
    curves,
    figure1,
    figure2,
    figure3,
    figure4,
    figure5,
    figure7,
    flips,
    human,
    phase,
)
from experiments.tables import (
    strongnoise,
    table1,
    table2,
    table3,
    table4,
    table5,
    table6,
    table8,
    table10,
    table11,
    table12,
    table13,
    table14,
)

ARTIFACTS: dict[str, Artifact] = {
    artifact.name: artifact
    for artifact in (
        table1.TABLE,
        table2.TABLE,
        table3.TABLE,
        table4.TABLE,
        table5.TABLE,
        table6.TABLE,
        table8.TABLE_7,
        table8.TABLE,
        table8.TABLE_9,
        table10.TABLE,
        table11.TABLE,
        table12.TABLE,
        table13.TABLE,
        table14.TABLE,
        figure1.FIGURE,
        figure2.FIGURE,
        figure3.FIGURE,
        figure4.FIGURE,
        figure5.FIGURE,
        flips.FIGURE_6,
        figure7.FIGURE,
        flips.FIGURE_8,
        flips.FIGURE_9,
        human.FIGURE,
        strongnoise.TABLE,
        curves.FIGURE,
        phase.PHASE,
    )
}
