"""Print the tables of docs/JOURNEY.md from `netarium.journey`: `python scripts/print_journey.py > docs/JOURNEY.md`."""

from __future__ import annotations

from netarium.journey import Cause, Drop, Stop


def text() -> str:
    """The whole page."""
    lines = [
        "# The way of a byte",
        "",
        "Printed from `src/netarium/journey.py` by `scripts/print_journey.py`; a test compares them.",
        "",
        "## Stops, in order",
        "",
        "| stop | room | what happens |",
        "|---|---|---|",
        *(f"| `{stop.name}` | `{stop.room}` | {stop.sentence} |" for stop in Stop),
        "",
        "## Why a frame ends early",
        "",
        "| drop | layer | reason |",
        "|---|---|---|",
        *(f"| `{drop.name}` | {drop.layer} | {drop.sentence} |" for drop in Drop),
        "",
        "## Why something changed or was sent again",
        "",
        "| cause | sentence |",
        "|---|---|",
        *(f"| `{cause.name}` | {cause.value} |" for cause in Cause),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(text(), end="")
