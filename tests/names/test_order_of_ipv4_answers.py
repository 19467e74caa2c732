"""getaddrinfo's order where a name has IPv4 addresses alone: rules 2 and 9 of RFC 6724, as glibc has them."""

from __future__ import annotations

import socket

import pytest

from netarium import Net


def ask(name: str) -> list[str]:
    return [str(row[4][0]) for row in socket.getaddrinfo(name, 80, type=socket.SOCK_STREAM)]


@pytest.mark.parametrize(
    ("given", "order"),
    [
        (["203.0.113.5", "10.0.1.77", "10.0.1.3"], ["10.0.1.3", "10.0.1.77", "203.0.113.5"]),
        (
            ["203.0.113.9", "198.51.100.1", "10.0.2.5", "10.0.1.9"],
            ["10.0.1.9", "203.0.113.9", "198.51.100.1", "10.0.2.5"],
        ),
        (["169.254.1.1", "10.0.2.2"], ["10.0.2.2", "169.254.1.1"]),
        (["203.0.113.2", "203.0.113.1"], ["203.0.113.2", "203.0.113.1"]),
    ],
)
def test_the_nearest_of_the_own_subnet_is_first_and_the_rest_keep_their_order(
    given: list[str], order: list[str]
) -> None:
    net = Net(seed=1)
    a = net.host("a", address="10.0.1.2/24", gateway="10.0.1.1")
    b = net.host("b", address="10.0.1.1/24")
    net.link(a, b)
    for address in given:
        assert a.run(f"hosts add {address} many", root=True).wait() == 0
    assert a.call(ask, "many") == order
