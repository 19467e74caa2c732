"""The UDP header (RFC 768; RFC 1122, 4.1.3; over IPv6 RFC 8200, 8.1).

The length is not a field of the value: it follows from the payload.
"""

from __future__ import annotations

from struct import Struct
from typing import Final
from zlib import crc32

from netarium.errors import UsageError, WireError
from netarium.wire.checksum import word_sum

SOURCE_PORT: Final = 0
DESTINATION_PORT: Final = 2
LENGTH: Final = 4
CHECKSUM: Final = 6
SIZE_BYTES: Final = 8
DATAGRAM_BYTES_MAX: Final = 65535

_LAYOUT: Final = Struct("!HHHH")


class UdpHeader:
    """One UDP header. `unchecked`: the checksum field is 0, the sender did not compute one (IPv4 only)."""

    __slots__ = ("destination_port", "size_bytes", "source_port", "unchecked")

    def __init__(self, source_port: int, destination_port: int, unchecked: bool = False) -> None:
        self.source_port: Final = source_port
        self.destination_port: Final = destination_port
        self.unchecked: Final = unchecked
        self.size_bytes: Final = SIZE_BYTES

    def emit(self, payload: bytes | memoryview, pseudo: int) -> bytes:
        """The 8 bytes before `payload`; `pseudo` is `checksum.pseudo_sum`. A checksum of 0 goes as 65535."""
        length_bytes = SIZE_BYTES + len(payload)
        if length_bytes > DATAGRAM_BYTES_MAX:
            raise UsageError(f"a UDP datagram of {length_bytes} bytes; at most {DATAGRAM_BYTES_MAX}")
        field = 0
        if not self.unchecked:
            total = pseudo + self.source_port + self.destination_port + length_bytes + word_sum(payload)
            field = -total % 65535 or 65535
        return _LAYOUT.pack(self.source_port, self.destination_port, length_bytes, field)

    @staticmethod
    def parse(data: bytes) -> UdpHeader:
        """The header at the start of `data`, its checksum not looked at; what follows may be cut off.

        Raises WireError when the header is cut off or claims a length below 8.
        """
        if len(data) < SIZE_BYTES:
            raise WireError(f"a UDP header needs {SIZE_BYTES} bytes, here are {len(data)}")
        source_port, destination_port, length_bytes, field = _LAYOUT.unpack_from(data)
        if length_bytes < SIZE_BYTES:
            raise WireError(f"a UDP length of {length_bytes}; at least {SIZE_BYTES}")
        return UdpHeader(source_port, destination_port, field == 0)

    def with_ports(self, source_port: int, destination_port: int) -> UdpHeader:
        """The same between other ports: what NAT makes of it."""
        return UdpHeader(source_port, destination_port, self.unchecked)

    def digest(self, crc: int) -> int:
        """The CRC-32 of the header's values, going on from `crc`."""
        return crc32(_LAYOUT.pack(self.source_port, self.destination_port, 0, self.unchecked), crc)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, UdpHeader):
            return NotImplemented
        return (
            self.source_port == other.source_port
            and self.destination_port == other.destination_port
            and self.unchecked == other.unchecked
        )

    __hash__ = None  # type: ignore[assignment]

    def describe(self) -> str:
        """What an engineer reads of it: `UDP 4321>53`."""
        return f"UDP {self.source_port}>{self.destination_port}" + (" unchecked" if self.unchecked else "")

    def __repr__(self) -> str:
        return f"<{self.describe()}>"


def length_bytes_of(data: bytes) -> int:
    """The length that a header claims for its datagram, header included."""
    return data[LENGTH] << 8 | data[LENGTH + 1]
