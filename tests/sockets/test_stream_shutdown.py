"""shutdown() of TCP sockets as Linux does it: each test runs on the virtual stack and on the kernel."""

from __future__ import annotations

import errno
import select
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


def error_of(function: Callable[..., Any], *arguments: Any) -> int:
    """The errno a call fails with, 0 when it does not."""
    try:
        function(*arguments)
    except OSError as error:
        return error.errno or -1
    return 0


def deaf_listener() -> tuple[socket.socket, socket.socket]:
    """A listener whose accept queue is full, so that it answers no SYN; with the connection that fills it."""
    listener = socket.create_server((LOOPBACK, 0), backlog=0)
    return listener, socket.create_connection(listener.getsockname())


@pytest.mark.parametrize("how", [socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR])
def test_while_the_syn_is_out_it_gives_the_attempt_up(both: Both, how: int) -> None:
    def program() -> Any:
        listener, _filling = deaf_listener()
        sock = socket.socket()
        sock.setblocking(False)
        begun = sock.connect_ex(listener.getsockname())
        sock.shutdown(how)
        poll = select.poll()
        poll.register(sock, select.POLLIN | select.POLLOUT)
        ((_, mask),) = poll.poll(0)
        told = [error_of(call, 10) for call in (sock.recv, sock.recv)]
        return begun, mask, told, error_of(sock.getpeername), error_of(sock.shutdown, how)

    mask = select.POLLOUT | select.POLLERR | select.POLLHUP
    told = [errno.ECONNRESET, errno.ENOTCONN]
    assert both(program) == (errno.EINPROGRESS, mask, told, errno.ENOTCONN, errno.ENOTCONN)


def test_a_socket_that_gave_up_connects_again_and_no_old_error_is_left(both: Both) -> None:
    def program() -> Any:
        listener, _filling = deaf_listener()
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(listener.getsockname())
        sock.shutdown(socket.SHUT_WR)
        sock.setblocking(True)
        sock.settimeout(5)
        other = socket.create_server((LOOPBACK, 0))
        sock.connect(other.getsockname())
        accepted, _ = other.accept()
        sock.sendall(b"again")
        return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), accepted.recv(10)

    assert both(program) == (0, b"again")


def test_a_connect_that_waits_is_woken_by_another_threads_shutdown(both: Both) -> None:
    def program() -> Any:
        listener, _filling = deaf_listener()
        sock = socket.socket()

        def give_up() -> None:
            time.sleep(0.1)
            sock.shutdown(socket.SHUT_RDWR)

        thread = threading.Thread(target=give_up)
        thread.start()
        told = sock.connect_ex(listener.getsockname())
        thread.join()
        return told

    assert both(program) == errno.ECONNRESET


def test_what_comes_after_the_reading_side_was_shut_can_still_be_read(both: Both) -> None:
    def program() -> Any:
        listener = socket.create_server((LOOPBACK, 0))
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
        client.shutdown(socket.SHUT_RD)
        first = client.recv(10)
        server.sendall(b"hello")
        time.sleep(0.05)
        return first, client.recv(10), client.recv(10)

    assert both(program) == (b"", b"hello", b"")
