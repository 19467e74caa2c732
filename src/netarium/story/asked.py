"""What a choice means in a trace: programs and conversations; what is not there is refused with what there is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from netarium.errors import UsageError
from netarium.story.records import TraceFile

CONVERSATIONS_NAMED: Final = 8
"""So many conversations are named where the one that is wanted is not there."""


_ENDS: Final = re.compile(r"(.+:\d+)-(.+:\d+)")
_PORTS: Final = 1 << 16


def programs_of(trace: TraceFile, follow: str) -> tuple[str, ...]:
    """The programs that NODE/PROGRAM means: by the name that `netarium run` prints, or by what was started.

    The name means that program alone. A node's only program has the node's name; it is meant by its file's name too,
    with `.py` or without, and so are all that were started from it. Raises UsageError, with those there are, when there
    is none.
    """
    node = follow.partition("/")[0]
    started: dict[str, str] = {}
    for record in trace.records((b'"event":"program"',)):
        if record["event"] == "program" and record["at"] == node and record.get("what") == "started":
            command = record.get("command") or [""]
            started[str(record.get("program"))] = Path(str(command[0])).name
    wanted = follow.partition("/")[2]
    found = tuple(name for name in started if follow == name)
    found = found or tuple(
        name for name, file in started.items() if wanted in (name, file, file.removesuffix(".py"))
    )
    if not found:
        known = ", ".join(
            name if "/" in name else f"{node}/{file.removesuffix('.py')}" for name, file in started.items()
        )
        there = f"it has {known}" if known else "none was started on it"
        raise UsageError(f"--follow {follow}: {node} has no program {wanted!r}; {there}")
    return found


def no_conversation(wanted: str, there: list[str]) -> str:
    """What is wrong when none is the one that is wanted, with the first of those there are."""
    named = ", ".join(there[:CONVERSATIONS_NAMED]) + (
        " and others" if len(there) > CONVERSATIONS_NAMED else ""
    )
    return f"--conversation {wanted}: the trace has no such one; " + (
        f"it has {named}" if there else "it has none at all"
    )


def ends_of(conversation: str) -> tuple[str, str]:
    """The two ends of `A:port-B:port`; a node's name may have a hyphen of its own."""
    found = _ENDS.fullmatch(conversation)
    if found is not None:
        return found[1], found[2]
    first, _, second = conversation.partition("-")
    return first, second


def check_conversation(conversation: str) -> None:
    """Raises UsageError for what is not two ends with ports that can be."""
    for end in ends_of(conversation):
        host, _, port = end.rpartition(":")
        if not host or not port.isdigit():
            raise UsageError(
                f"--conversation {conversation}: write both ends with their ports, "
                "such as 10.0.0.1:80-10.0.0.2:4321 or server:80-client:4321"
            )
        if not 0 < int(port) < _PORTS:
            raise UsageError(f"--conversation {conversation}: {port} is no port; ports are 1 to 65535")


def is_between(pairs: Iterable[str], conversation: str, has: Callable[[str, str], bool]) -> bool:
    """Whether a conversation, known under `pairs`, is the one asked for by addresses or by names of nodes.

    `has` says whether a node of that name has an address.
    """
    first, second = ends_of(conversation)

    def fits(wanted: str, end: str) -> bool:
        (host, _, port), (address, _, real) = wanted.rpartition(":"), end.rpartition(":")
        return wanted == end or (port == real and has(host, address.strip("[]")))

    return any(
        (fits(first, one) and fits(second, other)) or (fits(first, other) and fits(second, one))
        for one, other in map(ends_of, pairs)
    )
