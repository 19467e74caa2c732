"""Virtual `datetime.now` and `utcnow`; `today` follows from `time.time`. The local time zone is the program's."""

from __future__ import annotations

import datetime as real
from typing import Any

from greenlet import getcurrent

from netarium.programs import zone as zones
from netarium.programs.shims.time import time_ns
from netarium.programs.task import TaskGreenlet

_METHODS = {name: real.datetime.__dict__[name] for name in ("now", "utcnow", "fromtimestamp")}
_date_fromtimestamp = real.date.__dict__["fromtimestamp"]
_timestamp, _astimezone = real.datetime.timestamp, real.datetime.astimezone
_LOCAL = real.timezone(real.timedelta(0), "UTC")
"""The zone that `astimezone()` finds where TZ=UTC."""
_EPOCH = real.datetime(1970, 1, 1, tzinfo=real.UTC)


def _moment(ns: int) -> real.datetime:
    return _EPOCH + real.timedelta(microseconds=ns // 1000)


def now(cls: Any, tz: Any = None) -> Any:
    """As datetime.now."""
    current = getcurrent()
    if type(current) is not TaskGreenlet:
        return _real(cls, "now", tz)
    moment = _moment(time_ns(current.task))
    if tz is None:
        zone = current.task.process.zone
        return _as(cls, moment if zone is None else moment.astimezone(zone), None)
    return _as(cls, moment.astimezone(tz), tz)


def utcnow(cls: Any) -> Any:
    """As datetime.utcnow."""
    current = getcurrent()
    if type(current) is not TaskGreenlet:
        return _real(cls, "utcnow")
    return _as(cls, _moment(time_ns(current.task)), None)


def fromtimestamp(cls: Any, timestamp: float, tz: Any = None) -> Any:
    """As datetime.fromtimestamp; without a zone in the program's."""
    current = getcurrent()
    if tz is not None or type(current) is not TaskGreenlet:
        return _real(cls, "fromtimestamp", timestamp, tz)
    # Made by the class itself: a subclass' __new__ is to see it.
    zone = current.task.process.zone or real.UTC
    return _as(cls, _real(real.datetime, "fromtimestamp", timestamp, zone), None)


def date_fromtimestamp(cls: Any, timestamp: float) -> Any:
    """As date.fromtimestamp: the day in the program's zone."""
    current = getcurrent()
    if type(current) is not TaskGreenlet:
        return _date_fromtimestamp.__get__(None, cls)(timestamp)
    zone = current.task.process.zone or real.UTC
    day = _METHODS["fromtimestamp"].__get__(None, real.datetime)(timestamp, zone)
    return cls(day.year, day.month, day.day)


def timestamp(task: Any, self: real.datetime) -> float:
    """As datetime.timestamp: a naive moment is in the program's zone."""
    if task.process.zone is not None and self.tzinfo is None:
        return zones.seconds_at(task.process.zone, self)
    return _timestamp(self.replace(tzinfo=real.UTC) if self.tzinfo is None else self)


def astimezone(task: Any, self: real.datetime, tz: Any = None) -> real.datetime:
    """As datetime.astimezone: the local zone is the program's."""
    zone = task.process.zone
    if zone is not None:
        moment = self.replace(tzinfo=zone) if self.utcoffset() is None else self
        if tz is not None:
            return _astimezone(moment, tz)
        there = _astimezone(moment, zone)
        return there.replace(
            tzinfo=real.timezone(there.utcoffset() or real.timedelta(0), there.tzname() or "")
        )
    moment = self.replace(tzinfo=_LOCAL) if self.utcoffset() is None else self
    return _astimezone(moment, _LOCAL if tz is None else tz)


def _real(cls: Any, name: str, *args: Any) -> Any:
    return _METHODS[name].__get__(None, cls)(*args)


def _as(cls: Any, moment: real.datetime, tz: Any) -> Any:
    return cls(
        moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second, moment.microsecond,
        tz, fold=moment.fold,
    )  # fmt: skip
