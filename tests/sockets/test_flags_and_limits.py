"""Flags of single calls, time limits of a socket itself, what close waits for: as on the kernel, so on the stack."""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from netarium import Net

Both = Callable[[Callable[[], Any]], Any]
TIMEVAL = struct.Struct("ll")


def failure(call: Callable[..., Any], *arguments: Any) -> int:
    try:
        call(*arguments)
    except OSError as error:
        return error.errno or 0
    return 0


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    return client, server


def udp_pair() -> tuple[socket.socket, socket.socket]:
    one, other = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    for each in (one, other):
        each.bind(("127.0.0.1", 0))
    one.connect(other.getsockname())
    other.connect(one.getsockname())
    return one, other


def close_all(*sockets: socket.socket) -> None:
    for each in sockets:
        each.close()


def test_time_limits_of_the_socket_are_eagain(both: Both) -> None:
    def run() -> Any:
        client, server = tcp_pair()
        default = TIMEVAL.unpack(client.getsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, 16))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, TIMEVAL.pack(0, 50_000))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, TIMEVAL.pack(0, 40_000))
        began = time.monotonic()
        late = failure(client.recv, 1)
        took = 0.04 < time.monotonic() - began < 2
        chosen = TIMEVAL.unpack(client.getsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, 16))
        full = failure(client.sendall, b"x" * 50_000_000)
        wrong = [
            failure(client.setsockopt, socket.SOL_SOCKET, socket.SO_RCVTIMEO, TIMEVAL.pack(0, 1_000_000)),
            failure(client.setsockopt, socket.SOL_SOCKET, socket.SO_RCVTIMEO, 5),
        ]
        close_all(client, server)
        return default, late, took, chosen, full, wrong

    default, late, took, chosen, full, wrong = both(run)
    assert (default, late, took, chosen) == ((0, 0), errno.EAGAIN, True, (0, 40_000))
    assert (full, wrong) == (errno.EAGAIN, [errno.EDOM, errno.EINVAL])


def test_accept_has_the_limit_of_its_listener(both: Both) -> None:
    def run() -> Any:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, TIMEVAL.pack(0, 20_000))
            late = failure(listener.accept)
            with socket.create_connection(listener.getsockname()):
                server, _ = listener.accept()
        inherited = TIMEVAL.unpack(server.getsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, 16))
        server.close()
        return late, inherited

    assert both(run) == (errno.EAGAIN, (0, 20_000))


def test_flags_of_receiving_calls(both: Both) -> None:
    def run() -> Any:
        client, server = tcp_pair()
        found: list[Any] = [failure(client.recv, 1, socket.MSG_DONTWAIT)]
        server.sendall(b"0123456789")
        select.select([client], [], [])
        found.append(client.recv(4, socket.MSG_PEEK))
        buffer = bytearray(4)
        found.append(client.recv_into(buffer, 0, socket.MSG_PEEK))
        found.append(client.recv_into(buffer, 2, socket.MSG_TRUNC))  # TCP throws them away
        found.append(client.recv(100, socket.MSG_WAITALL | socket.MSG_DONTWAIT))
        found.append(failure(client.recv, 1, socket.MSG_OOB))
        found.append(failure(client.recvmsg, 1, 0, socket.MSG_DONTWAIT))
        close_all(client, server)
        return found

    assert both(run) == [errno.EAGAIN, b"0123", 4, 2, b"23456789", errno.EINVAL, errno.EAGAIN]


def test_the_whole_length_of_a_cut_datagram(both: Both) -> None:
    def run() -> Any:
        one, other = udp_pair()
        left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        found: list[Any] = []
        for sender, receiver in ((one, other), (left, right)):
            sender.send(b"0123456789")
            buffer = bytearray(4)
            found.append(receiver.recv_into(buffer, 0, socket.MSG_PEEK | socket.MSG_TRUNC))
            found.append(len(receiver.recv(1, socket.MSG_PEEK | socket.MSG_TRUNC)))
            found.append(bytes(buffer))
            found.append(receiver.recvmsg(3)[:3])
            found.append(failure(receiver.recv, 1, socket.MSG_DONTWAIT))
        close_all(one, other, left, right)
        return found

    cut = (b"012", [], socket.MSG_TRUNC)
    assert both(run) == [10, 10, b"0123", cut, errno.EAGAIN] * 2


def test_recvmsg_into_fills_its_buffers_in_turn(both: Both) -> None:
    def run() -> Any:
        one, other = udp_pair()
        one.sendmsg([b"01", b"", b"234", bytearray(b"5")])
        buffers = [bytearray(2), bytearray(1), bytearray(10)]
        count, told, flags, address = other.recvmsg_into(buffers)
        same = address == one.getsockname()
        close_all(one, other)
        return count, told, flags, same, [bytes(each) for each in buffers]

    assert both(run) == (6, [], 0, True, [b"01", b"2", b"345" + bytes(7)])


def test_what_datagrams_can_tell_of_themselves(both: Both) -> None:
    def run() -> Any:
        one, other = udp_pair()
        one.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 33)
        one.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0x10)
        for option in (12, 13, 8):  # IP_RECVTTL, IP_RECVTOS, IP_PKTINFO
            other.setsockopt(socket.IPPROTO_IP, option, 1)
        one.send(b"x")
        _, told, _, _ = other.recvmsg(10, 200)
        kinds = {kind: data for _, kind, data in told}
        ttl, tos = struct.unpack("i", kinds[2])[0], kinds[1]
        index, local, destination = struct.unpack("I4s4s", kinds[8])
        close_all(one, other)
        return ttl, tos, index, local, destination

    here = socket.inet_aton("127.0.0.1")
    assert both(run) == (33, b"\x10", 1, here, here)


