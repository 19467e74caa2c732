"""Options one by one, each got and set on the kernel and on the virtual stack: values, errors, rounding."""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Callable
from typing import Any

import pytest

Both = Callable[[Callable[[], Any]], Any]

SOL_SOCKET, IP, TCP, IPV6 = socket.SOL_SOCKET, socket.IPPROTO_IP, socket.IPPROTO_TCP, socket.IPPROTO_IPV6
SOCKETS = {
    "tcp": (socket.AF_INET, socket.SOCK_STREAM),
    "udp": (socket.AF_INET, socket.SOCK_DGRAM),
    "unix": (socket.AF_UNIX, socket.SOCK_STREAM),
}
VALUES: tuple[Any, ...] = (1, 0, -1, 2, 300, b"\1", b"\1\0\0\0")


def attempt(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except OSError as error:
        return errno.errorcode[error.errno or 0]


def walk(kind: str, level: int, name: int, values: tuple[Any, ...] = VALUES) -> list[Any]:
    """What reads at first, and for each value what setting it says and what reads then."""
    with socket.socket(*SOCKETS[kind]) as sock:
        seen = [attempt(lambda: sock.getsockopt(level, name))]
        for value in values:
            seen.append(attempt(lambda value=value: sock.setsockopt(level, name, value)))  # type: ignore[misc]
            seen.append(attempt(lambda: sock.getsockopt(level, name)))
        return seen


FLAG = [0, None, 1, None, 0, None, 1, None, 1, None, 1]
SHORT_IS_INVALID = ["EINVAL", 1, None, 1]
BYTE_WILL_DO = [None, 1, None, 1]


NO_SUCH_LEVEL = ["ENOTSUP", *["ENOPROTOOPT", "ENOTSUP"] * 7]


def read_only(value: int) -> list[Any]:
    no = "ENOPROTOOPT"
    return [value, *[no, value] * 5, "EINVAL", value, no, value]


OPTIONS = [
    ("tcp", SOL_SOCKET, socket.SO_ERROR, read_only(0)),
    ("tcp", SOL_SOCKET, socket.SO_ACCEPTCONN, read_only(0)),
    ("tcp", SOL_SOCKET, socket.SO_PROTOCOL, read_only(6)),
    ("udp", SOL_SOCKET, socket.SO_PROTOCOL, read_only(17)),
    ("unix", SOL_SOCKET, socket.SO_PROTOCOL, read_only(0)),
    ("unix", SOL_SOCKET, socket.SO_DOMAIN, read_only(1)),
    ("udp", SOL_SOCKET, 19, read_only(1)),
    ("udp", SOL_SOCKET, socket.SO_RCVLOWAT,
     [1, None, 1, None, 1, None, 0x7FFFFFFF, None, 2, None, 300, "EINVAL", 300, None, 1]),
    ("tcp", IP, socket.IP_TOS, [0, None, 0, None, 0, None, 252, None, 0, None, 44, None, 0, None, 0]),
    ("tcp", IP, 10, [1, None, 1, None, 0, "EINVAL", 0, None, 2, "EINVAL", 2, *BYTE_WILL_DO]),
    ("tcp", IP, 8, [*FLAG, *BYTE_WILL_DO]),
    ("tcp", IP, 12, [*FLAG, *BYTE_WILL_DO]),
    ("tcp", IP, 13, [*FLAG, *BYTE_WILL_DO]),
    ("udp", IP, 8, [*FLAG, *BYTE_WILL_DO]),
    ("udp", IP, 11, [*FLAG, *BYTE_WILL_DO]),
    ("tcp", IP, 15, [*FLAG, *BYTE_WILL_DO]),
    ("udp", IP, socket.IP_MULTICAST_LOOP, [1, *FLAG[1:], *BYTE_WILL_DO]),
    ("tcp", TCP, socket.TCP_DEFER_ACCEPT,
     [0, None, 1, None, 0, None, 0, None, 3, None, 367, "EINVAL", 367, None, 1]),
    ("tcp", TCP, socket.TCP_WINDOW_CLAMP,
     [0, None, 1152, None, 0, None, 1152, None, 1152, None, 1152, "EINVAL", 1152, None, 1152]),
    ("tcp", TCP, socket.TCP_NOTSENT_LOWAT,
     [0, None, 1, None, 0, None, -1, None, 2, None, 300, "EINVAL", 300, None, 1]),
    ("tcp", TCP, socket.TCP_INFO, read_only(7)),
    ("udp", TCP, socket.TCP_NODELAY, NO_SUCH_LEVEL),
    ("tcp", IPV6, socket.IPV6_V6ONLY, NO_SUCH_LEVEL),
    ("unix", TCP, socket.TCP_NODELAY, ["ENOTSUP"] * 15),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "level", "name", "expected"), OPTIONS)
def test_an_option_takes_and_gives_what_it_does_on_linux(
    both: Both, kind: str, level: int, name: int, expected: list[Any]
) -> None:
    assert both(lambda: walk(kind, level, name)) == expected


def ipv6_limits() -> list[Any]:
    names = (socket.IPV6_MULTICAST_HOPS, socket.IPV6_MULTICAST_LOOP)
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        seen = []
        for name in names:
            for value in (-1, 0, 1, 2, 256):
                seen.append(attempt(lambda: sock.setsockopt(IPV6, name, value)))  # noqa: B023
                seen.append(attempt(lambda: sock.getsockopt(IPV6, name)))  # noqa: B023
        return seen


def test_ipv6_options_at_their_limits() -> None:
    from netarium import Net

    host = Net(seed=1).host("host", address="fd00::1/64")
    hops = [None, 1, None, 0, None, 1, None, 2, "EINVAL", 2]
    assert host.call(ipv6_limits) == [*hops, "EINVAL", 1, None, 0, None, 1, "EINVAL", 1, "EINVAL", 1]


def test_whom_a_socket_of_the_internet_is_connected_to_is_nobody_of_this_host(both: Both) -> None:
    def program() -> bytes:
        with socket.socket() as sock:
            return sock.getsockopt(SOL_SOCKET, socket.SO_PEERCRED, 12)

    assert struct.unpack("3i", both(program)) == (0, -1, -1)


def test_what_only_root_may() -> None:
    """SO_MARK, SO_PRIORITY above 6, the forced buffers, SO_DEBUG and IP_TRANSPARENT, as the kernel has them."""
    from netarium import Net

    def program() -> list[Any]:
        with socket.socket() as sock:
            tries = [(SOL_SOCKET, 36, 5), (SOL_SOCKET, socket.SO_PRIORITY, 9), (SOL_SOCKET, 33, 1 << 20),
                     (SOL_SOCKET, socket.SO_DEBUG, 1), (IP, 19, 1)]  # fmt: skip
            said = [attempt(lambda: sock.setsockopt(*each)) for each in tries]  # noqa: B023
            return [*said, sock.getsockopt(SOL_SOCKET, 36), sock.getsockopt(SOL_SOCKET, socket.SO_RCVBUF)]

    net = Net(seed=1)
    host = net.host("host", address="10.0.0.1/24")
    user, root = host.run(program), host.run(program, root=True)
    net.run()
    assert user.result == ["EPERM", "EPERM", "EPERM", "EACCES", "EPERM", 0, 131072]
    assert root.result == [None, None, None, None, None, 5, 2 << 20]
