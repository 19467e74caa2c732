"""The event queue: order, ties, time, storms."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netarium.engine.events import Engine
from netarium.errors import StormError


class Log:
    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.fired: list[tuple[int, Any]] = []

    def fire(self, argument: Any) -> None:
        self.fired.append((self.engine.now, argument))


def run(engine: Engine) -> None:
    while engine.step():
        pass


@given(st.lists(st.integers(0, 50)))
def test_events_fire_by_time_and_ties_by_the_order_of_asking(times: list[int]) -> None:
    engine = Engine()
    log = Log(engine)
    for index, time_ns in enumerate(times):
        engine.at(time_ns, log, index)
    run(engine)
    assert log.fired == sorted((time_ns, index) for index, time_ns in enumerate(times))
    assert engine.fired == len(times)


def test_the_clock_stands_at_the_time_of_the_event_that_fires_and_stays_there() -> None:
    engine = Engine()
    log = Log(engine)
    engine.at(7, log)
    assert engine.next_time() == 7
    assert engine.step()
    assert engine.now == 7
    assert not engine.step()
    assert engine.now == 7
    assert engine.next_time() is None


def test_an_event_may_ask_for_more_at_its_own_time_and_they_come_after_those_already_there() -> None:
    engine = Engine()
    log = Log(engine)

    class Asks:
        def fire(self, argument: Any) -> None:
            engine.at(engine.now, log, "late")

    engine.at(5, Asks())
    engine.at(5, log, "early")
    run(engine)
    assert log.fired == [(5, "early"), (5, "late")]


def test_an_event_in_the_past_is_refused() -> None:
    engine = Engine()
    engine.at(5, Log(engine))
    engine.step()
    with pytest.raises(AssertionError, match="past"):
        engine.at(4, Log(engine))


def test_a_loop_without_time_is_a_storm_that_names_the_last_target() -> None:
    engine = Engine()
    engine.events_per_instant_max = 100

    class Loop:
        def fire(self, argument: Any) -> None:
            engine.at(engine.now, self)

        def __repr__(self) -> str:
            return "the loop"

    engine.at(3, Loop())
    with pytest.raises(StormError, match=r"100 events at 3 ns.*the loop"):
        run(engine)


def test_as_many_events_as_allowed_at_one_instant_are_no_storm() -> None:
    engine = Engine()
    engine.events_per_instant_max = 100
    log = Log(engine)
    for instant in (1, 2, 3):
        for index in range(101):  # the first moves the clock, 100 follow
            engine.at(instant, log, index)
    run(engine)
    assert len(log.fired) == 303


def test_a_run_of_events_ends_as_soon_as_there_is_anything_else_to_do() -> None:
    engine = Engine()
    ready: list[str] = []
    seen: list[str] = []

    class Does:
        def fire(self, argument: str) -> None:
            seen.append(argument)
            if argument == "wakes":
                ready.append("a program")
            elif argument == "interrupts":
                engine.interrupted = True
            elif argument == "ends the work":
                engine.foreground -= 1

    engine.foreground = 1
    for time_ns, argument in enumerate(("", "wakes", "", "interrupts", "", "", "ends the work", "", "late")):
        engine.at(time_ns * 10, Does(), argument)
    engine.run(ready, 55)
    assert seen == ["", "wakes"]
    ready.clear()
    engine.run(ready, 55)
    assert seen[2:] == ["", "interrupts"]
    engine.interrupted = False
    engine.run(ready, 55)
    assert (seen[4:], engine.now) == (["", ""], 50)
    engine.run(ready, 1000)
    assert seen[6:] == ["ends the work"]
    engine.run(ready, 1000)  # at least one
    assert (seen[7:], engine.fired) == ([""], 8)
    engine.foreground = 1
    engine.run(ready, 1000)
    assert (seen[8:], engine.next_time()) == (["late"], None)
