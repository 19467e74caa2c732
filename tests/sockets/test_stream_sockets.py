"""TCP sockets behave as Linux' do: each test runs on the virtual stack and on the kernel."""

from __future__ import annotations

import errno
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

# The functions are little programs: they end without closing everything, and the kernel's sockets complain.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

Both = Callable[[Callable[[], Any]], Any]
LOOPBACK = "127.0.0.1"


def pair() -> tuple[socket.socket, socket.socket]:
    """Two ends of one connection."""
    listener = socket.create_server((LOOPBACK, 0))
    client = socket.create_connection(listener.getsockname())
    server, _ = listener.accept()
    listener.close()
    return client, server


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind((LOOPBACK, 0))
        return int(sock.getsockname()[1])


def error_of(function: Callable[..., Any], *arguments: Any) -> int | str:
    """The errno a call fails with, or the exception's name when it has none."""
    try:
        function(*arguments)
    except OSError as error:
        return error.errno if error.errno is not None else type(error).__name__
    except Exception as error:
        return type(error).__name__
    return 0


def test_what_is_sent_arrives_and_the_end_is_an_empty_read(both: Both) -> None:
    def program() -> Any:
        client, server = pair()
        client.sendall(b"hello")
        first = server.recv(100)
        client.close()
        return first, server.recv(100), server.recv(100)

    assert both(program) == (b"hello", b"", b"")


def test_recv_takes_what_it_asks_for(both: Both) -> None:
    def program() -> Any:
        client, server = pair()
        client.sendall(b"0123456789")
        time.sleep(0.05)
        return [server.recv(4) for _ in range(3)]

    assert both(program) == [b"0123", b"4567", b"89"]


def test_peek_leaves_the_bytes(both: Both) -> None:
    def program() -> Any:
        client, server = pair()
        client.sendall(b"abc")
        return server.recv(2, socket.MSG_PEEK), server.recv(10)

    assert both(program) == (b"ab", b"abc")


def test_waitall_waits_for_all(both: Both) -> None:
    def program() -> Any:
        client, server = pair()

        def slowly() -> None:
            for piece in (b"ab", b"cd", b"ef"):
                client.sendall(piece)
                time.sleep(0.02)

        thread = threading.Thread(target=slowly)
        thread.start()
        found = server.recv(6, socket.MSG_WAITALL)
        thread.join()
        return found

    assert both(program) == b"abcdef"


def test_recv_into_and_makefile(both: Both) -> None:
    def program() -> Any:
        client, server = pair()
        client.sendall(b"one\ntwo\nrest")
        client.shutdown(socket.SHUT_WR)
        with server.makefile("rb") as stream:
            lines = [stream.readline(), stream.readline()]
            rest = stream.read()
        server.sendall(b"back")
        buffer = bytearray(10)
        count = client.recv_into(buffer)
        return lines, rest, count, bytes(buffer)

    assert both(program) == ([b"one\n", b"two\n"], b"rest", 4, b"back" + bytes(6))


def test_half_close_still_receives(both: Both) -> None:
    def program() -> Any:
        client, server = pair()
        client.shutdown(socket.SHUT_WR)
        end = server.recv(10)
        server.sendall(b"still here")
        got = client.recv(100)
        return end, got, error_of(client.send, b"x")

    assert both(program) == (b"", b"still here", errno.EPIPE)


def test_connect_without_listener_is_refused(both: Both) -> None:
    def program() -> Any:
        port = free_port()
        with socket.socket() as sock:
            return error_of(sock.connect, (LOOPBACK, port)), sock.connect_ex((LOOPBACK, port))

    assert both(program) == (errno.ECONNREFUSED, errno.ECONNREFUSED)


def test_non_blocking_connect(both: Both) -> None:
    def program() -> Any:
        listener = socket.create_server((LOOPBACK, 0))
        sock = socket.socket()
        sock.setblocking(False)
        first = sock.connect_ex(listener.getsockname())
        select.select([], [sock], [], 5)
        error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        second, third = sock.connect_ex(listener.getsockname()), sock.connect_ex(listener.getsockname())
        sock.close()
        listener.close()
        return first in (0, errno.EINPROGRESS), error, second in (0, errno.EISCONN), third

    assert both(program) == (True, 0, True, errno.EISCONN)


