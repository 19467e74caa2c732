"""ICMP for IPv4: echo, the errors this host makes, and those it is told.

Read first: RFC 792, RFC 1122 3.2.2 (what must never be answered by an error), RFC 1812 4.3.2 (rate limit).
Rate limits (`icmp_limit`) are for the types in `icmp_ratemask`; errors over `lo` and fragmentation needed are not
limited. Redirects are believed by hosts, from the router that is their first hop (RFC 1122 3.2.2.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from netarium.addresses import ipv4_text
from netarium.journey import Drop
from netarium.stack.failures import NetworkError
from netarium.stack.icmp_limit import RateLimit
from netarium.stack.icmp_quotes import IcmpQuotes
from netarium.stack.path_mtu import plateau_below
from netarium.stack.routes import LOCAL, UNICAST, Route
from netarium.wire.ethernet import MAC_GROUP_BIT, Frame
from netarium.wire.icmp import (
    DESTINATION_UNREACHABLE,
    ECHO_REPLY,
    ECHO_REQUEST,
    ERROR_TYPES,
    FRAGMENTATION_NEEDED,
    PARAMETER_PROBLEM,
    REDIRECT,
    TIME_EXCEEDED,
    IcmpHeader,
)
from netarium.wire.ipv4 import OFFSET_MASK, PROTOCOL_ICMP, Ipv4Header, total_bytes_of

if TYPE_CHECKING:
    from netarium.stack.interface import Interface
    from netarium.stack.ipv4 import Ipv4
    from netarium.stack.stack import Stack

ERROR_PACKET_BYTES_MAX: Final = 576
"""RFC 1812 4.3.2.3: as much of the packet as fits into 576 bytes with the error's own headers."""
REDIRECT_HOST: Final = 1
"""RFC 1812 5.2.7.2: routers redirect for hosts, not for networks."""
REDIRECT_CODE_MAX: Final = 3
"""RFC 792: for a network or a host, with or without type of service."""
REDIRECT_INTERVAL_MS: Final = 1000
"""Time between redirects to one host."""

UNREACHABLE_ERRORS: Final = {
    0: NetworkError.NETWORK_UNREACHABLE,
    1: NetworkError.HOST_UNREACHABLE,
    2: NetworkError.PROTOCOL_UNREACHABLE,
    3: NetworkError.PORT_UNREACHABLE,
    4: NetworkError.MESSAGE_TOO_LONG,
    5: NetworkError.SOURCE_ROUTE_FAILED,
    6: NetworkError.NETWORK_UNKNOWN,
    7: NetworkError.HOST_UNKNOWN,
    9: NetworkError.PROHIBITED,
    10: NetworkError.PROHIBITED,
    11: NetworkError.NETWORK_UNREACHABLE,
    12: NetworkError.HOST_UNREACHABLE,
    13: NetworkError.PROHIBITED,
    14: NetworkError.PROHIBITED,
    15: NetworkError.PROHIBITED,
}
"""By code of destination unreachable (RFC 792, 1122, 1812)."""


