"""`--check-determinism`: the same run twice, in scratch copies of the working directory, compared event by event."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import zip_longest
from pathlib import Path

from netarium.cli.arguments import RunArguments
from netarium.cli.progress import doing
from netarium.errors import UsageError

COPY_BYTES_MAX = 200 * 10**6


def check_determinism(arguments: RunArguments) -> int:
    """Run twice and say whether both runs were the same; the first run's exit code, 1 for a difference."""
    here = Path.cwd()
    _check_size(here)
    _check_terminal(arguments)
    with tempfile.TemporaryDirectory(prefix="netarium-") as scratch:
        runs = [_Run(Path(scratch), number, here, arguments) for number in (1, 2)]
        for number, each in enumerate(runs, 1):
            with nullcontext() if arguments.quiet else doing(f"run {number} of 2, to compare them"):
                each.go()
        first, second = runs
        sys.stdout.write(first.stdout)
        sys.stderr.write(first.stderr)
        if first.code in (2, 130):
            return first.code
        if arguments.trace is not None:
            shutil.copyfile(first.trace, here / arguments.trace)
        difference = _difference(first, second)
        if difference:
            print(f"netarium: NOT deterministic: {difference}", file=sys.stderr)
            print(
                "netarium: order of sets and dicts of text changes from run to run unless PYTHONHASHSEED is set; real "
                "files, clocks and addresses in memory are other causes (docs/determinism.md)",
                file=sys.stderr,
            )
            return 1
        print(f"netarium: deterministic: two runs, {first.events} events, equal", file=sys.stderr)
        return first.code


class _Run:
    """One of the two runs, as a process of its own.

    Its copy has the same path in both runs, for programs that print where they are: it is moved there for the run. The
    copies are made before the first run, which may change files by their absolute names.
    """

    def __init__(self, scratch: Path, number: int, here: Path, arguments: RunArguments) -> None:
        self.place = scratch / "run" / (here.name or "root")
        self.place.parent.mkdir(exist_ok=True)
        self.copy = scratch / f"copy {number}"
        _copy(here, self.copy)
        self.trace = scratch / f"trace {number}.jsonl"
        self.words = _words(arguments, here, self.trace)
        self.code = 0
        self.stdout = ""
        self.stderr = ""
        self.events = 0

    def go(self) -> None:
        command = [sys.executable, "-m", "netarium.cli.main", "run", *self.words]
        self.copy.rename(self.place)
        done = subprocess.run(
            command, cwd=self.place, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        self.place.rename(self.copy)
        self.code = done.returncode
        self.stdout = done.stdout
        self.stderr = done.stderr

    def lines(self) -> Iterator[str]:
        with open(self.trace, encoding="utf-8") as file:
            for line in file:
                self.events += 1
                yield line


def _copy(here: Path, copy: Path) -> None:
    """All of the working directory that can be copied: a FIFO, a socket or a device is neither read nor needed."""

    def special(folder: str, names: list[str]) -> list[str]:
        return [name for name in names if not _is_plain(os.path.join(folder, name))]

    try:
        shutil.copytree(here, copy, symlinks=True, ignore=special)
    except shutil.Error as error:
        source, _, reason = error.args[0][0]
        raise UsageError(
            f"--check-determinism runs in copies of the working directory, and {source} cannot be copied: {reason}"
        ) from error


def _is_plain(path: str) -> bool:
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return True  # what is wrong with it the copy says
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)


def _words(arguments: RunArguments, here: Path, trace: Path) -> list[str]:
    """The run's own words, without the check, with a trace of ours; files it leaves go where the user wants them."""
    result = list(arguments.sources)
    if arguments.seed is not None:
        result += ["--seed", str(arguments.seed)]
    if arguments.until is not None:
        result += ["--until", arguments.until]
    for name, file in arguments.stdin.items():
        result += ["--stdin", f"{name}={file}"]
    if arguments.pcap is not None:
        result += ["--pcap", str(here / arguments.pcap)]
        for port in arguments.pcap_on:
            result += ["--pcap-on", port]
    for given, option in (
        (arguments.root, "--root"),
        (arguments.quiet, "--quiet"),
        (arguments.json, "--json"),
    ):
        if given:
            result.append(option)
    if not arguments.digest:
        result.append("--no-digest")
    return [*result, "--trace", str(trace)]


def _check_size(folder: Path) -> None:
    total = 0
    for path, _, files in os.walk(folder):
        for file in files:
            try:
                total += os.lstat(os.path.join(path, file)).st_size
            except OSError:
                continue
        if total > COPY_BYTES_MAX:
            raise UsageError(
                f"--check-determinism runs in copies of the working directory, and {folder} holds more than "
                f"{COPY_BYTES_MAX // 10**6} MB; run it from a smaller folder"
            )


def _check_terminal(arguments: RunArguments) -> None:
    """Both runs must read the same: the terminal cannot be read twice."""
    from netarium.cli.building import build
    from netarium.cli.console import Console

    _, terminal = build(arguments, Console(keep_silent=True))
    if terminal is not None and terminal.service is not None:
        name = terminal.service.name
        raise UsageError(
            f"{name} reads the terminal, which cannot be read twice; give it a file: --stdin {name}=FILE"
        )


def _difference(first: _Run, second: _Run) -> str:
    """The first thing that differs, in words; empty when nothing does."""
    if second.code == 2:
        return f"the second run could not begin: {second.stderr.strip()}"
    for number, (one, other) in enumerate(zip_longest(first.lines(), second.lines()), 1):
        if one != other:
            return f"event {number} differs:\n  run 1: {_event(one)}\n  run 2: {_event(other)}"
    if first.stdout != second.stdout:
        return "the programs printed something else the second time"
    if first.code != second.code:
        return f"exit code {first.code}, then {second.code}"
    return ""


def _event(line: str | None) -> str:
    if line is None:
        return "the end"
    event = json.loads(line)
    time = event.pop("t", None)
    return (f"{time} ns " if time is not None else "") + json.dumps(event, ensure_ascii=False)