def test_non_blocking_refused_connect_tells_by_so_error(both: Both) -> None:
    def program() -> Any:
        sock = socket.socket()
        sock.setblocking(False)
        first = sock.connect_ex((LOOPBACK, free_port()))
        _, writable, _ = select.select([], [sock], [], 5)
        return (
            first in (errno.EINPROGRESS, errno.ECONNREFUSED),
            writable == [sock],
            sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) or first,
            sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR),
        )

    assert both(program) == (True, True, errno.ECONNREFUSED, 0)


def test_accept_gives_socket_and_address(both: Both) -> None:
    def program() -> Any:
        listener = socket.create_server((LOOPBACK, 0))
        client = socket.create_connection(listener.getsockname())
        server, address = listener.accept()
        return (
            address == client.getsockname(),
            server.getpeername() == address,
            server.getsockname() == listener.getsockname(),
            type(address),
            server.family,
            server.type,
            server.gettimeout(),
        )

    assert both(program) == (True, True, True, tuple, socket.AF_INET, socket.SOCK_STREAM, None)


def test_errors_before_there_is_a_connection(both: Both) -> None:
    def program() -> Any:
        with socket.socket() as sock:
            return (
                error_of(sock.recv, 10),
                error_of(sock.send, b"x"),
                error_of(sock.getpeername),
                error_of(sock.accept),
                error_of(sock.shutdown, socket.SHUT_RDWR),
                sock.getsockname(),
            )

    assert both(program) == (
        errno.ENOTCONN, errno.EPIPE, errno.ENOTCONN, errno.EINVAL, errno.ENOTCONN, ("0.0.0.0", 0),
    )  # fmt: skip


def test_a_closed_socket_is_ebadf(both: Both) -> None:
    def program() -> Any:
        sock = socket.socket()
        sock.close()
        return sock.fileno(), [
            error_of(call)
            for call in (
                lambda: sock.recv(1), lambda: sock.send(b"x"), lambda: sock.bind((LOOPBACK, 0)), sock.listen,
                sock.getsockname, sock.accept, lambda: sock.connect((LOOPBACK, 1)),
            )
        ]  # fmt: skip

    assert both(program) == (-1, [errno.EBADF] * 7)


def test_bind_errors(both: Both) -> None:
    def program() -> Any:
        first, second = socket.socket(), socket.socket()
        first.bind((LOOPBACK, 0))
        taken = first.getsockname()
        found = (
            error_of(second.bind, taken),
            error_of(second.bind, ("192.0.2.7", 0)),
            error_of(first.bind, (LOOPBACK, 0)),
            error_of(second.bind, (LOOPBACK, -1)),
            error_of(second.bind, (LOOPBACK, 65536)),
            error_of(second.bind, LOOPBACK, 80),
            error_of(second.bind, LOOPBACK),
            error_of(second.bind, (LOOPBACK, "80")),
        )
        first.close()
        second.close()
        return found

    assert both(program) == (
        errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EINVAL, "OverflowError", "OverflowError", "TypeError",
        "TypeError", "TypeError",
    )  # fmt: skip


def test_two_listeners_on_one_port(both: Both) -> None:
    def program() -> Any:
        first, second = socket.socket(), socket.socket()
        for sock in (first, second):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        first.bind((LOOPBACK, 0))
        second.bind(first.getsockname())
        first.listen()
        return error_of(second.listen)

    assert both(program) == errno.EADDRINUSE


def test_reuse_port_shares(both: Both) -> None:
    def program() -> Any:
        first, second = socket.socket(), socket.socket()
        for sock in (first, second):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        first.bind((LOOPBACK, 0))
        first.listen()
        second.bind(first.getsockname())
        return error_of(second.listen)

    assert both(program) == 0


def test_a_time_out_in_recv_accept_and_connect(both: Both) -> None:
    def program() -> Any:
        client, server = pair()
        client.settimeout(0.05)
        began = time.monotonic()
        first = error_of(client.recv, 10)
        elapsed = time.monotonic() - began
        listener = socket.create_server((LOOPBACK, 0))
        listener.settimeout(0.01)
        second = error_of(listener.accept)
        server.sendall(b"late")
        return first, second, 0.05 <= elapsed < 1, client.recv(10), client.gettimeout()

    assert both(program) == ("TimeoutError", "TimeoutError", True, b"late", 0.05)


def test_non_blocking_reads_fail_with_eagain(both: Both) -> None:
    def program() -> Any:
        client, server = pair()
        client.setblocking(False)
        listener = socket.create_server((LOOPBACK, 0))
        listener.settimeout(0)
        return (
            error_of(client.recv, 10), error_of(listener.accept), server.getblocking(),
            error_of(server.recv, 10, socket.MSG_DONTWAIT),
        )  # fmt: skip

    assert both(program) == (errno.EAGAIN, errno.EAGAIN, True, errno.EAGAIN)


