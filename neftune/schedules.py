"""How alpha changes over a training.

    NEFTune(5, schedule="linear")                        # 5 at the beginning, 0 at the end
    NEFTune(5, schedule=lambda progress: 1 - progress**2)
    SCHEDULES["halves"] = lambda progress: 0.5 ** (4 * progress)

A schedule is a function from the progress of the training, from 0 to 1, to what alpha is multiplied
by. The paper's alpha is constant. `neftune/constant_dose.py` has one that measures the model.
"""

from __future__ import annotations

import math
from collections.abc import Callable

Schedule = Callable[[float], float]

SCHEDULES: dict[str, Schedule] = {
    "constant": lambda progress: 1.0,
    "linear": lambda progress: 1.0 - progress,
    "cosine": lambda progress: (1 + math.cos(math.pi * progress)) / 2,
    "rising": lambda progress: progress,
}
"""By name. Like `DISTRIBUTIONS`, it takes entries of your own."""


def schedule_of(wanted: str | Schedule) -> Schedule:
    """A schedule by its name, or the function itself.

    Raises:
        ValueError: there is none of that name.
        TypeError: it is neither a name nor a function.
    """
    if not isinstance(wanted, str):
        if not callable(wanted):
            raise TypeError(f"a schedule is a name or a function of progress, not {wanted!r}")
        return wanted
    if wanted not in SCHEDULES:
        raise ValueError(f"unknown schedule {wanted!r}; known: {', '.join(SCHEDULES)}")
    return SCHEDULES[wanted]
