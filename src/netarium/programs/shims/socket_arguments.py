"""Arguments of socket calls, checked with CPython's errors."""

from __future__ import annotations

from typing import Any


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
