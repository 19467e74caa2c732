"""Loops over a flag let time pass; the deadlock report says what threads wait for, by their own names."""

from __future__ import annotations

import inspect
import queue
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from netarium import Net
from netarium.errors import NetariumError


def test_a_loop_over_a_flag_lets_the_other_thread_set_it(host: Any) -> None:
    def program() -> bool:
        event, lock = threading.Event(), threading.Lock()
        lock.acquire()
        thread = threading.Thread(target=lambda: (time.sleep(0.01), event.set(), lock.release()))
        thread.start()
        while not event.is_set():
            pass
        while lock.locked():
            pass
        return time.monotonic() < 60

    assert host.call(program)


def test_an_alarm_comes_in_a_loop_over_a_flag(host: Any) -> None:
    def program() -> bool:
        event = threading.Event()
        signal.signal(signal.SIGALRM, lambda number, frame: event.set())
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        while not event.is_set():
            pass
        return event.is_set()

    assert host.call(program)


@pytest.mark.parametrize(
    ("wait", "told"),
    [
        (lambda: threading.Event().wait(), "Event.wait"),
        (lambda: queue.Queue().get(), "Queue.get"),
        (lambda: threading.Barrier(2).wait(), "Barrier.wait"),
        (lambda: threading.Semaphore(0).acquire(), "Semaphore.acquire"),
    ],
)
def test_the_report_names_the_call_and_the_thread(
    empty_net: Net, host: Any, wait: Callable[[], Any], told: str
) -> None:
    def program() -> None:
        thread = threading.Thread(target=wait, name="the worker")
        thread.start()
        thread.join()

    host.run(program)
    with pytest.raises(NetariumError) as caught:
        empty_net.run()
    assert f"host (the worker): {told}()" in str(caught.value)
    assert "host: Thread.join()" in str(caught.value)


@pytest.mark.parametrize("kind", ["Lock", "RLock", "Condition"])
def test_a_lock_order_deadlock_says_who_holds_what(empty_net: Net, host: Any, kind: str) -> None:
    held: dict[str, int] = {}

    def program() -> None:
        first, second = getattr(threading, kind)(), getattr(threading, kind)()

        def worker(one: Any, other: Any) -> None:
            with one:
                held[threading.current_thread().name] = inspect.currentframe().f_lineno - 1  # type: ignore[union-attr]
                time.sleep(0.1)
                other.acquire()

        threading.Thread(target=worker, args=(first, second), name="left").start()
        threading.Thread(target=worker, args=(second, first), name="right").start()

    host.run(program)
    with pytest.raises(NetariumError) as caught:
        empty_net.run()
    for name, other in (("left", "right"), ("right", "left")):
        place = f"test_threads_that_wait.py line {held[other]}"
        assert f"host ({name}): acquire() of a lock held by {other} since {place}" in str(caught.value)


def test_a_lock_whose_holder_has_ended_or_waits_for_itself(empty_net: Net, host: Any) -> None:
    def program() -> None:
        lock, own = threading.Lock(), threading.Lock()
        thread = threading.Thread(target=lock.acquire, name="gone")
        thread.start()
        thread.join()
        threading.Thread(target=lambda: own.acquire() and own.acquire(), name="itself").start()
        lock.acquire()

    host.run(program)
    with pytest.raises(NetariumError) as caught:
        empty_net.run()
    assert "host: acquire() of a lock held by thread 2, which has ended, since" in str(caught.value)
    assert "host (itself): acquire() of a lock held by itself since" in str(caught.value)
