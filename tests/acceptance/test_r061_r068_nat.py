"""R061 to R068: NAT in its kinds, each seen from both sides."""

from __future__ import annotations

import dpkt
import pytest
from tests.acceptance.frames_seen import FramesSeen
from tests.acceptance.nat_nets import (
    NAT,
    addresses,
    ask_tcp,
    ask_udp,
    behind_gateway,
    failed,
    let_pass,
    tcp_whoami,
    whoami,
)

from netarium import Net
from netarium.addresses import is_private, parse_ipv4
from netarium.journey import Drop, Stop
from netarium.wire.ethernet import Frame
from netarium.wire.ipv4 import Ipv4Header


def steps(net: Net, node: str) -> list[dict[str, object]]:
    """The steps of a node, in order."""
    return list(net.trace.select(event="step", at=node))


def checksums_are_right(frame: Frame) -> bool:
    """Judged by a foreign decoder: dpkt fills in what it holds to be right, and nothing changes."""
    data = bytes(frame)
    packet = dpkt.ethernet.Ethernet(data).data
    length = packet.len
    written = bytes(data[14 : 14 + length])
    packet.sum = 0
    packet.data.sum = 0
    return bytes(packet)[:length] == written


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_r061_rewritten_checksums_are_valid_and_each_side_sees_its_own_view(protocol: str) -> None:
    net = behind_gateway("a")
    seen = FramesSeen(net)
    if protocol == "udp":
        net["server"].run(whoami(9000))
        assert net["a"].call(ask_udp, "202.20.65.4", 9000, 5000) == ("202.20.65.5", 5000)
    else:
        net["server"].run(tcp_whoami(9000))
        assert net["a"].call(ask_tcp, "202.20.65.4", 9000)[0] == "202.20.65.5"
    net.run()
    outside, inside = seen.packets_by("gw:wan"), seen.packets_by("gw:lan")
    assert outside and inside
    for frame in outside + inside:
        assert Frame.parse(bytes(frame)).fault is None
        assert checksums_are_right(frame)
    assert {addresses(frame) for frame in outside} == {("202.20.65.5", "202.20.65.4")}
    assert {addresses(frame) for frame in inside} == {("202.20.65.4", "192.168.1.2")}


def test_r062_static_nat_holds_in_both_directions() -> None:
    nat = {"outside": "wan", "source": "none", "static": {"192.168.1.2": "202.20.65.6"}}
    net = behind_gateway("a", nat=nat)
    net["server"].run(whoami(9000))
    net["a"].run(whoami(7000))
    assert net["a"].call(ask_udp, "202.20.65.4", 9000, 5000) == ("202.20.65.6", 5000)
    assert net["server"].call(ask_udp, "202.20.65.6", 7000, 6000) == ("202.20.65.4", 6000)
    rows = [(row.inside, row.outside, row.remote) for row in net["gw"].nat_table]
    assert rows == [
        ("192.168.1.2:5000", "202.20.65.6:5000", "202.20.65.4:9000"),
        ("192.168.1.2:7000", "202.20.65.6:7000", "202.20.65.4:6000"),
    ]


def test_r063_a_pool_of_two_serves_a_third_host_only_when_one_is_freed() -> None:
    nat = {"outside": "wan", "pool": "202.20.65.10-202.20.65.11"}
    net = behind_gateway("abc", nat=nat)
    net["server"].run(whoami(9000))
    assert net["a"].call(ask_udp, "202.20.65.4", 9000, 5000) == ("202.20.65.10", 5000)
    assert net["b"].call(ask_udp, "202.20.65.4", 9000, 5000) == ("202.20.65.11", 5000)
    assert net["a"].call(ask_udp, "202.20.65.4", 9000, 5001) == ("202.20.65.10", 5001), "a keeps its address"
    assert net["c"].call(failed, ask_udp, "202.20.65.4", 9000, 5000, 3.0) is TimeoutError
    assert net["gw"].node.stack.drops == {Drop.NAT_POOL_EXHAUSTED: 1}
    let_pass(net, 17)
    net["a"].call(ask_udp, "202.20.65.4", 9000, 5000)  # a speaks on, b is silent
    let_pass(net, 11)
    assert net["c"].call(ask_udp, "202.20.65.4", 9000, 5000) == ("202.20.65.11", 5000), "b's 30 s are over"
    assert net["b"].call(failed, ask_udp, "202.20.65.4", 9000, 5000, 3.0) is TimeoutError


def test_r064_two_hosts_one_public_address_two_ports_and_answers_come_to_the_right_host() -> None:
    net = behind_gateway("ab")
    net["server"].run(tcp_whoami(9000))
    a, b = net["a"], net["b"]
    one = a.run(lambda: ask_tcp("202.20.65.4", 9000, 5000))
    other = b.run(lambda: ask_tcp("202.20.65.4", 9000, 5000))
    net.run()
    (outside_a, port_a, _), (outside_b, port_b, _) = one.result, other.result
    assert outside_a == outside_b == "202.20.65.5"
    assert {port_a, port_b} > {"5000"} and port_a != port_b
    rows = {row.inside: row.outside for row in net["gw"].nat_table}
    assert rows == {
        "192.168.1.2:5000": f"202.20.65.5:{port_a}",
        "192.168.1.3:5000": f"202.20.65.5:{port_b}",
    }


