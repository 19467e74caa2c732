"""The results as Markdown."""

from __future__ import annotations

import platform
from collections.abc import Sequence

from scripts.cpython_tests.journal import CRASHED, HUNG
from scripts.cpython_tests.runner import Outcome

COLUMNS = ("passed", "failed", HUNG, CRASHED, "skipped", "excluded")
LOST = ("failed", HUNG, CRASHED)


def percent(results: Sequence[Outcome]) -> float:
    """How much of what was neither skipped nor excluded passed."""
    passed = sum(each.journal.count("passed") for each in results)
    lost = sum(each.journal.count(name) for each in results for name in LOST)
    return 100 * passed / max(passed + lost, 1)


def markdown(results: Sequence[Outcome]) -> str:
    """A row per module, and their sum."""
    lines = [
        f"CPython {platform.python_version()}: {percent(results):.1f} % of the tests that were not skipped passed.",
        "",
        "| module | passed | failed | hung | crashed | skipped | excluded | seconds |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for each in results:
        if each.absent:
            lines.append(f"| {each.module} | not in this version |||||||")
            continue
        counts = " | ".join(str(each.journal.count(name)) for name in COLUMNS)
        unfinished = "" if each.ended else " (did not end)"
        lines.append(f"| {each.module}{unfinished} | {counts} | {each.seconds:.0f} |")
    sums = " | ".join(str(sum(each.journal.count(name) for each in results)) for name in COLUMNS)
    lines.append(f"| **all** | {sums} | {sum(each.seconds for each in results):.0f} |")
    return "\n".join(lines) + "\n"


def failures(results: Sequence[Outcome]) -> str:
    """Each test that was lost, with its traceback."""
    parts = []
    for each in results:
        for name, test in each.journal.tests.items():
            if test.outcome in LOST:
                parts.append(f"=== {test.outcome}: {name}\n{test.text}\n")
    return "\n".join(parts)