def test_a_full_send_buffer_is_eagain_and_later_writable(both: Both) -> None:
    def program() -> Any:
        client, server = pair()
        client.setblocking(False)
        sent = 0
        failed = 0
        try:
            while True:
                sent += client.send(b"x" * 65536)
        except BlockingIOError as error:
            failed = error.errno
        blocked = select.select([], [client], [], 0)[1]
        got = 0
        while got < sent:
            got += len(server.recv(1 << 20))
        writable = select.select([], [client], [], 5)[1]
        return failed, blocked, sent > 65536, writable == [client]

    assert both(program) == (errno.EAGAIN, [], True, True)


def test_sendall_of_much_to_a_slow_reader(both: Both) -> None:
    def program() -> Any:
        client, server = pair()
        data = bytes(range(256)) * 20_000
        thread = threading.Thread(target=lambda: (client.sendall(data), client.close()))
        thread.start()
        received = bytearray()
        while piece := server.recv(100_000):
            received += piece
        thread.join()
        return bytes(received) == data

    assert both(program) is True


def test_closing_with_unread_bytes_resets(both: Both) -> None:
    def program() -> Any:
        client, server = pair()
        client.sendall(b"never read")
        time.sleep(0.05)
        server.close()
        time.sleep(0.05)
        return error_of(client.recv, 10), client.recv(10), error_of(client.send, b"x")

    assert both(program) == (errno.ECONNRESET, b"", errno.EPIPE)


def test_writing_after_the_peer_has_gone(both: Both) -> None:
    def program() -> Any:
        client, server = pair()
        server.close()
        time.sleep(0.05)
        first = client.send(b"x")
        time.sleep(0.05)
        return first, error_of(client.send, b"x"), error_of(client.send, b"x")

    assert both(program) == (1, errno.EPIPE, errno.EPIPE)


def test_linger_zero_resets(both: Both) -> None:
    def program() -> Any:
        client, server = pair()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        time.sleep(0.05)
        return error_of(server.recv, 10)

    assert both(program) == errno.ECONNRESET


def test_shut_down_reading_gives_the_end(both: Both) -> None:
    def program() -> Any:
        client, server = pair()
        client.shutdown(socket.SHUT_RD)
        return client.recv(10), server.send(b"x")

    assert both(program) == (b"", 1)


def test_a_listener_holds_the_backlog_plus_one(both: Both) -> None:
    def program() -> Any:
        listener = socket.socket()
        listener.bind((LOOPBACK, 0))
        listener.listen(1)
        clients = []
        results = []
        for _ in range(3):
            sock = socket.socket()
            sock.settimeout(0.3)
            clients.append(sock)
            results.append(error_of(sock.connect, listener.getsockname()))
        return results

    assert both(program) == [0, 0, "TimeoutError"]


def test_options_as_linux_reads_them(both: Both) -> None:
    def program() -> Any:
        sock = socket.socket()
        found = []
        for level, name, value in (
            (socket.SOL_SOCKET, socket.SO_REUSEADDR, 1),
            (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 5),
            (socket.SOL_SOCKET, socket.SO_BROADCAST, 1),
            (socket.SOL_SOCKET, socket.SO_OOBINLINE, 1),
            (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
            (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 77),
            (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 7),
            (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4),
            (socket.IPPROTO_TCP, socket.TCP_CORK, 1),
            (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 1234),
            (socket.IPPROTO_IP, socket.IP_TTL, 9),
            (socket.IPPROTO_IP, socket.IP_TOS, 16),
        ):
            before = sock.getsockopt(level, name)
            sock.setsockopt(level, name, value)
            found.append((before, sock.getsockopt(level, name)))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 20_000)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 5))
        return (
            found,
            sock.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE),
            sock.getsockopt(socket.SOL_SOCKET, 39),
            sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN),
            sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF),
            sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF),
            sock.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8),
        )

    assert both(program) == (
        [
            (0, 1),
            (0, 1),
            (0, 1),
            (0, 1),
            (0, 1),
            (7200, 77),
            (75, 7),
            (9, 4),
            (0, 1),
            (0, 1234),
            (64, 9),
            (0, 16),
        ],
        1,
        2,
        0,
        40_000,
        4_608,
        struct.pack("ii", 1, 5),
    )


