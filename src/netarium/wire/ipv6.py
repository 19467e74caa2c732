"""The IPv6 header and its extension headers (RFC 8200, sections 3 and 4; the fragment header also RFC 6946).

One value holds the fixed header and the bytes of every extension header behind it, up to the transport header or to
the data of a fragment. The payload length is no field of the value: it follows from what the packet carries. Names are
those of `ipv4` where the meaning is the same: `protocol` is the upper-layer protocol, `ttl` the hop limit, `tos` the
traffic class, so that transports read either family's header.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Final

from netarium.addresses import ipv6_text
from netarium.errors import UsageError, WireError

SIZE_BYTES: Final = 40
PAYLOAD_BYTES_MAX: Final = 65535
PACKET_BYTES_MAX: Final = SIZE_BYTES + PAYLOAD_BYTES_MAX
MTU_MIN: Final = 1280
"""RFC 8200, 5: every link carries packets of this size."""

HOP_BY_HOP: Final = 0
ROUTING: Final = 43
FRAGMENT: Final = 44
AUTHENTICATION: Final = 51
PROTOCOL_ICMPV6: Final = 58
NO_NEXT_HEADER: Final = 59
DESTINATION_OPTIONS: Final = 60
MOBILITY: Final = 135
HOST_IDENTITY: Final = 139
SHIM6: Final = 140
EXTENSION_HEADERS: Final = (
    HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION_OPTIONS, MOBILITY, HOST_IDENTITY, SHIM6
)  # fmt: skip
"""The extension headers of the IANA registry whose length can be told (ESP's cannot: it ends the chain)."""

FRAGMENT_HEADER_BYTES: Final = 8
MORE_FRAGMENTS: Final = 1
"""The flag within the 16-bit field of a fragment header."""
OFFSET_MASK: Final = 0xFFF8
"""The offset within that field, in bytes: its lowest three bits are flag and reserve."""
NOT_FRAGMENTED: Final = -1

NEXT_HEADER: Final = 6
"""Where the fixed header names what follows it."""

_FIXED: Final = Struct("!IHBB")
_FRAGMENT: Final = Struct("!BBHI")
_PROTOCOL_NAMES: Final = {6: "TCP", 17: "UDP", PROTOCOL_ICMPV6: "ICMPv6", NO_NEXT_HEADER: "no next header"}
_HALF: Final = (1 << 64) - 1
_HALVES: Final = Struct("!QQQQ")


class Ipv6Header:
    """One IPv6 header with its extension headers.

    `source` and `destination` are 128-bit integers. `extensions` are the bytes of the extension headers; `first` is the
    type of the first of them, the fixed header's next header field (with none: `protocol`). `fragment` is the 16-bit
    field of a fragment header among them (offset in bytes | MORE_FRAGMENTS), NOT_FRAGMENTED without one; the header
    of a fragment ends with it, and `protocol` is then what its next header field says.
    """

    __slots__ = (
        "destination", "extensions", "first", "flow_label", "fragment", "identification", "protocol", "size_bytes",
        "source", "tos", "ttl",
    )  # fmt: skip

    def __init__(
        self,
        source: int,
        destination: int,
        protocol: int,
        ttl: int,
        tos: int = 0,
        flow_label: int = 0,
        first: int = -1,
        extensions: bytes = b"",
        fragment: int = NOT_FRAGMENTED,
        identification: int = 0,
    ) -> None:
        self.source: Final = source
        self.destination: Final = destination
        self.protocol: Final = protocol
        self.ttl: Final = ttl
        self.tos: Final = tos
        self.flow_label: Final = flow_label
        self.first: Final = protocol if first < 0 else first
        self.extensions: Final = extensions
        self.fragment: Final = fragment
        self.identification: Final = identification
        self.size_bytes: Final = SIZE_BYTES + len(extensions)

    @property
    def is_fragment(self) -> bool:
        """Whether this is a part of a packet; a fragment header alone (offset 0, the last) makes none (RFC 6946)."""
        return self.fragment > 0 and self.fragment & (OFFSET_MASK | MORE_FRAGMENTS) != 0

    @property
    def offset_bytes(self) -> int:
        """Where in the fragmentable part of the original packet this fragment's data begins."""
        return self.fragment & OFFSET_MASK if self.fragment > 0 else 0

    def emit(self, carried_bytes: int) -> bytes:
        """The header of a packet that carries `carried_bytes` after it."""
        payload_bytes = len(self.extensions) + carried_bytes
        if payload_bytes > PAYLOAD_BYTES_MAX:
            raise UsageError(f"an IPv6 payload of {payload_bytes} bytes; at most {PAYLOAD_BYTES_MAX}")
        return b"".join(
            (
                _FIXED.pack(6 << 28 | self.tos << 20 | self.flow_label, payload_bytes, self.first, self.ttl),
                (self.source << 128 | self.destination).to_bytes(32, "big"),
                self.extensions,
            )
        )

    @staticmethod
    def parse(data: bytes) -> Ipv6Header:
        """The header at the start of `data`; what follows may be cut off, as in the quotation of an ICMP error.

        Raises WireError when the fixed header or an extension header is cut off, or is not version 6.
        """
        if len(data) < SIZE_BYTES:
            raise WireError(f"an IPv6 header needs {SIZE_BYTES} bytes, here are {len(data)}")
        start, _, first, ttl = _FIXED.unpack_from(data)
        if start >> 28 != 6:
            raise WireError(f"IP version {start >> 28} where 6 was announced")
        addresses = int.from_bytes(data[8:SIZE_BYTES], "big")
        source, destination = addresses >> 128, addresses & ((1 << 128) - 1)
        tos, flow_label = start >> 20 & 0xFF, start & 0xFFFFF
        if first not in EXTENSION_HEADERS:
            return Ipv6Header(source, destination, first, ttl, tos, flow_label)
        protocol, end, fragment, identification = _walk(data, first)
        return Ipv6Header(
            source, destination, protocol, ttl, tos, flow_label, first, bytes(data[SIZE_BYTES:end]), fragment,
            identification,
        )  # fmt: skip

    def forwarded(self) -> Ipv6Header:
        """The same with one hop less to live. The caller has seen that `ttl` is above 1."""
        return Ipv6Header(
            self.source, self.destination, self.protocol, self.ttl - 1, self.tos, self.flow_label, self.first,
            self.extensions, self.fragment, self.identification,
        )  # fmt: skip

    def readdressed(self, source: int, destination: int) -> Ipv6Header:
        """The same between other addresses."""
        return Ipv6Header(
            source, destination, self.protocol, self.ttl, self.tos, self.flow_label, self.first, self.extensions,
            self.fragment, self.identification,
        )  # fmt: skip

    def fragmented(self, protocol: int, fragment: int, identification: int, kept_bytes: int) -> Ipv6Header:
        """The header of one fragment (RFC 8200, 4.5): the first `kept_bytes` of the extensions, then a fragment header.

        `protocol` is the type of what the fragmentable part begins with.
        """
        kept, first = relink(self.first, self.extensions[:kept_bytes], FRAGMENT)
        last = _FRAGMENT.pack(protocol, 0, fragment, identification)
        return Ipv6Header(
            self.source, self.destination, protocol, self.ttl, self.tos, self.flow_label, first, kept + last,
            fragment, identification,
        )  # fmt: skip

    def extension_headers(self) -> Iterator[tuple[int, int, bytes]]:
        """(type, where it begins within the packet, its bytes) of each extension header, in order."""
        kind, at = self.first, 0
        while at < len(self.extensions):
            size = _size_of(kind, self.extensions, at)
            yield kind, SIZE_BYTES + at, self.extensions[at : at + size]
            kind = self.extensions[at]
            at += size

    def digest_bytes(self) -> bytes:
        """All values, for the digest of a frame."""
        return (
            _HALVES.pack(
                self.source >> 64, self.source & _HALF, self.destination >> 64, self.destination & _HALF
            )
            + _FIXED.pack(self.tos << 20 | self.flow_label, 0, self.first, self.ttl)
            + self.extensions
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ipv6Header):
            return NotImplemented
        return (
            self.source == other.source
            and self.destination == other.destination
            and self.protocol == other.protocol
            and self.ttl == other.ttl
            and self.tos == other.tos
            and self.flow_label == other.flow_label
            and self.first == other.first
            and self.extensions == other.extensions
            and self.fragment == other.fragment
            and self.identification == other.identification
        )

    __hash__ = None  # type: ignore[assignment]

    def describe(self) -> str:
        """What an engineer reads of it: `IPv6 2001:db8::1>2001:db8::2 hlim=64`."""
        text = f"IPv6 {ipv6_text(self.source)}>{ipv6_text(self.destination)} hlim={self.ttl}"
        if self.is_fragment:
            more = "+" if self.fragment & MORE_FRAGMENTS else ""
            text += f" fragment={self.identification}@{self.offset_bytes}{more}"
        if self.tos:
            text += f" tclass={self.tos:#04x}"
        if self.extensions and not self.is_fragment:
            text += " headers=" + ",".join(str(kind) for kind, _, _ in self.extension_headers())
        return text

    def __repr__(self) -> str:
        protocol = _PROTOCOL_NAMES.get(self.protocol, f"protocol {self.protocol}")
        return f"<{self.describe()} {protocol}>"


def payload_bytes_of(data: bytes) -> int:
    """The payload length that a header claims for its packet, extension headers included."""
    return data[4] << 8 | data[5]


def relink(first: int, extensions: bytes, protocol: int) -> tuple[bytes, int]:
    """(extensions, first): the chain with its last next-header field changed to `protocol`."""
    if not extensions:
        return b"", protocol
    kind, at = first, 0
    while True:
        size = _size_of(kind, extensions, at)
        if at + size >= len(extensions):
            return extensions[:at] + bytes((protocol,)) + extensions[at + 1 :], first
        kind = extensions[at]
        at += size


def _walk(data: bytes, kind: int) -> tuple[int, int, int, int]:
    """Along the chain: (upper-layer protocol, where the headers end, fragment field, identification)."""
    at = SIZE_BYTES
    fragment, identification = NOT_FRAGMENTED, 0
    while kind in EXTENSION_HEADERS:
        if at + 8 > len(data) or at + _size_of(kind, data, at) > len(data):
            raise WireError(f"extension header {kind} is cut off at byte {at} of {len(data)}")
        size = _size_of(kind, data, at)
        if kind == FRAGMENT:
            kind, _, fragment, identification = _FRAGMENT.unpack_from(data, at)
            at += size
            if fragment & (OFFSET_MASK | MORE_FRAGMENTS):
                break
        else:
            kind = data[at]
            at += size
    return kind, at, fragment, identification


def _size_of(kind: int, data: bytes, at: int) -> int:
    if kind == FRAGMENT:
        return FRAGMENT_HEADER_BYTES
    if kind == AUTHENTICATION:
        return (data[at + 1] + 2) << 2
    return (data[at + 1] + 1) << 3
