"""A socket object makes its calls by its descriptor's number, whatever that means now: as on the kernel, so here."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from typing import Any

import pytest

Both = Callable[[Callable[[], Any]], Any]


def failure(function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno or 0]


def calls_of(sock: socket.socket) -> list[Any]:
    return [
        failure(sock.send, b"x"),
        failure(sock.recv, 5),
        failure(sock.sendall, b"x"),
        failure(sock.recv_into, bytearray(5)),
        failure(sock.recvfrom, 5),
        failure(sock.sendmsg, [b"x"]),
        failure(sock.recvmsg, 5),
        failure(sock.getsockname),
        failure(sock.getpeername),
        failure(sock.getsockopt, socket.SOL_SOCKET, socket.SO_ERROR),
        failure(sock.setsockopt, socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        failure(sock.shutdown, socket.SHUT_WR),
        failure(sock.listen),
        failure(sock.accept),
    ]


def test_a_number_closed_by_os_is_closed_for_the_object_too(both: Both) -> None:
    def run() -> Any:
        one, other = socket.socketpair()
        kept = os.dup(one.fileno())
        number = one.fileno()
        os.close(number)
        told = [*calls_of(one), failure(one.setblocking, True), failure(one.dup)]
        still = (one.fileno() == number, one.family, one.type, one.proto, one.gettimeout())
        other.setblocking(False)
        seen = failure(other.recv, 5)
        os.write(kept, b"kept")
        seen_then = other.recv(5)
        os.close(kept)
        closing = failure(one.close)
        other.close()
        return told, still, seen, seen_then, closing

    told, still, seen, seen_then, closing = both(run)
    assert told == ["EBADF"] * len(told)
    assert still == (True, socket.AF_UNIX, socket.SOCK_STREAM, 0, None)
    assert (seen, seen_then, closing) == ("EAGAIN", b"kept", "EBADF")


def test_with_the_last_number_the_connection_ends_and_its_object_says_ebadf(both: Both) -> None:
    def run() -> Any:
        one, other = socket.socketpair()
        os.close(one.fileno())
        found = failure(one.send, b"x"), failure(one.recv, 5), other.recv(5)
        one.detach()
        other.close()
        return found

    assert both(run) == ("EBADF", "EBADF", b"")


@pytest.mark.parametrize("by_dup2", [False, True])
def test_a_socket_that_has_the_number_now_is_reached_by_the_old_object(both: Both, by_dup2: bool) -> None:
    def run() -> Any:
        one, other = socket.socketpair()
        number = one.fileno()
        third, fourth = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        if by_dup2:
            os.dup2(third.fileno(), number)
        else:
            os.close(number)
            assert os.dup(third.fileno()) == number
        one.send(b"by the old object")
        fourth.send(b"to it")
        found = fourth.recv(50), one.recv(50), one.type, other.recv(5)
        one.close()
        third.setblocking(False)
        alive = failure(third.recv, 5)
        for each in (other, third, fourth):
            each.close()
        return found, alive

    assert both(run) == ((b"by the old object", b"to it", socket.SOCK_STREAM, b""), "EAGAIN")


def test_two_objects_of_one_number_share_its_fate(both: Both) -> None:
    def run() -> Any:
        one, other = socket.socketpair()
        twin = socket.socket(fileno=one.fileno())
        one.close()
        found = failure(twin.send, b"x"), failure(twin.close), other.recv(5)
        other.close()
        return found

    assert both(run) == ("EBADF", "EBADF", b"")


def test_a_number_that_became_a_pipe_is_no_socket(both: Both) -> None:
    def run() -> Any:
        one, other = socket.socketpair()
        number = one.fileno()
        os.close(number)
        reader, writer = os.pipe()
        assert number in (reader, writer)
        told = calls_of(one)
        one.close()
        gone = failure(os.fstat, number)
        os.close(reader if number == writer else writer)
        other.close()
        return told, gone

    told, gone = both(run)
    assert (told, gone) == (["ENOTSOCK"] * len(told), "EBADF")


def test_a_detached_object_has_no_number_any_more(both: Both) -> None:
    def run() -> Any:
        one, other = socket.socketpair()
        number = one.detach()
        again = socket.socket(fileno=number)
        again.send(b"x")
        found = failure(one.send, b"x"), other.recv(5)
        again.close()
        other.close()
        return found

    assert both(run) == ("EBADF", b"x")
