"""ICMP errors: whose connection they speak of, and the packet they quote as its sender knows it.

Read first: RFC 5508 section 4 (errors through a NAT: the quoted packet is translated too, its checksums stay right),
RFC 1624 (changing a checksum by what has changed).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netarium.errors import WireError
from netarium.stack.filter.entry import ICMP_ANSWERS, Key, inverted
from netarium.wire import icmpv6, ipv4
from netarium.wire.ethernet import Frame
from netarium.wire.ipv4 import OFFSET_MASK, PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, Ipv4Header
from netarium.wire.ipv6 import PROTOCOL_ICMPV6, Ipv6Header

if TYPE_CHECKING:
    from netarium.stack.filter.entry import Direction

CHECKSUM_AT: Final = {PROTOCOL_TCP: 16, PROTOCOL_UDP: 6, PROTOCOL_ICMP: 2}
"""Where the checksum stands in the quoted transport header."""
IDENTIFIER_AT: Final = 4
QUOTED_BYTES_MIN: Final = 8


def quoted_key(frame: Frame) -> Key | None:
    """The key that an answer to the quoted packet would have: the direction the error goes in. None: no such packet."""
    data = frame.payload
    try:
        quoted = Ipv4Header.parse(bytes(data))
    except WireError:
        return None
    inner = data[quoted.size_bytes :]
    if quoted.fragment & OFFSET_MASK:
        return None
    if quoted.protocol in CHECKSUM_AT and len(inner) < QUOTED_BYTES_MIN:
        return None
    if quoted.protocol in (PROTOCOL_TCP, PROTOCOL_UDP):
        one, other = int.from_bytes(inner[:2], "big"), int.from_bytes(inner[2:4], "big")
    elif quoted.protocol == PROTOCOL_ICMP:
        one, other = int.from_bytes(inner[4:6], "big"), inner[0]
        if other not in ICMP_ANSWERS:
            return _key_before_answer(quoted, one, other)
    else:
        one = other = 0
    return inverted((quoted.protocol, quoted.source, one, quoted.destination, other))


def quoted_key6(frame: Frame) -> Key | None:
    """The same for an ICMPv6 error."""
    data = bytes(frame.payload)
    try:
        quoted = Ipv6Header.parse(data)
    except WireError:
        return None
    inner = data[quoted.size_bytes :]
    if quoted.offset_bytes or len(inner) < QUOTED_BYTES_MIN:
        return None
    one = other = 0
    if quoted.protocol in (PROTOCOL_TCP, PROTOCOL_UDP):
        one, other = int.from_bytes(inner[:2], "big"), int.from_bytes(inner[2:4], "big")
    elif quoted.protocol == PROTOCOL_ICMPV6:
        one, other = int.from_bytes(inner[4:6], "big"), inner[0]
        if other == icmpv6.ECHO_REPLY:
            return (PROTOCOL_ICMPV6, quoted.destination, one, quoted.source, icmpv6.ECHO_REQUEST)
    return inverted((quoted.protocol, quoted.source, one, quoted.destination, other))


def _key_before_answer(quoted: Ipv4Header, identifier: int, icmp_type: int) -> Key | None:
    """An error about an echo reply goes in the direction of the request."""
    for query, answer in ICMP_ANSWERS.items():
        if answer == icmp_type:
            return (PROTOCOL_ICMP, quoted.destination, identifier, quoted.source, query)
    return None


def rewrite_quotation(frame: Frame, way: Direction) -> Frame:
    """The error with the quoted packet as its sender sent it. `way` is the direction in which the error goes.

    The quoted packet went the other way, so its source is where the error goes to, and its destination whence it comes.
    """
    data = bytes(frame.payload)
    quoted = Ipv4Header.parse(data)
    new = quoted.readdressed(way.to_destination, way.to_source)
    inner = bytearray(data[quoted.size_bytes :])
    changed = new.source + new.destination - quoted.source - quoted.destination
    protocol = quoted.protocol
    if protocol in (PROTOCOL_TCP, PROTOCOL_UDP):
        before = int.from_bytes(inner[:4], "big")
        inner[:4] = (way.to_destination_port << 16 | way.to_source_port).to_bytes(4, "big")
        _correct(inner, protocol, changed + int.from_bytes(inner[:4], "big") - before)
    elif protocol == PROTOCOL_ICMP:
        before = int.from_bytes(inner[IDENTIFIER_AT : IDENTIFIER_AT + 2], "big")
        # The identifier is rewritten as a source port is: a quoted request had the original's, a reply the translated.
        identifier = way.to_destination_port if way.is_reply else way.to_source_port
        inner[IDENTIFIER_AT : IDENTIFIER_AT + 2] = identifier.to_bytes(2, "big")
        _correct(inner, protocol, identifier - before)
    head = new.emit(ipv4.total_bytes_of(data) - quoted.size_bytes)
    return Frame(
        frame.destination, frame.source, frame.ethertype, frame.network, frame.transport, head + bytes(inner), None,
        frame.tag,
    )  # fmt: skip


def _correct(inner: bytearray, protocol: int, change: int) -> None:
    """RFC 1624: the checksum after the sum of what it covers has grown by `change`; 0 of UDP says there is none."""
    at = CHECKSUM_AT[protocol]
    if len(inner) < at + 2:
        return
    field = int.from_bytes(inner[at : at + 2], "big")
    if protocol == PROTOCOL_UDP and field == 0:
        return
    field = (field - change) % 65535
    if field == 0 and protocol == PROTOCOL_UDP:
        field = 65535
    inner[at : at + 2] = field.to_bytes(2, "big")
