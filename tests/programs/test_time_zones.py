"""TZ is each program's own: localtime, strftime, mktime and datetime follow from it, and nothing outside does."""

from __future__ import annotations

import os
import time
from datetime import UTC, date, datetime
from typing import Any

import pytest

from netarium import Net

SUMMER = 1_782_907_200  # 2026-07-01 12:00:00 UTC
WINTER = 1_767_268_800  # 2026-01-01 12:00:00 UTC


def show() -> dict[str, Any]:
    summer = time.localtime(SUMMER)
    return {
        "hours": (summer.tm_hour, time.localtime(WINTER).tm_hour),
        "dst": summer.tm_isdst,
        "offset": summer.tm_gmtoff,
        "text": time.strftime("%H:%M %Z %z", summer),
        "back": time.mktime(summer),
        "moment": datetime.fromtimestamp(SUMMER).hour,
        "timestamp": datetime(2026, 7, 1, 12).timestamp(),
        "aware": datetime(2026, 7, 1, 12, tzinfo=UTC).astimezone().isoformat(),
        "day": date.fromtimestamp(SUMMER + 11 * 3600).day,
        "now": datetime.now().hour,
    }


UTC_SHOWN = {
    "hours": (12, 12),
    "dst": 0,
    "offset": 0,
    "text": "12:00 UTC +0000",
    "back": SUMMER,
    "moment": 12,
    "timestamp": SUMMER,
    "aware": "2026-07-01T12:00:00+00:00",
    "day": 1,
    "now": 0,
}
BERLIN_SHOWN = {
    "hours": (14, 13),
    "dst": 1,
    "offset": 7200,
    "text": "14:00 CEST +0200",
    "back": SUMMER,
    "moment": 14,
    "timestamp": SUMMER - 7200,
    "aware": "2026-07-01T14:00:00+02:00",
    "day": 2,
    "now": 1,
}


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("UTC", UTC_SHOWN),
        ("Europe/Berlin", BERLIN_SHOWN),
        ("CET-1CEST,M3.5.0,M10.5.0/3", BERLIN_SHOWN),
        ("no zone, no rule", UTC_SHOWN),
    ],
)
def test_local_time_is_what_tz_says(zone: str, shown: dict[str, Any]) -> None:
    net = Net(seed=1)
    host = net.host("host", address="10.0.0.1/24")
    program = host.run(show, env={"TZ": zone})
    other = host.run(show)
    before = time.localtime(SUMMER)
    net.run()
    assert program.result == shown
    assert other.result == UTC_SHOWN
    assert time.localtime(SUMMER) == before


def test_tzset_changes_the_zone_of_the_program_that_calls_it() -> None:
    def move() -> list[int]:
        hours = [time.localtime(WINTER).tm_hour]
        os.environ["TZ"] = "America/New_York"
        time.tzset()
        hours.append(time.localtime(WINTER).tm_hour)
        return hours

    net = Net(seed=1)
    host = net.host("host", address="10.0.0.1/24")
    assert host.call(move) == [12, 7]
    assert host.call(lambda: time.localtime(WINTER).tm_hour) == 12


@pytest.mark.parametrize(("is_dst", "seconds"), [(1, 1_792_888_200), (0, 1_792_891_800)])
def test_an_hour_that_comes_twice_is_told_apart_by_its_flag(is_dst: int, seconds: int) -> None:
    def twice() -> float:
        return time.mktime((2026, 10, 25, 2, 30, 0, 0, 0, is_dst))

    net = Net(seed=1)
    host = net.host("host", address="10.0.0.1/24")
    program = host.run(twice, env={"TZ": "Europe/Berlin"})
    net.run()
    assert program.result == seconds
