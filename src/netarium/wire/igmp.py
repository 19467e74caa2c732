"""IGMP version 2 (RFC 2236, section 2): eight bytes in an IPv4 packet of protocol 2."""

from __future__ import annotations

from struct import Struct
from typing import Final

from netarium.errors import WireError
from netarium.wire.checksum import checksum, checksum_fits, word_sum

PROTOCOL_IGMP: Final = 2
QUERY: Final = 0x11
REPORT_V1: Final = 0x12
REPORT: Final = 0x16
LEAVE: Final = 0x17
SIZE_BYTES: Final = 8
_LAYOUT: Final = Struct("!BBHI")


class IgmpMessage:
    """A message: `response` is the most time to answer a query, in tenths of a second; `group` 0 asks for all."""

    __slots__ = ("group", "response", "type")

    def __init__(self, type: int, response: int, group: int) -> None:
        self.type: Final = type
        self.response: Final = response
        self.group: Final = group

    def emit(self) -> bytes:
        """The message, checksum included."""
        total = (self.type << 8 | self.response) + self.group
        return _LAYOUT.pack(self.type, self.response, checksum(total), self.group)

    @staticmethod
    def parse(data: bytes) -> IgmpMessage:
        """The message in `data`. Raises WireError when it is cut off or its checksum is wrong."""
        if len(data) < SIZE_BYTES:
            raise WireError(f"an IGMP message needs {SIZE_BYTES} bytes, here are {len(data)}")
        if not checksum_fits(word_sum(data)):
            raise WireError("the IGMP checksum is wrong")
        type, response, _, group = _LAYOUT.unpack_from(data)
        return IgmpMessage(type, response, group)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, IgmpMessage):
            return NotImplemented
        return (self.type, self.response, self.group) == (other.type, other.response, other.group)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<IGMP type {self.type:#04x} group {self.group:#010x}>"
