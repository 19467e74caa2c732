"""What sockets say in every state: new, shut down too early, over, half full. Each table is Linux', and ours."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

Both = Callable[[Callable[[], Any]], Any]
LOOPBACK = ("127.0.0.1", 0)
EVERYTHING = 0x2000 | 0x300 | 0xC0 | 0x7
RESET = struct.pack("ii", 1, 0)


def told(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a call gives, or the name of its errno."""
    try:
        return function(*arguments)
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, "timed out")


def ready(sock: socket.socket, mask: int = EVERYTHING) -> int:
    poll = select.poll()
    poll.register(sock, mask)
    found = poll.poll(0)
    return found[0][1] if found else 0


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(LOOPBACK) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    return client, server


def time_wait() -> tuple[socket.socket, ...]:
    client, server = tcp_pair()
    client.shutdown(socket.SHUT_WR)
    server.shutdown(socket.SHUT_WR)
    return client, server


def closed_last() -> tuple[socket.socket, ...]:
    client, server = time_wait()
    return server, client


def reset() -> tuple[socket.socket, ...]:
    client, server = tcp_pair()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    server.close()
    return (client,)


def orphan() -> tuple[socket.socket, ...]:
    client, server = tcp_pair()
    server.close()
    time.sleep(0.05)
    client.send(b"x")
    return (client,)


@pytest.mark.parametrize(
    ("make", "first", "mask"),
    [
        (time_wait, b"", 0x2155),
        (closed_last, b"", 0x2155),
        (reset, "ECONNRESET", 0x215D),
        (orphan, b"", 0x215D),
    ],
)
def test_a_connection_that_is_over_has_no_peer_and_may_be_bound_anew(
    both: Both, make: Callable[[], tuple[socket.socket, ...]], first: Any, mask: int
) -> None:
    def run() -> Any:
        sock, *_kept = make()
        time.sleep(0.05)
        seen = [ready(sock), told(sock.recv, 5), told(sock.recv, 5)]
        seen += [told(sock.shutdown, how) for how in range(3)]
        seen += [told(sock.getpeername), sock.getsockname()[0], sock.getsockname()[1] > 0]
        seen += [told(sock.bind, LOOPBACK), told(sock.bind, LOOPBACK), told(sock.listen)]
        sock.close()
        return seen

    over = ["ENOTCONN"] * 4
    assert both(run) == [mask, first, b"", *over, "127.0.0.1", True, None, "EINVAL", "EINVAL"]


def test_who_named_the_port_keeps_it_when_the_connection_is_over(both: Both) -> None:
    def run() -> Any:
        with socket.socket() as probe:
            probe.bind(LOOPBACK)
            port = probe.getsockname()[1]
        with socket.create_server(LOOPBACK) as listener, socket.socket() as sock:
            sock.bind(("127.0.0.1", port))
            sock.connect(listener.getsockname())
            server, _ = listener.accept()
            server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            server.close()
            time.sleep(0.05)
            return told(sock.bind, LOOPBACK), sock.getsockname()[1] == port

    assert both(run) == ("EINVAL", True)


@pytest.mark.parametrize(
    ("how", "mask", "read"), [(0, 0x2155, b""), (1, 0x114, "ENOTCONN"), (2, 0x2155, b"")]
)
def test_a_shutdown_that_fails_shuts_all_the_same(both: Both, how: int, mask: int, read: Any) -> None:
    def run() -> Any:
        with socket.socket() as sock:
            failed = told(sock.shutdown, how)
            sock.setblocking(False)
            return failed, ready(sock), told(sock.recv, 5), told(sock.send, b"x")

    assert both(run) == ("ENOTCONN", mask, read, "EPIPE")


