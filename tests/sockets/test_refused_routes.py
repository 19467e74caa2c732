"""What a program is told where a route of the host itself refuses its destination (Linux fib_props)."""

from __future__ import annotations

import errno
import socket

import pytest

from netarium import Net

KINDS = {"unreachable": errno.EHOSTUNREACH, "prohibit": errno.EACCES, "blackhole": errno.EINVAL}


def attempts(destination: str) -> dict[str, int]:
    """The errno of each way to speak to an IPv4 destination."""

    def udp_connect() -> None:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect((destination, 9))

    def udp_send() -> None:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", (destination, 9))

    def tcp_connect() -> None:
        socket.socket().connect((destination, 9))

    def mapped_udp() -> None:
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendto(b"x", (f"::ffff:{destination}", 9))

    def mapped_udp_connect() -> None:
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).connect((f"::ffff:{destination}", 9))

    def mapped_tcp() -> None:
        socket.socket(socket.AF_INET6).connect((f"::ffff:{destination}", 9))

    def raw() -> None:
        socket.socket(socket.AF_INET, socket.SOCK_RAW, 254).sendto(b"x", (destination, 0))

    found = {}
    for each in (udp_connect, udp_send, tcp_connect, mapped_udp, mapped_udp_connect, mapped_tcp, raw):
        with pytest.raises(OSError) as caught:
            each()
        found[each.__name__] = caught.value.errno or 0
    return found


@pytest.mark.parametrize(("kind", "number"), KINDS.items())
def test_a_route_that_refuses_says_why_to_every_kind_of_socket(kind: str, number: int) -> None:
    net = Net(seed=1)
    a = net.host("a", address=["10.0.1.2/24", "2001:db8::1/64"], gateway="10.0.1.1")
    b = net.host("b", address="10.0.1.1/24")
    net.link(a, b)
    assert a.run(f"ip route add {kind} 10.66.0.0/16", root=True).wait() == 0
    program = a.run(attempts, "10.66.0.1", root=True)
    assert program.wait() == 0
    found: dict[str, int] = program.result
    assert set(found.values()) == {number}, found
