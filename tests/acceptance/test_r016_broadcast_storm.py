"""R016: two switches and two links: one broadcast multiplies until it is stopped; a spanning tree leaves one tree."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from netarium import Net
from netarium.errors import StormError
from netarium.lab.lifecycle import End
from netarium.link.storm import FLOODS_BEFORE_LOOK

LAB = """nodes:
  one: {kind: switch%s}
  two: {kind: switch%s}
  a: {kind: host, address: 10.0.0.1/24}
  b: {kind: host, address: 10.0.0.2/24}
links:
  - [a, one]
  - [b, two]
  - [one, two]
  - [one, two]
programs:
  - {on: a, run: ping -c 2 10.0.0.2, at: 40s}
"""


def shout() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.sendto(b"hello all", ("10.0.0.255", 9999))


def ring(**options: str) -> Net:
    net = Net(seed=3)
    for name in ("one", "two"):
        net.switch(name, **options)
    net.host("a", "10.0.0.1/24", link=net["one"])
    net.host("b", "10.0.0.2/24", link=net["two"])
    net.link("one:x", "two:x")
    net.link("one:y", "two:y")
    return net


def test_r016_a_broadcast_multiplies_and_dies_when_one_link_is_cut() -> None:
    net = ring()
    net["a"].run(shout)
    counts = []
    for moment in ("1ms", "2ms", "3ms"):
        assert net.run(until=moment) is End.UNTIL
        counts.append(net["b"].node.ports["eth0"].frames_received)
    assert counts[0] > 50  # of one broadcast
    assert counts[1] > counts[0] + 50
    assert counts[2] > counts[1] + 50
    net.link("one:y", "two:y").cut()
    net.run(until="4ms")
    floods = net["one"].floods
    assert net.run() is End.DRAINED
    assert net["one"].floods == floods
    assert net.engine.foreground == 0


def test_r016_a_storm_that_nobody_cuts_is_stopped_by_an_error_that_names_the_loop() -> None:
    net = ring()
    net["a"].run(shout)
    with pytest.raises(StormError) as caught:
        net.run()
    message = str(caught.value)
    round_trips = ("one:x > two:x, two:y > one:y", "two:y > one:y, one:x > two:x")
    other_way = ("one:y > two:y, two:x > one:x", "two:x > one:x, one:y > two:y")
    assert any(hops in message for hops in round_trips + other_way)
    assert "one:x--two:x" in message and "one:y--two:y" in message
    bridge = net["one"].node.bridge
    assert bridge.floods + bridge.moves >= FLOODS_BEFORE_LOOK


@pytest.mark.parametrize("kind", ["stp", "rstp"])
def test_r016_with_a_spanning_tree_there_is_one_tree_and_the_broadcast_arrives_once(kind: str) -> None:
    net = ring(spanning_tree=kind)
    net["a"].run(shout, at="40s")
    net.trace  # noqa: B018  (recording begins)
    net.run()
    arrived = net.trace.select(event="received", at="b:eth0", protocol="UDP")
    assert len(arrived) == 1
    states = {
        f"{name}:{port}": state for name in ("one", "two") for port, state in net[name].port_states.items()
    }
    closed = "blocking" if kind == "stp" else "discarding"
    assert sorted(states.values()) == sorted(["forwarding"] * 5 + [closed])
    assert states["two:y"] == closed
    dropped = {event["reason"] for event in net.trace.select(event="dropped", at="two:y")}
    assert dropped == {"PORT_BLOCKED"}


def test_r016_the_command_line_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from netarium.cli.run import main

    lab = tmp_path / "lab.yaml"
    lab.write_text(LAB % ("", ""))
    assert main([str(lab)]) == 1
    told = capsys.readouterr()
    assert "one:p3--two:p3 closes a loop of switches" in told.err
    assert "netarium: a broadcast storm at 40" in told.err
    lab.write_text(LAB % (", spanning_tree: rstp", ", spanning_tree: rstp"))
    assert main([str(lab)]) == 0
    told = capsys.readouterr()
    assert "2 received" in told.out
    assert "loop" not in told.err
