"""Virtual `datetime.now` and `utcnow`; `today` follows from `time.time`."""

from __future__ import annotations

import datetime as real
from typing import Any

from greenlet import getcurrent

from netarium.programs.scheduler import TaskGreenlet
from netarium.programs.shims.time import time_ns

_METHODS = {name: real.datetime.__dict__[name] for name in ("now", "utcnow")}
_EPOCH = real.datetime(1970, 1, 1, tzinfo=real.UTC)


def _moment(ns: int) -> real.datetime:
    return _EPOCH + real.timedelta(microseconds=ns // 1000)


def now(cls: Any, tz: Any = None) -> Any:
    """As datetime.now; the net's local time is UTC."""
    current = getcurrent()
    if type(current) is not TaskGreenlet:
        return _real(cls, "now", tz)
    moment = _moment(time_ns(current.task))
    if tz is None:
        return _as(cls, moment, None)
    return _as(cls, moment.astimezone(tz), tz)


def utcnow(cls: Any) -> Any:
    """As datetime.utcnow."""
    current = getcurrent()
    if type(current) is not TaskGreenlet:
        return _real(cls, "utcnow")
    return _as(cls, _moment(time_ns(current.task)), None)


def _real(cls: Any, name: str, *args: Any) -> Any:
    return _METHODS[name].__get__(None, cls)(*args)


def _as(cls: Any, moment: real.datetime, tz: Any) -> Any:
    return cls(
        moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second, moment.microsecond,
        tz, fold=moment.fold,
    )  # fmt: skip