def test_options_that_do_not_exist(both: Both) -> None:
    def program() -> Any:
        with socket.socket() as sock:
            return (
                error_of(sock.setsockopt, socket.IPPROTO_TCP, 9999, 1),
                error_of(sock.getsockopt, socket.IPPROTO_TCP, 9999),
                error_of(sock.getsockopt, socket.SOL_SOCKET, 9999),
                error_of(sock.setsockopt, socket.SOL_SOCKET, socket.SO_LINGER, 1),
                error_of(sock.setsockopt, socket.IPPROTO_IP, socket.IP_TTL, 256),
                error_of(sock.setsockopt, socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 0),
            )

    assert both(program) == (
        errno.ENOPROTOOPT, errno.ENOPROTOOPT, errno.ENOPROTOOPT, errno.EINVAL, errno.EINVAL, errno.EINVAL,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("family", "kind", "protocol"),
    [
        (socket.AF_INET, socket.SOCK_STREAM, 17),
        (socket.AF_INET, socket.SOCK_DGRAM, 6),
        (socket.AF_INET, 99, 0),
        (99, socket.SOCK_STREAM, 0),
    ],
)
def test_sockets_that_cannot_be(both: Both, family: int, kind: int, protocol: int) -> None:
    def program() -> Any:
        return error_of(socket.socket, family, kind, protocol)

    expected = {
        (2, 1, 17): errno.EPROTONOSUPPORT,
        (2, 2, 6): errno.EPROTONOSUPPORT,
        (2, 99, 0): errno.EINVAL,
        (99, 1, 0): errno.EAFNOSUPPORT,
    }
    assert both(program) == expected[(int(family), int(kind), protocol)]


def test_wrong_types_are_type_errors(both: Both) -> None:
    def program() -> Any:
        client, _server = pair()
        return (
            error_of(client.send, "text"),
            error_of(client.sendall, "text"),
            error_of(client.recv, "10"),
            error_of(client.recv, -1),
            error_of(client.connect, "no tuple"),
            error_of(client.settimeout, "1"),
            error_of(client.settimeout, -1),
        )

    assert both(program) == (
        "TypeError", "TypeError", "TypeError", "ValueError", "TypeError", "TypeError", "ValueError",
    )  # fmt: skip


def test_dup_detach_and_fileno(both: Both) -> None:
    def program() -> Any:
        client, server = pair()
        copy = client.dup()
        client.close()
        copy.sendall(b"by the copy")
        got = server.recv(100)
        number = copy.detach()
        again = socket.socket(fileno=number)
        again.sendall(b"again")
        second = server.recv(100)
        again.close()
        return got, copy.fileno(), second, server.recv(10)

    assert both(program) == (b"by the copy", -1, b"again", b"")


def test_a_socket_nobody_holds_is_closed(both: Both) -> None:
    def program() -> Any:
        client, server = pair()
        del client
        return server.recv(10)

    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        assert both(program) == b""


def test_socketpair_and_send_on_closed_pair(both: Both) -> None:
    def program() -> Any:
        left, right = socket.socketpair()
        left.sendall(b"x")
        got = right.recv(10)
        right.close()
        return got, left.recv(10), error_of(left.send, b"y"), left.family

    assert both(program) == (b"x", b"", errno.EPIPE, socket.AF_UNIX)


def test_sendmsg_and_recvmsg(both: Both) -> None:
    def program() -> Any:
        client, server = pair()
        count = client.sendmsg([b"ab", bytearray(b"cd"), memoryview(b"ef")])
        data, ancillary, flags, address = server.recvmsg(100)
        return count, data, ancillary, flags, address

    assert both(program) == (6, b"abcdef", [], 0, None)


def test_send_of_nothing_delivers_nothing(both: Both) -> None:
    def program() -> Any:
        client, server = pair()
        count = client.send(b"")
        server.settimeout(0.05)
        return count, error_of(server.recv, 10)

    assert both(program) == (0, "TimeoutError")


def test_both_ends_send_at_once(both: Both) -> None:
    def program() -> Any:
        client, server = pair()
        data = b"z" * 2_000_000
        received = {}

        def run(name: str, sock: socket.socket) -> None:
            writer = threading.Thread(target=sock.sendall, args=(data,))
            writer.start()
            size = 0
            while size < len(data):
                size += len(sock.recv(65536))
            writer.join()
            received[name] = size

        threads = [threading.Thread(target=run, args=each) for each in (("c", client), ("s", server))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return received

    assert both(program) == {"c": 2_000_000, "s": 2_000_000}
