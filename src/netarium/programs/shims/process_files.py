"""/proc/PID and /proc/self of the programs on a host (proc(5)): cmdline, comm, environ, stat, status; and /proc/stat.

A number that no program of the host has is ENOENT: the real machine's process of that number is none of its business.
What is not here of /proc/self (maps, mountinfo, cgroup, ...) is the real process'.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any, Final

from netarium.programs.shims.time import process_time, time_ns
from netarium.programs.task import Task
from netarium.units import is_whole

if TYPE_CHECKING:
    from netarium.programs.process import Process

TICKS_PER_S: Final = 100
COMM_BYTES_MAX: Final = 15
STAT_FIELDS: Final = 52
WHAT: Final = ("cmdline", "comm", "environ", "stat", "status")


def process_file(task: Task, path: str) -> str | None:
    """What is in this file; None for one that is the real machine's. FileNotFoundError for no program of the host."""
    if path == "/proc/stat":
        return _machine_stat(task)
    parts = path.split("/")
    if len(parts) < 4 or parts[1] != "proc":
        return None
    found = task.process if parts[2] in ("self", "thread-self") else _of_number(task, parts[2], path)
    if found is None or len(parts) != 4 or parts[3] not in WHAT:
        return None
    return _TEXTS[parts[3]](task, found)


def _of_number(task: Task, number: str, path: str) -> Process | None:
    if not is_whole(number):
        return None
    for each in task.scheduler.processes:
        if each.host is task.process.host and not each.ended and each.pid == int(number):
            return each
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)


def _comm(process: Process) -> str:
    return os.path.basename(process.name)[:COMM_BYTES_MAX]


def _state(task: Task, process: Process) -> str:
    return "R" if process is task.process else "S"


def _stat(task: Task, process: Process) -> str:
    """The fields that mean something here; all else is 0."""
    fields: list[Any] = [0] * STAT_FIELDS
    fields[:8] = (
        process.pid, f"({_comm(process)})", _state(task, process), 1, process.group, process.session, 0, -1,
    )  # fmt: skip
    if process is task.process:
        fields[13] = int(process_time(task) * TICKS_PER_S)
    fields[17], fields[18], fields[19] = 20 + process.nice, process.nice, max(len(process.tasks), 1)
    return " ".join(str(each) for each in fields) + "\n"


def _status(task: Task, process: Process) -> str:
    state = {"R": "R (running)", "S": "S (sleeping)"}[_state(task, process)]
    users, groups = process.credentials.users, process.credentials.groups
    lines = (
        ("Name", _comm(process)),
        ("State", state),
        ("Tgid", process.pid),
        ("Pid", process.pid),
        ("PPid", 1),
        ("TracerPid", 0),
        ("Uid", "\t".join(str(each) for each in (*users, users[1]))),
        ("Gid", "\t".join(str(each) for each in (*groups, groups[1]))),
        ("Groups", " ".join(str(each) for each in process.credentials.supplementary)),
        ("Threads", max(len(process.tasks), 1)),
    )
    return "".join(f"{name}:\t{value}\n" for name, value in lines)


def _machine_stat(task: Task) -> str:
    """/proc/stat of a machine of one processor that has nothing to do; btime is when the net began."""
    now_ns = task.scheduler.engine.now
    idle = now_ns * TICKS_PER_S // 1_000_000_000
    times = f"0 0 0 {idle} 0 0 0 0 0 0"
    began = (time_ns(task) - now_ns) // 1_000_000_000
    last = max((each.pid for each in task.scheduler.processes), default=1)
    return f"cpu  {times}\ncpu0 {times}\nbtime {began}\nprocesses {last}\nprocs_running 1\nprocs_blocked 0\n"


_TEXTS: Final = {
    "cmdline": lambda task, process: "".join(f"{each}\0" for each in process.argv),
    "comm": lambda task, process: _comm(process) + "\n",
    "environ": lambda task, process: "".join(f"{key}={value}\0" for key, value in process.env.items()),
    "stat": _stat,
    "status": _status,
}