def test_reading_that_was_shut_before_the_connection_stays_shut(both: Both) -> None:
    def run() -> Any:
        with socket.create_server(LOOPBACK) as listener, socket.socket() as sock:
            failed = told(sock.shutdown, socket.SHUT_RD)
            sock.connect(listener.getsockname())
            server, _ = listener.accept()
            server.send(b"hi")
            time.sleep(0.05)
            seen = failed, ready(sock), sock.recv(5), sock.recv(5)
            server.close()
            return seen

    assert both(run) == ("ENOTCONN", 0x2145, b"hi", b"")


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_SEQPACKET])
@pytest.mark.parametrize(("how", "mask"), [(0, 0x2355), (1, 0x314), (2, 0x2355)])
def test_a_new_local_stream_can_be_shut(both: Both, kind: int, how: int, mask: int) -> None:
    def run() -> Any:
        with socket.socket(socket.AF_UNIX, kind) as sock:
            return told(sock.shutdown, how), ready(sock), told(sock.recv, 5), told(sock.send, b"x")

    read = "EINVAL" if kind == socket.SOCK_STREAM else "ENOTCONN"
    assert both(run) == (None, mask, read, "ENOTCONN")


@pytest.mark.parametrize(
    ("how", "seen"),
    [
        (0, ["EPIPE", b"", b"", 1, 0x2345, 0x345]),
        (1, [2, b"hi", "EAGAIN", "EPIPE", 0x304, 0x304]),
        (2, ["EPIPE", b"", b"", "EPIPE", 0x2355, 0x304]),
    ],
)
def test_what_was_shut_of_a_local_stream_stays_shut_when_it_connects(
    both: Both, how: int, seen: list[Any]
) -> None:
    def run() -> Any:
        with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as sock:
            listener.bind("")
            listener.listen()
            sock.shutdown(how)
            sock.connect(listener.getsockname())
            server, _ = listener.accept()
            found = [told(server.send, b"hi")]
            sock.setblocking(False)
            found += [told(sock.recv, 5), told(sock.recv, 5), told(sock.send, b"x"), ready(sock)]
            found.append(ready(server))
            server.close()
            return found

    assert both(run) == seen


def test_a_local_datagram_socket_is_shut_without_a_peer(both: Both) -> None:
    def run() -> Any:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            found = [told(sock.shutdown, socket.SHUT_RDWR), ready(sock), sock.recv(5), told(sock.send, b"x")]
            sock.setblocking(False)
            return [*found, told(sock.recv, 5)]

    assert both(run) == [None, 0x2355, b"", "EPIPE", "EAGAIN"]


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_SEQPACKET])
@pytest.mark.parametrize("unread", [False, True])
def test_a_local_peer_that_is_gone(both: Both, kind: int, unread: bool) -> None:
    def run() -> Any:
        one, other = socket.socketpair(socket.AF_UNIX, kind)
        if unread:
            one.send(b"never read")
        other.close()
        masks = [ready(one, mask) for mask in (0, 1, 5, 0x2001, EVERYTHING)]
        seen = masks, told(one.recv, 1), told(one.recv, 1), told(one.send, b"x"), ready(one)
        one.close()
        return seen

    error = 8 if unread else 0
    masks = [16 | error, 17 | error, 21 | error, 0x2011 | error, 0x2355 | error]
    assert both(run) == (masks, "ECONNRESET" if unread else b"", b"", "EPIPE", 0x2355)


def test_the_peer_of_a_datagram_pair_leaves_no_error(both: Both) -> None:
    def run() -> Any:
        one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        one.send(b"never read")
        other.close()
        one.setblocking(False)
        seen = ready(one), told(one.recv, 1), one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        seen = (*seen, told(one.send, b"x"))
        one.close()
        return seen

    assert both(run) == (0x304, "EAGAIN", 0, "ECONNREFUSED")


@pytest.mark.parametrize(
    ("kind", "size", "writable", "taken", "read"),
    [
        (socket.SOCK_STREAM, 1, 69, 278, 209),
        (socket.SOCK_STREAM, 1000, 23, 93, 70),
        (socket.SOCK_STREAM, 4096, 10, 44, 34),
        (socket.SOCK_STREAM, 30_000, 1, 7, 6),
        (socket.SOCK_SEQPACKET, 1000, 23, 93, 70),
        (socket.SOCK_SEQPACKET, 30_000, 1, 7, 6),
        (socket.SOCK_DGRAM, 1000, 23, 93, 70),
    ],
)
def test_poll_says_writable_while_three_quarters_of_the_buffer_are_free(
    both: Both, kind: int, size: int, writable: int, taken: int, read: int
) -> None:
    """After so many sends poll says no, after so many send does, and after so many reads poll says yes again."""

    def run() -> Any:
        one, other = socket.socketpair(socket.AF_UNIX, kind)
        one.setblocking(False)
        count, last = 0, 0
        while told(one.send, b"x" * size) == size:
            last = count if ready(one, select.POLLOUT) and last == count - 1 else last
            count += 1
        reads = 0
        while not ready(one, select.POLLOUT):
            reads += bool(other.recv(size))
        one.close()
        other.close()
        return last + 1, count, reads

    assert both(run) == (writable, taken, read)


