"""The scales by name.

SCALES["small"].base("llama-2-7b")
"""

from experiments.scales.nano import NANO
from experiments.scales.paper import PAPER
from experiments.scales.small import SMALL

SCALES = {scale.name: scale for scale in (NANO, SMALL, PAPER)}
