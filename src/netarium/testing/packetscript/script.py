"""The values a script is made of, and what can be wrong with one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


class ScriptError(Exception):
    """The script is wrong; reads `LINE: what is wrong; what would be right`."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"{line}: {message}")


class ScriptFailure(Exception):
    """The stack did something else than the script says; reads `LINE: wanted ..., got ...`."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"{line}: {message}")


class NotRun(Exception):
    """The script needs something that is not built; reads `LINE: what`."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"{line}: {reason}")


@dataclass(frozen=True)
class When:
    """The time of an event, in ns. `relative`: to the event before. `end_ns` -1: none.

    `anytime`: whenever it comes (`*`). `until_end`: a blocking call that returns at `end_ns` (`0...0.2`); else `end_ns`
    is the latest of a range (`0.1~0.2`).
    """

    start_ns: int
    relative: bool
    end_ns: int = -1
    until_end: bool = False
    anytime: bool = False


@dataclass(frozen=True)
class Option:
    """One TCP option: its name in the notation and its numbers."""

    name: str
    numbers: tuple[int, ...] = ()

    def __str__(self) -> str:
        if self.name == "TS":
            return f"TS val {self.numbers[0]} ecr {self.numbers[1]}"
        if self.name == "sack":
            pairs = zip(self.numbers[::2], self.numbers[1::2], strict=True)
            return "sack " + " ".join(f"{left}:{right}" for left, right in pairs)
        return " ".join([self.name, *map(str, self.numbers)])


@dataclass(frozen=True)
class Packet:
    """A packet of the script, in the script's numbers. `options` None: any. `ports` (source, destination) or None."""

    outbound: bool
    flags: int
    start: int
    size: int
    acknowledgment: int = -1
    window: int = -1
    urgent: int = 0
    options: tuple[Option, ...] | None = ()
    ports: tuple[int, int] | None = None
    ecn: int = -1


@dataclass(frozen=True)
class IcmpError:
    """An inbound ICMP error that quotes an outbound segment."""

    type: int
    code: int
    mtu: int
    start: int
    size: int


@dataclass(frozen=True)
class Unknown:
    """`...`: any argument."""


@dataclass(frozen=True)
class Call:
    """A system call and what it must return; `result` None: anything. `error`: the name of an errno or ""."""

    name: str
    arguments: tuple[Any, ...]
    result: int | None
    error: str = ""


@dataclass(frozen=True)
class Command:
    """A shell command in backticks."""

    text: str


@dataclass(frozen=True)
class Code:
    """Python in `%{ }%`."""

    text: str


@dataclass(frozen=True)
class Event:
    """One line of the script."""

    line: int
    when: When
    what: Packet | IcmpError | Call | Command | Code


@dataclass
class Script:
    """A whole script: `--name=value` lines of its head, then its events."""

    options: dict[str, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
