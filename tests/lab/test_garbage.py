"""Nets that nobody holds any more are freed, though the collector rests while a net runs."""

from __future__ import annotations

import gc
import weakref

import pytest

from netarium import Net
from netarium.lab import garbage


def one_that_ran(number: int) -> weakref.ref[Net]:
    with Net(seed=number) as net:
        net.host("pc", address="10.0.0.1/24", link=net.switch("wire")).call(sorted, [2, 1])
    return weakref.ref(net)


def test_a_process_that_makes_net_after_net_keeps_few_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "_MUCH", 2_000)
    monkeypatch.setattr(garbage._ledger, "there", 0)
    monkeypatch.setattr(garbage._ledger, "is_kept", False)
    monkeypatch.setattr(garbage._Ledger, "settle", lambda ledger: setattr(ledger, "made", 0))
    try:
        made = [one_that_ran(number) for number in range(12)]
        assert sum(each() is not None for each in made) < 8
    finally:
        garbage.keep_what_is_there()  # as for all other tests; undone, `is_kept` is as it was


def test_the_collector_is_as_before_after_a_run_and_rests_in_it() -> None:
    before = gc.get_threshold(), gc.isenabled()
    seen = []
    with Net(seed=1) as net:
        net.at("1s", lambda: seen.append(gc.get_threshold()[0]))
        net.run(until="2s")
    assert (gc.get_threshold(), gc.isenabled()) == before
    assert seen == [50_000]
