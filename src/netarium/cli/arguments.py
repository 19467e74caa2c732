"""What `netarium run` takes.

Standard library alone: a run of two scripts starts without the rest of the command line.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

EXIT_CODES = """\
exit codes: 0 all programs ended with 0 or rest; 1 one did not; 2 bad usage or lab, nothing was run; 3 deadlock;
4 --until was reached with programs still running; 130 interrupted"""


@dataclass
class RunArguments:
    """One `netarium run`."""

    sources: list[str]
    seed: int | None = None
    until: str | None = None
    pcap: str | None = None
    pcap_on: list[str] = field(default_factory=list)
    trace: str | None = None
    plot: str | None = None
    stdin: dict[str, Path] = field(default_factory=dict)
    root: bool = False
    check_determinism: bool = False
    digest: bool = True
    quiet: bool = False
    json: bool = False


def add_conditions(add: Callable[..., object]) -> None:
    """The options that whatever runs something has: under which conditions it runs."""
    add("--seed", type=int, metavar="N", help="the seed of all randomness (the lab's, else 0)")
    add("--until", metavar="30s", help="stop at this virtual time")
    add(
        "--stdin",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="what the program NAME reads as its input",
    )
    add("--root", action="store_true", help="programs run as root")


def parser() -> argparse.ArgumentParser:
    """The parser of `netarium run`; `--help` prints it."""
    result = argparse.ArgumentParser(
        prog="netarium run",
        description="Run a lab, or scripts without one, to the end in virtual time.",
        epilog=EXIT_CODES,
        allow_abbrev=False,
    )
    add = result.add_argument
    add(
        "sources",
        nargs="+",
        metavar="LAB.yaml | 'SCRIPT.py ARGS'",
        help="a lab file, or one or more command lines",
    )
    add_conditions(add)
    add("--pcap", metavar="FILE", help="write every frame to a pcapng file")
    add(
        "--pcap-on",
        action="append",
        default=[],
        metavar="NODE[:IF]",
        help="capture there only; may be repeated",
    )
    add("--trace", metavar="FILE.jsonl", help="write every event as a line of JSON")
    add(
        "--plot",
        metavar="DIR",
        help="draw cwnd, ssthresh and flight of each TCP connection there (needs matplotlib)",
    )
    add(
        "--check-determinism",
        action="store_true",
        help="run twice in copies of the working directory and compare",
    )
    add("--no-digest", dest="digest", action="store_false", help="do not compute the run's digest")
    add("--quiet", action="store_true", help="no notices and no summary")
    add("--json", action="store_true", help="print one JSON object instead of the programs' output")
    return result


def parse(arguments: Sequence[str]) -> RunArguments:
    """Read a command line. Exits with 2 and a usage line when it is wrong, as argparse does."""
    reader = parser()
    given = reader.parse_args(arguments)
    files: dict[str, Path] = {}
    for text in given.stdin:
        name, equals, file = text.partition("=")
        if not equals or not name or not file:
            reader.error(f"--stdin {text}: write NAME=FILE, such as server=answers.txt")
        if name in files:
            reader.error(f"--stdin {name} is given twice")
        files[name] = Path(file)
    if given.pcap_on and given.pcap is None:
        reader.error("--pcap-on needs --pcap FILE")
    given.stdin = files
    return RunArguments(**vars(given))
