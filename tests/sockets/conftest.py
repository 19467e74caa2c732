"""`both`: runs a function as a program on a virtual host's loopback, and on the real kernel's, and they must agree.

A test is one function that uses nothing but the standard library and ports it was given (bind to 0). It returns what
it has seen; the test asserts on that, once for each backend.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from netarium import Net

LIMIT_S = 20


def run_virtual(function: Callable[[], Any]) -> Any:
    net = Net(seed=1)
    host = net.host("host", address="10.0.0.1/24")
    return host.call(function)


def run_linux(function: Callable[[], Any]) -> Any:
    found: list[Any] = []
    failed: list[BaseException] = []

    def body() -> None:
        try:
            found.append(function())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    thread.join(LIMIT_S)
    if failed:
        raise failed[0]
    assert found, f"{function.__name__} did not return within {LIMIT_S} s on the kernel"
    return found[0]


@pytest.fixture(params=["virtual", pytest.param("linux", marks=pytest.mark.kernel)])
def both(request: pytest.FixtureRequest) -> Callable[[Callable[[], Any]], Any]:
    return run_virtual if request.param == "virtual" else run_linux
