"""Two sets of tests, told by one mark, and the attacks' counts at the end.

    make test         # all that are not marked `long`
    make test-long    # those marked `long`, and all of tests/attacks/

Every test is in exactly one of the two; `pytest` without a choice runs both. A test of several
trainings, of a cluster or of every notebook is `@pytest.mark.long`.

An attack reports what it tried with pytest's own fixture, and all of them are printed as one table:

    record_property("attack", {"attack": "SIGKILL", "tried": 30, "outcomes": {"resumed": 30}})
"""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes depends on the machine and on what else it does.
settings.register_profile("neftune", deadline=None)
settings.load_profile("neftune")

ATTACKS = Path(__file__).parent / "attacks"
LONGEST = "test_stops.py"
"""It starts one workflow after the other for ten minutes, so it begins first."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every attack as long, before pytest chooses by marks; the longest test begins."""
    for item in items:
        if ATTACKS in item.path.parents:
            item.add_marker("long")
    items.sort(key=lambda item: item.path.name != LONGEST)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what all attacks tried, and how it ended."""
    tried, outcomes = Counter[str](), dict[str, Counter[str]]()
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, found in report.user_properties if report.when == "call" else ():
            if name == "attack":
                tried[found["attack"]] += found["tried"]
                outcomes.setdefault(found["attack"], Counter()).update(found["outcomes"])
    if not tried:
        return
    terminalreporter.section("attacks", "=")
    width = max(len(attack) for attack in tried)
    for attack, count in sorted(tried.items()):
        ends = ", ".join(f"{n} {outcome}" for outcome, n in sorted(outcomes[attack].items()) if n)
        terminalreporter.write_line(f"{attack:{width}}  {count:>6,} tried: {ends}")
    terminalreporter.write_line(f"{'in all':{width}}  {sum(tried.values()):>6,} tried")
