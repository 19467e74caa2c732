"""Deadlines as data: one entry an owner, earlier ones push, later ones wait for the old entry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netarium.stack.timers import NEVER, TimerOwner, Timers

pytestmark = pytest.mark.pure("its owners of timers are interpreted")


class Owner(TimerOwner):
    __slots__ = ("background", "fired", "name")

    def __init__(self, name: str = "", fired: list | None = None, background: bool = False) -> None:  # type: ignore[type-arg]
        super().__init__()
        self.name = name
        self.fired = [] if fired is None else fired
        self.background = background

    def on_timer(self, now: int) -> None:
        self.fired.append((now, self.name))

    def is_foreground(self) -> bool:
        return not self.background


def test_moving_a_deadline_later_does_not_touch_the_heap():
    timers, owner = Timers(), Owner()
    for deadline in range(100, 1000):
        timers.arm(owner, deadline)
    assert len(timers.heap) == 1
    timers.fire_due(100)
    assert owner.fired == []
    timers.fire_due(999)
    assert owner.fired == [(999, "")]
    assert not timers.heap


def test_moving_a_deadline_earlier_fires_once():
    timers, owner = Timers(), Owner()
    timers.arm(owner, 200)
    timers.arm(owner, 100)
    timers.fire_due(100)
    timers.fire_due(300)
    assert owner.fired == [(100, "")]
    assert not timers.heap


def test_a_cancelled_deadline_never_fires_and_keeps_no_run_alive():
    timers, owner = Timers(), Owner()
    timers.arm(owner, 100)
    assert timers.has_foreground()
    timers.cancel(owner)
    assert not timers.has_foreground()
    timers.fire_due(500)
    assert owner.fired == []


def test_ties_fire_in_order_of_arming_and_background_is_told_apart():
    timers, fired = Timers(), []
    for name in "abc":
        timers.arm(Owner(name, fired, background=True), 7)
    assert not timers.has_foreground()
    timers.fire_due(7)
    assert fired == [(7, "a"), (7, "b"), (7, "c")]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 50), st.booleans()), max_size=60))
def test_an_owner_fires_exactly_when_its_last_deadline_has_come(steps):
    """Against a model: a dict of deadlines. Time moves on by one each step."""
    timers = Timers()
    owners = [Owner(str(number)) for number in range(4)]
    model = [NEVER] * 4
    expected: list[tuple[int, str]] = []
    for now, (number, delay, cancel) in enumerate(steps):
        due = [(model[each], str(each)) for each in range(4) if model[each] <= now]
        expected += sorted((now, name) for _, name in due)
        model = [NEVER if each <= now else each for each in model]
        timers.fire_due(now)
        model[number] = NEVER if cancel else now + delay
        timers.cancel(owners[number]) if cancel else timers.arm(owners[number], now + delay)
    fired = sorted(each for owner in owners for each in owner.fired)
    assert fired == sorted(expected)
