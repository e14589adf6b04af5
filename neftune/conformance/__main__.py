"""The command of the conformance suite."""

from __future__ import annotations

import argparse
from pathlib import Path

from neftune.conformance.report import markdown, measure


def main() -> None:
    """Measure, and print or write the page."""
    parser = argparse.ArgumentParser(description="the noise of each library, in every situation")
    parser.add_argument("--out", type=Path, help="a file for the page, which is printed otherwise")
    arguments = parser.parse_args()
    page = markdown(measure())
    if arguments.out:
        arguments.out.write_text(page, encoding="utf-8")
    else:
        print(page)


if __name__ == "__main__":
    main()
