"""Cutting IPv6 packets at their source, and putting them together again.

Read first: RFC 8200 4.5 (fragment header), RFC 5722 (overlaps end the packet), RFC 6946 (atomic fragments), RFC 7112
(the whole header chain is in the first fragment). The holes are kept as in `fragments`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from netarium.addresses import ipv6_text
from netarium.errors import WireError
from netarium.journey import Drop
from netarium.stack.fragments import Reassembler
from netarium.wire.ethernet import ETHERTYPE_IPV6, Frame, open_ipv6
from netarium.wire.icmpv6 import (
    ERRONEOUS_HEADER,
    INCOMPLETE_HEADER_CHAIN,
    PARAMETER_PROBLEM,
    REASSEMBLY_TIME_EXCEEDED,
    TIME_EXCEEDED,
)
from netarium.wire.ipv6 import (
    DESTINATION_OPTIONS,
    EXTENSION_HEADERS,
    FRAGMENT_HEADER_BYTES,
    HOP_BY_HOP,
    MORE_FRAGMENTS,
    NO_NEXT_HEADER,
    PAYLOAD_BYTES_MAX,
    ROUTING,
    SIZE_BYTES,
    Ipv6Header,
    relink,
)
from netarium.wire.packet import transport_bytes

if TYPE_CHECKING:
    from netarium.stack.interface import Interface
    from netarium.stack.ipv6 import Ipv6

TRANSPORT_BYTES_MIN: Final = 8


def fragment_packet(frame: Frame, mtu: int, identification: int) -> list[Frame]:
    """The packet in `frame` as fragments of at most `mtu` bytes each, in order; MACs are kept."""
    header = frame.network
    assert type(header) is Ipv6Header
    kept, protocol = _unfragmentable(header)
    rest = header.extensions[kept:]
    data = memoryview(rest + transport_bytes(header, frame.transport, frame.payload))
    if SIZE_BYTES + kept + len(data) <= mtu:
        return [frame]
    room = mtu - SIZE_BYTES - kept - FRAGMENT_HEADER_BYTES & ~7
    pieces: list[Frame] = []
    for start in range(0, len(data), room):
        more = MORE_FRAGMENTS if start + room < len(data) else 0
        piece = header.fragmented(protocol, start | more, identification, kept)
        pieces.append(
            Frame(frame.destination, frame.source, ETHERTYPE_IPV6, piece, None, data[start : start + room])
        )
    return pieces


def _unfragmentable(header: Ipv6Header) -> tuple[int, int]:
    """(bytes of extension headers that every fragment repeats, type of what follows them): RFC 8200 4.5."""
    kept, protocol = 0, header.first
    for kind, at, data in header.extension_headers():
        if kind in (HOP_BY_HOP, ROUTING):
            kept, protocol = at - SIZE_BYTES + len(data), data[0]
    return kept, protocol


class Ipv6Reassembler(Reassembler):
    """The IPv6 packets of one host that wait for fragments. Keyed by source, destination and identification."""

    __slots__ = ("ipv6",)

    family: ClassVar[str] = "ipv6"

    def __init__(self, ipv6: Ipv6) -> None:
        super().__init__(ipv6.stack)
        self.ipv6 = ipv6

    def receive(self, frame: Frame, header: Ipv6Header, interface: Interface) -> Frame | None:
        """Take one fragment. The whole packet when it was the last that was missing, else None."""
        start = header.offset_bytes
        data = frame.payload
        is_last = not header.fragment & MORE_FRAGMENTS
        end = start + len(data)
        if not is_last and len(data) & 7:
            self._malformed(frame, 4, f"{len(data)} bytes in a fragment that is not the last", interface)
            return None
        if end + header.size_bytes - SIZE_BYTES - FRAGMENT_HEADER_BYTES > PAYLOAD_BYTES_MAX:
            pointer = header.size_bytes - FRAGMENT_HEADER_BYTES + 2
            self._malformed(frame, pointer, f"bytes {start} to {end}", interface)
            return None
        if end == start:
            self.stack.drop(Drop.FRAGMENT_MALFORMED, frame, "a fragment without data")
            return None
        if start == 0 and not _has_whole_chain(header.protocol, bytes(data)):
            self.stack.drop(Drop.FRAGMENT_MALFORMED, frame, "the header chain goes on in another fragment")
            self.ipv6.icmp.send_error(frame, PARAMETER_PROBLEM, INCOMPLETE_HEADER_CHAIN, 0, interface)
            return None
        return self.take(
            (header.source, header.destination, -1, header.identification), frame, start, data, is_last
        )

    def _malformed(self, frame: Frame, pointer: int, detail: str, interface: Interface) -> None:
        self.stack.drop(Drop.FRAGMENT_MALFORMED, frame, detail)
        self.ipv6.icmp.send_error(frame, PARAMETER_PROBLEM, ERRONEOUS_HEADER, pointer, interface)

    def limits(self) -> tuple[int, int]:
        """(seconds a packet waits for the rest, bytes that all of them may hold)."""
        settings = self.stack.settings
        return settings.ipv6_ip6frag_time, settings.ipv6_ip6frag_high_thresh

    @staticmethod
    def source_text(address: int) -> str:
        """An address of the family as text."""
        return ipv6_text(address)

    def join(self, first: Frame, data: bytes, mark: int = 0) -> Frame | None:
        """The packet without fragment header, read again from its bytes; None, and a drop, when it cannot be."""
        head = first.network
        assert type(head) is Ipv6Header
        kept, first_kind = relink(head.first, head.extensions[:-FRAGMENT_HEADER_BYTES], head.protocol)
        header = Ipv6Header(
            head.source,
            head.destination,
            head.protocol,
            head.ttl,
            head.tos | mark,
            head.flow_label,
            first_kind,
            kept,
        )
        if len(kept) + len(data) > PAYLOAD_BYTES_MAX:
            # Each fragment was small enough with its own extension headers; the first may have more of them.
            self.stack.drop(Drop.FRAGMENT_MALFORMED, first, f"{len(kept) + len(data)} bytes in all")
            return None
        network, transport, payload, fault = open_ipv6(header.emit(len(data)) + data)
        whole = Frame(first.destination, first.source, ETHERTYPE_IPV6, network, transport, payload, fault)
        if type(network) is not Ipv6Header or network.is_fragment:
            self.stack.drop(fault or Drop.FRAGMENT_MALFORMED, whole, "a fragment within fragments")
            return None
        return whole

    def tell_late(self, first: Frame) -> None:
        """The sender of the first fragment learns that the others did not come (RFC 8200 4.5)."""
        self.ipv6.icmp.send_error(first, TIME_EXCEEDED, REASSEMBLY_TIME_EXCEEDED, 0, self.stack.lo)


def _has_whole_chain(protocol: int, data: bytes) -> bool:
    """RFC 7112: a first fragment holds every extension header and the start of the transport header."""
    if protocol not in EXTENSION_HEADERS:
        return protocol == NO_NEXT_HEADER or len(data) >= TRANSPORT_BYTES_MIN
    try:
        header = Ipv6Header.parse(Ipv6Header(0, 0, protocol, 0).emit(len(data)) + data)
    except WireError:
        return False
    return SIZE_BYTES + len(data) >= header.size_bytes + TRANSPORT_BYTES_MIN or (
        header.protocol == NO_NEXT_HEADER or header.protocol == DESTINATION_OPTIONS
    )
