"""What a program asks about its machine beside files: uuid1, times and load, platform, OpenSSL's randomness."""

from __future__ import annotations

import os as real
import platform as real_platform
import resource
import uuid as real_uuid
from typing import Any

from netarium.programs.shims.dispatch import dispatcher
from netarium.programs.shims.os import uname as os_uname
from netarium.programs.shims.random import urandom
from netarium.programs.shims.time import monotonic, process_time, time_ns
from netarium.programs.task import Task

_times_result, _rusage = real.times_result, resource.struct_rusage
_platform = real_platform.platform
GREGORIAN_100NS = 0x01B21DD213814000
"""From 1582-10-15 to 1970-01-01 in steps of 100 ns (RFC 9562 5.1)."""


def getnode(task: Task) -> int:
    """As uuid.getnode: the MAC of the first interface, or, without one, a random number marked as such."""
    for interface in task.process.host.stack.interfaces.values():
        if not interface.is_loopback:
            return interface.mac
    return task.process.random.getrandbits(48) | 1 << 40


def uuid1(task: Task, node: int | None = None, clock_seq: int | None = None) -> real_uuid.UUID:
    """As uuid.uuid1, of the virtual clock; two are never the same."""
    process = task.process
    stamp = max(time_ns(task) // 100 + GREGORIAN_100NS, process.last_uuid + 1)
    process.last_uuid = stamp
    sequence = process.random.getrandbits(14) if clock_seq is None else clock_seq
    fields = (
        stamp & 0xFFFFFFFF,
        stamp >> 32 & 0xFFFF,
        stamp >> 48 & 0x0FFF,
        sequence >> 8 & 0x3F,
        sequence & 0xFF,
        getnode(task) if node is None else node,
    )
    return real_uuid.UUID(fields=fields, version=1)


def times(task: Task) -> real.times_result:
    """As os.times: the process' own time, and the clock."""
    return _times_result((process_time(task), 0.0, 0.0, 0.0, monotonic(task)))


def getloadavg(task: Task) -> tuple[float, float, float]:
    """Nothing waits for a processor."""
    return 0.0, 0.0, 0.0


def getrusage(task: Task, who: int, /) -> Any:
    """As resource.getrusage: time is what time.process_time says, all else 0, memory too."""
    used = 0.0 if who == resource.RUSAGE_CHILDREN else process_time(task)
    return _rusage((used, *[0.0], *[0] * 14))


def uname(task: Task) -> Any:
    """As platform.uname, which keeps what it was told first."""
    found = os_uname(task)
    return real_platform.uname_result(
        found.sysname, found.nodename, found.release, found.version, found.machine
    )


def platform(task: Task, aliased: bool = False, terse: bool = False) -> str:
    """As platform.platform, without what it keeps."""
    cache: Any = real_platform
    kept, cache._platform_cache = cache._platform_cache, {}
    try:
        return _platform(aliased, terse)
    finally:
        cache._platform_cache = kept


def RAND_bytes(task: Task, n: int, /) -> bytes:
    """As ssl.RAND_bytes, from the process' stream."""
    if n < 0:
        raise ValueError("num must be positive")
    return urandom(task, n)


def adapt_ssl(module: Any) -> None:
    """`ssl`, once it is imported: its randomness is the process'."""
    module.RAND_bytes = dispatcher(module.RAND_bytes, RAND_bytes)
