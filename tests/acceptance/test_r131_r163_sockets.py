"""R079, R131, R138 to R143, R145, R146, R149, R150, R163: what every socket program relies on, on two hosts."""

from __future__ import annotations

import time
from typing import Any

import pytest

from netarium import Net

SERVER = "10.0.0.1"
PORT = 8999


def two_hosts() -> tuple[Net, Any, Any]:
    net = Net(seed=3)
    switch = net.switch("switch")
    server = net.host("server", address=f"{SERVER}/24", link=switch)
    client = net.host("client", address="10.0.0.2/24", link=switch, delay="1ms")
    return net, server, client


def listening(port: int = PORT) -> Any:
    import socket

    listener = socket.socket()
    listener.bind(("", port))
    listener.listen()
    return listener


def send_all_and_close(data: bytes) -> None:
    listener = listening()
    connection, _ = listener.accept()
    connection.sendall(data)
    connection.close()
    listener.close()


def connected() -> Any:
    import socket

    return socket.create_connection((SERVER, PORT))


def test_r079_ports_are_checked_and_apart_for_tcp_and_udp() -> None:
    net, server, _ = two_hosts()

    def first() -> list[str]:
        import socket

        found = []
        for port in (-1, 65536):
            try:
                socket.socket().bind((SERVER, port))
            except OverflowError as error:
                found.append(str(error))
        keep = listening()
        time.sleep(10)
        keep.close()
        return found

    def second() -> list[Any]:
        import socket

        found: list[Any] = []
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            sock = socket.socket(socket.AF_INET, kind)
            try:
                sock.bind(("", PORT))
                found.append("bound")
            except OSError as error:
                found.append(error.errno)
        return found

    one = server.run(first)
    two = server.run(second, at="1s")
    net.run()
    assert one.result == ["bind(): port must be 0-65535."] * 2
    assert two.result == [98, "bound"]


def test_r131_an_unmodified_program_with_the_socket_module_alone(tmp_path: Any) -> None:
    (tmp_path / "server.py").write_text(
        "import socket\n"
        "listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)\n"
        f"listener.bind(('{SERVER}', {PORT}))\n"
        "listener.listen(5)\n"
        "connection, address = listener.accept()\n"
        "connection.send(connection.recv(1024).upper())\n"
        "connection.close()\n"
        "listener.close()\n"
    )
    (tmp_path / "client.py").write_text(
        "import socket\n"
        "client = socket.socket()\n"
        f"client.connect(('{SERVER}', {PORT}))\n"
        "client.send(b'hello')\n"
        "print(client.recv(1024).decode())\n"
        "client.close()\n"
    )
    net, server, client = two_hosts()
    first = server.run(str(tmp_path / "server.py"))
    second = client.run(str(tmp_path / "client.py"), at="10ms")
    net.run()
    assert second.stdout == "HELLO\n"
    assert first.exit_code == second.exit_code == 0


def test_r138_connecting_before_listen_is_refused() -> None:
    net, server, client = two_hosts()

    def bound_only() -> None:
        import socket

        sock = socket.socket()
        sock.bind((SERVER, PORT))
        time.sleep(5)

    server.run(bound_only)
    net.run(until="1s")
    with pytest.raises(ConnectionRefusedError) as caught:
        client.call(connected)
    assert caught.value.errno == 111


def test_r140_nobody_listens_is_refused_with_111_after_one_round_trip() -> None:
    net, _, client = two_hosts()
    with pytest.raises(ConnectionRefusedError) as caught:
        client.call(connected)
    assert caught.value.errno == 111
    assert net.now_ns < 10_000_000


def test_r141_two_clients_of_one_host_have_different_ephemeral_ports() -> None:
    _, server, client = two_hosts()

    def serve() -> list[int]:
        listener = listening()
        return [listener.accept()[1][1] for _ in range(2)]

    def connect_twice() -> list[int]:
        return [connected().getsockname()[1] for _ in range(2)]

    service = server.run(serve)
    own = client.call(connect_twice)
    service.wait()
    assert service.result == own
    assert own[0] != own[1]
    assert all(32768 <= port <= 60999 for port in own)


def test_r139_accept_blocks_and_tells_two_clients_apart() -> None:
    net, server, client = two_hosts()

    def serve() -> list[Any]:
        listener = listening()
        found = []
        for _ in range(2):
            began = time.monotonic()
            _connection, address = listener.accept()
            found.append((time.monotonic() - began > 0.9, address))
        return found

    service = server.run(serve)
    for at in ("1s", "3s"):
        client.run(connected, at=at)
    net.run()
    (blocked_1, first), (blocked_2, second) = service.result
    assert blocked_1 and blocked_2
    assert first[0] == second[0] == "10.0.0.2"
    assert first[1] != second[1] and min(first[1], second[1]) >= 1024


def test_r142_send_returns_the_count_taken_and_sendall_loops() -> None:
    net, server, client = two_hosts()

    def read_late() -> int:
        connection, _ = listening().accept()
        time.sleep(5)
        size = 0
        while data := connection.recv(65536):
            size += len(data)
        return size

    def send() -> tuple[int, str]:
        sock = connected()
        sock.setblocking(False)
        data = b"x" * 20_000_000
        taken = sock.send(data)
        sock.setblocking(True)
        sock.sendall(data[taken:])
        try:
            sock.send("text")
        except TypeError as error:
            return taken, str(error)
        return taken, ""

    reader = server.run(read_late)
    taken, error = client.run(send, at="10ms"), None
    net.run()
    taken, error = taken.result
    assert 0 < taken < 20_000_000
    assert error == "a bytes-like object is required, not 'str'"
    assert reader.result == 20_000_000


