"""CPython's garbage collector around nets: seldom while one runs, and never so seldom that old ones heap up.

While a net runs, all that was there before is frozen: a collection looks at the run's own objects only. But a collector
that freezes forgets what it has counted, so in a process that makes net after net, such as a test suite, it would
never look at the old ones. What was made is counted here instead, and a new net has it collected when it is much.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from netarium.programs.report import collect_remains

_THRESHOLD = 50_000
"""So many young objects are worth a look during a run; else some hundreds are."""
_MUCH = 200_000
"""So many objects are worth a look at all, or half as many as there are, when that is more."""


class _Ledger:
    """What the collector has forgotten: the objects made since all were looked at, and how many there were then."""

    def __init__(self) -> None:
        self.made = 0
        self.there = 0
        self.is_kept = False

    def add(self, young: int, *steps: int) -> None:
        """Add what the collector counts now; `young` and `steps` are its thresholds."""
        count, collections, larger = gc.get_count()
        self.made += count + young * (collections + steps[0] * larger)

    def settle(self) -> None:
        """All was looked at."""
        self.made = 0
        gc.freeze()
        self.there = gc.get_freeze_count()
        gc.unfreeze()


_ledger = _Ledger()


@contextmanager
def seldom() -> Iterator[None]:
    """While a net runs."""
    thresholds = gc.get_threshold()
    freezes = not _ledger.is_kept
    if freezes:
        _ledger.add(*thresholds)
        gc.freeze()
    gc.set_threshold(_THRESHOLD, *thresholds[1:])
    try:
        yield
    finally:
        if freezes:
            _ledger.add(_THRESHOLD, *thresholds[1:])
            gc.unfreeze()
        gc.set_threshold(*thresholds)


def keep_what_is_there() -> None:
    """For a process that makes nets as long as it lives: what it has by now is not looked at again, in runs or between.

    So each collection is about nets alone, however much the process has imported.
    """
    gc.collect()
    gc.freeze()
    _ledger.is_kept = True


def collect_when_much() -> None:
    """Before a new net: free what former ones have left."""
    if _ledger.made > max(_MUCH, _ledger.there // 2) and gc.isenabled():
        collect_remains()
        _ledger.settle()
