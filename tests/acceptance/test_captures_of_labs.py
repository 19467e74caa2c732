"""The labs' captures before tshark: no warning that the run does not explain; the teardown is in them, on lo too."""

from __future__ import annotations

from pathlib import Path

from netarium import Net
from netarium.addresses import parse_ipv4
from netarium.capture.reading import read_capture
from netarium.testing.explained import ONE_ARMED, causes_of_drops, explanation
from netarium.testing.tshark import all_findings, skip_without_tshark, tshark_findings
from netarium.wire.ethernet import Frame
from netarium.wire.icmp import IcmpHeader
from netarium.wire.tcp import FIN, TcpHeader

ROUTED_TO = parse_ipv4("10.0.20.2")
LABS = Path(__file__).parents[2] / "examples" / "labs"


def fins(capture: Path) -> dict[str, int]:
    """How many segments with FIN were seen at each interface."""
    found: dict[str, int] = {}
    for each in read_capture(capture):
        header = Frame.parse(each.data).transport
        if isinstance(header, TcpHeader) and header.flags & FIN:
            found[each.interface] = found.get(each.interface, 0) + 1
    return found


def test_lan_yaml_runs_as_it_stands_and_its_teardown_is_captured(tmp_path: Path) -> None:
    skip_without_tshark()
    captures = {wire: tmp_path / f"{wire}.pcapng" for wire in ("values", "bytes")}
    for wire, capture in captures.items():
        net = Net.load(LABS / "lan.yaml", wire=wire)
        net.capture(capture)
        net.run(check=True)
        net.close()
    assert captures["values"].read_bytes() == captures["bytes"].read_bytes()
    ports = ("client:eth0", "server:eth0", "switch:p1", "switch:p2")
    assert fins(captures["values"]) == dict.fromkeys(ports, 2)
    assert tshark_findings(captures["values"], causes_of_drops(net.watching.counters.drops)) == []


def test_vlan_yaml_has_no_warning_but_for_the_trunk_that_a_routed_echo_passes_twice(tmp_path: Path) -> None:
    """What hosts see is beyond reproach; at both ends of the trunk each routed echo is there in VLAN 10 and in 20."""
    skip_without_tshark()
    net = Net.load(LABS / "vlan.yaml")
    net.capture(tmp_path / "vlan.pcapng")
    net.run(check=True)
    net.close()
    found = all_findings(tmp_path / "vlan.pcapng")
    assert [finding for finding in found if explanation(finding.message, [ONE_ARMED]) is None] == []
    causes = causes_of_drops(net.watching.counters.drops)
    bare = [finding for finding in found if explanation(finding.message, causes) is None]
    assert {finding.interface for finding in bare} == {"floor1:up", "core:down"}
    assert {finding.message.partition(" to")[0] for finding in bare} == {"No response seen"}
    trunk = [
        Frame.parse(each.data)
        for each in read_capture(tmp_path / "vlan.pcapng")
        if each.interface == "core:down"
    ]
    echoes = [
        (frame.tag & 0xFFF, frame.network.ttl)
        for frame in trunk
        if type(frame.transport) is IcmpHeader
        and frame.transport.type == 8
        and frame.network.destination == ROUTED_TO
    ]
    assert echoes == [(10, 64), (20, 63)] * 3


def test_the_digest_is_the_same_with_bytes_on_every_cable() -> None:
    digests = []
    for wire in ("values", "bytes"):
        net = Net.load(LABS / "lan.yaml", wire=wire)
        net.run()
        digests.append(net.digest)
    assert digests[0] == digests[1]


def test_on_loopback_too(net: Net, tmp_path: Path) -> None:
    import socket

    def both() -> None:
        listener = socket.create_server(("127.0.0.1", 5000))
        client = socket.create_connection(("127.0.0.1", 5000))
        connection, _ = listener.accept()
        client.sendall(b"hello")
        assert connection.recv(10) == b"hello"

    skip_without_tshark()
    net.host("a")
    net.capture(tmp_path / "lo.pcapng")
    net["a"].run(both)
    net.run(check=True)
    net.close()
    assert fins(tmp_path / "lo.pcapng") == {"a:lo": 2}
    assert tshark_findings(tmp_path / "lo.pcapng") == []
