"""The UDP-Lite header (RFC 3828): UDP whose checksum covers only as much of the datagram as its sender says.

Where UDP has the length stands the coverage, in bytes from the header's start; 0 is all of it, 1 to 7 are wrong. The
length follows from the IP packet's. A checksum of 0 is wrong too: there is no datagram without one.
"""

from __future__ import annotations

from struct import Struct
from typing import Final
from zlib import crc32

from netarium.errors import UsageError, WireError
from netarium.wire.checksum import word_sum

SOURCE_PORT: Final = 0
DESTINATION_PORT: Final = 2
COVERAGE: Final = 4
CHECKSUM: Final = 6
SIZE_BYTES: Final = 8
DATAGRAM_BYTES_MAX: Final = 65535

_LAYOUT: Final = Struct("!HHHH")


class UdpLiteHeader:
    """One UDP-Lite header. `coverage_bytes` is the field: 0 for the whole datagram, else from 8 to its length."""

    __slots__ = ("coverage_bytes", "destination_port", "size_bytes", "source_port")

    def __init__(self, source_port: int, destination_port: int, coverage_bytes: int = 0) -> None:
        if 0 < coverage_bytes < SIZE_BYTES:
            raise UsageError(
                f"a UDP-Lite coverage of {coverage_bytes} bytes; 0 for all, or at least {SIZE_BYTES}"
            )
        self.source_port: Final = source_port
        self.destination_port: Final = destination_port
        self.coverage_bytes: Final = coverage_bytes
        self.size_bytes: Final = SIZE_BYTES

    def emit(self, payload: bytes | memoryview, pseudo: int) -> bytes:
        """The 8 bytes before `payload`; `pseudo` is `checksum.pseudo_sum` over the whole length (RFC 3828 3.1)."""
        length_bytes = SIZE_BYTES + len(payload)
        if length_bytes > DATAGRAM_BYTES_MAX or self.coverage_bytes > length_bytes:
            raise UsageError(
                f"a UDP-Lite datagram of {length_bytes} bytes, {self.coverage_bytes} of them covered; "
                f"at most {DATAGRAM_BYTES_MAX}, and no more covered than there are"
            )
        covered = payload[: self.coverage_bytes - SIZE_BYTES] if self.coverage_bytes else payload
        total = pseudo + self.source_port + self.destination_port + self.coverage_bytes + word_sum(covered)
        field = -total % 65535 or 65535
        return _LAYOUT.pack(self.source_port, self.destination_port, self.coverage_bytes, field)

    @staticmethod
    def parse(data: bytes) -> UdpLiteHeader:
        """The header at the start of `data`, its checksum not looked at; what follows may be cut off.

        Raises WireError when the header is cut off or its coverage leaves out part of the header.
        """
        if len(data) < SIZE_BYTES:
            raise WireError(f"a UDP-Lite header needs {SIZE_BYTES} bytes, here are {len(data)}")
        source_port, destination_port, coverage_bytes, _ = _LAYOUT.unpack_from(data)
        if 0 < coverage_bytes < SIZE_BYTES:
            raise WireError(f"a UDP-Lite coverage of {coverage_bytes}; 0 or at least {SIZE_BYTES}")
        return UdpLiteHeader(source_port, destination_port, coverage_bytes)

    def with_ports(self, source_port: int, destination_port: int) -> UdpLiteHeader:
        """The same between other ports."""
        return UdpLiteHeader(source_port, destination_port, self.coverage_bytes)

    def digest(self, crc: int) -> int:
        """The CRC-32 of the header's values, going on from `crc`."""
        return crc32(_LAYOUT.pack(self.source_port, self.destination_port, self.coverage_bytes, 0), crc)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, UdpLiteHeader):
            return NotImplemented
        return (
            self.source_port == other.source_port
            and self.destination_port == other.destination_port
            and self.coverage_bytes == other.coverage_bytes
        )

    __hash__ = None  # type: ignore[assignment]

    def describe(self) -> str:
        """What an engineer reads of it: `UDP-Lite 4321>53 covers 20 bytes`."""
        covers = f" covers {self.coverage_bytes} bytes" if self.coverage_bytes else ""
        return f"UDP-Lite {self.source_port}>{self.destination_port}{covers}"

    def __repr__(self) -> str:
        return f"<{self.describe()}>"


def checksum_of(data: bytes) -> int:
    """The checksum field of a header."""
    return data[CHECKSUM] << 8 | data[CHECKSUM + 1]
