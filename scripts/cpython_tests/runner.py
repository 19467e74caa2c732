"""A process per module. When a test hangs or takes its process with it, it alone is lost: another process goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from scripts.cpython_tests.journal import CRASHED, HUNG, Journal

SILENCE_S = 90.0
"""A test that takes longer than this, in real time, hangs."""
LOST_MAX = 40
"""So many tests of one module may be lost; then the rest of it is given up."""
POLL_S = 0.2
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Outcome:
    """What became of one module."""

    module: str
    journal: Journal
    seconds: float
    ended: bool
    absent: bool = False


def run_all(names: Sequence[str], *, jobs: int, limit_s: float, kernel: bool, match: str) -> list[Outcome]:
    """Every module, `jobs` at a time; in the order of `names`."""

    def one(name: str) -> Outcome:
        outcome = run_module(name, limit_s, kernel, match)
        journal = outcome.journal
        print(
            f"{name}: {journal.count('passed')} passed, {journal.count('failed')} failed, "
            f"{journal.count(HUNG)} hung, {journal.count(CRASHED)} crashed, {journal.count('skipped')} skipped, "
            f"{journal.count('excluded')} excluded, {outcome.seconds:.0f} s",
            file=sys.stderr,
            flush=True,
        )
        return outcome

    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(one, names))


def run_module(name: str, limit_s: float, kernel: bool, match: str) -> Outcome:
    """One module to its end."""
    began = time.monotonic()
    if not _exists(f"test.{name}"):
        return Outcome(name, Journal(), 0, True, absent=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal"
        for _ in range(LOST_MAX):
            left_s = limit_s - (time.monotonic() - began)
            if left_s <= 0:
                break
            code, errors = _process(name, path, left_s, kernel, match)
            journal = Journal.read(path)
            if journal.done:
                break
            lost = journal.running()
            if not lost:
                if HUNG not in (test.outcome for test in journal.tests.values()):
                    print(f"{name}: ended with {code}\n{errors[-3000:]}", file=sys.stderr)
                if not journal.tests or code is None:
                    break
                continue
            outcome = (
                HUNG if code is None or "DeadlockError" in errors or "BlockedError" in errors else CRASHED
            )
            with open(path, "a", encoding="utf-8") as stream:
                stream.write(json.dumps({"end": lost, "outcome": outcome, "text": errors[-4000:]}) + "\n")
        journal = Journal.read(path)
    journal.settle()
    return Outcome(name, journal, time.monotonic() - began, journal.done)


def _exists(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _process(name: str, path: Path, left_s: float, kernel: bool, match: str) -> tuple[int | None, str]:
    """(exit code or None when it had to be killed, what it wrote to stderr)."""
    command = [sys.executable, "-m", "scripts.cpython_tests.inside", name, str(path), "--match", match]
    if kernel:
        command.append("--kernel")
    environment = {**os.environ, "PYTHONHASHSEED": "0", "NETARIUM_ENDLESS_LOOP_S": "30"}
    with tempfile.TemporaryFile("w+", errors="replace") as errors:
        child = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
        code = _watch(child, path, left_s)
        errors.seek(0)
        return code, errors.read()


def _watch(child: subprocess.Popen[bytes], path: Path, left_s: float) -> int | None:
    began = heard = time.monotonic()
    size = -1
    while True:
        try:
            return child.wait(POLL_S)
        except subprocess.TimeoutExpired:
            pass
        now = time.monotonic()
        grown = path.stat().st_size if path.exists() else -1
        if grown != size:
            size, heard = grown, now
        if now - began > left_s or now - heard > SILENCE_S:
            child.kill()
            child.wait()
            return None
