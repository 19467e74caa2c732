"""One process of the runner: a net of one host, and the tests of one module in a program on it.

    python -m scripts.cpython_tests.inside MODULE JOURNAL [--kernel] [--match TEXT]

A line of JSON in JOURNAL when the tests are known, when one begins and when it ends. Tests that the journal already
names are left out: so a module is continued after a test that took the whole process with it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from scripts.cpython_tests import modules
from scripts.cpython_tests.journal import HUNG, Journal

LONGEST_TEXT = 4000


class Result(unittest.TestResult):
    """Writes the journal."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._outcome = ""
        self._text = ""

    def tell(self, **line: Any) -> None:
        """One line of the journal."""
        self._stream.write(json.dumps(line) + "\n")
        self._stream.flush()

    def startTest(self, test: Any) -> None:
        """A test begins."""
        super().startTest(test)
        self._outcome, self._text = "passed", ""
        self.tell(begin=test.id())

    def stopTest(self, test: Any) -> None:
        """It has ended."""
        self.tell(end=test.id(), outcome=self._outcome, text=self._text[-LONGEST_TEXT:])
        super().stopTest(test)

    def _mark(self, test: Any, outcome: str, text: str) -> None:
        if not isinstance(test, unittest.TestCase):  # a fixture of a class or module
            self.tell(fixture=test.id(), outcome=outcome, text=text[-LONGEST_TEXT:])
        if self._outcome not in ("failed", HUNG):
            self._outcome = outcome
        self._text += text

    def addError(self, test: Any, err: Any) -> None:
        """An exception. The net's end of a program that hangs reaches the test as SystemExit: nothing goes on then."""
        if err[0] is SystemExit and err[1].code == -9:
            self.stop()
            self._mark(test, HUNG, self._exc_info_to_string(err, test))  # type: ignore[attr-defined]
            return
        self._mark(test, "failed", self._exc_info_to_string(err, test))  # type: ignore[attr-defined]

    addFailure = addError

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        """One failing subtest makes the test fail."""
        if err is not None:
            self.addError(test, err)

    def addSkip(self, test: Any, reason: str) -> None:
        """Skipped."""
        self._mark(test, "skipped", reason)

    def addUnexpectedSuccess(self, test: Any) -> None:
        """Not what was expected."""
        self._mark(test, "failed", "unexpected success")


def tests_of(suite: Any) -> Iterator[Any]:
    """All tests, in order."""
    if isinstance(suite, unittest.TestSuite):
        for each in suite:
            yield from tests_of(each)
    else:
        yield suite


def run_module(name: str, path: Path, match: str) -> None:
    """Load the module, run what the journal does not know yet."""
    from test import support

    support.use_resources = (
        "network",
        "walltime",
    )  # virtual ones; as by `python -m test -u network,walltime`
    known = Journal.read(path).tests
    loaded = unittest.defaultTestLoader.loadTestsFromName(f"test.{name}")
    tests = [each for each in tests_of(loaded) if match in each.id()]
    with open(path, "a", encoding="utf-8") as stream:
        result = Result(stream)
        if not known:
            excluded = {each.id(): modules.reason_to_exclude(name, each.id()) for each in tests}
            result.tell(plan=[each.id() for each in tests], excluded={k: v for k, v in excluded.items() if v})
        begun = {key for key, test in known.items() if test.begun}
        left = [each for each in tests if each.id() not in begun]
        left = [each for each in left if not modules.reason_to_exclude(name, each.id())]
        unittest.TestSuite(left).run(result)
        if not result.shouldStop:
            result.tell(done=True)


def main() -> int:
    """0 when the module was run to its end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("module")
    parser.add_argument("journal", type=Path)
    parser.add_argument("--kernel", action="store_true")
    parser.add_argument("--match", default="")
    chosen = parser.parse_args()
    arguments = (chosen.module, chosen.journal.absolute(), chosen.match)
    with tempfile.TemporaryDirectory() as folder:
        if chosen.kernel:
            import os

            os.chdir(folder)
            run_module(*arguments)
            return 0
        from netarium import Net

        with Net(directory=folder) as net:
            try:
                net.host("host", address=["10.0.0.1/24", "fd00::1/64"]).call(
                    run_module, *arguments, within="100000h"
                )
            finally:
                for program in net.services:
                    sys.stderr.write(program.stderr[-LONGEST_TEXT:])
    return 0


if __name__ == "__main__":
    sys.exit(main())
