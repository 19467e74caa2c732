"""For all tests: hypothesis judges what is true, never how fast the machine is today; and what runs beside the real
kernel, in real time, is tried twice, because a pause of the machine can be longer than a timer of either side.
"""

from __future__ import annotations

import signal

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import HealthCheck, settings

from netarium.engine.build import kind
from netarium.lab.garbage import keep_what_is_there

settings.register_profile(
    "netarium", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("soak", settings.get_profile("netarium"), max_examples=1000)  # `make soak`
settings.load_profile("netarium")


if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # A shell starts what is to run in the background with Ctrl-C ignored, and so would every process of these tests be.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """On the compiled build, leave out what only the pure one can be asked (docs/decisions/0006)."""
    if kind() == "pure Python":
        return
    for item in items:
        mark = item.get_closest_marker("pure")
        if mark is not None:
            item.add_marker(pytest.mark.skip(reason=f"compiled: {mark.args[0]}"))


def pytest_collection_finish() -> None:
    """What was imported and collected stays: a look for garbage, of which nets make much, takes far less time so."""
    keep_what_is_there()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """A second try for tests marked `kernel`; a second failure is a failure, and every first one is told."""
    if item.get_closest_marker("kernel") is None:
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, log=False, nextitem=nextitem)
    if any(report.failed for report in reports):
        print(f"\n{item.nodeid}: failed in real time, tried again", flush=True)
        item._initrequest()  # type: ignore[attr-defined]
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True
