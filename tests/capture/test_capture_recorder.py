"""The trace, the flow table and the drop counters: what they say of a frame."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.link.wires import Bench, sized

from netarium.capture.counters import Counters
from netarium.capture.flows import FlowKey, Flows
from netarium.capture.pcapng import Capture
from netarium.capture.recorder import Recorder
from netarium.capture.summary import summarize
from netarium.errors import UsageError
from netarium.journey import Cause, Drop, Stop
from netarium.wire.arp import ArpPacket
from netarium.wire.ethernet import ETHERTYPE_ARP, ETHERTYPE_IPV4, MAC_BROADCAST, Frame
from netarium.wire.icmp import IcmpHeader
from netarium.wire.ipv4 import PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, Ipv4Header
from netarium.wire.tcp import ACK, SYN, TcpHeader
from netarium.wire.udp import UdpHeader

A, B = 0x0A000001, 0x0A000002


def tcp(flags: int = ACK, payload: bytes = b"hello", source: int = A, destination: int = B) -> Frame:
    ports = (4000, 80) if source == A else (80, 4000)
    header = TcpHeader(*ports, 1000, 2000, flags, 512)
    return Frame(2, 1, ETHERTYPE_IPV4, Ipv4Header(source, destination, PROTOCOL_TCP, 64, 7), header, payload)


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (
            tcp(SYN | ACK),
            {
                "source": "10.0.0.1",
                "destination": "10.0.0.2",
                "protocol": "TCP",
                "source_port": 4000,
                "destination_port": 80,
                "flags": "SYN ACK",
                "seq": 1000,
                "ack": 2000,
                "window": 512,
                "length": 5,
                "ttl": 64,
                "identification": 7,
                "mac_source": "00:00:00:00:00:01",
                "ethertype": 0x0800,
                "size": 60,
            },
        ),
        (
            Frame(2, 1, ETHERTYPE_IPV4, Ipv4Header(A, B, PROTOCOL_UDP, 9), UdpHeader(53, 99), b"abc"),
            {"protocol": "UDP", "source_port": 53, "destination_port": 99, "length": 3},
        ),
        (
            Frame(2, 1, ETHERTYPE_IPV4, Ipv4Header(A, B, PROTOCOL_ICMP, 9), IcmpHeader(8, 0, 65537), b""),
            {"protocol": "ICMP", "type": 8, "code": 0, "rest": 65537},
        ),
        (
            Frame(2, 1, ETHERTYPE_IPV4, Ipv4Header(A, B, PROTOCOL_UDP, 9, 3, 0x2000 | 185), None, b"x" * 8),
            {"fragment_offset": 1480, "more_fragments": True, "length": 8},
        ),
        (
            Frame(MAC_BROADCAST, 1, ETHERTYPE_ARP, ArpPacket(1, 1, A, 0, B), None, b""),
            {
                "protocol": "ARP",
                "operation": "request",
                "source": "10.0.0.1",
                "destination": "10.0.0.2",
                "sender_mac": "00:00:00:00:00:01",
                "target_mac": "00:00:00:00:00:00",
                "mac_destination": "ff:ff:ff:ff:ff:ff",
            },
        ),
        (Frame(2, 1, 0x88B5, None, None, b"x", None, 0x600A), {"vlan": 10, "length": 1, "ethertype": 0x88B5}),
        (Frame(2, 1, 0x0800, None, None, b"junk", Drop.IP_MALFORMED), {"fault": "IP_MALFORMED"}),
    ],
)
def test_a_frame_is_told_in_the_words_of_its_headers(frame: Frame, told: dict[str, object]) -> None:
    summary = summarize(frame)
    assert {key: summary.get(key) for key in told} == told


def test_the_trace_is_one_json_object_a_line_after_its_header(tmp_path: Path) -> None:
    bench = Bench()
    a, _ = bench.port("client:eth0")
    b, _ = bench.port("server:eth0")
    cable = bench.cable(a, b)
    capture = Capture(tmp_path / "x.pcapng", ports=[a, b], on=["server"])
    recorder = Recorder(tmp_path / "x.jsonl", seed=7, header={"lab": "lan"}, capture=capture)
    bench.watch.add(capture)
    bench.watch.add(recorder)
    a.transmit(tcp())
    bench.run()
    cable.cut()
    a.transmit(tcp())
    watch = bench.watch
    assert watch.step is not None and watch.call is not None
    watch.step(99, "client", Stop.ROUTE, "10.0.0.2", {"prefix": "10.0.0.0/24", "odd": Drop})
    watch.call(99, "client", "client.py", "send", {"data": b"hello"})
    recorder.close()
    capture.close()
    header, *events = [json.loads(line) for line in (tmp_path / "x.jsonl").read_text().splitlines()]
    assert header == {"netarium_trace": 2, "seed": 7, "lab": "lan"}
    assert [(event["event"], event["at"]) for event in events] == [
        ("sent", "client:eth0"),
        ("received", "server:eth0"),
        ("state", "client:eth0--server:eth0"),
        ("dropped", "client:eth0"),
        ("step", "client"),
        ("call", "client"),
    ]
    sent, received, state, dropped, step, call = events
    assert "frame" not in sent
    assert bytes.fromhex(sent["data"]) == bytes(tcp())
    assert sent["crc"] == received["crc"]
    assert received["frame"] == 1
    assert received["t"] == 10_512
    assert (state["before"], state["after"], state["cause"]) == ("up", "down", Cause.OPERATOR.name)
    assert (dropped["reason"], dropped["flags"]) == ("LINK_DOWN", "ACK")
    assert (step["stop"], step["details"]["prefix"]) == ("ROUTE", "10.0.0.0/24")
    assert call["details"] == {"data": {"bytes": 5, "hex": b"hello".hex()}}


def test_without_a_path_the_events_stay_in_memory() -> None:
    bench = Bench()
    a, _ = bench.port()
    recorder = Recorder(seed=1)
    bench.watch.add(recorder)
    a.transmit(sized(60))
    recorder.close()
    assert [(event["event"], event["reason"]) for event in recorder.events] == [("dropped", "NO_CABLE")]


def test_a_trace_that_cannot_be_written_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot write the trace"):
        Recorder(tmp_path, seed=1)


def test_a_flow_is_counted_once_however_many_hops_its_frames_take() -> None:
    bench = Bench()
    a, _ = bench.port()
    b, _ = bench.port()
    flows = Flows()
    for now, port in ((10, a), (20, b), (30, a), (40, b)):  # each frame sent by a, then on by b
        flows.frame(now, port, Stop.LINK_SENT, tcp(SYN if now < 30 else ACK, b"" if now < 30 else b"hello"))
        flows.frame(now, port, Stop.LINK_RECEIVED, tcp())
    flows.frame(50, b, Stop.LINK_SENT, tcp(source=B, destination=A))
    flows.frame(50, b, Stop.LINK_SENT, sized(60))
    there = FlowKey(PROTOCOL_TCP, A, 4000, B, 80)
    assert list(flows.table) == [there, there.reverse]
    flow = flows.table[there]
    assert (flow.frames, flow.payload_bytes, flow.first_ns, flow.last_ns) == (2, 5, 10, 30)
    assert flow.flags == SYN | ACK
    assert flows.table[there.reverse].frames == 1


def test_drops_are_counted_by_reason_in_the_order_of_the_journey() -> None:
    bench = Bench()
    counters = Counters()
    bench.watch.add(counters)
    a, _ = bench.port()
    b, _ = bench.port()
    cable = bench.cable(a, b, loss=1.0)
    a.transmit(sized(60))
    a.transmit(sized(2000))
    cable.unplug()
    a.transmit(sized(60))
    assert counters.by_name() == {"NO_CABLE": 1, "RULE_LOSS": 1, "FRAME_TOO_LONG": 1}
    assert counters.dropped == 3
