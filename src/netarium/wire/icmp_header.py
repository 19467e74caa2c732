"""What the headers of ICMP and ICMPv6 have in common: eight bytes, type, code, checksum and a 32-bit word."""

from __future__ import annotations

from struct import Struct
from typing import ClassVar, Final, Self
from zlib import crc32

from netarium.errors import WireError

TYPE: Final = 0
CODE: Final = 1
CHECKSUM: Final = 2
REST: Final = 4
SIZE_BYTES: Final = 8
LAYOUT: Final = Struct("!BBHI")


class IcmpBase:
    """The head of a message of either family. `rest` is its second 32-bit word."""

    __slots__ = ("code", "rest", "size_bytes", "type")

    name: ClassVar[str]
    """What an engineer calls the protocol."""
    digest_mark: ClassVar[int]
    """Stands for the checksum in a digest, so that messages of the two families differ."""

    def __init__(self, type: int, code: int, rest: int = 0) -> None:
        self.type: Final = type
        self.code: Final = code
        self.rest: Final = rest
        self.size_bytes: Final = SIZE_BYTES

    @property
    def identifier(self) -> int:
        """The identifier of an echo message."""
        return self.rest >> 16

    @property
    def sequence(self) -> int:
        """The sequence number of an echo message."""
        return self.rest & 0xFFFF

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """The header at the start of `data`, its checksum not looked at. WireError if it is cut off."""
        if len(data) < SIZE_BYTES:
            raise WireError(f"an {cls.name} message needs {SIZE_BYTES} bytes, here are {len(data)}")
        type, code, _, rest = LAYOUT.unpack_from(data)
        return cls(type, code, rest)

    def with_identifier(self, identifier: int) -> Self:
        """The same echo message with another identifier: what NAT makes of it."""
        return self.__class__(self.type, self.code, identifier << 16 | self.rest & 0xFFFF)

    def digest(self, crc: int) -> int:
        """The CRC-32 of the header's values, going on from `crc`."""
        return crc32(LAYOUT.pack(self.type, self.code, self.digest_mark, self.rest), crc)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, IcmpBase) or other.name != self.name:
            return NotImplemented
        return self.type == other.type and self.code == other.code and self.rest == other.rest

    __hash__ = None  # type: ignore[assignment]

    def describe(self) -> str:
        """What an engineer reads of it."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{self.describe()}>"
