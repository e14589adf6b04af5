"""What attacks share: how they report what they tried, and reproducible settings of Hypothesis.

record_property("attack", {"attack": name, "tried": 30, "outcomes": outcomes})

@attack(examples=100)
@given(damaged_files())
def attempt(file): ...
"""

from collections.abc import Callable

from hypothesis import HealthCheck, settings

Recorder = Callable[[str, object], None]
"""pytest's `record_property`."""


def attack(examples: int) -> settings:
    """Reproducible settings: the same input in every run."""
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