def test_the_end_comes_before_a_reset_that_follows_it(both: Both) -> None:
    def run() -> Any:
        client, server = tcp_pair()
        client.close()
        select.select([server], [], [])
        server.send(b"nobody reads this")
        time.sleep(0.05)
        found = [server.recv(10), failure(server.send, b"x"), server.recv(10)]
        server.close()
        return found

    assert both(run) == [b"", errno.EPIPE, b""]


def test_a_connect_that_does_not_wait_is_never_done_at_once(both: Both) -> None:
    def run() -> Any:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            client = socket.socket()
            client.setblocking(False)
            first = client.connect_ex(listener.getsockname())
            select.select([], [client], [], 5)
            found = [first, client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)]
            found += [client.connect_ex(listener.getsockname()) for _ in range(2)]
            client.close()
            address = listener.getsockname()
        refused = socket.socket()
        refused.setblocking(False)
        found.append(refused.connect_ex(address))
        select.select([], [refused], [], 5)
        found.append(refused.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
        found.append(refused.connect_ex(address))
        refused.close()
        return found

    assert both(run) == [
        errno.EINPROGRESS, 0, 0, errno.EISCONN, errno.EINPROGRESS, errno.ECONNREFUSED, errno.ECONNABORTED
    ]  # fmt: skip


def test_a_descriptor_closed_by_its_number_is_ebadf(both: Both) -> None:
    def run() -> Any:
        sock = socket.socket()
        again = socket.fromfd(sock.fileno(), socket.AF_INET, socket.SOCK_STREAM)
        os.close(sock.fileno())
        found = [failure(sock.bind, ("", 0)), failure(sock.setblocking, False), failure(sock.close)]
        sock.detach()
        found.append(failure(again.bind, ("127.0.0.1", 0)))
        again.close()
        with tempfile.TemporaryFile() as file:
            found.append(failure(lambda: socket.socket(fileno=file.fileno())))
        return found

    assert both(run) == [errno.EBADF, errno.EBADF, errno.EBADF, 0, errno.ENOTSOCK]


def test_a_file_is_always_ready_for_poll_and_select_but_not_for_epoll(both: Both) -> None:
    def run() -> Any:
        with tempfile.TemporaryFile() as file:
            poll = select.poll()
            poll.register(file, select.POLLIN | select.POLLOUT)
            found: list[Any] = [[events for _, events in poll.poll(0)]]
            readable, writable, _ = select.select([file], [file], [], 0)
            found.append((len(readable), len(writable)))
            with select.epoll() as epoll:
                found.append(failure(epoll.register, file.fileno()))
        return found

    assert both(run) == [[select.POLLIN | select.POLLOUT], (1, 1), errno.EPERM]


def test_a_socket_nobody_closes_is_a_resource_warning(both: Both) -> None:
    def run() -> Any:
        import gc
        import warnings

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            sock = socket.socket()
            shown = repr(sock)
            del sock
            gc.collect()
        return [
            str(each.message) == f"unclosed {shown}" for each in caught if each.category is ResourceWarning
        ]

    assert both(run) == [True]


def test_threads_share_one_descriptor_through_dup(both: Both) -> None:
    def run() -> Any:
        client, server = tcp_pair()
        copy = client.dup()
        number = os.dup(client.fileno())
        client.close()
        got: list[bytes] = []
        thread = threading.Thread(target=lambda: got.append(copy.recv(10)))
        thread.start()
        server.send(b"hello")
        thread.join()
        os.write(number, b"by number")
        said = server.recv(100)
        os.close(number)
        copy.close()
        end = server.recv(1)
        server.close()
        return got, said, end, copy.get_inheritable() if copy.fileno() >= 0 else "closed"

    assert both(run) == ([b"hello"], b"by number", b"", "closed")


@pytest.mark.parametrize(("linger_s", "cut", "took_s"), [(5, False, 0.1), (5, True, 5.0), (0, False, 0.0)])
def test_close_waits_for_the_acknowledgment_as_long_as_linger_says(
    linger_s: int, cut: bool, took_s: float
) -> None:
    net = Net(seed=1)
    one = net.host("one", address="10.0.0.1/24")
    other = net.host("other", address="10.0.0.2/24", link=one, delay="50ms")

    def serve() -> bytes:
        with socket.create_server(("10.0.0.2", 8080)) as listener:
            connection, _ = listener.accept()
            with connection:
                time.sleep(20)
                return connection.recv(10)

    def leave() -> float:
        client = socket.create_connection(("10.0.0.2", 8080))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", int(linger_s > 0), linger_s))
        time.sleep(1)
        client.send(b"last words")
        began = time.monotonic()
        client.close()
        return time.monotonic() - began

    other.run(serve)
    program = one.run(leave, at="100ms")
    if cut:
        net.at("1.15s", net.link(one, other).cut)
    net.run(until="15s")
    assert program.result == pytest.approx(took_s, abs=0.01)
