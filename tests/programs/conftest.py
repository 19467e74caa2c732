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


@pytest.fixture
def empty_net() -> Iterator[Net]:
    with Net(seed=5, directory=SCRIPTS) as net:
        yield net
    # What servers that rested have left open (asyncio warns of its transports) is collected here and not later. Only
    # theirs, which were killed just now: in a process that has imported much a collection takes long.
    if any(service.exit_code == -9 for service in net.services):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            gc.collect()


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
