"""MSG_OOB: one byte out of band, a mark in the stream. As on the kernel, so on the stack."""

from __future__ import annotations

import errno
import fcntl
import select
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

import pytest

from netarium import Net
from netarium.wire.tcp import URG, TcpHeader

Both = Callable[[Callable[[], Any]], Any]
SIOCATMARK = 0x8905


def pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    return client, server


def errno_of(call: Callable[..., Any], *arguments: Any) -> int:
    try:
        call(*arguments)
    except OSError as error:
        return error.errno or 0
    return 0


def at_mark(sock: socket.socket) -> int:
    found: int = struct.unpack("i", fcntl.ioctl(sock, SIOCATMARK, struct.pack("i", 0)))[0]
    return found


def exceptional(sock: socket.socket) -> bool:
    return any(select.select([], [], [sock], 0.1)[2] for _ in range(50))


def test_reading_stops_at_the_mark_and_goes_on_behind_the_urgent_byte(both: Both) -> None:
    def run() -> Any:
        client, server = pair()
        with client, server:
            client.send(b"before")
            client.send(b"now!", socket.MSG_OOB)
            client.send(b"after")
            urgent = exceptional(server)
            time.sleep(0.05)
            found = [urgent, server.recv(100), at_mark(server), server.recv(1, socket.MSG_OOB)]
            return [*found, server.recv(100)]

    assert both(run) == [True, b"beforenow", 1, b"!", b"after"]


def test_the_urgent_byte_is_read_once_and_looked_at_as_often_as_one_likes(both: Both) -> None:
    def run() -> Any:
        client, server = pair()
        with client, server:
            nothing = errno_of(server.recv, 1, socket.MSG_OOB)
            client.send(b"!", socket.MSG_OOB)
            exceptional(server)
            looks = [server.recv(1, socket.MSG_OOB | socket.MSG_PEEK) for _ in range(2)]
            taken = server.recv(10, socket.MSG_OOB)
            again = errno_of(server.recv, 1, socket.MSG_OOB)
            return nothing, looks, taken, again, select.select([], [], [server], 0)[2]

    assert both(run) == (errno.EINVAL, [b"!", b"!"], b"!", errno.EINVAL, [])


def test_with_a_time_out_python_waits_for_something_else_to_read(both: Both) -> None:
    def run() -> Any:
        client, server = pair()
        with client, server:
            server.settimeout(0.2)
            client.send(b"!", socket.MSG_OOB)
            exceptional(server)
            try:
                server.recv(1, socket.MSG_OOB)
            except TimeoutError:
                client.send(b"more")
                return server.recv(1, socket.MSG_OOB)

    assert both(run) == b"!"


def test_a_byte_that_reading_has_passed_is_lost(both: Both) -> None:
    def run() -> Any:
        client, server = pair()
        with client, server:
            client.send(b"a!", socket.MSG_OOB)
            client.send(b"b")
            exceptional(server)
            time.sleep(0.05)
            read = [server.recv(10), server.recv(10)]
            return read, errno_of(server.recv, 1, socket.MSG_OOB)

    assert both(run) == ([b"a", b"b"], errno.EINVAL)


def test_inline_the_byte_stays_in_the_stream(both: Both) -> None:
    def run() -> Any:
        client, server = pair()
        with client, server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
            client.send(b"a!", socket.MSG_OOB)
            client.send(b"b")
            exceptional(server)
            time.sleep(0.05)
            oob = errno_of(server.recv, 1, socket.MSG_OOB)
            first = server.recv(10)
            return oob, first, at_mark(server), server.recv(10)

    assert both(run) == (errno.EINVAL, b"a", 1, b"!b")


@pytest.mark.parametrize(("first", "left"), [(b"a1", b"a1"), (b"1", b"c")])
def test_a_second_urgent_byte_makes_the_first_ordinary_unless_reading_stood_there(
    both: Both, first: bytes, left: bytes
) -> None:
    def run() -> Any:
        client, server = pair()
        with client, server:
            client.send(first, socket.MSG_OOB)
            time.sleep(0.02)
            client.send(b"2", socket.MSG_OOB)
            client.send(b"c")
            time.sleep(0.05)
            exceptional(server)
            return server.recv(1, socket.MSG_OOB), server.recv(10)

    assert both(run) == (b"2", left)


def test_looking_does_not_pass_the_mark(both: Both) -> None:
    def run() -> Any:
        client, server = pair()
        with client, server:
            client.send(b"ab!", socket.MSG_OOB)
            client.send(b"c")
            exceptional(server)
            time.sleep(0.05)
            looks = [server.recv(10, socket.MSG_PEEK) for _ in range(2)]
            read = server.recv(10)
            behind = server.recv(10, socket.MSG_PEEK)
            return looks, read, behind, server.recv(1, socket.MSG_OOB), server.recv(10)

    assert both(run) == ([b"ab", b"ab"], b"ab", b"c", b"!", b"c")


def test_poll_tells_it_as_priority(both: Both) -> None:
    def run() -> Any:
        client, server = pair()
        with client, server:
            client.send(b"!", socket.MSG_OOB)
            exceptional(server)
            poll = select.poll()
            poll.register(server, select.POLLIN | select.POLLPRI)
            told = [mask for _, mask in poll.poll(100)]
            server.recv(1, socket.MSG_OOB)
            return told, poll.poll(0)

    assert both(run) == ([select.POLLPRI], [])


def test_datagrams_have_none(both: Both) -> None:
    def run() -> Any:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect(("127.0.0.1", 9))
            return errno_of(sock.send, b"!", socket.MSG_OOB)

    assert both(run) == errno.EOPNOTSUPP


@pytest.mark.parametrize("loss", [0.0, 0.1])
def test_the_pointer_is_on_the_wire_and_survives_loss(loss: float) -> None:
    net = Net(seed=5)
    server = net.host("server", address="10.0.0.1/24")
    client = net.host("client", address="10.0.0.2/24", link=server, delay="1ms", loss=loss)
    pointers: list[tuple[int, int]] = []

    class Watcher:
        def frame(self, now: int, port: Any, stop: Any, frame: Any) -> None:
            header = frame.transport
            if isinstance(header, TcpHeader) and header.flags & URG:
                pointers.append((header.urgent, len(frame.payload)))

    net.watch.add(Watcher())

    def serve() -> tuple[int, bytes]:
        with socket.create_server(("", 7000)) as listener:
            connection, _ = listener.accept()
        with connection:
            select.select([], [], [connection])
            byte = connection.recv(1, socket.MSG_OOB)
            size = 0
            while data := connection.recv(65536):
                size += len(data)
            return size, byte

    def send() -> None:
        with socket.create_connection(("10.0.0.1", 7000)) as sock:
            sock.sendall(bytes(5000))
            sock.send(b"x!", socket.MSG_OOB)
            sock.sendall(bytes(5000))

    program = server.run(serve)
    client.run(send, at="10ms")
    net.run()
    assert program.result == (10_001, b"!")
    assert (2, 2) in pointers
