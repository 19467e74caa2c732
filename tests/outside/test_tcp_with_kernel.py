"""Our TCP and the Linux kernel's over a TAP device: bulk data both ways, with loss too, and every way to end."""

from __future__ import annotations

import errno
import hashlib
import socket
import sys
import time
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from netarium import Net
from netarium.capture.reading import read_capture
from netarium.outside.namespace import Namespace, why_not
from netarium.outside.pacing import RealTime
from netarium.outside.tap import Tap
from netarium.stack.tcp.sequence import MASK
from netarium.testing.explained import DUPLICATE, RESET, SLOW_READER
from netarium.testing.tshark import TsharkMissingError, all_findings, find_tshark
from netarium.wire.ethernet import Frame
from netarium.wire.ipv4 import Ipv4Header
from netarium.wire.tcp import ACK, FIN, RST, SYN, TcpHeader

LACKS = why_not()
pytestmark = [pytest.mark.kernel, pytest.mark.skipif(bool(LACKS), reason=LACKS)]
SIZE = 10_000_000
OURS, KERNELS = "10.0.0.1", "10.0.0.2"
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


class Beside:
    """One of our hosts (10.0.0.1) and the kernel (10.0.0.2) at one cable."""

    def __init__(self, folder: Path) -> None:
        self.space = Namespace()
        self.net = Net(seed=1, digest=False)
        self.tap = Tap(self.net, self.space)
        self.host = self.net.host("ours", address=f"{OURS}/24")
        self.net.link(self.tap, self.host, delay="1ms")
        self.file = folder / "ours.pcapng"
        self.net.capture(self.file, on="ours:eth0")
        self.tap.up(f"{KERNELS}/24")
        self.real = RealTime(self.net, [self.tap])

    def start(self, program: str) -> Any:
        """Begin a Python program of the kernel's side; when it prints `ready` first, after that."""
        process = self.space.start(sys.executable, "-u", "-c", program)
        if "ready" in program:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        return process

    def finish(self, process: Any, within_s: float = 60.0) -> str:
        """Let time pass until it has ended; what it printed."""
        self.real.run_until(lambda: process.poll() is not None, within_s)
        with process.stdout as output:
            text: str = output.read()
        assert process.returncode == 0, text
        return text

    def ours(self, function: Any, within_s: float = 60.0) -> Any:
        """Run a program on our side to its end; its result."""
        service = self.host.run(function)
        self.real.run_until(lambda: service.ended, within_s)
        return service.result

    def close(self) -> None:
        self.tap.close()
        self.space.close()
        self.net.close()


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


def segments(beside: Beside) -> list[tuple[str, TcpHeader, int]]:
    """What passed our end, in order: (`ours` or `kernel`, header, bytes of data)."""
    beside.net.close()
    found = []
    for each in read_capture(beside.file):
        frame = Frame.parse(each.data)
        header, network = frame.transport, frame.network
        if isinstance(header, TcpHeader) and isinstance(network, Ipv4Header):
            side = "ours" if network.source == int(IPv4Address(OURS)) else "kernel"
            found.append((side, header, len(frame.payload)))
    return found


def zero_windows(beside: Beside) -> set[str]:
    """The sides that told the other of a window of 0."""
    return {
        side for side, header, _ in segments(beside) if header.window == 0 and not header.flags & (RST | SYN)
    }


def answered_keepalives(beside: Beside) -> set[str]:
    """The sides that sent a segment without data one before what the other has acknowledged, and got an answer."""
    told: dict[str, int] = {}
    probing, answered = set(), set()
    for side, header, size in segments(beside):
        other = "kernel" if side == "ours" else "ours"
        bare = not size and header.flags == ACK
        if bare and other in probing:
            answered.add(other)
        probing.discard(other)
        if bare and other in told and (header.sequence - told[other]) & MASK == MASK:
            probing.add(side)
        if header.flags & ACK:
            told[side] = header.acknowledgment
    return answered


def resets_follow_repeated_fins(file: Path) -> bool:
    """Whether there are RSTs, each in a connection one of whose FINs was sent twice.

    When the machine pauses, the acknowledgment of a FIN comes after the probe for a lost tail: the FIN goes again and
    is acknowledged again. The first acknowledgment ends LAST-ACK, the second meets no connection, and Linux, like us,
    answers it with a RST (RFC 9293 section 3.10.7.1).
    """
    fins: dict[frozenset[tuple[int, int]], list[tuple[int, int]]] = {}
    reset = set()
    for each in read_capture(file):
        frame = Frame.parse(each.data)
        header, network = frame.transport, frame.network
        if not isinstance(header, TcpHeader) or not isinstance(network, Ipv4Header):
            continue
        sender = (network.source, header.source_port)
        flow = frozenset((sender, (network.destination, header.destination_port)))
        if header.flags & FIN:
            fins.setdefault(flow, []).append(sender)
        if header.flags & RST:
            reset.add(flow)
    return bool(reset) and all(len(set(fins.get(flow, []))) < len(fins.get(flow, [])) for flow in reset)


def judge(beside: Beside, *causes: str) -> None:
    """tshark finds nothing wrong in what passed our end."""
    try:
        find_tshark()
    except TsharkMissingError:
        return
    beside.net.close()
    if resets_follow_repeated_fins(beside.file):
        causes = (*causes, RESET)
    found = [each for each in all_findings(beside.file, causes) if each.reason is None]
    assert not found, "\n".join(map(str, found[:10]))


@pytest.mark.parametrize("loss", [0.0, 0.01])
def test_ten_megabytes_from_the_kernel_to_us(beside: Beside, loss: float) -> None:
    beside.net.links_between(beside.tap, beside.host)[0].loss = loss
    service = beside.host.run(receive_all)
    beside.real.run(0.05)
    beside.finish(beside.start(SEND))
    beside.real.run_until(lambda: service.ended, 60)
    assert service.result == DIGEST
    if not loss:
        judge(beside, DUPLICATE)  # in real time a pause of the machine lets a probe go that was not needed


@pytest.mark.parametrize("loss", [0.0, 0.01])
def test_ten_megabytes_from_us_to_the_kernel(beside: Beside, loss: float) -> None:
    beside.net.links_between(beside.tap, beside.host)[0].loss = loss
    process = beside.start(RECEIVE)
    service = beside.host.run(send_all)
    assert beside.finish(process).strip() == DIGEST
    beside.real.run_until(lambda: service.ended, 60)
    if not loss:
        judge(beside, DUPLICATE)


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
    judge(beside, SLOW_READER, DUPLICATE)


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
    judge(beside)


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
    beside.net.close()
    offers: dict[int, list[tuple[int, int]]] = {}
    for each in read_capture(beside.file):
        frame = Frame.parse(each.data)
        header, network = frame.transport, frame.network
        if isinstance(header, TcpHeader) and isinstance(network, Ipv4Header) and header.flags & SYN:
            assert header.options is not None
            offer = (header.window, header.options.window_scale)
            found = offers.setdefault(network.source, [])
            if not found or found[-1] != offer:  # the same again: a SYN that was sent twice
                found.append(offer)
    kernels, own = offers.values()
    assert own == kernels
    judge(beside, RESET)
