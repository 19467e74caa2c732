"""`host`: one host of a fresh net; `lan`: two hosts on a switch."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from netarium import Net

SCRIPTS = Path(__file__).parent / "scripts"


@pytest.fixture
def scripts() -> Path:
    return SCRIPTS


_left: list[bool] = []
"""Not empty when the last net had servers that rested, and were killed at its end."""


@pytest.fixture
def empty_net() -> Iterator[Net]:
    # What they have left open (asyncio warns of its transports) is collected here, when the last test holds it no more,
    # and not at any time. Only theirs: in a process that has imported much a collection takes long.
    if _left:
        _left.clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            gc.collect()
    with Net(seed=5, directory=SCRIPTS) as net:
        yield net
    if any(service.exit_code == -9 for service in net.services):
        _left.append(True)


@pytest.fixture
def host(empty_net: Net) -> Any:
    return empty_net.host("host", address="10.0.0.1/24")


@pytest.fixture
def lan(empty_net: Net) -> tuple[Net, Any, Any]:
    """(net, server, client): 1 ms apart."""
    switch = empty_net.switch("switch")
    server = empty_net.host("server", address="10.0.0.1/24", link=switch)
    client = empty_net.host("client", address="10.0.0.2/24", link=switch, delay="1ms")
    return empty_net, server, client
