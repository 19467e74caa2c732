"""Our TCP and the Linux kernel's over a TAP device: bulk data both ways, with loss too, and every way to end."""

from __future__ import annotations

import errno
import hashlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.outside.tcp_beside import KERNELS, Beside, answered_keepalives, judge, segments, zero_windows

from netarium.outside.namespace import why_not
from netarium.testing.explained import KEEPALIVE, LOSS, RESET, SLOW_READER
from netarium.wire.tcp import SYN

LACKS = why_not()
pytestmark = [pytest.mark.kernel, pytest.mark.skipif(bool(LACKS), reason=LACKS)]
SIZE = 10_000_000
DIGEST = hashlib.sha256(bytes(range(250)) * (SIZE // 250)).hexdigest()

SEND = """
import socket, sys
c = socket.create_connection(("10.0.0.1", 5000))
c.sendall(bytes(range(250)) * (10_000_000 // 250))
c.close()
"""
RECEIVE = """
import hashlib, socket
s = socket.create_server(("10.0.0.2", 5000))
print("ready", flush=True)
c, _ = s.accept()
h = hashlib.sha256()
while d := c.recv(1 << 18):
    h.update(d)
print(h.hexdigest())
"""


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[Beside]:
    made = Beside(tmp_path)
    yield made
    made.close()


def receive_all() -> str:
    listener = socket.create_server(("", 5000))
    connection, _ = listener.accept()
    digest = hashlib.sha256()
    while data := connection.recv(1 << 18):
        digest.update(data)
    connection.close()
    return digest.hexdigest()


def send_all() -> None:
    connection = socket.create_connection((KERNELS, 5000))
    connection.sendall(bytes(range(250)) * (SIZE // 250))
    connection.close()


@pytest.mark.parametrize("loss", [0.0, 0.01])
def test_ten_megabytes_from_the_kernel_to_us(beside: Beside, loss: float) -> None:
    beside.net.links_between(beside.tap, beside.host)[0].loss = loss
    service = beside.host.run(receive_all)
    beside.real.run(0.05)
    beside.finish(beside.start(SEND))
    beside.real.run_until(lambda: service.ended, 60)
    assert service.result == DIGEST
    judge(beside, *((LOSS,) if loss else ()))


@pytest.mark.parametrize("loss", [0.0, 0.01])
def test_ten_megabytes_from_us_to_the_kernel(beside: Beside, loss: float) -> None:
    beside.net.links_between(beside.tap, beside.host)[0].loss = loss
    process = beside.start(RECEIVE)
    service = beside.host.run(send_all)
    assert beside.finish(process).strip() == DIGEST
    beside.real.run_until(lambda: service.ended, 60)
    judge(beside, *((LOSS,) if loss else ()))


def test_a_refused_port_both_ways(beside: Beside) -> None:
    def ours() -> int:
        return socket.socket().connect_ex((KERNELS, 4242))

    assert beside.ours(ours) == errno.ECONNREFUSED
    said = beside.finish(beside.start('import socket; print(socket.socket().connect_ex(("10.0.0.1", 4242)))'))
    assert int(said) == errno.ECONNREFUSED
    judge(beside, RESET)


def test_half_close_both_ways(beside: Beside) -> None:
    program = """
import socket
s = socket.create_server(("10.0.0.2", 5000))
print("ready", flush=True)
c, _ = s.accept()
got = b""
while d := c.recv(1000):
    got += d
c.sendall(b"after " + got)
c.close()
c = socket.create_connection(("10.0.0.1", 6000))
c.sendall(b"kernel")
c.shutdown(socket.SHUT_WR)
got = b""
while d := c.recv(1000):
    got += d
print(got.decode())
"""
    process = beside.start(program)

    def ours() -> bytes:
        listener = socket.create_server(("", 6000))
        connection = socket.create_connection((KERNELS, 5000))
        connection.sendall(b"ours")
        connection.shutdown(socket.SHUT_WR)
        got = b""
        while data := connection.recv(1000):
            got += data
        other, _ = listener.accept()
        said = b""
        while data := other.recv(1000):
            said += data
        other.sendall(b"after " + said)
        other.close()
        return got

    service = beside.host.run(ours)
    assert beside.finish(process).strip() == "after kernel"
    beside.real.run_until(lambda: service.ended, 10)
    assert service.result == b"after ours"
    judge(beside)


def test_a_zero_window_opens_again_both_ways(beside: Beside) -> None:
    program = """
import socket, time
s = socket.create_server(("10.0.0.2", 5000))
print("ready", flush=True)
c, _ = s.accept()
time.sleep(1.5)
n = 0
while d := c.recv(1 << 18):
    n += len(d)
print(n)
c = socket.create_connection(("10.0.0.1", 6000))
c.sendall(bytes(3_000_000))
c.close()
"""
    process = beside.start(program)

    def ours() -> int:
        listener = socket.create_server(("", 6000))
        connection = socket.create_connection((KERNELS, 5000))
        connection.sendall(bytes(10_000_000))
        connection.close()
        other, _ = listener.accept()
        time.sleep(1.5)
        count = 0
        while data := other.recv(1 << 18):
            count += len(data)
        return count

    service = beside.host.run(ours)
    assert beside.finish(process).strip() == "10000000"
    beside.real.run_until(lambda: service.ended, 30)
    assert service.result == 3_000_000
    assert zero_windows(beside) == {"ours", "kernel"}
    judge(beside, SLOW_READER)


def test_keepalive_probes_are_answered_both_ways(beside: Beside) -> None:
    options = """
for c in [{}]:
    c.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 2)
"""
    program = f"""
import socket
s = socket.create_server(("10.0.0.2", 5000))
print("ready", flush=True)
c, _ = s.accept()
{options.format("c")}
print(c.recv(10))
"""
    process = beside.start(program)

    def ours() -> bytes:
        connection = socket.create_connection((KERNELS, 5000))
        for name, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1), (socket.TCP_KEEPCNT, 2)):
            connection.setsockopt(socket.IPPROTO_TCP, name, value)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        time.sleep(4.5)
        connection.sendall(b"alive")
        connection.close()
        return b""

    service = beside.host.run(ours)
    assert beside.finish(process).strip() == "b'alive'"
    assert service.ended
    assert answered_keepalives(beside) == {"ours", "kernel"}
    judge(beside, KEEPALIVE)


def test_a_hundred_short_connections_each_way(beside: Beside) -> None:
    program = """
import socket
s = socket.create_server(("10.0.0.2", 5000), backlog=200)
print("ready", flush=True)
for n in range(100):
    c, _ = s.accept()
    c.sendall(c.recv(100).upper())
    c.close()
done = 0
for n in range(100):
    c = socket.create_connection(("10.0.0.1", 6000))
    c.sendall(b"question %d" % n)
    done += c.recv(100) == b"QUESTION %d" % n
    c.close()
print(done)
"""
    process = beside.start(program)

    def ours() -> int:
        listener = socket.create_server(("", 6000), backlog=200)
        done = 0
        for number in range(100):
            connection = socket.create_connection((KERNELS, 5000))
            connection.sendall(b"question %d" % number)
            done += connection.recv(100) == b"QUESTION %d" % number
            connection.close()
        for _ in range(100):
            other, _ = listener.accept()
            other.sendall(other.recv(100).upper())
            other.close()
        return done

    service = beside.host.run(ours)
    assert beside.finish(process).strip() == "100"
    beside.real.run_until(lambda: service.ended, 10)
    assert service.result == 100
    judge(beside)


def test_window_and_scale_of_our_syn_are_the_kernels_for_each_receive_buffer(beside: Beside) -> None:
    sizes = (3000, 20_000, 65_536, 80_000, 100_000)  # what every kernel allows
    program = f"""
import socket
for size in {sizes}:
    c = socket.socket()
    c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
    print(c.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF))
    c.connect_ex(("10.0.0.1", 4242))
"""

    def ours() -> list[int]:
        told = []
        for size in sizes:
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
            told.append(connection.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF))
            connection.connect_ex((KERNELS, 4242))
        return told

    said = beside.finish(beside.start(program))
    assert beside.ours(ours) == [int(each) for each in said.split()]
    offers: dict[str, list[tuple[int, int]]] = {"kernel": [], "ours": []}
    for side, header, _ in segments(beside):
        if header.flags & SYN:
            assert header.options is not None
            offer = (header.window, header.options.window_scale)
            if not offers[side] or offers[side][-1] != offer:  # the same again: a SYN that was sent twice
                offers[side].append(offer)
    assert offers["ours"] == offers["kernel"]
    assert len(offers["ours"]) > 3
    judge(beside, RESET)
