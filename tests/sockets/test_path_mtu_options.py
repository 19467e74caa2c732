"""What programs, and the host, say about path MTU discovery over IPv4: which packets have the DF bit."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from typing import Any

import pytest

from netarium import Net
from netarium.wire.ethernet import Frame
from netarium.wire.ipv4 import DONT_FRAGMENT, PROTOCOL_TCP, PROTOCOL_UDP, Ipv4Header

IP_MTU_DISCOVER = 10
DONT, WANT, DO, PROBE, INTERFACE, OMIT = range(6)


class Fragments:
    """Of each protocol that host a sends: whether its packets have the DF bit."""

    def __init__(self) -> None:
        self.seen: dict[int, set[bool]] = {}

    def frame(self, now: int, port: object, stop: object, frame: Frame) -> None:
        header = frame.network
        if isinstance(header, Ipv4Header) and header.source == 0x0A000001:
            self.seen.setdefault(header.protocol, set()).add(bool(header.fragment & DONT_FRAGMENT))


def speak(discovery: int) -> tuple[int, int]:
    """A datagram and a connection to b; IP_MTU_DISCOVER of both as they are at the end."""
    sends = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    connects = socket.socket()
    for each in (sends, connects):
        if discovery >= 0:
            each.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, discovery)
    sends.sendto(b"x", ("10.0.0.2", 9))
    connects.connect(("10.0.0.2", 8080))
    connects.sendall(b"x")
    got = [each.getsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER) for each in (sends, connects)]
    return got[0], got[1]


def welcome() -> None:
    listener = socket.create_server(("", 8080))
    listener.accept()[0].recv(1)


@pytest.mark.parametrize(
    ("no_discovery", "asked", "reads", "udp", "tcp"),
    [
        (0, -1, WANT, True, True),
        (1, -1, DONT, False, False),
        (1, WANT, WANT, True, True),
        (0, DONT, DONT, False, False),
        (0, DO, DO, True, True),
        (0, PROBE, PROBE, True, False),
        (0, INTERFACE, INTERFACE, False, False),
        (0, OMIT, OMIT, False, False),
    ],
)
def test_the_df_bit_is_where_the_program_or_the_host_wants_it(
    no_discovery: int, asked: int, reads: int, udp: bool, tcp: bool
) -> None:
    net = Net(seed=1)
    a = net.host("a", address="10.0.0.1/24", settings={"net.ipv4.ip_no_pmtu_disc": no_discovery})
    b = net.host("b", address="10.0.0.2/24")
    net.link(a, b)
    watched = Fragments()
    net.watch.add(watched)
    b.run(welcome)
    net.run(until="1s")
    assert a.call(speak, asked) == (reads, reads)
    assert watched.seen[PROTOCOL_UDP] == {udp}
    assert watched.seen[PROTOCOL_TCP] == {tcp}


def big_datagram() -> None:
    sends = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sends.connect(("10.0.1.2", 9000))
    for _ in range(3):
        sends.send(bytes(1400))


@pytest.mark.parametrize(("no_discovery", "arrives"), [(0, 0), (1, 3)])
def test_udp_over_a_narrow_path_whose_icmp_is_filtered(no_discovery: int, arrives: int) -> None:
    """As on Linux: datagrams with DF go nowhere, and nobody says so; without they come in fragments."""
    net = Net(seed=1)
    a = net.host(
        "a", address="10.0.0.1/24", gateway="10.0.0.254", settings={"net.ipv4.ip_no_pmtu_disc": no_discovery}
    )
    net.router(
        "r",
        interfaces={"left": ["10.0.0.254/24"], "right": ["10.0.1.254/24"]},
        firewall={"rules": ["drop output icmp"]},
    )
    b = net.host("b", address="10.0.1.2/24", gateway="10.0.1.254")
    net.link("a", "r:left")
    net.link("r:right", "b", mtu=576)

    def listen() -> int:
        hears = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        hears.bind(("", 9000))
        hears.settimeout(5)
        count = 0
        try:
            while len(hears.recv(2000)) == 1400:
                count += 1
        except TimeoutError:
            pass
        return count

    hearing = b.run(listen)
    a.call(big_datagram)
    hearing.wait()
    assert hearing.result == arrives
    assert (a.node.stack.ipv4.route_for(0x0A000102).mtu) == 1500, "nobody has said anything"


def options_of_lo() -> list[object]:
    """What the kernel says of lo, and ours must."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        return options_of(sock)


def options_of(sock: socket.socket) -> list[object]:
    """The answers, an errno for what is refused."""
    seen: list[object] = []

    def note(step: Callable[[], object]) -> None:
        try:
            seen.append(step())
        except OSError as error:
            seen.append(error.errno)

    note(lambda: sock.getsockopt(socket.IPPROTO_IP, 14))
    sock.connect(("127.0.0.1", 9))
    note(lambda: sock.getsockopt(socket.IPPROTO_IP, 14))
    for value in (-1, 0, 255, 256, -2):
        note(lambda value=value: sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, value))  # type: ignore[misc]
        note(lambda: sock.getsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL))
    for value in range(-1, 7):
        note(lambda value=value: sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, value))  # type: ignore[misc]
    return seen


def test_what_reads_and_is_refused_is_as_on_the_kernel(both: Callable[[Callable[[], Any]], Any]) -> None:
    assert both(options_of_lo) == [
        errno.ENOTCONN, 65535, None, 1, None, 0, None, 255, errno.EINVAL, 255, errno.EINVAL, 255,
        errno.EINVAL, None, None, None, None, None, None, errno.EINVAL,
    ]  # fmt: skip
