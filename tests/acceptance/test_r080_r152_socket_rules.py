"""R080, R132 to R137, R144, R147, R148, R151, R152: the rules of sockets, by two programs on two hosts."""

from __future__ import annotations

import errno
import select
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from netarium import Net
from netarium.errors import DeadlockError

SERVER = "10.0.0.1"
CLIENT = "10.0.0.2"
PORT = 8999


class Pair:
    """Two hosts, 1 ms apart."""

    def __init__(self) -> None:
        self.net = Net(seed=7)
        self.server = self.net.host("server", address=f"{SERVER}/24")
        self.client = self.net.host("client", address=f"{CLIENT}/24", link=self.server, delay="1ms")


def number_of(call: Callable[..., Any], *arguments: Any) -> int:
    try:
        call(*arguments)
    except OSError as error:
        return error.errno or -1
    return 0


def listening(address: str = "", port: int = PORT) -> socket.socket:
    listener = socket.socket()
    listener.bind((address, port))
    listener.listen()
    return listener


def test_r080_system_ports_are_roots() -> None:
    def bind_some() -> list[int]:
        found = []
        for port in (1, 80, 1023, 1024):
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as sock:
                    found.append(number_of(sock.bind, ("", port)))
        return found

    pair = Pair()
    ordinary = pair.server.run(bind_some)
    root = pair.client.run(bind_some, root=True)
    pair.net.run()
    assert ordinary.result == [errno.EACCES] * 6 + [0, 0]
    assert errno.EACCES == 13
    assert root.result == [0] * 8


def test_r132_a_connection_is_its_four_numbers() -> None:
    def serve() -> list[Any]:
        with listening() as listener:
            accepted = [listener.accept() for _ in range(2)]
            answers = []
            for connection, address in reversed(accepted):
                name = connection.recv(100)
                connection.sendall(b"hello " + name)
                answers.append((name, address[0], address[1], connection.getsockname()))
                connection.close()
            return answers

    def ask(name: bytes) -> tuple[bytes, int]:
        with socket.create_connection((SERVER, PORT)) as sock:
            sock.sendall(name)
            return sock.recv(100), sock.getsockname()[1]

    pair = Pair()
    server = pair.server.run(serve)
    one = pair.client.run(ask, b"one", at="10ms")
    other = pair.client.run(ask, b"other", at="10ms")
    pair.net.run()
    assert (one.result[0], other.result[0]) == (b"hello one", b"hello other")
    assert one.result[1] != other.result[1]
    seen = {name: (address, port, own) for name, address, port, own in server.result}
    assert seen == {
        b"one": (CLIENT, one.result[1], (SERVER, PORT)),
        b"other": (CLIENT, other.result[1], (SERVER, PORT)),
    }


def test_r133_a_socket_is_a_descriptor() -> None:
    def use() -> list[Any]:
        with listening() as listener:
            number = listener.fileno()
            sock = socket.create_connection((SERVER, PORT))
            readable, _, _ = select.select([number], [], [], 1)
            poll = select.poll()
            poll.register(sock.fileno(), select.POLLOUT)
            found: list[Any] = [isinstance(number, int), readable == [number], poll.poll(0) != []]
            sock.close()
            found += [sock.fileno(), number_of(sock.recv, 1), number_of(sock.send, b"x")]
            return found

    pair = Pair()
    assert pair.server.call(use) == [True, True, True, -1, errno.EBADF, errno.EBADF]
    assert errno.EBADF == 9


def test_r134_what_a_socket_is_when_nothing_is_said() -> None:
    def default() -> tuple[int, int, int]:
        with socket.socket() as sock:
            return int(sock.family), int(sock.type), sock.proto

    def raw() -> int:
        return number_of(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close())

    pair = Pair()
    assert pair.server.call(default) == (2, 1, 0)
    assert pair.server.call(raw) == errno.EPERM == 1
    root = pair.server.run(raw, root=True)
    pair.net.run()
    assert root.result == 0


