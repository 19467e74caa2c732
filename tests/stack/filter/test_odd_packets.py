"""What is rare or broken: quotations that are none, protocols without ports, remote garbage. Nothing raises."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.stack.filter.gateways import MASQUERADE, OUTSIDE, SERVER, A, Gateway, text
from tests.stack.joined import ip

from netarium.stack.filter import related
from netarium.stack.filter.entry import Entry
from netarium.wire.ethernet import ETHERTYPE_IPV4, Frame
from netarium.wire.icmp import ECHO_REPLY, IcmpHeader
from netarium.wire.ipv4 import PROTOCOL_TCP, PROTOCOL_UDP, Ipv4Header
from netarium.wire.packet import packet_bytes
from netarium.wire.tcp import ACK, TcpHeader
from netarium.wire.udp import UdpHeader

GRE = 47


def error_about(quotation: bytes, source: str = SERVER, to: str = OUTSIDE) -> Frame:
    return Frame(0, 0, ETHERTYPE_IPV4, Ipv4Header(ip(source), ip(to), 1, 64), IcmpHeader(3, 1), quotation)


QUOTED = packet_bytes(Ipv4Header(ip(OUTSIDE), ip(SERVER), PROTOCOL_UDP, 60), UdpHeader(5000, 9), b"x")


@pytest.mark.parametrize(
    "quotation",
    [
        b"",
        QUOTED[:19],
        QUOTED[:27],
        b"\x60" + QUOTED[1:],
        packet_bytes(Ipv4Header(ip(OUTSIDE), ip(SERVER), PROTOCOL_UDP, 60, 1, 5), None, bytes(30)),
        packet_bytes(Ipv4Header(ip(OUTSIDE), ip(SERVER), 1, 60), IcmpHeader(3, 1), bytes(30)),
    ],
    ids=["nothing", "half a header", "half a transport header", "version 6", "a later fragment", "an error"],
)
def test_an_error_that_quotes_no_packet_of_a_connection_belongs_to_none(quotation: bytes) -> None:
    assert related.quoted_key(error_about(quotation)) is None
    gateway = Gateway(MASQUERADE)
    gateway.udp(gateway.a, SERVER, 5000, 9)
    gateway.settle()
    gateway.send(gateway.server, OUTSIDE, 1, IcmpHeader(3, 1), quotation)
    assert [text(frame) for frame in gateway.settle()] == [f"{SERVER}>{OUTSIDE} type 3 id 0"], (
        "it goes to the box itself"
    )


def test_an_error_about_an_echo_reply_goes_with_the_requests() -> None:
    entry = Entry((1, ip(A), 7, ip(SERVER), 8), 1)
    entry.set_source(ip(OUTSIDE), 99)
    reply = packet_bytes(
        Ipv4Header(ip(SERVER), ip(A), 1, 60), IcmpHeader(ECHO_REPLY, 0, 7 << 16 | 1), b"ping"
    )
    error = error_about(reply, A, SERVER)
    assert related.quoted_key(error) == entry.original.key
    quoted = bytes(related.rewrite_quotation(error, entry.original).payload)
    assert Ipv4Header.parse(quoted).destination == ip(OUTSIDE)
    assert int.from_bytes(quoted[24:26], "big") == 99, "the server sent it to the identifier it knows"


def test_a_quotation_without_its_checksum_and_udp_without_one_are_rewritten_all_the_same() -> None:
    entry = Entry((PROTOCOL_TCP, ip(A), 5000, ip(SERVER), 80), 1)
    entry.set_source(ip(OUTSIDE), 6000)
    whole = packet_bytes(
        Ipv4Header(ip(OUTSIDE), ip(SERVER), PROTOCOL_TCP, 60), TcpHeader(6000, 80, 1, 2, ACK, 3), b""
    )
    short = bytes(related.rewrite_quotation(error_about(whole[:28]), entry.reply).payload)
    assert len(short) == 28 and int.from_bytes(short[20:22], "big") == 5000
    entry = Entry((PROTOCOL_UDP, ip(A), 5000, ip(SERVER), 9), 1)
    entry.set_source(ip(OUTSIDE), 6000)
    header = Ipv4Header(ip(OUTSIDE), ip(SERVER), PROTOCOL_UDP, 60)
    unchecked = packet_bytes(header, UdpHeader(6000, 9, unchecked=True), b"x")
    rewritten = bytes(related.rewrite_quotation(error_about(unchecked), entry.reply).payload)
    assert rewritten[26:28] == b"\0\0", "none stays none"


def test_a_protocol_without_ports_has_one_host_at_a_time() -> None:
    gateway = Gateway(MASQUERADE)
    gateway.send(gateway.a, SERVER, GRE, None, b"tunnel")
    frames = [text(frame) for frame in gateway.settle()]
    assert f"{OUTSIDE}>{SERVER}" in frames
    assert any(each.startswith(f"{SERVER}>{A} type 3") for each in frames), "and its errors come back"
    gateway.send(gateway.b, SERVER, GRE, None, b"tunnel")
    gateway.settle()
    assert gateway.drops() == {"NAT_PORTS_EXHAUSTED": 1}
    gateway.send(gateway.server, OUTSIDE, GRE, None, b"back")
    assert f"{SERVER}>{A}" in [text(frame) for frame in gateway.settle()]
    (entry,) = gateway.filter.table.living()
    assert entry.seen_reply and entry.assured
    gateway.wait(601)
    assert list(gateway.filter.table.living()) == []


@settings(max_examples=150, deadline=None)
@given(
    protocol=st.sampled_from([1, PROTOCOL_TCP, PROTOCOL_UDP, GRE]),
    fragment=st.sampled_from([0, 0x4000, 0x2000, 0x0001, 0x2005]),
    data=st.binary(max_size=120),
    from_inside=st.booleans(),
    to=st.sampled_from([SERVER, OUTSIDE, A, "192.168.1.255", "224.0.0.5"]),
)
def test_garbage_never_raises_and_never_leaves_with_an_inside_address(
    protocol: int, fragment: int, data: bytes, from_inside: bool, to: str
) -> None:
    gateway = Gateway(MASQUERADE)
    side = gateway.gw.interfaces["eth0" if from_inside else "eth1"]
    header = Ipv4Header(ip(A if from_inside else SERVER), ip(to), protocol, 64, 77, fragment)
    raw = bytes(Frame(side.mac, 0x020000000099, ETHERTYPE_IPV4, header, None, data))
    gateway.gw.receive(side, Frame.parse(raw), gateway.joined.now)
    for sent in gateway.sent_by("gw"):
        network = sent.frame.network
        assert isinstance(network, Ipv4Header)
        outside = sent.frame.source == gateway.gw.interfaces["eth1"].mac
        # NAT is no firewall: who stands on the outside link and writes to an inside address is answered by it.
        asked_inside = not from_inside and to == A
        assert not (outside and network.source >> 16 == 0xC0A8) or asked_inside, "192.168 does not leave"
    table = gateway.filter.table
    for entry in table.entries.values():
        assert table.directions[entry.original.key].entry is table.directions[entry.reply.key].entry is entry
    gateway.wait(500_000)
    assert table.entries == {} and table.directions == {}