def test_r143_recv_takes_at_most_n() -> None:
    net, server, client = two_hosts()
    server.run(send_all_and_close, b"0123456789")

    def receive() -> list[bytes]:
        sock = connected()
        time.sleep(0.1)
        return [sock.recv(4) for _ in range(3)]

    net.run(until="1ms")
    assert client.call(receive) == [b"0123", b"4567", b"89"]


def test_r145_recv_after_the_peers_close_returns_at_once() -> None:
    net, server, client = two_hosts()
    server.run(send_all_and_close, b"")

    def receive() -> tuple[list[bytes], float]:
        sock = connected()
        time.sleep(1)
        began = time.monotonic()
        return [sock.recv(10), sock.recv(10)], time.monotonic() - began

    net.run(until="1ms")
    got, elapsed = client.call(receive)
    assert got == [b"", b""] and elapsed < 0.001


def test_r146_sixty_virtual_seconds_of_blocking_take_milliseconds() -> None:
    net, server, client = two_hosts()

    def close_late() -> None:
        connection, _ = listening().accept()
        time.sleep(60)
        connection.close()

    def receive() -> tuple[bytes, float]:
        sock = connected()
        began = time.monotonic()
        return sock.recv(10), time.monotonic() - began

    server.run(close_late)
    net.run(until="1ms")
    events = net.engine.fired
    data, elapsed = client.call(receive)
    assert data == b"" and 59.9 < elapsed < 60.1
    # No test asserts on real time; what makes it milliseconds is that waiting costs no events.
    assert net.engine.fired - events < 200


def serve_one_after_the_other(rounds: int) -> list[str]:
    listener = listening()
    log = []
    for _ in range(rounds):
        connection, _ = listener.accept()
        try:
            while True:
                data = connection.recv(1024)
                if data in (b"", b"bye"):
                    log.append("end" if not data else "bye")
                    break
                connection.send(data.upper())
        except ConnectionResetError:
            log.append("reset")
        connection.close()
    return log


def talk(message: bytes, stay_s: float) -> tuple[bytes, float]:
    sock = connected()
    sock.send(message)
    answer = sock.recv(1024)
    answered = time.monotonic()
    time.sleep(stay_s)
    sock.send(b"bye")
    sock.close()
    return answer, answered


def test_r149_the_second_client_waits_until_the_first_leaves() -> None:
    net, server, client = two_hosts()
    server.run(serve_one_after_the_other, 2)
    first = client.run(talk, b"one", 10.0, at="1s")
    second = client.run(talk, b"two", 0.0, at="2s")
    net.run()
    assert first.result[0] == b"ONE" and first.result[1] < 2
    assert second.result[0] == b"TWO" and second.result[1] > 11


def test_r150_the_next_client_is_served_after_the_first_was_killed() -> None:
    net, server, client = two_hosts()
    service = server.run(serve_one_after_the_other, 2)
    victim = client.run(talk, b"one", 100.0, at="1s")
    net.run(until="5s")
    victim.kill(9)
    second = client.run(talk, b"two", 0.0)
    net.run(check=False)
    assert service.result[0] in ("end", "reset") and service.result[1] == "bye"
    assert second.result[0] == b"TWO"


def test_r150_sending_to_a_killed_client_is_a_broken_pipe() -> None:
    net, server, client = two_hosts()

    def serve() -> list[Any]:
        connection, _ = listening().accept()
        found: list[Any] = [connection.recv(10), connection.recv(10)]
        for _ in range(3):
            try:
                found.append(connection.send(b"x"))
            except OSError as error:
                found.append(type(error).__name__)
            time.sleep(1)
        return found

    def die() -> None:
        connected().send(b"hi")
        import os

        os._exit(1)

    service = server.run(serve)
    client.run(die, at="1s")
    net.run(check=False)
    assert service.result == [b"hi", b"", 1, "BrokenPipeError", "BrokenPipeError"]


def test_r163_accept_returns_a_pair() -> None:
    net, server, client = two_hosts()

    def serve() -> tuple[str, str]:
        pair = listening().accept()
        try:
            pair.recv(10)  # type: ignore[attr-defined]
        except AttributeError as error:
            return type(pair).__name__, str(error)
        return "", ""

    service = server.run(serve)
    client.run(connected, at="1s")
    net.run()
    assert service.result == ("tuple", "'tuple' object has no attribute 'recv'")


def test_r153_each_call_is_told_to_watchers() -> None:
    net, server, client = two_hosts()
    calls: list[tuple[str, str, dict[str, Any]]] = []

    class Watcher:
        def call(self, now: int, host: str, program: str, name: str, details: dict[str, Any]) -> None:
            calls.append((host, name, details))

    net.watch.add(Watcher())
    server.run(send_all_and_close, b"hello")

    def receive() -> bytes:
        sock = connected()
        data = sock.recv(100)
        sock.connect_ex((SERVER, PORT))
        sock.close()
        return data

    net.run(until="1ms")
    client.call(receive)
    net.run()
    names = [(host, name) for host, name, _ in calls]
    assert [name for host, name in names if host == "server"] == [
        "bind", "listen", "accept", "sendall", "close", "close",
    ]  # fmt: skip
    assert [name for host, name in names if host == "client"] == ["connect", "recv", "connect_ex", "close"]
    by_name = {name: details for host, name, details in calls if host == "client"}
    assert by_name["connect"]["args"] == [[SERVER, PORT]]
    assert by_name["recv"]["result"] == {"bytes": 5, "begin": "hello"}
    assert by_name["connect_ex"]["result"] == 106
