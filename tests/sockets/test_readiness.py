"""select, poll, epoll and selectors as on Linux: each test runs on the virtual stack and on the kernel."""

from __future__ import annotations

import errno
import os
import select
import selectors
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

Both = Callable[[Callable[[], Any]], Any]
LOOPBACK = "127.0.0.1"


def pair() -> tuple[socket.socket, socket.socket]:
    listener = socket.create_server((LOOPBACK, 0))
    client = socket.create_connection(listener.getsockname())
    server, _ = listener.accept()
    listener.close()
    return client, server


def error_of(function: Callable[..., Any], *arguments: Any) -> int | str:
    try:
        function(*arguments)
    except OSError as error:
        return error.errno if error.errno is not None else type(error).__name__
    except Exception as error:
        return type(error).__name__
    return 0


def mask_of(sock: socket.socket, wanted: int = 0xFFFF) -> int:
    poll = select.poll()
    poll.register(sock, wanted & 0x201F)
    return sum(mask for _, mask in poll.poll(0))


def test_masks_through_a_connections_life(both: Both) -> None:
    def program() -> Any:
        fresh = socket.socket()
        masks = [mask_of(fresh)]
        listener = socket.create_server((LOOPBACK, 0))
        masks.append(mask_of(listener))
        client = socket.create_connection(listener.getsockname())
        masks.append(mask_of(listener))
        server, _ = listener.accept()
        masks.append(mask_of(server))
        client.sendall(b"x")
        time.sleep(0.02)
        masks.append(mask_of(server))
        server.recv(1)
        client.shutdown(socket.SHUT_WR)
        time.sleep(0.02)
        masks.append(mask_of(server))
        server.shutdown(socket.SHUT_WR)
        time.sleep(0.02)
        masks += [mask_of(server), mask_of(client)]
        return masks

    # HUP|OUT; nothing; IN; OUT; IN|OUT; IN|OUT|RDHUP; and HUP when both directions are shut.
    assert both(program) == [0x14, 0, 0x1, 0x4, 0x5, 0x2005, 0x2015, 0x2015]


def test_mask_after_a_reset(both: Both) -> None:
    def program() -> Any:
        client, server = pair()
        client.sendall(b"unread")
        time.sleep(0.02)
        server.close()
        time.sleep(0.02)
        return mask_of(client)

    assert both(program) == 0x201D


def test_select_returns_the_objects_given(both: Both) -> None:
    def program() -> Any:
        client, server = pair()
        client.sendall(b"x")
        found = select.select([server, client], [client.fileno()], [], 1)
        return found[0] == [server], found[1] == [client.fileno()], found[2]

    assert both(program) == (True, True, [])


def test_select_times_out(both: Both) -> None:
    def program() -> Any:
        client, _server = pair()
        began = time.monotonic()
        found = select.select([client], [], [], 0.05)
        return found, 0.05 <= time.monotonic() - began < 1

    assert both(program) == (([], [], []), True)


def test_select_errors(both: Both) -> None:
    def program() -> Any:
        sock = socket.socket()
        number = sock.fileno()
        sock.close()
        return (
            error_of(select.select, [sock], [], [], 0),
            error_of(select.select, [number], [], [], 0) in (errno.EBADF, "ValueError"),
            error_of(select.select, ["x"], [], [], 0),
            error_of(select.select, [], [], [], -1),
            select.select([], [], [], 0.01),
        )

    assert both(program) == ("ValueError", True, "TypeError", "ValueError", ([], [], []))


def test_poll_tells_of_a_closed_descriptor(both: Both) -> None:
    def program() -> Any:
        sock = socket.socket()
        poll = select.poll()
        poll.register(sock)
        number = sock.fileno()
        sock.close()
        return [(fd == number, mask) for fd, mask in poll.poll(0)], error_of(poll.modify, number + 1, 1)

    assert both(program) == ([(True, select.POLLNVAL)], errno.ENOENT)


