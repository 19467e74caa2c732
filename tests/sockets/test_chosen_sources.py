"""Which source a datagram has and what names say of it: IP_PKTINFO, connected raw sockets, counts of frames."""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
from collections.abc import Callable
from typing import Any

import pytest

Both = Callable[[Callable[[], Any]], Any]
IP_PKTINFO = 8
SOL_PACKET, PACKET_STATISTICS = 263, 6
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="raw sockets of the kernel are root's")


def told(function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno or 0]


@pytest.mark.parametrize("state", ["new", "bound", "connected", "bound elsewhere"])
@pytest.mark.parametrize("wanted", ["127.0.0.9", "127.0.0.1", "198.51.100.7"])
def test_the_source_of_one_datagram_is_the_one_sendmsg_names(both: Both, state: str, wanted: str) -> None:
    def run() -> Any:
        kinds = socket.AF_INET, socket.SOCK_DGRAM
        with socket.socket(*kinds) as peer, socket.socket(*kinds) as sock:
            peer.bind(("127.0.0.1", 0))
            peer.settimeout(2)
            if state.startswith("bound"):
                sock.bind(("127.0.0.5" if "elsewhere" in state else "0.0.0.0", 0))
            elif state == "connected":
                sock.connect(peer.getsockname())
            chosen = struct.pack("I4s4s", 0, socket.inet_aton(wanted), bytes(4))
            ancillary = [(socket.IPPROTO_IP, IP_PKTINFO, chosen)]
            sent = told(sock.sendmsg, [b"x"], ancillary, 0, peer.getsockname())
            if sent != 1:
                return sent
            found = [peer.recvfrom(5)[1][0]]
            sock.sendto(b"y", peer.getsockname())  # the next has the socket's own again
            return [*found, peer.recvfrom(5)[1][0]]

    own = "127.0.0.5" if state == "bound elsewhere" else "127.0.0.1"
    assert both(run) == ("ENETUNREACH" if wanted == "198.51.100.7" else [wanted, own])


def as_root(both: Both, function: Callable[[], Any]) -> Any:
    """`both` for what only root may do."""
    from netarium import Net

    if both.__name__ != "run_virtual":
        return both(function)
    net = Net(seed=1)
    service = net.host("host", address="10.0.0.1/24").run(function, root=True)
    net.run(check=True)
    return service.result


@needs_root
@pytest.mark.parametrize(("protocol", "port"), [(1, 0), (17, 5)])
def test_a_connected_raw_socket_knows_both_ends(both: Both, protocol: int, port: int) -> None:
    def run() -> Any:
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol) as sock:
            before = told(sock.shutdown, socket.SHUT_RDWR)
            sock.connect(("127.0.0.1", port))
            return before, sock.getsockname(), told(sock.getpeername)

    peer = ("127.0.0.1", port) if port else "ENOTCONN"
    assert as_root(both, run) == ("ENOTCONN", ("127.0.0.1", protocol), peer)


@needs_root
def test_a_packet_socket_counts_frames_until_it_is_asked(both: Both) -> None:
    def run() -> Any:
        kinds = socket.AF_INET, socket.SOCK_DGRAM
        ethertype = socket.htons(0x0800)
        with (
            socket.socket(socket.AF_PACKET, socket.SOCK_RAW, ethertype) as sock,
            socket.socket(*kinds) as udp,
        ):
            sock.bind(("lo", 0))
            udp.bind(("127.0.0.1", 0))
            sock.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)
            for _ in range(3):
                udp.sendto(b"x", udp.getsockname())
                udp.recv(5)
            assert select.select([sock], [], [], 2)[0]
            heard, lost = struct.unpack("II", sock.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
            wrong = told(sock.setsockopt, SOL_PACKET, PACKET_STATISTICS, 1)
            return heard >= 3, lost, len(sock.getsockopt(SOL_PACKET, PACKET_STATISTICS, 100)), wrong

    assert as_root(both, run) == (True, 0, 8, "ENOPROTOOPT")
