"""CPython's own tests of IPv6 sockets, run as a program on a host of the net."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

from netarium import Net

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("test") is None or importlib.util.find_spec("test.test_socket") is None,
    reason="this Python comes without its tests",
)

CASES = {
    "RecvmsgUDP6Test": 11,
    "SendmsgUDP6Test": 11,
    "RecvmsgRFC3542AncillaryUDP6Test": 18,
    "RecvmsgIntoUDP6Test": 14,
    "RecvmsgIntoRFC3542AncillaryUDP6Test": 18,
    "CreateServerFunctionalTest": 4,
}
"""Class of test.test_socket -> the least number of tests it has (newer versions have more)."""


def run_case(name: str) -> tuple[int, list[str], int]:
    import io
    import unittest

    import test.test_socket as cpython

    cpython.thread_error = None
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(getattr(cpython, name))
    result = unittest.TextTestRunner(stream=io.StringIO(), verbosity=0).run(suite)
    wrong = [f"{case}: {text}" for case, text in result.failures + result.errors]
    return result.testsRun, wrong, len(result.skipped)


@pytest.mark.parametrize("name", CASES)
def test_cpython_says_the_sockets_are_right(name: str) -> None:
    net = Net(seed=1)
    host = net.host("host", address=["10.0.0.1/24", "2001:db8::1/64"])
    service = host.run(run_case, name, root=True)
    net.run_until(service, within="1h")
    count, wrong, skipped = _result(service)
    assert not wrong
    assert count - skipped >= CASES[name]


def _result(service: Any) -> tuple[int, list[str], int]:
    if service.exception is not None:
        raise service.exception
    found: tuple[int, list[str], int] = service.result
    return found
