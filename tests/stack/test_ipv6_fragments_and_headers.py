"""Fragments of IPv6 by table, and extension headers as a host and a router read them."""

from __future__ import annotations

import pytest
from tests.stack.joined import SECOND, Joined, drops
from tests.stack.joined6 import header_of, ip6, packets6, pair6, routed6

from netarium.stack.stack import Stack
from netarium.wire.ethernet import ETHERTYPE_IPV6, Frame
from netarium.wire.icmpv6 import Icmpv6Header
from netarium.wire.ipv6 import Ipv6Header
from netarium.wire.packet import transport_bytes
from netarium.wire.udp import UdpHeader

A, B = ip6("2001:db8::1"), ip6("2001:db8::2")
DATA = bytes(range(48))
WHOLE = Ipv6Header(A, B, 17, 64)
PAYLOAD = transport_bytes(WHOLE, UdpHeader(5, 9000), DATA)  # 56 bytes: 8 of header, 48 of data


def listening() -> tuple[Joined, Stack, Stack, object]:
    joined, a, b = pair6()
    endpoint = b.ipv6.udp.open6()  # type: ignore[union-attr]
    endpoint.bind(0, 9000)
    return joined, a, b, endpoint


def piece(stack: Stack, start: int, end: int, more: bool, ident: int = 1, data: bytes = b"") -> None:
    header = WHOLE.fragmented(17, start | more, ident, 0)
    interface = stack.interfaces["eth0"]
    payload = data or PAYLOAD[start:end]
    frame = Frame(interface.mac, 0x02AA, ETHERTYPE_IPV6, header, None, payload)
    stack.receive(interface, Frame.parse(bytes(frame)), stack.now)
    stack.settle()


@pytest.mark.parametrize(
    ("pieces", "arrives", "dropped"),
    [
        ([(0, 24, 1), (24, 48, 1), (48, 56, 0)], 1, {}),
        ([(48, 56, 0), (24, 48, 1), (0, 24, 1)], 1, {}),
        ([(24, 48, 1), (0, 24, 1), (48, 56, 0)], 1, {}),
        ([(0, 24, 1), (48, 56, 0)], 0, {}),
        ([(0, 24, 1), (0, 24, 1), (24, 56, 0)], 1, {"FRAGMENT_DUPLICATE": 1}),
        ([(0, 24, 1), (16, 40, 1), (40, 56, 0)], 0, {"FRAGMENT_OVERLAP": 1}),
        ([(24, 32, 0), (32, 56, 1)], 0, {"FRAGMENT_MALFORMED": 1}),
        ([(0, 20, 1)], 0, {"FRAGMENT_MALFORMED": 1}),
        ([(0, 56, 0)], 1, {}),
    ],
    ids=["order", "reverse", "mixed", "hole", "twice", "overlap", "beyond-the-last", "not-8", "atomic"],
)
def test_fragments_by_table(
    pieces: list[tuple[int, int, int]], arrives: int, dropped: dict[str, int]
) -> None:
    _, _a, b, endpoint = listening()
    for start, end, more in pieces:
        piece(b, start, end, bool(more))
    assert len(endpoint.queue) == arrives  # type: ignore[attr-defined]
    assert drops(b) == dropped
    if arrives:
        assert bytes(endpoint.receive().payload) == DATA  # type: ignore[attr-defined]


def test_the_rest_that_does_not_come_is_told_after_a_minute() -> None:
    joined, a, b, _endpoint = listening()
    a.ipv6.send_packet(0, B, 58, Icmpv6Header(128, 0), b"")  # type: ignore[union-attr]
    joined.quiesce()
    joined.take()
    piece(b, 0, 24, True)
    joined.wait(61 * SECOND)
    assert drops(b)["FRAGMENT_TIMEOUT"] == 1
    error = next(f for f in packets6(joined.take()) if f.transport.type == 3)  # type: ignore[union-attr]
    assert error.transport.code == 1  # type: ignore[union-attr]
    piece(b, 24, 48, True, ident=2)
    joined.wait(61 * SECOND)
    assert not [f for f in packets6(joined.take()) if f.transport.type == 3], (
        "without the first nobody is told"
    )  # type: ignore[union-attr]


def test_memory_for_fragments_has_an_end() -> None:
    _, _a, b, _endpoint = listening()
    b.settings.set("net.ipv6.ip6frag_high_thresh", 1000)
    for ident in range(8):
        piece(b, 0, 24, True, ident)
    assert drops(b)["FRAGMENT_MEMORY"] == 4


def test_a_first_fragment_holds_the_whole_header_chain() -> None:
    joined, _a, b, _endpoint = listening()
    header = WHOLE.fragmented(60, 1, 5, 0)
    interface = b.interfaces["eth0"]
    frame = Frame(interface.mac, 2, ETHERTYPE_IPV6, header, None, bytes((17, 5)) + bytes(6))
    b.receive(interface, frame, 0)
    assert drops(b) == {"FRAGMENT_MALFORMED": 1}
    joined.wait(2 * SECOND)
    errors = [f for f in packets6(joined.take()) if f.transport is not None and f.transport.type == 4]  # type: ignore[union-attr]
    assert [f.transport.code for f in errors] == [3]  # type: ignore[union-attr]


