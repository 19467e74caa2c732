"""The time zone of a program: what its variable TZ says (tzset(3)), which is UTC unless the lab or the program sets it.

A name is looked up in the system's tables, anything else is read as a POSIX rule (`CET-1CEST,M3.5.0,M10.5.0/3`). The C
library has one zone for the whole interpreter, so it is not asked.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import BytesIO
from struct import pack
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from netarium.programs.process import Process

_SAME_AS_UTC = frozenset(("", "UTC", "UTC0", "UCT", "GMT", "GMT0", "Etc/UTC", "Zulu"))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def zone_of(text: str) -> ZoneInfo | None:
    """The zone that TZ names; None for UTC, as which glibc takes what it cannot read too."""
    name = text.removeprefix(":")
    if name in _SAME_AS_UTC:
        return None
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # no such name: a rule?
        pass
    try:
        return ZoneInfo.from_file(BytesIO(_rule_file(name)), key=name)
    except (ValueError, UnicodeError):
        return None


def _rule_file(rule: str) -> bytes:
    """A file of the format of tzfile(5) (RFC 8536) that holds nothing but the rule for all times."""
    head = b"TZif2" + bytes(15) + pack(">6l", 0, 0, 0, 0, 1, 4) + pack(">lBB", 0, 0, 0) + b"UTC\0"
    return head * 2 + b"\n" + rule.encode("ascii") + b"\n"


def set_zone(process: Process) -> None:
    """The process has said tzset(), or begins."""
    process.zone = zone_of(process.environment.get(b"TZ", b"").decode("ascii", "replace"))


def local(zone: ZoneInfo, seconds: float) -> datetime:
    """The local time at `seconds` since 1970, to the second below."""
    return (_EPOCH + timedelta(seconds=seconds // 1)).astimezone(zone)


def seconds_at(zone: ZoneInfo, moment: datetime, is_dst: int = -1) -> float:
    """Seconds since 1970 at a local time without zone; `is_dst` decides where the clock shows it twice (mktime(3))."""
    found = moment.replace(tzinfo=zone)
    if is_dst >= 0:
        for fold in (0, 1):
            each = found.replace(fold=fold)
            if bool(each.dst()) == bool(is_dst):
                return each.timestamp()
    return found.timestamp()
