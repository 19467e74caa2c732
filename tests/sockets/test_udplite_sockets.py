"""UDP-Lite (RFC 3828) on the kernel's loopback and on the stack; and what only a cable shows: damage let through."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from netarium import Net
from netarium.stack.udplite import Coverage

Both = Callable[[Callable[[], Any]], Any]
LEVEL = PROTOCOL = 136
SEND_COVERAGE = 10
RECEIVE_COVERAGE = 11


@pytest.fixture
def lite(both: Both, request: pytest.FixtureRequest) -> Both:
    if request.node.callspec.params["both"] == "linux":
        try:
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM, PROTOCOL).close()
        except OSError as error:
            pytest.skip(f"this kernel has no UDP-Lite: {error}")
    return both


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_udplite_carries_datagrams_and_has_ports_of_its_own(lite: Both, family: int) -> None:
    loopback = "127.0.0.1" if family == socket.AF_INET else "::1"

    def run() -> Any:
        with (
            socket.socket(family, socket.SOCK_DGRAM, PROTOCOL) as server,
            socket.socket(family, socket.SOCK_DGRAM, PROTOCOL) as client,
            socket.socket(family, socket.SOCK_DGRAM) as plain,
        ):
            server.bind((loopback, 0))
            plain.bind(server.getsockname()[:2])
            client.connect(server.getsockname())
            client.send(b"one")
            client.send(b"")
            first, where = server.recvfrom(100)
            return first, server.recv(100), where == client.getsockname(), server.proto, server.type

    def on_a_host_with_ipv6() -> Any:
        return run()

    if family == socket.AF_INET6 and lite.__name__ == "run_virtual":
        net = Net(seed=1)
        found = net.host("host", address=["10.0.0.1/24", "fd00::1/64"]).call(on_a_host_with_ipv6)
    else:
        found = lite(run)
    assert found == (b"one", b"", True, PROTOCOL, socket.SOCK_DGRAM)


def test_coverages_are_brought_to_what_can_be(lite: Both) -> None:
    def run() -> Any:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, PROTOCOL) as sock:
            found = [sock.getsockopt(LEVEL, name) for name in (SEND_COVERAGE, RECEIVE_COVERAGE)]
            for value in (0, 1, 8, 20, 100_000):
                sock.setsockopt(LEVEL, SEND_COVERAGE, value)
                found.append(sock.getsockopt(LEVEL, SEND_COVERAGE))
            return found

    assert lite(run) == [0, 0, 0, 8, 8, 20, 65535]


def test_a_plain_udp_socket_has_no_coverage(lite: Both) -> None:
    def run() -> Any:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            try:
                sock.setsockopt(LEVEL, SEND_COVERAGE, 8)
            except OSError as error:
                return error.errno
        return 0

    assert lite(run) == errno.ENOPROTOOPT


def test_a_receiver_takes_only_what_is_covered_well_enough(lite: Both) -> None:
    def run() -> Any:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM, PROTOCOL) as server,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM, PROTOCOL) as client,
        ):
            server.bind(("127.0.0.1", 0))
            server.settimeout(0.2)
            server.setsockopt(LEVEL, RECEIVE_COVERAGE, 20)
            client.connect(server.getsockname())
            for coverage in (8, 19, 20, 0):
                client.setsockopt(LEVEL, SEND_COVERAGE, coverage)
                client.send(f"covered {coverage:02} of 18".encode())
            heard = []
            try:
                while True:
                    heard.append(server.recv(100).decode())
            except TimeoutError:
                return heard

    assert lite(run) == ["covered 20 of 18", "covered 00 of 18"]


def test_nobody_at_the_port_is_connection_refused(lite: Both) -> None:
    def run() -> Any:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM, PROTOCOL) as taken,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM, PROTOCOL) as client,
        ):
            taken.bind(("127.0.0.1", 0))
            where = taken.getsockname()
            taken.close()
            client.connect(where)
            client.send(b"anybody?")
            try:
                client.recv(10)
            except OSError as error:
                return error.errno
        return 0

    assert lite(run) == errno.ECONNREFUSED


@pytest.mark.parametrize(("coverage", "lets_through"), [(8, True), (0, False)])
def test_damage_beyond_the_coverage_arrives_and_within_it_does_not(coverage: int, lets_through: bool) -> None:
    net = Net(seed=3)
    server = net.host("server", address="10.0.0.1/24")
    client = net.host("client", address="10.0.0.2/24")
    # After the frame's own check: as damage in a switch's memory.
    cable = net.link(client, server, corrupt={"chance": "100%", "after": "fcs"})
    cable.corrupt = 0.0
    heard: list[bytes] = []

    def serve() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, PROTOCOL) as sock:
            sock.bind(("", 5000))
            sock.settimeout(5)
            try:
                while True:
                    heard.append(sock.recv(2000))
            except TimeoutError:
                return

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, PROTOCOL) as sock:
            sock.setsockopt(LEVEL, SEND_COVERAGE, coverage)
            sock.sendto(bytes(1000), ("10.0.0.1", 5000))  # while all is well: the neighbour is known then
            time.sleep(1)
            for _ in range(50):
                sock.sendto(bytes(1000), ("10.0.0.1", 5000))
                time.sleep(0.01)

    server.run(serve)
    client.run(send, at="100ms")
    net.at("500ms", lambda: setattr(cable, "corrupt", 1.0))
    net.run()
    damaged = [data for data in heard if data != bytes(1000)]
    if lets_through:
        assert len(damaged) > 30 and all(len(data) == 1000 for data in damaged)
    else:
        assert heard == [bytes(1000)]


def test_the_default_covers_all_and_zero_is_said_as_zero() -> None:
    coverage = Coverage()
    assert coverage.header(1, 2, 100).coverage_bytes == 108
    coverage.sent_bytes = 0
    assert coverage.header(1, 2, 100).coverage_bytes == 0
    coverage.sent_bytes = 300
    assert coverage.header(1, 2, 100).coverage_bytes == 108