def test_r135_bind_takes_one_address_that_the_host_has_and_nobody_uses() -> None:
    def bind() -> list[Any]:
        found: list[Any] = []
        with socket.socket() as sock, socket.socket() as second:
            try:
                sock.bind(SERVER, PORT)  # type: ignore[call-arg]
            except TypeError as error:
                found.append(str(error))
            found.append(number_of(sock.bind, (CLIENT, PORT)))
            found.append(number_of(sock.bind, (SERVER, PORT)))
            found.append(number_of(second.bind, (SERVER, PORT)))
            return found

    pair = Pair()
    said, foreign, own, taken = pair.server.call(bind)
    assert said.startswith("socket.bind() takes ")
    assert (foreign, own, taken) == (99, 0, 98) == (errno.EADDRNOTAVAIL, 0, errno.EADDRINUSE)


def reached(bound: str, inside: tuple[str, ...]) -> tuple[dict[str, int], list[int]]:
    """A server at `bound`: what connects from its own host get, by address, and three of another host's."""

    def serve() -> None:
        with listening(bound):
            time.sleep(10)

    def reach(address: str) -> int:
        with socket.socket() as sock:
            return sock.connect_ex((address, PORT))

    pair = Pair()
    pair.server.run(serve)
    own = {address: pair.server.run(reach, address, at="1s") for address in inside}
    others = [pair.client.run(reach, SERVER, at=f"{second}s") for second in (1, 2, 3)]
    pair.net.run()
    return {address: program.result for address, program in own.items()}, [each.result for each in others]


def test_r136_bound_to_all_everybody_reaches_it_bound_to_loopback_nobody_outside() -> None:
    assert reached("0.0.0.0", ("127.0.0.1", SERVER)) == ({"127.0.0.1": 0, SERVER: 0}, [0, 0, 0])
    assert reached("127.0.0.1", ())[1] == [errno.ECONNREFUSED] * 3


def test_r137_bound_to_one_address_only_that_one_is_served() -> None:
    refused = errno.ECONNREFUSED
    assert reached("127.0.0.1", ("127.0.0.1", SERVER)) == (
        {"127.0.0.1": 0, SERVER: refused},
        [refused] * 3,
    )
    assert reached(SERVER, ("127.0.0.1", SERVER)) == ({"127.0.0.1": refused, SERVER: 0}, [0, 0, 0])


def test_r144_close_sends_fin() -> None:
    class Fins:
        def __init__(self) -> None:
            self.seen: list[tuple[str, int]] = []

        def frame(self, now: int, port: Any, direction: Any, frame: Any) -> None:
            header = frame.transport
            if header is not None and getattr(header, "flags", 0) & 1:
                self.seen.append((port.name, now))

    def serve() -> bytes:
        with listening() as listener:
            connection, _ = listener.accept()
            with connection:
                return connection.recv(10)

    def leave() -> None:
        sock = socket.create_connection((SERVER, PORT))
        time.sleep(1)
        sock.close()

    pair = Pair()
    fins = Fins()
    pair.net.watch.add(fins)
    server = pair.server.run(serve)
    pair.client.run(leave, at="10ms")
    pair.net.run()
    assert server.result == b""
    assert fins.seen[0][0] == "client:eth0"
    assert 1_000_000_000 < fins.seen[0][1] < 1_100_000_000
    assert {name for name, _ in fins.seen} == {"client:eth0", "server:eth0"}


def test_r147_an_empty_message_is_nothing_to_tcp_and_a_datagram_to_udp() -> None:
    def serve() -> tuple[str, bytes, bytes]:
        with listening() as listener, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            datagrams.bind(("", PORT))
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(5)
                try:
                    connection.recv(10)
                    heard = "something"
                except TimeoutError:
                    heard = "nothing"
                connection.settimeout(None)
                datagram, _ = datagrams.recvfrom(10)
                return heard, datagram, connection.recv(10)

    def send() -> tuple[int, int]:
        with (
            socket.create_connection((SERVER, PORT)) as sock,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
        ):
            taken = sock.send(b""), datagrams.sendto(b"", (SERVER, PORT))
            time.sleep(10)
            sock.send(b"something")
            return taken

    pair = Pair()
    server = pair.server.run(serve)
    client = pair.client.run(send, at="10ms")
    pair.net.run()
    assert client.result == (0, 0)
    assert server.result == ("nothing", b"", b"something")


