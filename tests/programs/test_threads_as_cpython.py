"""What `threading` and `_thread` promise where there is no pre-emption: other threads run, ended ones leave nothing."""

from __future__ import annotations

import _thread
import gc
import queue
import sys
import threading
import weakref
from typing import Any

from netarium import Net


def on_a_host(function: Any) -> Any:
    return Net(seed=1).host("host", address="10.0.0.1/24").call(function, within="1h")


def test_a_loop_over_an_empty_queue_lets_the_others_run() -> None:
    def poll() -> str:
        work: queue.Queue[str] = queue.Queue()
        begun = threading.Event()

        def give() -> None:
            begun.wait()
            work.put("here")

        threading.Thread(target=give).start()
        begun.set()
        while True:
            try:
                return work.get(False)
            except queue.Empty:
                pass

    assert on_a_host(poll) == "here"


def test_values_of_a_local_go_with_it_and_with_its_threads() -> None:
    def look() -> list[bool]:
        class Thing:
            local: Any = None

        cycle = Thing()
        cycle.local = threading.local()
        cycle.local.thing = cycle
        gone = [weakref.ref(cycle)]
        del cycle
        local = threading.local()

        def use() -> None:
            local.thing = thing = Thing()
            gone.append(weakref.ref(thing))

        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
        gc.collect()
        return [each() is None for each in gone]

    assert on_a_host(look) == [True, True]


def test_what_a_thread_without_an_object_raises_goes_to_the_unraisable_hook() -> None:
    def fail() -> None:
        raise ValueError("lost")

    def look() -> str:
        told: list[Any] = []
        sys.unraisablehook = lambda unraisable: told.append(unraisable)
        done = threading.Event()
        _thread.start_new_thread(fail, ())
        threading.Timer(0.1, done.set).start()
        done.wait()
        return f"{told[0].exc_type.__name__}: {told[0].exc_value}"

    assert on_a_host(look) == "ValueError: lost"


def test_the_stack_size_is_kept_for_the_program_alone() -> None:
    def choose() -> tuple[int, int]:
        return threading.stack_size(262_144), threading.stack_size()

    before = threading.stack_size()
    assert on_a_host(choose) == (0, 262_144)
    assert on_a_host(threading.stack_size) == 0
    assert threading.stack_size() == before