class Icmp(IcmpQuotes):
    """ICMP of one host."""

    __slots__ = ("redirect_limit",)

    header_class: ClassVar[type[Ipv4Header]] = Ipv4Header
    protocol: ClassVar[int] = PROTOCOL_ICMP
    quote_bytes_max: ClassVar[int] = ERROR_PACKET_BYTES_MAX - 20 - 8

    def __init__(self, stack: Stack) -> None:
        super().__init__(stack)
        self.redirect_limit: Final = RateLimit(stack)

    @property
    def ip(self) -> Ipv4:
        """IPv4 of the host."""
        return self.stack.ipv4

    # In.

    def receive(self, frame: Frame, interface: Interface) -> None:
        """An ICMP message for this host; raw endpoints have had their copies."""
        message, header = frame.transport, frame.network
        if type(message) is not IcmpHeader or type(header) is not Ipv4Header:
            self.stack.drop(Drop.ICMP_MALFORMED, frame, interface.name)
            return
        kind = message.type
        self.received[kind] = self.received.get(kind, 0) + 1
        if kind == ECHO_REQUEST:
            self._answer_echo(frame, header, message)
        elif kind in ERROR_TYPES:
            self._receive_error(frame, header, message)
        elif kind != ECHO_REPLY:
            self.stack.drop(Drop.ICMP_UNKNOWN_TYPE, frame, f"type {kind}")
        elif PROTOCOL_ICMP not in self.stack.ipv4.input.raw_receivers:
            self.stack.drop(Drop.ICMP_UNKNOWN_TYPE, frame, "nobody waits for an echo reply")

    def _answer_echo(self, frame: Frame, header: Ipv4Header, message: IcmpHeader) -> None:
        """RFC 1122 3.2.2.6: the same data back, from the address that was asked."""
        settings = self.stack.settings
        local = self.stack.routes.local.get(header.destination)
        unicast = (local is not None and local.kind == LOCAL) or header.destination >> 24 == 127
        if settings.icmp_echo_ignore_all or (not unicast and settings.icmp_echo_ignore_broadcasts):
            self.stack.drop(Drop.ICMP_IGNORED, frame, "echo request")
            return
        self.sent[ECHO_REPLY] = self.sent.get(ECHO_REPLY, 0) + 1
        self.stack.ipv4.send_packet(
            header.destination if unicast else 0,
            header.source,
            PROTOCOL_ICMP,
            IcmpHeader(ECHO_REPLY, 0, message.rest),
            frame.payload,
            tos=header.tos,
            dont_fragment=False,
        )

    def _receive_error(self, frame: Frame, header: Ipv4Header, message: IcmpHeader) -> None:
        """RFC 1122 3.2.2: hand the error to the transport that sent the quoted packet."""
        found = self.quoted_in(frame)
        if found is None:
            return
        quoted, rest = found
        assert type(quoted) is Ipv4Header
        if message.type == REDIRECT:
            self._receive_redirect(frame, header, message, quoted)
            return
        kind, info = network_error(message)
        if kind is NetworkError.MESSAGE_TOO_LONG and not info:
            info = plateau_below(
                total_bytes_of(bytes(frame.payload))
            )  # RFC 1191 5: a router that does not say its MTU
        if kind is None:
            # Source quench (RFC 6633) changes nothing here.
            self.stack.drop(Drop.ICMP_IGNORED, frame, f"type {message.type} code {message.code}")
            return
        self.hand_up(message, header.source, quoted, rest, (kind, info))

    def _receive_redirect(
        self, frame: Frame, header: Ipv4Header, message: IcmpHeader, quoted: Ipv4Header
    ) -> None:
        """RFC 1122 3.2.2.2: a better gateway on the link, told by the one that is used now (Linux __ip_do_redirect)."""
        stack, gateway = self.stack, message.rest
        route = stack.routes.lookup(quoted.destination)
        towards = stack.routes.lookup(gateway)
        if (
            message.code > REDIRECT_CODE_MAX
            or stack.settings.ip_forward
            or not stack.settings.conf_accept_redirects
            or route is None
            or route.gateway != header.source
            or towards is None
            or towards.kind != UNICAST
            or towards.gateway
            or towards.interface is not route.interface
        ):
            stack.drop(Drop.ICMP_IGNORED, frame, f"redirect to {ipv4_text(gateway)}")
            return
        stack.ipv4.paths.learn_gateway(quoted.destination, gateway)

    # Out.

    def send_redirect(self, frame: Frame, gateway: int) -> None:
        """Tell the sender of the packet in `frame` that `gateway` is the better first hop (RFC 1812 5.2.7.2)."""
        header = frame.network
        if type(header) is not Ipv4Header or not self._may_answer(frame, header):
            return
        if not self.redirect_limit.allows(header.source, REDIRECT_INTERVAL_MS):
            return
        quote = self.quote(frame)
        self.sent[REDIRECT] = self.sent.get(REDIRECT, 0) + 1
        self.stack.ipv4.send_packet(
            0,
            header.source,
            PROTOCOL_ICMP,
            IcmpHeader(REDIRECT, REDIRECT_HOST, gateway),
            quote,
            tos=0xC0,
            dont_fragment=False,
        )

    def send_error(self, frame: Frame, icmp_type: int, code: int, rest: int = 0) -> None:
        """Tell the sender of the packet in `frame` what became of it, where RFC 1122 3.2.2 allows that."""
        header = frame.network
        if type(header) is not Ipv4Header or not self._may_answer(frame, header):
            return
        stack = self.stack
        route = stack.ipv4.route_for(header.source)
        if route is None or not self._within_limits(frame, route, header.source, icmp_type, code):
            return
        is_own = stack.is_local(header.destination)
        quote = self.quote(frame)
        self.sent[icmp_type] = self.sent.get(icmp_type, 0) + 1
        stack.ipv4.send_packet(
            header.destination if is_own else 0,
            header.source,
            PROTOCOL_ICMP,
            IcmpHeader(icmp_type, code, rest),
            quote,
            tos=0xC0,  # RFC 1812 4.3.2.5: precedence internetwork control
            dont_fragment=False,
            route=route,
        )

    def _may_answer(self, frame: Frame, header: Ipv4Header) -> bool:
        """Never about an error, a broadcast, a multicast, a later fragment, or a source that is no single host."""
        stack = self.stack
        if header.fragment & OFFSET_MASK or frame.destination & MAC_GROUP_BIT:
            return False
        destination = stack.routes.local.get(header.destination)
        if header.destination >> 28 >= 0xE or (destination is not None and destination.kind != LOCAL):
            return False
        source = stack.routes.local.get(header.source)
        if (
            header.source >> 24 == 0
            or header.source >> 28 >= 0xE
            or (source is not None and source.kind != LOCAL)
        ):
            return False
        if header.protocol != PROTOCOL_ICMP:
            return True
        if frame.transport is not None:
            message = frame.transport
            return type(message) is IcmpHeader and not message.is_error
        return len(frame.payload) > 0 and frame.payload[0] not in ERROR_TYPES

    def _within_limits(self, frame: Frame, route: Route, address: int, icmp_type: int, code: int) -> bool:
        stack, settings = self.stack, self.stack.settings
        if route.interface.is_loopback or not settings.icmp_ratemask >> icmp_type & 1:
            return True
        if icmp_type == DESTINATION_UNREACHABLE and code == FRAGMENTATION_NEEDED:
            return True
        if self.limit.allows(address, settings.icmp_ratelimit):
            return True
        stack.drop(Drop.ICMP_RATE_LIMIT, frame, f"type {icmp_type} to {ipv4_text(address)}")
        return False


def network_error(message: IcmpHeader) -> tuple[NetworkError | None, int]:
    """What an ICMP error means to a transport, and its number: the MTU of FRAGMENTATION_NEEDED, else 0."""
    if message.type == DESTINATION_UNREACHABLE:
        kind = UNREACHABLE_ERRORS.get(message.code)
        return kind, message.rest & 0xFFFF if kind is NetworkError.MESSAGE_TOO_LONG else 0
    if message.type == TIME_EXCEEDED:
        return NetworkError.TIME_EXCEEDED, 0
    if message.type == PARAMETER_PROBLEM:
        return NetworkError.PARAMETER_PROBLEM, message.rest >> 24
    return None, 0