def first_of(events: list[dict[str, object]], stop: str, word: str) -> int:
    return next(
        number
        for number, event in enumerate(events)
        if event["stop"] == stop and word in str(event["details"])
    )


def test_r065_the_source_is_translated_after_routing() -> None:
    net = behind_gateway("a")
    net["server"].run(whoami(9000))
    net["a"].call(ask_udp, "202.20.65.4", 9000, 5000)
    events = steps(net, "gw")
    routed = next(i for i, event in enumerate(events) if event["stop"] == Stop.ROUTE.name)
    translated = first_of(events, "FILTER_OUT", "'decision': 'translate'")
    assert routed < translated
    assert events[routed]["subject"] == "for 202.20.65.4"
    assert events[translated]["details"]["before"] == "192.168.1.2:5000 -> 202.20.65.4:9000"
    assert events[translated]["details"]["after"] == "202.20.65.5:5000 -> 202.20.65.4:9000"
    made = events[first_of(events, "FILTER_OUT", "'decision': 'new connection'")]["details"]
    assert made["table_before"] == []
    assert made["table_after"] == [
        "udp 192.168.1.2:5000 -> 202.20.65.4:9000 as 202.20.65.5:5000 -> 202.20.65.4:9000"
    ]


def test_r066_the_destination_is_translated_before_routing_and_the_first_packet_decides() -> None:
    net = behind_gateway("ab", nat={**NAT, "forward": {"udp/8080": "192.168.1.2:80"}})
    net["a"].run(whoami(80), root=True)
    net["b"].run(whoami(80), root=True)
    seen = FramesSeen(net)
    server, gateway = net["server"], net["gw"]
    assert server.call(ask_udp, "202.20.65.5", 8080, 6000) == ("202.20.65.4", 6000)
    events = steps(net, "gw")
    translated = first_of(events, "FILTER_IN", "'after': '202.20.65.4:6000 -> 192.168.1.2:80'")
    routed = next(i for i, event in enumerate(events) if event["subject"] == "for 192.168.1.2")
    assert translated < routed
    (answer,) = seen.packets_by("gw:wan")
    assert addresses(answer) == ("202.20.65.5", "202.20.65.4"), "its source is restored"
    assert answer.transport.source_port == 8080
    # Another table: the connection that is there stays where its first packet went, a new one follows the new table.
    from netarium.lab.filtering.nat import read_nat
    from netarium.stack.filter.filter import filter_of

    setup = read_nat({**NAT, "forward": {"udp/8080": "192.168.1.3:80"}}, {"lan": [], "wan": []})
    filter_of(gateway.node.stack).set_nat(setup)
    seen.clear()
    server.call(ask_udp, "202.20.65.5", 8080, 6000)
    server.call(ask_udp, "202.20.65.5", 8080, 6001)
    to = [addresses(frame)[1] for frame in seen.packets_by("gw:lan")]
    assert to == ["192.168.1.2", "192.168.1.3"]


def test_r067_a_capture_outside_holds_no_private_address() -> None:
    net = behind_gateway("ab", nat={**NAT, "forward": {"tcp/8080": "192.168.1.2:80"}})
    seen = FramesSeen(net)
    net["server"].run(whoami(9000))
    net["server"].run(tcp_whoami(9001))
    net["a"].run(tcp_whoami(80), root=True)
    net["a"].run(lambda: ask_tcp("202.20.65.4", 9001))
    net["b"].run(lambda: ask_udp("202.20.65.4", 9000))
    net["b"].run(lambda: failed(ask_udp, "202.20.65.4", 9999, 0, 1.0))
    net["b"].run("ping -c 2 202.20.65.4")
    net["server"].run(lambda: ask_tcp("202.20.65.5", 8080))
    net["a"].run(lambda: failed(ask_tcp, "202.20.65.4", 22))
    net.run()
    packets = seen.packets_by("gw:wan") + seen.packets_by("server:eth0")
    assert len(packets) > 20
    private = [parse_ipv4("192.168.1.2").to_bytes(4, "big"), parse_ipv4("192.168.1.3").to_bytes(4, "big")]
    for frame in packets:
        header = frame.network
        assert isinstance(header, Ipv4Header)
        assert not is_private(header.source) and not is_private(header.destination)
        assert not any(address in bytes(frame) for address in private), "nor inside an ICMP error"


def test_r068_port_forwarding_and_an_unmapped_port_is_refused() -> None:
    net = behind_gateway("a", nat={**NAT, "forward": {"tcp/8080": "192.168.1.2:80"}})
    net["a"].run(tcp_whoami(80, "a"), root=True)
    server = net["server"]
    assert server.call(ask_tcp, "202.20.65.5", 8080)[::2] == ["202.20.65.4", "a"]
    assert server.call(failed, ask_tcp, "202.20.65.5", 8081) is ConnectionRefusedError
    assert server.call(failed, ask_tcp, "202.20.65.5", 80) is ConnectionRefusedError
    assert net["a"].call(ask_tcp, "202.20.65.5", 8080)[2] == "a", (
        "the inside reaches it by the outside address too"
    )
