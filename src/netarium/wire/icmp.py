"""The header of ICMP for IPv4 (RFC 792; types and codes as RFC 1122, 3.2.2, and RFC 1191 have them).

Eight bytes of header for every type; what follows (echo data, the quoted packet) is the payload.
"""

from __future__ import annotations

from typing import ClassVar, Final

from netarium.wire.checksum import checksum, word_sum
from netarium.wire.icmp_header import LAYOUT, IcmpBase

ECHO_REPLY: Final = 0
DESTINATION_UNREACHABLE: Final = 3
SOURCE_QUENCH: Final = 4
REDIRECT: Final = 5
ECHO_REQUEST: Final = 8
TIME_EXCEEDED: Final = 11
PARAMETER_PROBLEM: Final = 12
TIMESTAMP_REQUEST: Final = 13
TIMESTAMP_REPLY: Final = 14

# Codes of DESTINATION_UNREACHABLE.
NETWORK_UNREACHABLE: Final = 0
HOST_UNREACHABLE: Final = 1
PROTOCOL_UNREACHABLE: Final = 2
PORT_UNREACHABLE: Final = 3
FRAGMENTATION_NEEDED: Final = 4
SOURCE_ROUTE_FAILED: Final = 5
NETWORK_PROHIBITED: Final = 9
HOST_PROHIBITED: Final = 10
COMMUNICATION_PROHIBITED: Final = 13
# Codes of TIME_EXCEEDED.
TTL_EXCEEDED: Final = 0
REASSEMBLY_TIME_EXCEEDED: Final = 1

ERROR_TYPES: Final = (DESTINATION_UNREACHABLE, SOURCE_QUENCH, REDIRECT, TIME_EXCEEDED, PARAMETER_PROBLEM)
"""Messages that quote a packet; none is ever sent about one of them (RFC 1122, 3.2.2)."""

_NAMES: Final = {
    ECHO_REPLY: "echo reply",
    DESTINATION_UNREACHABLE: "destination unreachable",
    SOURCE_QUENCH: "source quench",
    REDIRECT: "redirect",
    ECHO_REQUEST: "echo request",
    TIME_EXCEEDED: "time exceeded",
    PARAMETER_PROBLEM: "parameter problem",
    TIMESTAMP_REQUEST: "timestamp request",
    TIMESTAMP_REPLY: "timestamp reply",
}
_UNREACHABLE_NAMES: Final = {
    NETWORK_UNREACHABLE: "network unreachable",
    HOST_UNREACHABLE: "host unreachable",
    PROTOCOL_UNREACHABLE: "protocol unreachable",
    PORT_UNREACHABLE: "port unreachable",
    FRAGMENTATION_NEEDED: "fragmentation needed",
    SOURCE_ROUTE_FAILED: "source route failed",
    NETWORK_PROHIBITED: "network prohibited",
    HOST_PROHIBITED: "host prohibited",
    COMMUNICATION_PROHIBITED: "communication prohibited",
}


class IcmpHeader(IcmpBase):
    """The head of an ICMP message. `rest` is its second 32-bit word.

    Echo: identifier << 16 | sequence. FRAGMENTATION_NEEDED: the next hop's MTU in the low half. REDIRECT: the
    gateway.
    """

    __slots__ = ()

    name: ClassVar[str] = "ICMP"
    digest_mark: ClassVar[int] = 0

    @property
    def is_error(self) -> bool:
        """Whether this message quotes a packet."""
        return self.type in ERROR_TYPES

    def emit(self, payload: bytes | memoryview, pseudo: int = 0) -> bytes:
        """The 8 bytes before `payload`, checksum included. `pseudo` is not used by ICMP."""
        head = self.type << 8 | self.code
        total = head + self.rest + word_sum(payload)
        return LAYOUT.pack(self.type, self.code, checksum(total), self.rest)

    def describe(self) -> str:
        """What an engineer reads of it: `ICMP echo request id=7 seq=1`."""
        name = _NAMES.get(self.type, f"type {self.type}")
        if self.type in (ECHO_REQUEST, ECHO_REPLY):
            return f"ICMP {name} id={self.identifier} seq={self.sequence}"
        if self.type == DESTINATION_UNREACHABLE:
            name = _UNREACHABLE_NAMES.get(self.code, f"{name} code {self.code}")
            return (
                f"ICMP {name} mtu={self.rest & 0xFFFF}"
                if self.code == FRAGMENTATION_NEEDED
                else f"ICMP {name}"
            )
        return f"ICMP {name} code={self.code}"
