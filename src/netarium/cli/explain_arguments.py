"""What `netarium explain` takes.

Standard library alone, as for `run`. A new way of telling is an option in one of the groups, and a field below.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from netarium.cli.arguments import EXIT_CODES, add_conditions
from netarium.cli.arguments import parse as parse_run


@dataclass
class ExplainArguments:
    """One `netarium explain`."""

    sources: list[str]
    lang: str | None = None
    follow: str = ""
    only: str = ""
    conversation: str = ""
    json: bool = False
    markdown: bool = False
    layers: int = 0
    bytes: bool = False
    ladder: str | None = None
    seed: int | None = None
    until: str | None = None
    pcap: str | None = None
    trace: str | None = None
    stdin: list[str] = field(default_factory=list)
    root: bool = False

    @property
    def trace_file(self) -> Path | None:
        """The recorded trace that is told; None when something is to be run."""
        if len(self.sources) == 1 and self.sources[0].endswith(".jsonl"):
            return Path(self.sources[0])
        return None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The words of --only."""
        return tuple(word.strip() for word in self.only.split(",") if word.strip())


RUN_OPTIONS = ("seed", "until", "pcap", "trace", "stdin", "root")
"""Options that say how something is run: a recorded trace has been."""


def parser() -> argparse.ArgumentParser:
    """The parser of `netarium explain`; `--help` prints it."""
    result = argparse.ArgumentParser(
        prog="netarium explain",
        description="Tell a run step by step, from its packets: who, to whom, why, and in which frames of the capture.",
        epilog=EXIT_CODES,
        allow_abbrev=False,
    )
    result.add_argument(
        "sources",
        nargs="+",
        metavar="LAB.yaml | 'SCRIPT.py ARGS' | TRACE.jsonl",
        help="a lab file, one or more command lines, or a trace that `netarium run --trace` has recorded",
    )
    _add_telling(result.add_argument_group("what is told, and how"))
    _add_running(result.add_argument_group("how it is run (as for `netarium run`; not for a trace)"))
    return result


def _add_telling(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--lang", metavar="en|zh", help="the language (the locale's)")
    add("--follow", default="", metavar="NODE[/PROGRAM]", help="tell this node's side; others are counted")
    add("--only", metavar="KIND,KIND", help="these kinds of things only, such as dns,arp")
    add("--conversation", default="", metavar="A:PORT-B:PORT", help="one conversation only")
    add(
        "--layers",
        type=int,
        choices=(4, 5, 7),
        default=0,
        help="show what every layer adds and takes off, in the model of 4, 5 or 7 layers",
    )
    add(
        "--bytes",
        action="store_true",
        help="show the bytes of each frame with its fields named, and its bits",
    )
    add("--ladder", metavar="FILE.svg", help="draw each TCP conversation that is told as a ladder diagram")
    forms = group.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="one JSON document")
    forms.add_argument("--markdown", action="store_true", help="headings and lists")


def _add_running(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add_conditions(add)
    add(
        "--pcap",
        metavar="FILE",
        help="leave the capture there (explain.pcapng), which the numbers point into",
    )
    add("--trace", metavar="FILE.jsonl", help="leave the trace there too")


def parse(arguments: Sequence[str]) -> ExplainArguments:
    """Read a command line. Exits with 2 and a usage line when it is wrong, as argparse does."""
    reader = parser()
    found = reader.parse_args(arguments)
    if found.only is not None and not found.only.replace(",", "").strip():
        reader.error("--only names no kind of things; write some, such as --only dns,arp")
    found.only = found.only or ""
    given = ExplainArguments(**vars(found))
    if given.trace_file is not None:
        for option in RUN_OPTIONS:
            if getattr(given, option) not in (None, False, []):
                reader.error(
                    f"--{option} says how something is run; {given.trace_file} has been recorded already"
                )
    elif given.sources[0].endswith((".jsonl.gz", ".jsonl.xz", ".jsonl.zst", ".jsonl.bz2")):
        reader.error(f"{given.sources[0]} is compressed; unpack it first, and give the .jsonl")
    elif given.sources[0].endswith((".pcap", ".pcapng")):
        reader.error(
            f"{given.sources[0]} is a capture; a story is told from a trace: "
            "`netarium run LAB.yaml --pcap FILE.pcapng --trace FILE.jsonl` makes both"
        )
    elif any(source.endswith(".jsonl") for source in given.sources):
        reader.error("a trace stands alone: it is told as it was recorded")
    return given


def run_words(given: ExplainArguments, pcap: Path, trace: Path) -> list[str]:
    """The words of the `netarium run` that makes capture and trace."""
    words = [*given.sources, "--quiet", "--pcap", str(pcap), "--trace", str(trace)]
    if given.seed is not None:
        words += ["--seed", str(given.seed)]
    if given.until is not None:
        words += ["--until", given.until]
    for each in given.stdin:
        words += ["--stdin", each]
    return [*words, "--root"] if given.root else words


__all__ = ["ExplainArguments", "parse", "parse_run", "parser", "run_words"]
