"""What the processes of the runner wrote: the outcome of each test of one module."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

HUNG = "hung"
CRASHED = "crashed"


@dataclass
class Test:
    """One test: `outcome` is passed, failed, skipped, excluded, hung or crashed; empty while it is not known."""

    begun: bool = False
    outcome: str = ""
    text: str = ""


@dataclass
class Journal:
    """The tests of one module, in order."""

    tests: dict[str, Test] = field(default_factory=dict)
    fixtures: list[tuple[str, str, str]] = field(default_factory=list)
    """(name of class or module, outcome, text)."""
    done: bool = False

    @classmethod
    def read(cls, path: Path) -> Journal:
        """Everything written so far; a line cut short by a crash is left out."""
        journal = cls()
        if not path.exists():
            return journal
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            journal._take(entry)
        return journal

    def _take(self, entry: dict) -> None:  # type: ignore[type-arg]
        tests = self.tests
        if "plan" in entry:
            for name in entry["plan"]:
                tests[name] = Test()
            for name, reason in entry["excluded"].items():
                tests[name] = Test(outcome="excluded", text=reason)
        elif "begin" in entry:
            tests.setdefault(entry["begin"], Test()).begun = True
        elif "end" in entry:
            test = tests.setdefault(entry["end"], Test())
            # A test may be there twice (a class imported into another module): what failed has failed.
            if test.outcome != "failed":
                test.outcome, test.text = entry["outcome"], entry["text"]
        elif "fixture" in entry:
            self.fixtures.append((entry["fixture"], entry["outcome"], entry["text"]))
        elif "done" in entry:
            self.done = True

    def running(self) -> str:
        """The test that has begun and not ended; empty when there is none."""
        for name, test in self.tests.items():
            if test.begun and not test.outcome:
                return name
        return ""

    def settle(self) -> None:
        """After the end: what never began is what its class' or module's fixture was."""
        for name, test in self.tests.items():
            if test.outcome:
                continue
            test.outcome, test.text = "failed", "never begun"
            for fixture, outcome, text in self.fixtures:
                owner = fixture.partition("(")[2].rstrip(")")
                if name.startswith(owner + "."):
                    test.outcome, test.text = outcome, text

    def count(self, outcome: str) -> int:
        """How many tests ended so."""
        return sum(test.outcome == outcome for test in self.tests.values())
