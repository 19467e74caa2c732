"""A socket that nobody holds any more is closed at once, as CPython does it; and what CPython adds to MSG_DONTWAIT."""

from __future__ import annotations

import errno
import select
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

import pytest

Both = Callable[[Callable[[], Any]], Any]

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


def udp_at(port: int = 0) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", port))
    return sock


def test_its_port_is_free_at_once(both: Both) -> None:
    def program() -> bool:
        def take(port: int) -> int:
            return int(udp_at(port).getsockname()[1])

        port = take(0)
        return take(port) == take(port) == port

    assert both(program)


def test_its_listener_is_gone_at_once(both: Both) -> None:
    def program() -> int:
        def listen() -> tuple[str, int]:
            return socket.create_server(("127.0.0.1", 0)).getsockname()  # type: ignore[no-any-return]

        return socket.socket().connect_ex(listen())

    assert both(program) == errno.ECONNREFUSED


def test_nothing_is_sent_to_it_any_more(both: Both) -> None:
    def program() -> str:
        def where() -> tuple[str, int]:
            return udp_at().getsockname()  # type: ignore[no-any-return]

        sends = udp_at()
        sends.connect(where())
        sends.send(b"x")
        sends.settimeout(5)
        try:
            sends.recv(1)
        except ConnectionRefusedError:
            return "refused"
        return "sent"

    assert both(program) == "refused"


def test_its_peer_reads_the_end_without_waiting(both: Both) -> None:
    def program() -> bytes:
        one, two = socket.socketpair()
        two.setblocking(False)
        del one
        return two.recv(1)

    assert both(program) == b""


def test_its_descriptor_is_the_next_one_given(both: Both) -> None:
    def program() -> bool:
        sock = socket.socket()
        number = sock.fileno()
        del sock
        return socket.socket().fileno() == number

    assert both(program)


def test_a_group_ends_with_it(both: Both) -> None:
    def program() -> str:
        group = socket.inet_aton("239.9.9.9") + socket.inet_aton("127.0.0.1")

        def join() -> None:
            udp_at().setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)

        join()
        hears = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        hears.bind(("", 0))
        sends = udp_at()
        sends.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        sends.sendto(b"x", ("239.9.9.9", hears.getsockname()[1]))
        return "heard" if select.select([hears], [], [], 0.2)[0] else "nothing"

    assert both(program) == "nothing"


@pytest.mark.parametrize("call", ["recv", "recvfrom", "recvmsg", "errors"])
def test_with_a_time_out_dontwait_waits_all_the_same(both: Both, call: str) -> None:
    """CPython waits for the socket before it calls, and calls again while the answer is EAGAIN."""

    def program() -> tuple[str, bool]:
        sock = udp_at()
        sock.settimeout(0.5)
        begin = time.monotonic()
        try:
            if call == "errors":
                sock.recvmsg(1, 512, 0x2000)  # MSG_ERRQUEUE
            else:
                getattr(sock, call)(1, *([0] if call == "recvmsg" else []), socket.MSG_DONTWAIT)
        except OSError as error:
            return type(error).__name__, time.monotonic() - begin > 0.4
        return "data", False

    assert both(program) == ("TimeoutError", True)


def test_without_a_time_out_dontwait_does_not_wait(both: Both) -> None:
    def program() -> list[str]:
        seen = []
        for flags in (socket.MSG_DONTWAIT, 0x2000):
            try:
                udp_at().recvmsg(1, 512, flags)
            except OSError as error:
                seen.append(type(error).__name__)
        return seen

    assert both(program) == ["BlockingIOError"] * 2


def test_an_error_that_comes_ends_the_wait_for_the_error_queue(both: Both) -> None:
    def program() -> int:
        sends = udp_at()
        sends.setsockopt(socket.IPPROTO_IP, 11, 1)  # IP_RECVERR
        free = udp_at()
        where = free.getsockname()
        free.close()
        sends.settimeout(5)
        sends.sendto(b"x", where)
        _data, told, _flags, _from = sends.recvmsg(100, 512, 0x2000)
        return int(struct.unpack("=I", told[0][2][:4])[0])

    assert both(program) == errno.ECONNREFUSED
