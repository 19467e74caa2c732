"""nat-example.yaml runs as it stands: rows R064, R067, R068, R072, R073 in one lab, judged by tshark too."""

from __future__ import annotations

from pathlib import Path

from netarium import Net
from netarium.addresses import is_private
from netarium.capture.reading import read_capture
from netarium.testing.explained import causes_of_drops
from netarium.testing.tshark import skip_without_tshark, tshark_findings
from netarium.wire.ethernet import Frame
from netarium.wire.ipv4 import Ipv4Header

LAB = Path(__file__).parents[2] / "examples" / "labs" / "nat-example.yaml"


def test_it_runs_and_nothing_private_is_seen_outside(tmp_path: Path) -> None:
    skip_without_tshark()
    page = (LAB.parent / "www" / "index.html").read_text()
    captures = {wire: tmp_path / f"{wire}.pcapng" for wire in ("values", "bytes")}
    for wire, capture in captures.items():
        net = Net.load(LAB, wire=wire)
        net.capture(capture)
        net.run(check=True)
        net.close()
        assert net.service("a").stdout == net.service("b").stdout == page
        inside = {row.inside.partition(":")[0]: row.outside.partition(":")[0] for row in net["gw"].nat_table}
        assert inside == {"192.168.1.2": "202.20.65.5", "192.168.1.3": "202.20.65.5"}
    assert captures["values"].read_bytes() == captures["bytes"].read_bytes()
    outside = [
        Frame.parse(each.data).network
        for each in read_capture(captures["values"])
        if each.interface in ("gw:wan", "server:eth0")
    ]
    headers = [header for header in outside if isinstance(header, Ipv4Header)]
    assert len(headers) > 20
    assert not any(is_private(header.source) or is_private(header.destination) for header in headers)
    assert tshark_findings(captures["values"], causes_of_drops(net.watching.counters.drops)) == []


def test_the_digest_is_the_same_again_and_with_bytes_on_every_cable() -> None:
    digests = []
    for wire in ("values", "values", "bytes"):
        net = Net.load(LAB, wire=wire)
        net.run()
        digests.append(net.digest)
    assert len(set(digests)) == 1


def test_a_traced_run_is_the_same_run() -> None:
    """Watching changes nothing: the steps with their tables are told on the side."""
    quiet, traced = Net.load(LAB), Net.load(LAB, trace=True)
    quiet.run()
    traced.run()
    assert quiet.digest == traced.digest
    made = [
        event["details"]
        for event in traced.trace.select(event="step", at="gw")
        if event["details"].get("decision") == "new connection"
    ]
    assert [len(each["table_before"]) for each in made] == [0, 1]
    assert [len(each["table_after"]) for each in made] == [1, 2]
