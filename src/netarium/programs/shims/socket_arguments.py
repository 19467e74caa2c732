"""Arguments of socket calls, checked with CPython's errors."""

from __future__ import annotations

import errno
import socket as real
from typing import Any

from netarium.sockets.errno import os_error

_OOB = int(real.MSG_OOB)
_MORE = 0x8000
_ERRQUEUE = 0x2000
_FLAGS_KNOWN = _MORE | _ERRQUEUE
for _flag in (
    real.MSG_PEEK,
    real.MSG_DONTWAIT,
    real.MSG_WAITALL,
    real.MSG_TRUNC,
    real.MSG_CTRUNC,
    real.MSG_NOSIGNAL,
    real.MSG_CMSG_CLOEXEC,
):
    _FLAGS_KNOWN |= int(_flag)


def check_flags(flags: int) -> None:
    """Flags of receiving calls: EINVAL for out-of-band data, EOPNOTSUPP for what there is not."""
    if flags & _OOB:
        raise os_error(errno.EINVAL)
    if flags & ~_FLAGS_KNOWN:
        raise os_error(errno.EOPNOTSUPP)


def as_enum(value: int, enum: Any) -> Any:
    """`value` as a member of `enum`, or as it is when it has no name there."""
    try:
        return enum(value)
    except ValueError:
        return value


def timeout_ns(value: Any) -> int | None:
    """A time-out in seconds as nanoseconds; None for blocking. Errors as CPython's."""
    if value is None:
        return None
    if isinstance(value, int | float):
        seconds = value
    elif hasattr(value, "__float__") or hasattr(value, "__index__"):
        seconds = float(value)
    else:
        raise TypeError(f"'{type(value).__name__}' object cannot be interpreted as an integer")
    if seconds != seconds:
        raise ValueError("Invalid value NaN (not a number)")
    if seconds < 0:
        raise ValueError("Timeout value out of range")
    if seconds > 9_223_372_036:
        raise OverflowError("timestamp too large to convert to C _PyTime_t")
    return -int(-seconds * 1e9) if isinstance(seconds, int) else round(seconds * 1e9)


def to_bytes(data: Any) -> bytes:
    """What a program sends, as bytes that nobody else can change."""
    if type(data) is bytes:
        return data
    try:
        return bytes(memoryview(data))
    except TypeError:
        raise TypeError(f"a bytes-like object is required, not '{type(data).__name__}'") from None
    except BufferError as error:
        raise BufferError(str(error)) from None


def writable(buffer: Any) -> memoryview:
    """A buffer that a call fills, as bytes."""
    try:
        view = memoryview(buffer).cast("B")
    except TypeError:
        view = None
    if view is None or view.readonly:
        raise TypeError(f"a read-write bytes-like object is required, not '{type(buffer).__name__}'")
    return view


def kind_of(core: Any) -> tuple[int, int, int]:
    """(family, type, protocol)."""
    return core.family, core.type, core.protocol


def check_open(sock: Any) -> None:
    """EBADF for a socket that is closed, or whose descriptor was; ENOTSOCK where its number means something else."""
    core = sock._core
    if core.closed or sock._process.descriptors.find(sock._number) is not core:
        raise os_error(getattr(core, "refusal", errno.EBADF))