def test_epoll_level_and_edge(both: Both) -> None:
    def program() -> Any:
        client, server = pair()
        level, edge = select.epoll(), select.epoll()
        level.register(server, select.EPOLLIN)
        edge.register(server, select.EPOLLIN | select.EPOLLET)
        client.sendall(b"ab")
        time.sleep(0.02)
        found = [len(each.poll(0)) for each in (level, level, edge, edge)]
        client.sendall(b"c")
        time.sleep(0.02)
        found += [len(edge.poll(0)), len(edge.poll(0))]
        server.recv(10)
        return [*found, len(level.poll(0))]

    assert both(program) == [1, 1, 1, 0, 1, 0, 0]


def test_epoll_oneshot_and_errors(both: Both) -> None:
    def program() -> Any:
        client, server = pair()
        epoll = select.epoll()
        epoll.register(server, select.EPOLLIN | select.EPOLLONESHOT)
        twice = error_of(epoll.register, server, select.EPOLLIN)
        client.sendall(b"x")
        time.sleep(0.02)
        found = [len(epoll.poll(0)), len(epoll.poll(0))]
        epoll.modify(server, select.EPOLLIN | select.EPOLLONESHOT)
        found.append(len(epoll.poll(0)))
        epoll.unregister(server)
        again = error_of(epoll.unregister, server)
        missing = error_of(epoll.modify, server, select.EPOLLIN)
        epoll.close()
        return found, twice, again, missing, epoll.closed, error_of(epoll.poll, 0)

    assert both(program) == ([1, 0, 1], errno.EEXIST, errno.ENOENT, errno.ENOENT, True, "ValueError")


def test_epoll_forgets_what_is_closed(both: Both) -> None:
    def program() -> Any:
        client, server = pair()
        epoll = select.epoll()
        epoll.register(server, select.EPOLLIN)
        client.sendall(b"x")
        time.sleep(0.02)
        server.close()
        return epoll.poll(0)

    assert both(program) == []


def test_epoll_wakes_a_waiting_thread(both: Both) -> None:
    def program() -> Any:
        client, server = pair()
        epoll = select.epoll()
        epoll.register(server, select.EPOLLIN)
        threading.Timer(0.05, client.sendall, (b"x",)).start()
        found = epoll.poll(5)
        return [(fd == server.fileno(), mask) for fd, mask in found]

    assert both(program) == [(True, select.EPOLLIN)]


def test_the_default_selector(both: Both) -> None:
    def program() -> Any:
        client, server = pair()
        selector = selectors.DefaultSelector()
        selector.register(server, selectors.EVENT_READ | selectors.EVENT_WRITE, "data")
        first = [(key.data, events) for key, events in selector.select(0)]
        client.sendall(b"x")
        time.sleep(0.02)
        second = [(key.data, events) for key, events in selector.select(0)]
        selector.unregister(server)
        empty = selector.select(0.01)
        selector.close()
        return first, second, empty

    assert both(program) == ([("data", 2)], [("data", 3)], [])


def test_pipes(both: Both) -> None:
    def program() -> Any:
        reader, writer = os.pipe()
        empty = select.select([reader], [writer], [], 0) == ([], [writer], [])
        count = os.write(writer, b"abc")
        ready = select.select([reader], [], [], 0)[0] == [reader]
        data = os.read(reader, 10)
        os.close(writer)
        end = os.read(reader, 10)
        os.close(reader)
        return empty, count, ready, data, end, error_of(os.read, reader, 1)

    assert both(program) == (True, 3, True, b"abc", b"", errno.EBADF)


def test_writing_to_a_pipe_nobody_reads(both: Both) -> None:
    def program() -> Any:
        reader, writer = os.pipe()
        os.close(reader)
        failed = error_of(os.write, writer, b"x")
        os.close(writer)
        return failed

    assert both(program) == errno.EPIPE