def test_r148_both_ends_in_recv_is_a_deadlock_that_says_who_waits_for_what() -> None:
    def serve() -> None:
        with listening() as listener:
            connection, _ = listener.accept()
            connection.recv(10)

    def ask() -> None:
        with socket.create_connection((SERVER, PORT)) as sock:
            sock.recv(10)

    pair = Pair()
    pair.server.run(serve, name="server")
    pair.client.run(ask, name="client", at="10ms")
    with pytest.raises(DeadlockError) as caught:
        pair.net.run(check=True)
    report = str(caught.value)
    lines = [line.strip() for line in report.splitlines()]
    file = "test_r080_r152_socket_rules.py"
    assert any(
        line.startswith(f"server: recv() from {CLIENT}:") and f"{file} line" in line for line in lines
    ), report
    assert any(
        line.startswith(f"client: recv() from {SERVER}:{PORT}") and f"{file} line" in line for line in lines
    ), report


def test_r148_both_ends_may_send_at_once() -> None:
    size = 50_000

    def exchange(sock: socket.socket) -> int:
        sock.sendall(b"x" * size)
        got = 0
        while got < size:
            got += len(sock.recv(65536))
        return got

    def serve() -> int:
        with listening() as listener:
            connection, _ = listener.accept()
            with connection:
                return exchange(connection)

    def ask() -> int:
        with socket.create_connection((SERVER, PORT)) as sock:
            return exchange(sock)

    pair = Pair()
    server = pair.server.run(serve)
    client = pair.client.run(ask, at="10ms")
    pair.net.run()
    assert (server.result, client.result) == (size, size)


@pytest.mark.parametrize("reuse", [False, True])
def test_r151_a_restart_within_time_wait_needs_reuse_address(reuse: bool) -> None:
    def first() -> None:
        with listening() as listener:
            connection, _ = listener.accept()
            connection.close()  # the first to close has the TIME-WAIT

    def restart() -> int:
        with socket.socket() as sock:
            if reuse:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            return number_of(sock.bind, ("", PORT))

    def visit() -> None:
        with socket.create_connection((SERVER, PORT)) as sock:
            sock.recv(1)

    pair = Pair()
    pair.server.run(first)
    pair.client.run(visit, at="10ms")
    soon = pair.server.run(restart, at="10s")
    later = pair.server.run(restart, at="62s")
    pair.net.run()
    assert soon.result == (0 if reuse else 98)
    assert later.result == 0


def test_r152_one_udp_server_answers_two_clients_in_turn() -> None:
    def serve() -> list[tuple[bytes, int]]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("", PORT))
            heard = []
            for _ in range(6):
                data, address = sock.recvfrom(100)
                sock.sendto(data.upper(), address)
                heard.append((data, address[1]))
            return heard

    def ask(name: str) -> list[bytes]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            answers = []
            for number in range(3):
                sock.sendto(f"{name}{number}".encode(), (SERVER, PORT))
                answers.append(sock.recv(100))
                time.sleep(1)
            return answers

    pair = Pair()
    server = pair.server.run(serve)
    one = pair.client.run(ask, "one", at="100ms")
    other = pair.client.run(ask, "other", at="600ms")
    pair.net.run()
    assert one.result == [b"ONE0", b"ONE1", b"ONE2"]
    assert other.result == [b"OTHER0", b"OTHER1", b"OTHER2"]
    assert [data for data, _ in server.result] == [b"one0", b"other0", b"one1", b"other1", b"one2", b"other2"]
    assert len({port for _, port in server.result}) == 2