def test_a_stream_takes_a_piece_while_anything_is_free(both: Both) -> None:
    def run() -> Any:
        one, other = socket.socketpair()
        one.setblocking(False)
        sent = [told(one.send, b"x" * 65_536) for _ in range(5)]
        one.close()
        other.close()
        return sent

    assert both(run) == [65_536, 65_536, 65_536, 36_544, "EAGAIN"]


def test_more_than_1024_buffers_are_too_many(both: Both) -> None:
    def run() -> Any:
        one, other = socket.socketpair()
        many = [b"x"] * 1025
        found = [one.sendmsg(many[:1024]), told(one.sendmsg, many), told(os.writev, one.fileno(), many)]
        places = [bytearray(1) for _ in many]
        found += [told(other.recvmsg_into, places), told(os.readv, other.fileno(), places)]
        found.append(len(other.recv(5000)))
        one.close()
        other.close()
        return found

    assert both(run) == [1024, "EMSGSIZE", "EINVAL", "EMSGSIZE", "EINVAL", 1024]


def test_the_size_of_a_pipe(both: Both) -> None:
    def run() -> Any:
        reader, writer = os.pipe()
        found = [fcntl.fcntl(each, fcntl.F_GETPIPE_SZ) for each in (reader, writer)]
        found += [fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, size) for size in (5000, 100_000, 1, 16_384)]
        os.set_blocking(writer, False)
        os.write(writer, b"x" * 10_000)
        found += [
            told(fcntl.fcntl, reader, fcntl.F_SETPIPE_SZ, 4096),
            fcntl.fcntl(reader, fcntl.F_GETPIPE_SZ),
        ]
        with socket.socket() as sock:
            found.append(told(fcntl.fcntl, sock.fileno(), fcntl.F_GETPIPE_SZ))
        os.close(reader)
        os.close(writer)
        return found

    sizes = [65_536, 65_536, 8192, 131_072, 4096, 16_384]
    assert both(run) == [*sizes, "EBUSY", 16_384, "EBADF"]


def test_nothing_is_asked_for_nothing(both: Both) -> None:
    """CPython's recv(0) makes no call."""

    def run() -> Any:
        sock = socket.socket()
        found = [sock.recv(0)]
        sock.close()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.bind(LOOPBACK)
            one.sendto(b"x", one.getsockname())
            return [*found, one.recv(0), one.recv(5)]

    assert both(run) == [b"", b"", b"x"]


def test_the_window_of_a_terminal_that_is_none(both: Both) -> None:
    def run() -> Any:
        reader, writer = os.pipe()
        found = [told(os.get_terminal_size, each) for each in (reader, writer)]
        os.close(reader)
        os.close(writer)
        return found

    assert both(run) == ["ENOTTY", "ENOTTY"]


@pytest.mark.parametrize("connected", [False, True])
@pytest.mark.parametrize(("how", "mask"), [(0, 0x2345), (1, 0x304), (2, 0x2355)])
def test_a_datagram_socket_is_shut_with_or_without_a_peer(
    both: Both, connected: bool, how: int, mask: int
) -> None:
    def run() -> Any:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(LOOPBACK)
            if connected:
                sock.connect(sock.getsockname())
            found = [told(sock.shutdown, how), ready(sock)]
            found += [told(sock.sendto, b"x", sock.getsockname())]
            if how == socket.SHUT_WR:
                return found
            if found[2] == 1:
                found.append(sock.recv(5))
            found.append(sock.recv(5))
            sock.setblocking(False)
            return [*found, told(sock.recv, 5)]

    sent = [1] if how == socket.SHUT_RD else ["EPIPE"]
    read: list[Any] = (
        [] if how == socket.SHUT_WR else [*([b"x"] if how == socket.SHUT_RD else []), b"", "EAGAIN"]
    )
    assert both(run) == [None if connected else "ENOTCONN", mask, *sent, *read]
