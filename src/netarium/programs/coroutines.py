"""Where the tasks of an asyncio program wait: the report of a deadlock names them, not the epoll below them all."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

from netarium.programs.report import is_own

SHOWN_MAX = 20
"""So many tasks of one loop are told; of the others their number."""
_CHAINED = (("cr_frame", "cr_await"), ("gi_frame", "gi_yieldfrom"), ("ag_frame", "ag_await"))
"""Where coroutines, generators and asynchronous generators keep their frame, and what they wait for."""
_NUMBERED = re.compile(r"Task-(\d+)$")


class Waiting(NamedTuple):
    """One task: its name or coroutine, what it awaits, of whom, and the line in the program's own code."""

    task: str
    call: str
    address: str
    file: str
    line: int


class _Step(NamedTuple):
    """One coroutine of a chain of awaits, the outermost first."""

    name: str
    file: str
    line: int
    self: Any


def waiting_tasks(loop: Any, folder: Path | None) -> list[Waiting]:
    """The tasks of a loop that are not done, in the order of their making. Empty without asyncio or tasks."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None or not isinstance(loop, asyncio.AbstractEventLoop):
        return []
    tasks = sorted(asyncio.all_tasks(loop), key=_order)
    found = [_waiting(task, folder) for task in tasks[:SHOWN_MAX]]
    if len(tasks) > SHOWN_MAX:
        found.append(Waiting(f"{len(tasks) - SHOWN_MAX} more tasks", "await", "", "", 0))
    return found


def _order(task: Any) -> tuple[int, str]:
    numbered = _NUMBERED.match(task.get_name())
    return (int(numbered[1]) if numbered else 0), task.get_name()


def _waiting(task: Any, folder: Path | None) -> Waiting:
    steps = _chain(task.get_coro())
    name = task.get_name()
    if _NUMBERED.match(name):
        name = steps[0].name if steps else "task"
    own = next((index for index in reversed(range(len(steps))) if is_own(steps[index].file, folder)), -1)
    inner = steps[own + 1 :]
    call = inner[0].name if inner and own >= 0 else "await"
    shown = steps[own] if steps else None
    address = next((text for text in map(_address, inner) if text), "")
    if shown is None:
        return Waiting(name, call, address, "", 0)
    return Waiting(name, call, address, Path(shown.file).name, shown.line)


def _chain(awaited: Any) -> list[_Step]:
    """Coroutine, what it awaits, what that awaits."""
    steps = []
    while awaited is not None:
        names = next((each for each in _CHAINED if hasattr(awaited, each[0])), None)
        if names is None:
            break  # a future, or an iterator of C code
        frame = getattr(awaited, names[0])
        if frame is not None:
            name = getattr(awaited, "__qualname__", frame.f_code.co_name).rpartition("<locals>.")[2]
            steps.append(
                _Step(name, frame.f_code.co_filename, frame.f_lineno or 0, frame.f_locals.get("self"))
            )
        awaited = getattr(awaited, names[1])
    return steps


def _address(step: _Step) -> str:
    """Of whom a stream's coroutine waits: the peer of its transport."""
    transport = getattr(step.self, "_transport", None)
    told = getattr(transport, "get_extra_info", None)
    peer = told("peername") if told is not None else None
    if isinstance(peer, tuple) and len(peer) >= 2:
        host = f"[{peer[0]}]" if ":" in str(peer[0]) else peer[0]
        return f"from {host}:{peer[1]}"
    return ""
