"""All ways of calling a model, in the order of the table.

SITUATIONS["a short sequence in a padded batch"].measure(LIBRARIES["transformers"])     # 0.35
"""

from __future__ import annotations

from neftune.conformance import batches, kinds, passes, trainings
from neftune.conformance.measuring import Situation

SITUATIONS: dict[str, Situation] = (
    batches.SITUATIONS | kinds.SITUATIONS | passes.SITUATIONS | trainings.SITUATIONS
)
"""By name."""
