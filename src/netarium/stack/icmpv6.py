"""ICMPv6: echo, the errors this host makes and those it is told; the rest goes to neighbour discovery and MLD.

Read first: RFC 4443 2.4 (rules of processing), 3 and 4; the limits are those of `icmp`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from netarium.addresses import ipv6_text
from netarium.journey import Drop
from netarium.stack.failures import NetworkError
from netarium.stack.icmp_quotes import IcmpQuotes
from netarium.stack.ipv6_address import is_multicast, needs_link
from netarium.wire.ethernet import MAC_GROUP_BIT, Frame
from netarium.wire.icmpv6 import (
    DESTINATION_UNREACHABLE,
    ECHO_REPLY,
    ECHO_REQUEST,
    INFORMATIONAL,
    MLD_DONE,
    MLD_QUERY,
    MLD_REPORT,
    MLD_REPORT_V2,
    PACKET_TOO_BIG,
    PARAMETER_PROBLEM,
    REDIRECT,
    ROUTER_SOLICITATION,
    TIME_EXCEEDED,
    UNKNOWN_NEXT_HEADER,
    UNKNOWN_OPTION,
    Icmpv6Header,
)
from netarium.wire.ipv6 import MTU_MIN, PROTOCOL_ICMPV6, SIZE_BYTES, Ipv6Header

if TYPE_CHECKING:
    from netarium.stack.interface import Interface
    from netarium.stack.ipv6 import Ipv6
    from netarium.stack.routes import Route

UNREACHABLE_ERRORS: Final = {
    0: NetworkError.NETWORK_UNREACHABLE,
    1: NetworkError.POLICY,
    2: NetworkError.HOST_UNREACHABLE,
    3: NetworkError.HOST_UNREACHABLE,
    4: NetworkError.PORT_UNREACHABLE,
    5: NetworkError.POLICY,
    6: NetworkError.POLICY,
}
"""By code of destination unreachable (RFC 4443 3.1; Linux tab_unreach)."""


class Icmpv6(IcmpQuotes):
    """ICMPv6 of one host."""

    __slots__ = ("ipv6",)

    header_class: ClassVar[type[Ipv6Header]] = Ipv6Header
    protocol: ClassVar[int] = PROTOCOL_ICMPV6
    quote_bytes_max: ClassVar[int] = MTU_MIN - SIZE_BYTES - 8  # RFC 4443 2.4 (c): it fits into the least MTU

    def __init__(self, ipv6: Ipv6) -> None:
        super().__init__(ipv6.stack)
        self.ipv6: Final = ipv6

    @property
    def ip(self) -> Ipv6:
        """IPv6 of the host."""
        return self.ipv6

    # In.

    def receive(self, frame: Frame, interface: Interface) -> None:
        """An ICMPv6 message for this host; raw endpoints have had their copies."""
        message, header = frame.transport, frame.network
        if type(message) is not Icmpv6Header or type(header) is not Ipv6Header:
            self.stack.drop(Drop.ICMP_MALFORMED, frame, interface.name)
            return
        kind = message.type
        self.received[kind] = self.received.get(kind, 0) + 1
        if kind == ECHO_REQUEST:
            self._answer_echo(frame, header, message, interface)
        elif kind < INFORMATIONAL:
            self._receive_error(frame, header, message)
        elif ROUTER_SOLICITATION <= kind <= REDIRECT:
            if interface.ipv6 is not None:
                self.ipv6.discovery.receive(frame, header, message, interface.ipv6)
        elif kind in (MLD_QUERY, MLD_REPORT, MLD_DONE, MLD_REPORT_V2):
            self.ipv6.mld.receive(frame, header, message, interface)
        elif kind != ECHO_REPLY or PROTOCOL_ICMPV6 not in self.ipv6.input.raw_receivers:
            detail = "nobody waits for an echo reply" if kind == ECHO_REPLY else f"type {kind}"
            self.stack.drop(Drop.ICMP_UNKNOWN_TYPE, frame, detail)

    def _answer_echo(
        self, frame: Frame, header: Ipv6Header, message: Icmpv6Header, interface: Interface
    ) -> None:
        """RFC 4443 4.2: the same data back, from the address that was asked; a group is answered too."""
        unicast = not is_multicast(header.destination)
        if self.stack.settings.icmp_echo_ignore_all or is_multicast(header.source) or not header.source:
            self.stack.drop(Drop.ICMP_IGNORED, frame, "echo request")
            return
        self.sent[ECHO_REPLY] = self.sent.get(ECHO_REPLY, 0) + 1
        self.ipv6.send_packet(
            header.destination if unicast else 0,
            header.source,
            PROTOCOL_ICMPV6,
            Icmpv6Header(ECHO_REPLY, 0, message.rest),
            frame.payload,
            tos=header.tos,
            dont_fragment=False,
            route=self._route_back(header.source, header.destination if unicast else 0, interface),
        )

    def _receive_error(self, frame: Frame, header: Ipv6Header, message: Icmpv6Header) -> None:
        """RFC 4443 2.4 (d): hand the error to the transport that sent the quoted packet."""
        found = self.quoted_in(frame)
        if found is None:
            return
        kind, info = network_error(message)
        if kind is None:
            self.stack.drop(Drop.ICMP_IGNORED, frame, f"type {message.type} code {message.code}")
            return
        self.hand_up(message, header.source, *found, (kind, info))

    # Out.

    def send_error(self, frame: Frame, kind: int, code: int, rest: int, interface: Interface) -> None:
        """Tell the sender of the packet in `frame` what became of it, where RFC 4443 2.4 (e) allows that.

        `interface` is where the packet came in; for packets of our own, the one by which they should have left.
        """
        header = frame.network
        if type(header) is not Ipv6Header or not self._may_answer(frame, header, kind, code):
            return
        own = self.ipv6.is_local(header.destination)
        if self.ipv6.is_local(header.source):
            interface = self.stack.lo  # as for IPv4, the host tells itself
        route = self._route_back(header.source, header.destination if own else 0, interface)
        if route is None:
            return
        limited = not route.interface.is_loopback and kind != PACKET_TOO_BIG
        if limited and not self.limit.allows(header.source, self.stack.settings.ipv6_ratelimit):
            self.stack.drop(Drop.ICMP_RATE_LIMIT, frame, f"ICMPv6 type {kind} to {ipv6_text(header.source)}")
            return
        quote = self.quote(frame)
        self.sent[kind] = self.sent.get(kind, 0) + 1
        self.ipv6.send_packet(
            header.destination if own else 0,
            header.source,
            PROTOCOL_ICMPV6,
            Icmpv6Header(kind, code, rest),
            quote,
            dont_fragment=False,
            route=route,
        )

    def _may_answer(self, frame: Frame, header: Ipv6Header, kind: int, code: int) -> bool:
        """Never about an error or redirect, nor to nobody or a group; about a packet to a group only what it needs."""
        to_group = is_multicast(header.destination) or frame.destination & MAC_GROUP_BIT
        if to_group and kind != PACKET_TOO_BIG and (kind, code) != (PARAMETER_PROBLEM, UNKNOWN_OPTION):
            return False
        if header.source == 0 or is_multicast(header.source):
            return False
        if header.protocol != PROTOCOL_ICMPV6 or header.offset_bytes:
            return True
        message = frame.transport
        if type(message) is Icmpv6Header:
            return not message.is_error and message.type != REDIRECT
        return len(frame.payload) > 0 and INFORMATIONAL <= frame.payload[0] != REDIRECT

    def _route_back(self, destination: int, source: int, interface: Interface) -> Route | None:
        by = interface if needs_link(destination) and not interface.is_loopback else None
        return self.ipv6.route_for(destination, source, by)


def network_error(message: Icmpv6Header) -> tuple[NetworkError | None, int]:
    """What an ICMPv6 error means to a transport, and its number: the MTU of PACKET_TOO_BIG, else 0."""
    if message.type == DESTINATION_UNREACHABLE:
        return UNREACHABLE_ERRORS.get(message.code), 0
    if message.type == PACKET_TOO_BIG:
        return NetworkError.MESSAGE_TOO_LONG, message.rest
    if message.type == TIME_EXCEEDED:
        return NetworkError.TIME_EXCEEDED, 0
    if message.type == PARAMETER_PROBLEM:
        if message.code == UNKNOWN_NEXT_HEADER:
            return NetworkError.PARAMETER_PROBLEM, message.rest
        return NetworkError.PARAMETER_WRONG, message.rest
    return None, 0
