"""NAT packet by packet: what leaves, what comes back, what is refused; every rewritten frame has right checksums."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.stack.filter.gateways import MASQUERADE, OUTSIDE, SERVER, A, B, Gateway, text
from tests.stack.joined import ip

from netarium.stack.failures import Failure
from netarium.stack.filter import related
from netarium.stack.filter.entry import Entry
from netarium.stack.filter.mappings import ADDRESS_DEPENDENT, CLASSES, ENDPOINT_INDEPENDENT
from netarium.stack.filter.nat import KEEP, NatSetup
from netarium.wire.checksum import checksum_fits, pseudo_sum, word_sum
from netarium.wire.ethernet import ETHERTYPE_IPV4, Frame
from netarium.wire.icmp import IcmpHeader
from netarium.wire.ipv4 import PROTOCOL_TCP, PROTOCOL_UDP, Ipv4Header
from netarium.wire.packet import packet_bytes
from netarium.wire.tcp import ACK, RST, SYN, TcpHeader
from netarium.wire.udp import UdpHeader


def quoted(frame: Frame) -> tuple[Ipv4Header, bytes]:
    """The packet an ICMP error quotes: its header, whose checksum is right, and the rest."""
    data = bytes(frame.payload)
    header = Ipv4Header.parse(data)
    assert checksum_fits(word_sum(data[: header.size_bytes]))
    return header, data[header.size_bytes :]


def test_an_icmp_error_from_outside_comes_to_the_inside_host_with_its_own_packet() -> None:
    gateway = Gateway(MASQUERADE)
    gateway.udp(gateway.b, SERVER, 5000, 9)
    gateway.udp(gateway.a, SERVER, 5000, 9, b"hello")
    frames = gateway.settle()
    (error,) = [frame for frame in frames if text(frame).startswith(f"{SERVER}>{A} type 3")]
    header, rest = quoted(error)
    assert (header.source, header.destination) == (ip(A), ip(SERVER))
    assert int.from_bytes(rest[:2], "big") == 5000, "its own port, though the outside saw another"
    total = pseudo_sum(ip(A), ip(SERVER), PROTOCOL_UDP, len(rest)) + word_sum(rest)
    assert checksum_fits(total), "and the quoted checksum is right"
    assert Frame.parse(bytes(error)).fault is None
    assert gateway.filter.state is not None and gateway.drops() == {}


def test_an_icmp_error_about_a_forwarded_service_seems_to_come_from_the_outside_address() -> None:
    gateway = Gateway(NatSetup("eth1", ("eth0",), forward={(PROTOCOL_UDP, 7000): (ip(A), 9)}))
    gateway.udp(gateway.server, OUTSIDE, 6000, 7000, b"hello")
    frames = gateway.settle()
    (error,) = [frame for frame in frames if text(frame).startswith(f"{OUTSIDE}>{SERVER} type 3")]
    header, rest = quoted(error)
    assert (header.source, header.destination) == (ip(SERVER), ip(OUTSIDE))
    assert int.from_bytes(rest[2:4], "big") == 7000
    assert checksum_fits(pseudo_sum(ip(SERVER), ip(OUTSIDE), PROTOCOL_UDP, len(rest)) + word_sum(rest))


def test_a_time_exceeded_of_the_gateway_itself_quotes_what_the_sender_sent() -> None:
    gateway = Gateway(NatSetup("eth1", ("eth0",), forward={(PROTOCOL_UDP, 7000): (ip(A), 9)}))
    gateway.udp(gateway.server, OUTSIDE, 6000, 7000)  # so that the connection is known
    gateway.settle()
    gateway.udp(gateway.server, OUTSIDE, 6000, 7000, ttl=1)
    (error,) = [frame for frame in gateway.settle() if " type 11 " in text(frame)]
    header, rest = quoted(error)
    assert (header.destination, int.from_bytes(rest[2:4], "big")) == (ip(OUTSIDE), 7000)


def test_echo_identifiers_are_kept_or_rewritten_and_given_back() -> None:
    gateway = Gateway(MASQUERADE)
    gateway.echo(gateway.a, SERVER, 7)
    gateway.echo(gateway.b, SERVER, 7)
    frames = [text(frame) for frame in gateway.settle()]
    assert frames[1] == f"{OUTSIDE}>{SERVER} type 8 id 7" or f"{OUTSIDE}>{SERVER} type 8 id 7" in frames
    assert f"{SERVER}>{A} type 0 id 7" in frames and f"{SERVER}>{B} type 0 id 7" in frames
    outside = [frame for frame in frames if frame.startswith(f"{OUTSIDE}>{SERVER}")]
    assert len(set(outside)) == 2, "the second one has another identifier outside"


def test_fragments_are_put_together_before_translation_and_cut_again_after_it() -> None:
    gateway = Gateway(MASQUERADE)
    gateway.udp(gateway.a, SERVER, 5000, 9, b"z" * 4000, dont_fragment=False)
    frames = gateway.settle()
    outside = [
        frame
        for frame in frames
        if frame.network.source == ip(OUTSIDE) and frame.network.protocol == PROTOCOL_UDP
    ]
    assert len(outside) == 3 and all(frame.size_bytes <= 1514 for frame in outside)
    assert not any(frame.network.source == ip(A) and frame.network.ttl == 63 for frame in frames)
    errors = [frame for frame in frames if text(frame).startswith(f"{SERVER}>{A} type 3")]
    assert len(errors) == 1, "the server took the datagram whole: nobody listens at port 9"
    gateway.echo(gateway.b, SERVER, 9, b"y" * 3000)
    whole = [frame for frame in gateway.settle() if frame.network.destination == ip(B)]
    assert len(whole) == 3, "the answer comes in three fragments"


def test_a_lost_fragment_stops_at_the_gateway() -> None:
    gateway = Gateway(MASQUERADE)
    gateway.joined.lose = lambda sent: sent.host == "a" and sent.frame.network.fragment & 0x1FFF == 0
    gateway.udp(gateway.a, SERVER, 5000, 9, b"z" * 4000, dont_fragment=False)
    gateway.settle()
    gateway.wait(31)
    assert gateway.drops() == {"FRAGMENT_TIMEOUT": 1}
    assert gateway.filter.table.entries == {}


def test_when_no_port_is_free_the_packet_is_dropped_by_name_and_a_freed_port_is_taken() -> None:
    gateway = Gateway(NatSetup("eth1", ("eth0",), ports=(40_000, 40_002)))
    for port in (5000, 5001, 5002, 5003):
        gateway.udp(gateway.a, SERVER, port, 9)
    used = {text(frame) for frame in gateway.settle() if text(frame).startswith(OUTSIDE)}
    assert used == {f"{OUTSIDE}:{port}>{SERVER}:9" for port in (40_000, 40_001, 40_002)}
    assert gateway.drops() == {"NAT_PORTS_EXHAUSTED": 1}
    gateway.udp(gateway.b, "202.20.65.99", 5003, 9)  # to another remote the same ports are free
    gateway.settle()
    assert gateway.drops() == {"NAT_PORTS_EXHAUSTED": 1}
    gateway.wait(31)
    gateway.udp(gateway.a, SERVER, 5003, 9)
    assert any(text(frame).startswith(OUTSIDE) for frame in gateway.settle())


@pytest.mark.parametrize("mapping", [ENDPOINT_INDEPENDENT, ADDRESS_DEPENDENT])
def test_ports_of_a_class_run_out_too_and_come_back(mapping: str) -> None:
    gateway = Gateway(NatSetup("eth1", ("eth0",), ports=(40_000, 40_001), mapping=mapping))
    for port in (5000, 5001, 5002):
        gateway.udp(gateway.a, SERVER, port, 9)
    gateway.settle()
    assert gateway.drops() == {"NAT_PORTS_EXHAUSTED": 1}
    mappings = gateway.filter.nat.mappings  # type: ignore[union-attr]
    assert mappings is not None and len(mappings.by_outside) == 2
    gateway.wait(32)
    assert mappings.by_outside == {} and mappings.by_inside == {}
    gateway.udp(gateway.a, SERVER, 5002, 9)
    assert any(text(frame).startswith(OUTSIDE) for frame in gateway.settle())


def test_ports_keep_their_range() -> None:
    gateway = Gateway(MASQUERADE)
    for host in (gateway.a, gateway.b):
        for port in (500, 1000, 5000):
            gateway.udp(host, SERVER, port, 9)
    gateway.settle()
    ports = [entry.original.to_source_port for entry in gateway.filter.table.living()]
    assert ports[:3] == [500, 1000, 5000]
    assert 1 <= ports[3] < 512 and 600 <= ports[4] < 1024 <= ports[5]
    assert len(set(ports)) == 6


def test_nothing_that_belongs_to_no_connection_leaves_with_an_inside_address() -> None:
    gateway = Gateway(MASQUERADE)
    gateway.tcp(gateway.a, SERVER, 5000, 80, RST)
    error = IcmpHeader(3, 1)
    foreign = packet_bytes(Ipv4Header(ip("9.9.9.9"), ip(A), PROTOCOL_UDP, 64), UdpHeader(1, 2), b"")
    gateway.send(gateway.a, SERVER, 1, error, foreign)
    frames = gateway.settle()
    assert [frame for frame in frames if frame.network.ttl == 63] == []
    assert gateway.drops() == {"CONNTRACK_INVALID": 2}


def test_a_corrupted_segment_is_not_translated_and_does_not_leave() -> None:
    gateway = Gateway(MASQUERADE)
    gateway.tcp(gateway.a, SERVER, 5000, 80, SYN)
    gateway.settle()
    header = Ipv4Header(ip(A), ip(SERVER), PROTOCOL_TCP, 64)
    good = Frame(gateway.gw.interfaces["eth0"].mac, gateway.a.interfaces["eth0"].mac, ETHERTYPE_IPV4, header,
                 TcpHeader(5000, 80, 101, 1, ACK, 10), b"data")  # fmt: skip
    data = bytearray(bytes(good))
    data[57] ^= 1  # the last byte of the payload; padding follows
    gateway.gw.receive(gateway.gw.interfaces["eth0"], Frame.parse(bytes(data)), gateway.joined.now)
    assert gateway.settle() == []
    assert gateway.drops() == {"CONNTRACK_INVALID": 1}


def test_the_boxs_own_connections_and_those_of_the_inside_do_not_get_into_each_others_way() -> None:
    gateway = Gateway(MASQUERADE)
    gateway.udp(gateway.a, SERVER, 5000, 9)
    gateway.udp(gateway.gw, SERVER, 5000, 9)
    frames = [text(frame) for frame in gateway.settle()]
    own = [each for each in frames if each.startswith(f"{OUTSIDE}:") and each != f"{OUTSIDE}:5000>{SERVER}:9"]
    assert f"{OUTSIDE}:5000>{SERVER}:9" in frames and len(own) == 1


def test_a_packet_that_comes_too_early_does_not_spoil_the_port() -> None:
    gateway = Gateway(MASQUERADE)
    gateway.udp(gateway.server, OUTSIDE, 9, 5000)
    gateway.settle()
    gateway.udp(gateway.a, SERVER, 5000, 9)
    assert f"{OUTSIDE}:5000>{SERVER}:9" in [text(frame) for frame in gateway.settle()]


def test_source_none_translates_nothing_but_what_is_static() -> None:
    gateway = Gateway(NatSetup("eth1", source=KEEP, static={ip(A): ip("202.20.65.6")}))
    gateway.udp(gateway.a, SERVER, 5000, 9)
    gateway.udp(gateway.b, SERVER, 5000, 9)
    frames = [text(frame) for frame in gateway.settle()]
    assert f"202.20.65.6:5000>{SERVER}:9" in frames and f"{B}:5000>{SERVER}:9" in frames


@pytest.mark.parametrize(
    "filtering", ["endpoint-independent", "address-dependent", "address-and-port-dependent"]
)
def test_hairpin_between_two_mapped_hosts_uses_outside_addresses_on_both_sides(filtering: str) -> None:
    """RFC 4787 REQ-9: external source address and port; and the filtering class holds for neighbours as for others."""
    gateway = Gateway(NatSetup("eth1", ("eth0",), mapping=ENDPOINT_INDEPENDENT, filtering=filtering))
    gateway.udp(gateway.a, SERVER, 5000, 9)
    gateway.udp(gateway.b, SERVER, 6000, 9)
    gateway.settle()
    gateway.udp(gateway.a, OUTSIDE, 5000, 6000, b"first")
    first = [text(frame) for frame in gateway.settle() if frame.network.ttl == 63]
    if filtering == "endpoint-independent":
        assert first[0] == f"{OUTSIDE}:5000>{B}:6000"
        return
    assert first == [] and gateway.drops() == {"NAT_NO_MAPPING": 1}
    gateway.udp(gateway.b, OUTSIDE, 6000, 5000, b"second")
    second = [text(frame) for frame in gateway.settle() if frame.network.ttl == 63]
    assert second[0] == f"{OUTSIDE}:6000>{A}:5000", "a has spoken to b, so b is let in"


def test_a_redirected_connection_knows_where_it_was_meant_for() -> None:
    gateway = Gateway(NatSetup("eth1", ("eth0",), redirect={(PROTOCOL_TCP, 80): 3128}))
    gateway.tcp(gateway.a, SERVER, 5000, 80, SYN)
    frames = [text(frame) for frame in gateway.settle()]
    assert f"{SERVER}:80>{A}:5000" in frames, "the refusal of the box seems to come from the server"
    meant = gateway.filter.original_destination((PROTOCOL_TCP, ip("192.168.1.1"), 3128, ip(A), 5000))
    assert meant == (ip(SERVER), 80)
    gateway.tcp(gateway.a, "192.168.1.1", 5001, 80, SYN)
    gateway.settle()
    assert gateway.filter.original_destination((PROTOCOL_TCP, ip("192.168.1.1"), 3128, ip(A), 5001)) is None


def test_redirected_connections_of_one_client_port_to_two_servers_stay_apart() -> None:
    gateway = Gateway(NatSetup("eth1", ("eth0",), redirect={(PROTOCOL_UDP, 80): 3128}))
    gateway.udp(gateway.a, SERVER, 5000, 80)
    gateway.udp(gateway.a, "202.20.65.9", 5000, 80)
    gateway.settle()
    replies = [entry.reply.key for entry in gateway.filter.table.living()]
    assert len(replies) == 2 and len(set(replies)) == 2


def test_connections_are_forgotten_with_the_address_they_seem_to_come_from() -> None:
    gateway = Gateway(MASQUERADE)
    gateway.udp(gateway.a, SERVER, 5000, 9)
    gateway.udp(gateway.a, "192.168.1.1", 5000, 9)
    gateway.settle()
    assert len(gateway.filter.table.entries) == 2
    gateway.gw.remove_address("eth1", ip(OUTSIDE))
    gateway.gw.add_address("eth1", ip("202.20.65.6"), 24)
    (left,) = gateway.filter.table.living()
    assert left.original.key[3] == ip("192.168.1.1")
    gateway.udp(gateway.a, SERVER, 5000, 9)
    assert f"202.20.65.6:5000>{SERVER}:9" in [text(frame) for frame in gateway.settle()]


def test_masquerade_takes_no_address_that_is_lent_or_static() -> None:
    gateway = Gateway(NatSetup("eth1", ("eth0",), static={ip("192.168.1.77"): ip("202.20.65.6")}))
    gateway.gw.remove_address("eth1", ip(OUTSIDE))
    gateway.gw.add_address("eth1", ip("202.20.65.6"), 24)
    gateway.udp(gateway.a, SERVER, 5000, 9)
    gateway.settle()
    assert gateway.drops() == {"NAT_POOL_EXHAUSTED": 1}
    gateway.gw.add_address("eth1", ip("202.20.65.8"), 24)
    gateway.udp(gateway.a, SERVER, 5000, 9)
    assert f"202.20.65.8:5000>{SERVER}:9" in [text(frame) for frame in gateway.settle()]


@settings(max_examples=60, deadline=None)
@given(
    packets=st.lists(
        st.tuples(
            st.sampled_from(["a", "b"]),
            st.integers(1, 6),
            st.integers(1, 3),
            st.sampled_from(["udp", "echo"]),
        ),
        max_size=25,
    ),
    mapping=st.sampled_from(["", "endpoint-independent", "address-dependent", "address-and-port-dependent"]),
)
def test_every_answer_comes_to_the_one_who_asked_and_the_table_is_whole(
    packets: list[tuple[str, int, int, str]], mapping: str
) -> None:
    gateway = Gateway(NatSetup("eth1", ("eth0",), mapping=mapping))
    for name, port, to_port, kind in packets:
        host = gateway.joined.stacks[name]
        address = {"a": A, "b": B}[name]
        if kind == "udp":
            gateway.udp(host, SERVER, 1000 + port, to_port)
            expected = f">{address} type 3"
        else:
            gateway.echo(host, SERVER, port)
            expected = f">{address} type 0 id {port}"
        frames = gateway.settle()
        assert expected in text(frames[-1]), "the last frame is the answer, at the one who asked"
        for frame in frames:
            assert Frame.parse(bytes(frame)) == frame
        gateway.wait(2)
    table = gateway.filter.table
    assert len(table.directions) == 2 * len(table.entries)
    for entry in table.entries.values():
        assert table.directions[entry.original.key] is entry.original
        assert table.directions[entry.reply.key] is entry.reply
    gateway.wait(200)
    assert table.entries == {} and table.directions == {}
    mappings = gateway.filter.nat.mappings  # type: ignore[union-attr]
    assert mappings is None or (mappings.by_inside == {} and mappings.by_outside == {})


@settings(max_examples=100, deadline=None)
@given(
    protocol=st.sampled_from([PROTOCOL_UDP, PROTOCOL_TCP, 1]),
    addresses=st.tuples(*[st.integers(1, 0xDFFFFFFF)] * 4),
    ports=st.tuples(*[st.integers(0, 65535)] * 4),
    payload=st.binary(max_size=60),
)
def test_a_rewritten_quotation_has_right_checksums(
    protocol: int, addresses: tuple[int, ...], ports: tuple[int, ...], payload: bytes
) -> None:
    """The property: quote a packet as it is outside, rewrite it: what an inside host would have sent, bit for bit."""
    inside, server, outside, _ = addresses
    port, to_port, outside_port, _ = ports

    def packet(source: int, source_port: int) -> bytes:
        header = Ipv4Header(source, server, protocol, 61)
        transport = (
            UdpHeader(source_port, to_port) if protocol == PROTOCOL_UDP
            else TcpHeader(source_port, to_port, 1, 2, ACK, 3) if protocol == PROTOCOL_TCP
            else IcmpHeader(8, 0, source_port << 16 | 1)
        )  # fmt: skip
        return packet_bytes(header, transport, payload)

    key = (protocol, inside, port, server, 8 if protocol == 1 else to_port)
    entry = Entry(key, 1)
    entry.set_source(outside, outside_port)
    error = Frame(
        0,
        0,
        ETHERTYPE_IPV4,
        Ipv4Header(server, outside, 1, 64),
        IcmpHeader(3, 3),
        packet(outside, outside_port),
    )
    assert related.quoted_key(error) == entry.reply.key
    after = related.rewrite_quotation(error, entry.reply)
    wanted, got = packet(inside, port), bytes(after.payload)
    at = 20 + related.CHECKSUM_AT[protocol]
    assert got[:at] + got[at + 2 :] == wanted[:at] + wanted[at + 2 :]
    assert (
        int.from_bytes(got[at : at + 2], "big") % 65535 == int.from_bytes(wanted[at : at + 2], "big") % 65535
    )


CLASS = NatSetup("eth1", ("eth0",), mapping=ENDPOINT_INDEPENDENT)


def test_a_mapping_takes_no_port_that_the_boxs_own_socket_has() -> None:
    gateway = Gateway(CLASS)
    assert not isinstance(gateway.gw.ports.tcp.bind("sshd", 0, 2222), Failure)
    gateway.tcp(gateway.a, SERVER, 2222, 80, SYN)
    gateway.udp(gateway.b, SERVER, 2222, 9)
    frames = [text(frame) for frame in gateway.settle()]
    (mapped, kept) = [each for each in frames if each.startswith(f"{OUTSIDE}:") and f">{SERVER}:" in each]
    assert mapped != f"{OUTSIDE}:2222>{SERVER}:80" and kept == f"{OUTSIDE}:2222>{SERVER}:9"
    gateway.tcp(gateway.server, OUTSIDE, 7000, 2222, SYN)
    assert gateway.drops().get("NAT_NO_MAPPING") is None, "the service is reached as before"


@pytest.mark.parametrize("mapping", CLASSES)
@pytest.mark.parametrize("seconds", [0, 1])
def test_a_port_that_the_boxs_own_connection_has_is_left_to_it(mapping: str, seconds: float) -> None:
    gateway = Gateway(NatSetup("eth1", ("eth0",), mapping=mapping))
    gateway.udp(gateway.gw, SERVER, 5000, 9000)
    gateway.wait(seconds)
    gateway.udp(gateway.a, SERVER, 5000, 9000)
    frames = [text(frame) for frame in gateway.settle()]
    assert gateway.drops() == {}
    asked = [each for each in frames if each.endswith(f">{SERVER}:9000") and each.startswith(OUTSIDE)]
    assert len(set(asked)) == len(asked)


def test_a_mapping_whose_port_the_box_uses_to_the_same_peer_gives_way_to_another() -> None:
    gateway = Gateway(CLASS)
    gateway.udp(gateway.a, "202.20.65.9", 5000, 9000)
    gateway.udp(gateway.gw, SERVER, 5000, 9000)
    gateway.settle()
    gateway.udp(gateway.a, SERVER, 5000, 9000)
    frames = [text(frame) for frame in gateway.settle()]
    assert gateway.drops() == {}
    assert any(each.startswith(f"{OUTSIDE}:") and each.endswith(f">{SERVER}:9000") for each in frames)
    gateway.wait(40)
    mappings = gateway.filter.nat.mappings  # type: ignore[union-attr]
    assert mappings is not None and (mappings.by_inside, mappings.by_outside) == ({}, {})


@pytest.mark.parametrize(("filtering", "let_in"), [(ENDPOINT_INDEPENDENT, True), (ADDRESS_DEPENDENT, False)])
def test_hairpin_to_a_lent_address_is_as_from_outside(filtering: str, let_in: bool) -> None:
    """RFC 4787 REQ-9: neighbours reach each other by the addresses of the pool, under which the outside knows them."""
    lent = ("202.20.65.10", "202.20.65.11")
    gateway = Gateway(NatSetup("eth1", ("eth0",), pool=tuple(map(ip, lent)), filtering=filtering))
    gateway.udp(gateway.a, SERVER, 7000, 9)
    gateway.settle()
    taken = next(iter(gateway.filter.nat.pool.by_outside))  # type: ignore[union-attr]
    assert taken == ip(lent[0]), "a has the first"
    gateway.udp(gateway.b, lent[0], 6000, 7000)
    frames = [text(frame) for frame in gateway.settle()]
    assert (f"{lent[1]}:6000>{A}:7000" in frames) == let_in
    assert gateway.drops() == ({} if let_in else {"NAT_NO_MAPPING": 1})
