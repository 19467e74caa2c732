"""UDP sockets behave as Linux' do: each test runs on the virtual stack and on the kernel."""

from __future__ import annotations

import errno
import select
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

Both = Callable[[Callable[[], Any]], Any]
LOOPBACK = "127.0.0.1"


def error_of(function: Callable[..., Any], *arguments: Any) -> int | str:
    try:
        function(*arguments)
    except OSError as error:
        return error.errno if error.errno is not None else type(error).__name__
    except Exception as error:
        return type(error).__name__
    return 0


def udp(port: int | None = 0) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if port is not None:
        sock.bind((LOOPBACK, port))
    return sock


def test_a_datagram_arrives_with_its_sender(both: Both) -> None:
    def program() -> Any:
        server, client = udp(), udp()
        count = client.sendto(b"hello", server.getsockname())
        data, address = server.recvfrom(100)
        return count, data, address == client.getsockname()

    assert both(program) == (5, b"hello", True)


def test_messages_never_stick_and_the_rest_of_a_cut_one_is_lost(both: Both) -> None:
    def program() -> Any:
        server, client = udp(), udp()
        client.sendto(b"x" * 100, server.getsockname())
        client.sendto(b"second", server.getsockname())
        return server.recvfrom(10)[0], server.recv(100)

    assert both(program) == (b"x" * 10, b"second")


def test_an_empty_datagram_is_delivered(both: Both) -> None:
    def program() -> Any:
        server, client = udp(), udp()
        client.sendto(b"", server.getsockname())
        return server.recvfrom(100)[0]

    assert both(program) == b""


def test_the_largest_datagram(both: Both) -> None:
    def program() -> Any:
        server, client = udp(), udp()
        count = client.sendto(b"x" * 65507, server.getsockname())
        return count, len(server.recv(70000)), error_of(client.sendto, b"x" * 65508, server.getsockname())

    assert both(program) == (65507, 65507, errno.EMSGSIZE)


def test_connected_udp_hears_only_its_peer(both: Both) -> None:
    def program() -> Any:
        server, client, stranger = udp(), udp(), udp()
        client.connect(server.getsockname())
        stranger.sendto(b"not you", client.getsockname())
        server.sendto(b"you", client.getsockname())
        client.send(b"to the peer")
        return client.recv(100), server.recv(100), client.getpeername() == server.getsockname()

    assert both(program) == (b"you", b"to the peer", True)


def test_nobody_there_is_refused_on_the_next_call(both: Both) -> None:
    def program() -> Any:
        gone = udp()
        address = gone.getsockname()
        gone.close()
        client = udp()
        client.connect(address)
        client.send(b"x")
        time.sleep(0.05)
        first = error_of(client.recv, 10)
        client.send(b"x")
        time.sleep(0.05)
        return first, error_of(client.send, b"x"), client.send(b"x")

    assert both(program) == (errno.ECONNREFUSED, errno.ECONNREFUSED, 1)


def test_unconnected_udp_is_not_told(both: Both) -> None:
    def program() -> Any:
        gone = udp()
        address = gone.getsockname()
        gone.close()
        client = udp()
        client.settimeout(0.05)
        client.sendto(b"x", address)
        return error_of(client.recv, 10)

    assert both(program) == "TimeoutError"


def test_errors_without_a_peer(both: Both) -> None:
    def program() -> Any:
        client = udp(None)
        return (
            error_of(client.send, b"x"),
            error_of(client.getpeername),
            error_of(client.listen),
            error_of(client.accept),
            error_of(client.sendto, b"x", (LOOPBACK, 70000)),
            error_of(client.sendto, b"x", "nowhere"),
            error_of(client.sendto, b"x"),
            client.getsockname()[1] > 0,  # send bound it before it failed
        )

    assert both(program) == (
        errno.EDESTADDRREQ, errno.ENOTCONN, errno.EOPNOTSUPP, errno.EOPNOTSUPP, "OverflowError", "TypeError",
        "TypeError", True,
    )  # fmt: skip


def test_sending_binds_to_an_ephemeral_port(both: Both) -> None:
    def program() -> Any:
        server, client = udp(), udp(None)
        client.sendto(b"x", server.getsockname())
        host, port = client.getsockname()
        return host, port > 1023, server.recvfrom(10)[1] == (LOOPBACK, port)

    assert both(program) == ("0.0.0.0", True, True)


def test_one_port_twice_is_in_use_but_tcp_is_apart(both: Both) -> None:
    def program() -> Any:
        first, second = udp(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        stream = socket.socket()
        taken = first.getsockname()
        return error_of(second.bind, taken), error_of(stream.bind, taken)

    assert both(program) == (errno.EADDRINUSE, 0)


def test_reuse_address_shares_a_udp_port(both: Both) -> None:
    def program() -> Any:
        first = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        second = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for sock in (first, second):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        first.bind((LOOPBACK, 0))
        return error_of(second.bind, first.getsockname())

    assert both(program) == 0


def test_peek_and_truncation_flag(both: Both) -> None:
    def program() -> Any:
        server, client = udp(), udp()
        client.sendto(b"0123456789", server.getsockname())
        peeked = server.recv(4, socket.MSG_PEEK)
        data, _, flags, address = server.recvmsg(4)
        return peeked, data, flags, address == client.getsockname()

    assert both(program) == (b"0123", b"0123", int(socket.MSG_TRUNC), True)


def test_broadcast_needs_permission(both: Both) -> None:
    def program() -> Any:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        return error_of(sock.sendto, b"x", ("255.255.255.255", 9)) in (errno.EACCES, errno.ENETUNREACH)

    assert both(program) is True


def test_time_out_and_readiness(both: Both) -> None:
    def program() -> Any:
        server, client = udp(), udp()
        server.settimeout(0.02)
        late = error_of(server.recvfrom, 10)
        before = select.select([server], [server], [], 0)
        client.sendto(b"x", server.getsockname())
        after = select.select([server], [], [], 1)[0]
        return late, before == ([], [server], []), after == [server]

    assert both(program) == ("TimeoutError", True, True)


def test_recvfrom_into(both: Both) -> None:
    def program() -> Any:
        server, client = udp(), udp()
        client.sendto(b"abc", server.getsockname())
        buffer = bytearray(5)
        count, address = server.recvfrom_into(buffer)
        return count, bytes(buffer), address == client.getsockname()

    assert both(program) == (3, b"abc\0\0", True)
