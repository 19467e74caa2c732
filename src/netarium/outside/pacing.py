"""A net whose time passes as the wall clock's: for as long as it has something to do with the real world."""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from netarium.errors import UnfinishedError

if TYPE_CHECKING:
    from netarium.lab.net import Net
    from netarium.outside.tap import Tap

WAIT_MAX_S = 0.02
"""The longest sleep, so that the end is noticed soon."""
SECOND_NS = 1_000_000_000


class RealTime:
    """Paces one net by the wall clock. What a frame from outside brings about happens at the moment it was read."""

    def __init__(self, net: Net, taps: Sequence[Tap]) -> None:
        self.net = net
        self.taps = list(taps)
        self._start_s = time.monotonic() - net.now_ns / SECOND_NS

    def run_until(self, condition: Callable[[], bool], within_s: float = 30.0) -> None:
        """Let time pass until `condition` holds. Raises UnfinishedError after `within_s` seconds."""
        begun_s = time.monotonic()
        engine = self.net.engine
        self._start_s = begun_s - engine.now / SECOND_NS
        self.net.check()
        engine.foreground += 1  # the outside may always do something
        try:
            while not condition():
                if time.monotonic() - begun_s > within_s:
                    raise UnfinishedError(f"not so within {within_s} s of real time")
                self._turn()
        finally:
            engine.foreground -= 1

    def run(self, duration_s: float) -> None:
        """Let `duration_s` seconds pass."""
        end_s = time.monotonic() + duration_s
        self.run_until(lambda: time.monotonic() >= end_s, duration_s + 10)

    def _turn(self) -> None:
        engine = self.net.engine
        self.net.drive(max(self._now_ns(), engine.now))
        due_ns = engine.next_time()
        wait_s = WAIT_MAX_S
        if due_ns is not None:
            wait_s = min(max((due_ns - self._now_ns()) / SECOND_NS, 0.0), WAIT_MAX_S)
        readable, _, _ = select.select([tap.node.descriptor for tap in self.taps], [], [], wait_s)
        if readable:
            self.net.drive(max(self._now_ns(), engine.now))
            for tap in self.taps:
                tap.node.read()

    def _now_ns(self) -> int:
        return int((time.monotonic() - self._start_s) * SECOND_NS)
