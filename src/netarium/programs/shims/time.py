"""Virtual `time`: the engine's clock; the wall clock begins at the net's epoch, the time zone is what TZ says."""

from __future__ import annotations

import errno
import time as real
from datetime import date, datetime, timedelta
from typing import Any

from netarium.programs import zone as zones
from netarium.programs.shims.os import refuse
from netarium.programs.task import CALL_COST_NS, CALLS_BEFORE_YIELD, Task
from netarium.sockets.errno import os_error

# The originals: this module is imported before they are replaced.
_gmtime = real.gmtime
_strftime = real.strftime
_asctime = real.asctime
_clock_gettime_ns = real.clock_gettime_ns

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_WALL_CLOCKS = tuple(getattr(real, name) for name in ("CLOCK_REALTIME", "CLOCK_TAI") if hasattr(real, name))


def now_ns(task: Task) -> int:
    """Nanoseconds since the net began. Reading a clock costs time, so that a loop that polls it ends."""
    task.reads += 1
    if task.reads > CALLS_BEFORE_YIELD:
        task.scheduler.charge(task)
    return task.scheduler.engine.now


def time(task: Task) -> float:
    """Seconds since 1970."""
    return (now_ns(task) + task.scheduler.epoch_ns) / 1e9


def time_ns(task: Task) -> int:
    """Nanoseconds since 1970."""
    return now_ns(task) + task.scheduler.epoch_ns


def monotonic(task: Task) -> float:
    """Seconds since the net began."""
    return now_ns(task) / 1e9


def monotonic_ns(task: Task) -> int:
    """Nanoseconds since the net began."""
    return now_ns(task)


def thread_time_ns(task: Task) -> int:
    """Processor time: what the calls of this thread cost, in nanoseconds; computing and waiting cost nothing."""
    task.calls += 1
    if task.calls > task.calls_limit:
        task.scheduler.charge(task)
    return task.calls * CALL_COST_NS


def process_time_ns(task: Task) -> int:
    """As thread_time_ns, of all threads of the program, those that have ended too."""
    own = thread_time_ns(task)
    others = sum(each.calls for each in task.process.tasks if each is not task)
    return own + (others + task.process.calls_of_ended) * CALL_COST_NS


def thread_time(task: Task) -> float:
    """See thread_time_ns; in seconds."""
    return thread_time_ns(task) / 1e9


def process_time(task: Task) -> float:
    """See process_time_ns; in seconds."""
    return process_time_ns(task) / 1e9


perf_counter = monotonic
perf_counter_ns = monotonic_ns


def clock_gettime(task: Task, clock: int) -> float:
    """Any clock, in seconds."""
    return clock_gettime_ns(task, clock) / 1e9


def clock_gettime_ns(task: Task, clock: int) -> int:
    """Any clock, in nanoseconds. An unknown one fails as on the real machine."""
    _clock_gettime_ns(clock)
    if clock == real.CLOCK_PROCESS_CPUTIME_ID:
        return process_time_ns(task)
    if clock == real.CLOCK_THREAD_CPUTIME_ID:
        return thread_time_ns(task)
    now = now_ns(task)
    return now + task.scheduler.epoch_ns if clock in _WALL_CLOCKS else now


def clock_settime(task: Task, clock: int, value: float) -> None:
    """Never the real clock: EPERM for ordinary users as on Linux, refused by name for root."""
    _clock_gettime_ns(clock)  # an unknown clock fails as on the real machine
    if not isinstance(value, int | float):
        raise TypeError("must be real number, not " + type(value).__name__)
    if clock != real.CLOCK_REALTIME:
        raise os_error(errno.EINVAL)
    if not task.process.credentials.may("sys_time"):
        raise os_error(errno.EPERM)
    refuse("time.clock_settime", "all hosts of the net share one clock")(task)


clock_settime_ns = clock_settime


def sleep(task: Task, seconds: float) -> None:
    """Let virtual time pass; sleep(0) takes 1 us."""
    if not isinstance(seconds, int | float):
        if not hasattr(seconds, "__float__") and not hasattr(seconds, "__index__"):
            raise TypeError(f"'{type(seconds).__name__}' object cannot be interpreted as an integer")
        seconds = float(seconds)
    if seconds != seconds:
        raise ValueError("Invalid value NaN (not a number)")
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    if seconds > 9_223_372_036:
        raise OverflowError("timestamp too large to convert to C _PyTime_t")
    task.scheduler.sleep(task, round(seconds * 1e9))


def gmtime(task: Task, seconds: float | None = None) -> real.struct_time:
    """As time.gmtime; without an argument of the virtual now."""
    return _gmtime(time(task) if seconds is None else seconds)


def localtime(task: Task, seconds: float | None = None) -> real.struct_time:
    """As time.localtime; without an argument of the virtual now."""
    zone = task.process.zone
    if zone is None:
        return real.struct_time((*gmtime(task, seconds)[:9], "UTC", 0))  # gmtime itself calls the zone GMT
    moment = zones.local(zone, time(task) if seconds is None else seconds)
    parts = (*moment.timetuple()[:8], int(bool(moment.dst())))
    offset = moment.utcoffset() or timedelta(0)
    return real.struct_time((*parts, moment.tzname(), int(offset.total_seconds())))


def tzset(task: Task) -> None:
    """As time.tzset: TZ counts from now on. The constants (`time.timezone`, ...) stay as they are."""
    zones.set_zone(task.process)


def mktime(task: Task, fields: Any) -> float:
    """The inverse of localtime."""
    values = tuple(fields)
    if len(values) != 9:
        raise TypeError("Tuple or struct_time argument required")
    seconds = _count_seconds(*values[:6])
    zone = task.process.zone
    if zone is None:
        return seconds
    return zones.seconds_at(zone, datetime(1970, 1, 1) + timedelta(seconds=seconds), values[8])


def _count_seconds(year: int, month: int, day: int, hour: int, minute: int, second: int) -> float:
    # Months and days past their ends count on, as in mktime(3).
    year_on, month_on = divmod(month - 1, 12)
    days = date(year + year_on, month_on + 1, 1).toordinal() - _EPOCH_DAY + day - 1
    return float(((days * 24 + hour) * 60 + minute) * 60 + second)


def ctime(task: Task, seconds: float | None = None) -> str:
    """As time.ctime."""
    return _asctime(localtime(task, seconds))


def asctime(task: Task, fields: Any = None) -> str:
    """As time.asctime."""
    return _asctime(localtime(task) if fields is None else fields)


def strftime(task: Task, pattern: str, fields: Any = None) -> str:
    """As time.strftime."""
    return _strftime(pattern, localtime(task) if fields is None else fields)
