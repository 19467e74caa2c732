"""Captures of hosts that talk: loopback has its interface, and tshark finds nothing wrong at any one interface."""

from __future__ import annotations

from pathlib import Path

from tests.nodes.boxes import World

from netarium.capture.pcapng import Capture
from netarium.capture.reading import read_capture, read_interfaces, split_by_interface
from netarium.testing.tshark import skip_without_tshark, tshark_findings


def captured(path: Path) -> Path:
    """A ping and a large UDP datagram (fragments) over a router, and a ping over lo."""
    world = World()
    a = world.host("a", "10.0.1.1/24", gateway="10.0.1.254")
    b = world.host("b", "10.0.2.1/24", gateway="10.0.2.254")
    router = world.router("r", "10.0.1.254/24", "10.0.2.254/24")
    world.link(a, router.ports["eth0"])
    world.link(b, router.ports["eth1"])
    ports = [
        a.loopback,
        *a.ports.values(),
        b.loopback,
        *b.ports.values(),
        router.loopback,
        *router.ports.values(),
    ]
    capture = Capture(path, ports=ports)
    world.watch.add(capture)
    assert world.is_answered(a, "10.0.2.1")
    endpoint = a.stack.udp.open()
    a.stack.enter(world.engine.now)
    endpoint.send_to(bytes(4000), 0x0A000201, 9)
    a.stack.settle()
    world.ping(a, "127.0.0.1")
    world.run()
    capture.close()
    return path


def test_lo_is_an_interface_with_ethernet_headers_of_zeros_and_each_frame_once(tmp_path: Path) -> None:
    path = captured(tmp_path / "x.pcapng")
    assert read_interfaces(path) == ["a:lo", "a:eth0", "b:lo", "b:eth0", "r:lo", "r:eth0", "r:eth1"]
    frames = [each for each in read_capture(path) if each.interface == "a:lo"]
    assert [each.outgoing for each in frames] == [False, False]  # request and answer, once each
    assert {each.data[:14] for each in frames} == {bytes(12) + b"\x08\x00"}


def test_tshark_finds_nothing_wrong_at_any_interface(tmp_path: Path) -> None:
    skip_without_tshark()
    path = captured(tmp_path / "x.pcapng")
    assert list(split_by_interface(path, tmp_path / "parts")) == [
        "a:eth0",
        "r:eth0",
        "r:eth1",
        "b:eth0",
        "a:lo",
    ]
    assert tshark_findings(path) == []
