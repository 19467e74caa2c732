"""ICMP for IPv4: echo, the errors this host makes, and those it is told.

Read first: RFC 792, RFC 1122 3.2.2 (what must never be answered by an error), RFC 1812 4.3.2 (rate limit).
Rate limits are Linux': a bucket for the host and one per address, for the types in `icmp_ratemask`; errors over `lo`
and fragmentation needed are not limited. (Linux takes up to three random tokens off the host's bucket; we take none.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from netarium.addresses import ipv4_text
from netarium.errors import WireError
from netarium.journey import Drop
from netarium.stack.failures import NetworkError
from netarium.stack.routes import LOCAL, Route
from netarium.stack.timers import MILLISECOND_NS, SECOND_NS
from netarium.wire.ethernet import MAC_GROUP_BIT, Frame
from netarium.wire.icmp import (
    DESTINATION_UNREACHABLE,
    ECHO_REPLY,
    ECHO_REQUEST,
    ERROR_TYPES,
    FRAGMENTATION_NEEDED,
    PARAMETER_PROBLEM,
    TIME_EXCEEDED,
    IcmpHeader,
)
from netarium.wire.ipv4 import OFFSET_MASK, PROTOCOL_ICMP, Ipv4Header
from netarium.wire.packet import packet_bytes

if TYPE_CHECKING:
    from netarium.stack.interface import Interface
    from netarium.stack.stack import Stack

ERROR_PACKET_BYTES_MAX: Final = 576
"""RFC 1812 4.3.2.3: as much of the packet as fits into 576 bytes with the error's own headers."""
QUOTE_BYTES_MAX: Final = ERROR_PACKET_BYTES_MAX - 20 - 8
QUOTED_TRANSPORT_BYTES_MIN: Final = 8
"""RFC 792: at least the ports are there."""
BURST_PER_ADDRESS: Final = 6
"""Linux XRLIM_BURST_FACTOR: messages at once to one address before its limit holds."""
ADDRESSES_REMEMBERED_MAX: Final = 4096

ErrorReceiver = Callable[[Ipv4Header, bytes, NetworkError, int], None]

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


class Icmp:
    """ICMP of one host. `error_receivers` maps the quoted packet's protocol to the transport that sent it."""

    __slots__ = ("credit_ns", "credit_since_ns", "error_receivers", "peers", "received", "sent", "stack")

    def __init__(self, stack: Stack) -> None:
        self.stack: Final = stack
        self.error_receivers: Final[dict[int, ErrorReceiver]] = {}
        self.received: Final[dict[int, int]] = {}
        """Messages taken, by type."""
        self.sent: Final[dict[int, int]] = {}
        """Messages made, by type."""
        self.credit_ns = SECOND_NS
        self.credit_since_ns = 0
        self.peers: Final[dict[int, tuple[int, int]]] = {}
        """Address -> (tokens in ns, time of the last look)."""

    # In.

    def receive(self, frame: Frame, interface: Interface) -> None:
        """An ICMP message for this host; raw endpoints have had their copies."""
        message, header = frame.transport, frame.network
        assert type(message) is IcmpHeader and type(header) is Ipv4Header
        kind = message.type
        self.received[kind] = self.received.get(kind, 0) + 1
        if kind == ECHO_REQUEST:
            self._answer_echo(frame, header, message)
        elif kind in ERROR_TYPES:
            self._receive_error(frame, message)
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

    def _receive_error(self, frame: Frame, message: IcmpHeader) -> None:
        """RFC 1122 3.2.2: hand the error to the transport that sent the quoted packet."""
        payload = bytes(frame.payload)
        try:
            quoted = Ipv4Header.parse(payload)
        except WireError:
            self.stack.drop(Drop.ICMP_MALFORMED, frame, "quotes no IPv4 header")
            return
        rest = payload[quoted.size_bytes :]
        if len(rest) < QUOTED_TRANSPORT_BYTES_MIN:
            self.stack.drop(Drop.ICMP_MALFORMED, frame, f"quotes {len(rest)} bytes of the transport header")
            return
        if not self.stack.is_local(quoted.source):
            self.stack.drop(Drop.ICMP_IGNORED, frame, f"quotes a packet of {ipv4_text(quoted.source)}")
            return
        kind, info = network_error(message)
        if kind is None:
            # Redirects and source quench (RFC 6633) change nothing here.
            self.stack.drop(Drop.ICMP_IGNORED, frame, f"type {message.type} code {message.code}")
            return
        receiver = self.error_receivers.get(quoted.protocol)
        if receiver is not None and quoted.fragment & OFFSET_MASK == 0:
            receiver(quoted, rest, kind, info)

    # Out.

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
        quote = packet_bytes(header, frame.transport, frame.payload)[:QUOTE_BYTES_MAX]
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
        if self._take_credit() and self._take_token(address):
            return True
        stack.drop(Drop.ICMP_RATE_LIMIT, frame, f"type {icmp_type} to {ipv4_text(address)}")
        return False

    def _take_credit(self) -> bool:
        """The host's bucket (Linux icmp_global_allow): icmp_msgs_per_sec, icmp_msgs_burst at once; 0 is no limit."""
        settings, now = self.stack.settings, self.stack.now
        if not settings.icmp_msgs_per_sec:
            return True
        price_ns = SECOND_NS // settings.icmp_msgs_per_sec
        earned_ns = self.credit_ns + now - self.credit_since_ns
        self.credit_since_ns = now
        self.credit_ns = min(earned_ns, price_ns * settings.icmp_msgs_burst)
        if self.credit_ns < price_ns:
            return False
        self.credit_ns -= price_ns
        return True

    def _take_token(self, address: int) -> bool:
        """One address's bucket (Linux inet_peer_xrlim_allow): a message each icmp_ratelimit ms, six at once."""
        price_ns = self.stack.settings.icmp_ratelimit * MILLISECOND_NS
        if not price_ns:
            return True
        now = self.stack.now
        limit_ns = price_ns * BURST_PER_ADDRESS
        tokens_ns, since_ns = self.peers.get(address, (limit_ns, now))
        tokens_ns = min(tokens_ns + now - since_ns, limit_ns)
        if address not in self.peers and len(self.peers) >= ADDRESSES_REMEMBERED_MAX:
            del self.peers[next(iter(self.peers))]
        allowed = tokens_ns >= price_ns
        self.peers[address] = (tokens_ns - price_ns if allowed else tokens_ns, now)
        return allowed


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
