"""The header of ICMPv6 (RFC 4443; neighbour discovery RFC 4861; MLD RFC 2710 and 3810).

Eight bytes for every type; what follows (echo data, the quoted packet, a target address and options) is the payload.
"""

from __future__ import annotations

from typing import ClassVar, Final

from netarium.wire.checksum import checksum, word_sum
from netarium.wire.icmp_header import LAYOUT, IcmpBase

DESTINATION_UNREACHABLE: Final = 1
PACKET_TOO_BIG: Final = 2
TIME_EXCEEDED: Final = 3
PARAMETER_PROBLEM: Final = 4
ECHO_REQUEST: Final = 128
ECHO_REPLY: Final = 129
MLD_QUERY: Final = 130
MLD_REPORT: Final = 131
MLD_DONE: Final = 132
ROUTER_SOLICITATION: Final = 133
ROUTER_ADVERTISEMENT: Final = 134
NEIGHBOR_SOLICITATION: Final = 135
NEIGHBOR_ADVERTISEMENT: Final = 136
REDIRECT: Final = 137
MLD_REPORT_V2: Final = 143

# Codes of DESTINATION_UNREACHABLE.
NO_ROUTE: Final = 0
PROHIBITED: Final = 1
BEYOND_SCOPE: Final = 2
ADDRESS_UNREACHABLE: Final = 3
PORT_UNREACHABLE: Final = 4
SOURCE_POLICY: Final = 5
REJECT_ROUTE: Final = 6
# Codes of TIME_EXCEEDED.
HOP_LIMIT_EXCEEDED: Final = 0
REASSEMBLY_TIME_EXCEEDED: Final = 1
# Codes of PARAMETER_PROBLEM.
ERRONEOUS_HEADER: Final = 0
UNKNOWN_NEXT_HEADER: Final = 1
UNKNOWN_OPTION: Final = 2
INCOMPLETE_HEADER_CHAIN: Final = 3
# Flags of a neighbour advertisement, in `rest`.
NA_ROUTER: Final = 1 << 31
NA_SOLICITED: Final = 1 << 30
NA_OVERRIDE: Final = 1 << 29

INFORMATIONAL: Final = 128
"""Types below are errors, which quote a packet; none is ever sent about one of them (RFC 4443, 2.4)."""

_NAMES: Final = {
    DESTINATION_UNREACHABLE: "destination unreachable",
    PACKET_TOO_BIG: "packet too big",
    TIME_EXCEEDED: "time exceeded",
    PARAMETER_PROBLEM: "parameter problem",
    ECHO_REQUEST: "echo request",
    ECHO_REPLY: "echo reply",
    MLD_QUERY: "MLD query",
    MLD_REPORT: "MLD report",
    MLD_DONE: "MLD done",
    ROUTER_SOLICITATION: "router solicitation",
    ROUTER_ADVERTISEMENT: "router advertisement",
    NEIGHBOR_SOLICITATION: "neighbor solicitation",
    NEIGHBOR_ADVERTISEMENT: "neighbor advertisement",
    REDIRECT: "redirect",
    MLD_REPORT_V2: "MLDv2 report",
}
_UNREACHABLE_NAMES: Final = {
    NO_ROUTE: "no route to destination",
    PROHIBITED: "administratively prohibited",
    BEYOND_SCOPE: "beyond scope of source address",
    ADDRESS_UNREACHABLE: "address unreachable",
    PORT_UNREACHABLE: "port unreachable",
    SOURCE_POLICY: "source address failed policy",
    REJECT_ROUTE: "reject route to destination",
}


class Icmpv6Header(IcmpBase):
    """The head of an ICMPv6 message. `rest` is its second 32-bit word.

    Echo: identifier << 16 | sequence. PACKET_TOO_BIG: the MTU. PARAMETER_PROBLEM: the pointer. Neighbour
    advertisement: the flags.
    """

    __slots__ = ()

    name: ClassVar[str] = "ICMPv6"
    digest_mark: ClassVar[int] = 6

    @property
    def is_error(self) -> bool:
        """Whether this message quotes a packet."""
        return self.type < INFORMATIONAL

    def emit(self, payload: bytes | memoryview, pseudo: int) -> bytes:
        """The 8 bytes before `payload`, checksum over the pseudo header included (RFC 4443, 2.3)."""
        total = (self.type << 8 | self.code) + self.rest + word_sum(payload) + pseudo
        return LAYOUT.pack(self.type, self.code, checksum(total), self.rest)

    def describe(self) -> str:
        """What an engineer reads of it: `ICMPv6 echo request id=7 seq=1`."""
        name = _NAMES.get(self.type, f"type {self.type}")
        if self.type in (ECHO_REQUEST, ECHO_REPLY):
            return f"ICMPv6 {name} id={self.identifier} seq={self.sequence}"
        if self.type == DESTINATION_UNREACHABLE:
            return f"ICMPv6 {_UNREACHABLE_NAMES.get(self.code, f'{name} code {self.code}')}"
        if self.type == PACKET_TOO_BIG:
            return f"ICMPv6 {name} mtu={self.rest}"
        return f"ICMPv6 {name}" if not self.code else f"ICMPv6 {name} code={self.code}"
