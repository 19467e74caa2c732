"""The IPv4 header (RFC 791, 3.1; RFC 1122, 3.2.1; the TOS byte as RFC 2474 and 3168 have it).

The total length is not a field of the value: it follows from what the packet carries, and `emit` is told it.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from netarium.addresses import ipv4_text
from netarium.errors import UsageError, WireError
from netarium.wire.checksum import checksum_fits, word_sum

VERSION_AND_HEADER_LENGTH: Final = 0
TOS: Final = 1
TOTAL_LENGTH: Final = 2
IDENTIFICATION: Final = 4
FRAGMENT: Final = 6
TTL: Final = 8
PROTOCOL: Final = 9
CHECKSUM: Final = 10
SOURCE: Final = 12
DESTINATION: Final = 16
OPTIONS: Final = 20
SIZE_BYTES_MIN: Final = 20
SIZE_BYTES_MAX: Final = 60
PACKET_BYTES_MAX: Final = 65535

PROTOCOL_ICMP: Final = 1
PROTOCOL_TCP: Final = 6
PROTOCOL_UDP: Final = 17
PROTOCOL_UDPLITE: Final = 136

DONT_FRAGMENT: Final = 0x4000
MORE_FRAGMENTS: Final = 0x2000
OFFSET_MASK: Final = 0x1FFF
"""The fragment offset within the 16-bit field, in units of 8 bytes."""
_IS_FRAGMENT: Final = MORE_FRAGMENTS | OFFSET_MASK

_LAYOUT: Final = Struct("!BBHHHBBHII")
_PROTOCOL_NAMES: Final = {
    PROTOCOL_ICMP: "ICMP",
    PROTOCOL_TCP: "TCP",
    PROTOCOL_UDP: "UDP",
    PROTOCOL_UDPLITE: "UDP-Lite",
}


class Ipv4Header:
    """One IPv4 header.

    `source` and `destination` are 32-bit integers; `fragment` is the 16-bit field of flags and offset
    (DONT_FRAGMENT, MORE_FRAGMENTS, offset in units of 8 bytes); `options` are the raw bytes after the first
    20, padded with zeros to a multiple of four.
    """

    __slots__ = (
        "destination",
        "fragment",
        "identification",
        "options",
        "protocol",
        "size_bytes",
        "source",
        "tos",
        "ttl",
    )

    def __init__(
        self,
        source: int,
        destination: int,
        protocol: int,
        ttl: int,
        identification: int = 0,
        fragment: int = DONT_FRAGMENT,
        tos: int = 0,
        options: bytes = b"",
    ) -> None:
        self.source: Final = source
        self.destination: Final = destination
        self.protocol: Final = protocol
        self.ttl: Final = ttl
        self.identification: Final = identification
        self.fragment: Final = fragment
        self.tos: Final = tos
        if options:
            options = _padded(options)
            self.options = options
            self.size_bytes = SIZE_BYTES_MIN + len(options)
        else:
            self.options = b""
            self.size_bytes = SIZE_BYTES_MIN

    @property
    def is_fragment(self) -> bool:
        """Whether this is a part of a packet: it has an offset, or more fragments follow."""
        return self.fragment & _IS_FRAGMENT != 0

    @property
    def offset_bytes(self) -> int:
        """Where in the original packet's data this fragment's data begins."""
        return (self.fragment & OFFSET_MASK) << 3

    def emit(self, carried_bytes: int) -> bytes:
        """The header, checksum included, of a packet that carries `carried_bytes` after it."""
        options = self.options
        version = 0x40 | self.size_bytes >> 2
        total_bytes = self.size_bytes + carried_bytes
        if total_bytes > PACKET_BYTES_MAX:
            raise UsageError(f"an IPv4 packet of {total_bytes} bytes; at most {PACKET_BYTES_MAX}")
        total = (
            (version << 8 | self.tos)
            + total_bytes
            + self.identification
            + self.fragment
            + (self.ttl << 8 | self.protocol)
            + self.source
            + self.destination
        )
        if options:
            total += word_sum(options)
        head = _LAYOUT.pack(
            version,
            self.tos,
            total_bytes,
            self.identification,
            self.fragment,
            self.ttl,
            self.protocol,
            -total % 65535,
            self.source,
            self.destination,
        )
        return head + options if options else head

    @staticmethod
    def parse(data: bytes) -> Ipv4Header:
        """The header at the start of `data`, its checksum not looked at (see `checksum_is_right`).

        What follows may be cut off, as in the quotation of an ICMP error. Raises WireError when the header
        itself is cut off, is not version 4, or its lengths cannot be.
        """
        if len(data) < SIZE_BYTES_MIN:
            raise WireError(f"an IPv4 header needs {SIZE_BYTES_MIN} bytes, here are {len(data)}")
        version, tos, total_bytes, identification, fragment, ttl, protocol, _, source, destination = (
            _LAYOUT.unpack_from(data)
        )
        size_bytes = (version & 0xF) << 2
        if version >> 4 != 4:
            raise WireError(f"IP version {version >> 4} where 4 was announced")
        if size_bytes < SIZE_BYTES_MIN or size_bytes > len(data):
            raise WireError(f"an IPv4 header of {size_bytes} bytes within {len(data)}")
        if total_bytes < size_bytes:
            raise WireError(f"an IPv4 total length of {total_bytes} with a header of {size_bytes} bytes")
        options = b"" if size_bytes == SIZE_BYTES_MIN else bytes(data[SIZE_BYTES_MIN:size_bytes])
        return Ipv4Header(source, destination, protocol, ttl, identification, fragment, tos, options)

    def forwarded(self) -> Ipv4Header:
        """The same with one hop less to live (RFC 1812, 5.3.1). The caller has seen that `ttl` is above 1."""
        return Ipv4Header(
            self.source,
            self.destination,
            self.protocol,
            self.ttl - 1,
            self.identification,
            self.fragment,
            self.tos,
            self.options,
        )

    def readdressed(self, source: int, destination: int) -> Ipv4Header:
        """The same between other addresses: what NAT makes of it."""
        return Ipv4Header(
            source,
            destination,
            self.protocol,
            self.ttl,
            self.identification,
            self.fragment,
            self.tos,
            self.options,
        )

    def fragmented(self, fragment: int, options: bytes) -> Ipv4Header:
        """The header of one fragment: another fragment field, and the options that this fragment repeats."""
        return Ipv4Header(
            self.source,
            self.destination,
            self.protocol,
            self.ttl,
            self.identification,
            fragment,
            self.tos,
            options,
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ipv4Header):
            return NotImplemented
        return (
            self.source == other.source
            and self.destination == other.destination
            and self.protocol == other.protocol
            and self.ttl == other.ttl
            and self.identification == other.identification
            and self.fragment == other.fragment
            and self.tos == other.tos
            and self.options == other.options
        )

    __hash__ = None  # type: ignore[assignment]

    def describe(self) -> str:
        """What an engineer reads of it: `IPv4 10.0.0.1>10.0.0.2 ttl=64`."""
        text = f"IPv4 {ipv4_text(self.source)}>{ipv4_text(self.destination)} ttl={self.ttl}"
        if self.is_fragment:
            more = "+" if self.fragment & MORE_FRAGMENTS else ""
            text += f" fragment={self.identification}@{self.offset_bytes}{more}"
        if self.tos:
            text += f" tos={self.tos:#04x}"
        if self.options:
            text += f" options={self.options.hex()}"
        return text

    def __repr__(self) -> str:
        protocol = _PROTOCOL_NAMES.get(self.protocol, f"protocol {self.protocol}")
        return f"<{self.describe()} {protocol}>"


def total_bytes_of(data: bytes) -> int:
    """The total length that a header claims for its packet, in bytes; `data` has been parsed as a header."""
    return data[TOTAL_LENGTH] << 8 | data[TOTAL_LENGTH + 1]


def header_bytes_of(data: bytes) -> int:
    """The length that a header claims for itself, in bytes, at most 60."""
    return (data[VERSION_AND_HEADER_LENGTH] & 0xF) << 2


def checksum_is_right(data: bytes) -> bool:
    """Whether the header at the start of `data`, which parses, has the right checksum."""
    return checksum_fits(word_sum(data[: header_bytes_of(data)]))


def _padded(options: bytes) -> bytes:
    """Options with end-of-list bytes up to a multiple of four (RFC 791, Padding)."""
    if len(options) > SIZE_BYTES_MAX - SIZE_BYTES_MIN:
        raise UsageError(f"{len(options)} bytes of IPv4 options; at most {SIZE_BYTES_MAX - SIZE_BYTES_MIN}")
    return options + bytes(-len(options) % 4)