def test_a_packet_that_would_be_too_large_is_refused() -> None:
    joined, _a, b, _endpoint = listening()
    piece(b, 65528, 0, True, data=bytes(16))
    assert drops(b) == {"FRAGMENT_MALFORMED": 1}
    joined.wait(2 * SECOND)
    (error,) = [f for f in packets6(joined.take()) if f.transport is not None and f.transport.type == 4]  # type: ignore[union-attr]
    assert error.transport.rest == 42, "the pointer is at the offset"  # type: ignore[union-attr]


def with_headers(
    stack: Stack, first: int, extensions: bytes, destination: int = B, protocol: int = 17
) -> None:
    header = Ipv6Header(A, destination, protocol, 64, 0, 0, first, extensions)
    interface = stack.interfaces["eth0"]
    frame = Frame(interface.mac, 0x02AA, ETHERTYPE_IPV6, header, UdpHeader(5, 9000), DATA)
    stack.receive(interface, frame, stack.now)
    stack.settle()


PAD = bytes((1, 4, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("first", "extensions", "arrives", "error"),
    [
        (0, bytes((17, 0)) + PAD, 1, None),
        (60, bytes((17, 0)) + PAD, 1, None),
        (0, bytes((60, 0)) + PAD + bytes((17, 0)) + PAD, 1, None),
        (60, bytes((0, 0)) + PAD + bytes((17, 0)) + PAD, 0, (1, 40)),
        (60, bytes((17, 0)) + bytes((0x1E, 4, 0, 0, 0, 0)), 1, None),
        (60, bytes((17, 0)) + bytes((0x5E, 4, 0, 0, 0, 0)), 0, None),
        (60, bytes((17, 0)) + bytes((0x9E, 4, 0, 0, 0, 0)), 0, (2, 42)),
        (60, bytes((17, 0)) + bytes((0xDE, 4, 0, 0, 0, 0)), 0, (2, 42)),
        (60, bytes((17, 0)) + bytes((1, 9, 0, 0, 0, 0)), 0, (0, 42)),
        (43, bytes((17, 0, 0, 1)) + bytes(4), 0, (0, 42)),
        (43, bytes((17, 0, 4, 0)) + bytes(4), 1, None),
        (0, bytes((17, 0, 5, 2, 0, 0, 1, 0)), 1, None),
    ],
    ids=[
        "hop-by-hop", "destination", "both", "hop-by-hop-second", "skip", "discard", "discard-and-tell",
        "tell-unless-group", "cut-off", "routing", "routing-done", "router-alert",
    ],
)  # fmt: skip
def test_extension_headers_by_table(
    first: int, extensions: bytes, arrives: int, error: tuple[int, int] | None
) -> None:
    joined, _a, b, endpoint = listening()
    with_headers(b, first, extensions)
    assert len(endpoint.queue) == arrives  # type: ignore[attr-defined]
    assert drops(b) == ({} if arrives else {"EXTENSION_HEADER": 1})
    joined.wait(2 * SECOND)
    said = [f.transport for f in packets6(joined.take()) if f.transport is not None and f.transport.type == 4]  # type: ignore[union-attr]
    assert [(each.code, each.rest) for each in said] == ([error] if error is not None else [])  # type: ignore[union-attr]


def test_an_unknown_protocol_is_pointed_at() -> None:
    joined, _a, b, _endpoint = listening()
    interface = b.interfaces["eth0"]
    for protocol in (200, 59):
        header = Ipv6Header(A, B, protocol, 64, 0, 0, 60, bytes((protocol, 0)) + PAD)
        b.receive(interface, Frame(interface.mac, 0x02AA, ETHERTYPE_IPV6, header, None, b"x"), 0)
    joined.wait(2 * SECOND)
    said = [f.transport for f in packets6(joined.take()) if f.transport is not None and f.transport.type == 4]  # type: ignore[union-attr]
    assert [(each.code, each.rest) for each in said] == [(1, 40)], "and no next header is no error"  # type: ignore[union-attr]
    assert drops(b)["UNKNOWN_PROTOCOL"] == 2


def test_a_router_reads_hop_by_hop_options_and_no_others() -> None:
    joined, _a, r, _b = routed6()
    far = ip6("2001:db8:2::1")
    unknown = bytes((17, 0, 0x9E, 4, 0, 0, 0, 0))
    with_headers(r, 60, unknown, far)
    assert r.ipv6.forward.forwarded == 1  # type: ignore[union-attr]
    with_headers(r, 0, unknown, far)
    assert r.ipv6.forward.forwarded == 1 and drops(r)["EXTENSION_HEADER"] == 1  # type: ignore[union-attr]
    joined.quiesce()


def test_martians() -> None:
    _, _a, b, endpoint = listening()
    interface = b.interfaces["eth0"]
    wrong = [
        ("ff02::1", B),
        ("::1", B),
        ("2001:db8::1", 1),
        ("::ffff:10.0.0.1", B),
        ("2001:db8::2", B),
        ("2001:db8::1", 0),
    ]
    for source, destination in wrong:
        header = Ipv6Header(ip6(source), destination, 17, 64)
        b.receive(interface, Frame(interface.mac, 2, ETHERTYPE_IPV6, header, UdpHeader(5, 9000), b""), 0)
    assert drops(b) == {"IP_MARTIAN": len(wrong)} and not endpoint.queue  # type: ignore[attr-defined]
    assert header_of(Frame(1, 2, ETHERTYPE_IPV6, WHOLE, None, b"")) is WHOLE
