"""IPv6 on the way in: is it sound, is it for this host, and whose is it.

Read first: RFC 8200 4 (extension headers), RFC 4291 2.5 (addresses that cannot be on a wire), RFC 4007 9 (zones). As
on Linux a host takes packets for any of its addresses at any interface, but link-local ones only at their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from netarium.addresses import ipv6_text
from netarium.journey import Drop
from netarium.stack.ipv6_address import LOOPBACK, is_link_local, is_mapped, is_multicast
from netarium.wire.ethernet import ETHERTYPE_IPV6, MAC_GROUP_BIT, Frame
from netarium.wire.icmpv6 import (
    NEIGHBOR_ADVERTISEMENT,
    PARAMETER_PROBLEM,
    UNKNOWN_NEXT_HEADER,
    Icmpv6Header,
)
from netarium.wire.ipv4 import PROTOCOL_TCP
from netarium.wire.ipv6 import NEXT_HEADER, NO_NEXT_HEADER, Ipv6Header
from netarium.wire.packet import parse_transport

if TYPE_CHECKING:
    from netarium.stack.interface import Interface
    from netarium.stack.ipv6 import Ipv6

    Receiver = Callable[[Frame, Interface], None]


class Ipv6Input:
    """What arrives. `protocols` maps an upper-layer protocol to its receiver; raw endpoints get their copies first."""

    __slots__ = ("hooks", "ipv6", "protocols", "raw_receivers", "received", "stack")

    def __init__(self, ipv6: Ipv6) -> None:
        self.ipv6: Final = ipv6
        self.stack: Final = ipv6.stack
        self.hooks: Final = ipv6.stack.hooks.ipv6
        self.protocols: Final[dict[int, Receiver]] = {}
        self.raw_receivers: Final[dict[int, list[Receiver]]] = {}
        self.received = 0

    def receive_packet(self, frame: Frame, interface: Interface) -> None:
        """Deliver, forward or drop the packet in `frame`."""
        header = frame.network
        if type(header) is not Ipv6Header:
            self.stack.drop(frame.fault or Drop.IP_MALFORMED, frame, interface.name)
            return
        on_link = interface.ipv6
        if on_link is None:
            self.stack.drop(Drop.IPV6_DISABLED, frame, interface.name)
            return
        self.received += 1
        if not interface.is_loopback and self._is_martian(frame, header, interface):
            return
        if header.extensions and not self.ipv6.extensions.accepts_hop_by_hop(frame, header, interface):
            return
        if self.hooks.prerouting is not None:
            judged = self.hooks.run(self.hooks.prerouting, frame, interface, None)
            if judged is None or type(judged.network) is not Ipv6Header:
                return
            frame, header = judged, judged.network
        destination = header.destination
        if destination in self.ipv6.routes.local:
            self._receive_own(frame, header, interface)
        elif is_multicast(destination):
            if destination in on_link.groups or interface.is_loopback:
                self._receive_group(frame, header, interface)
            else:
                self.stack.drop(Drop.IP_NOT_FOR_US, frame, f"group {ipv6_text(destination)} is not joined")
        elif on_link.find(destination) is not None:
            self.stack.drop(Drop.NO_ADDRESS, frame, f"{ipv6_text(destination)} is tentative")
        else:
            self.ipv6.forward.forward_packet(frame, header, interface)

    def _is_martian(self, frame: Frame, header: Ipv6Header, interface: Interface) -> bool:
        source, destination = header.source, header.destination
        wrong = (
            is_multicast(source)
            or source == LOOPBACK
            or destination in (0, LOOPBACK)
            or is_mapped(source)
            or is_mapped(destination)
            or (source in self.ipv6.routes.local and not _is_advertisement(frame))
            or (is_multicast(destination) and destination >> 112 & 0xF <= 1)
        )
        if wrong:
            detail = f"{ipv6_text(source)} to {ipv6_text(destination)} by {interface.name}"
            self.stack.drop(Drop.IP_MARTIAN, frame, detail)
        return wrong

    def _receive_own(self, frame: Frame, header: Ipv6Header, interface: Interface) -> None:
        destination = header.destination
        if frame.destination & MAC_GROUP_BIT and not interface.is_loopback:
            self.stack.drop(Drop.BROADCAST_NOT_ACCEPTED, frame, f"{ipv6_text(destination)} by multicast")
        elif is_link_local(destination) and not interface.is_loopback:
            on_link = interface.ipv6
            if on_link is None or on_link.find(destination) is None:
                self.stack.drop(Drop.BEYOND_SCOPE, frame, f"{ipv6_text(destination)} by {interface.name}")
                return
            self.deliver(frame, header, interface)
        else:
            self.deliver(frame, header, interface)

    def _receive_group(self, frame: Frame, header: Ipv6Header, interface: Interface) -> None:
        if header.protocol == PROTOCOL_TCP:
            self.stack.drop(Drop.TCP_BROADCAST, frame, f"to {ipv6_text(header.destination)}")
        else:
            self.deliver(frame, header, interface)

    def receive_looped(self, frame: Frame, interface: Interface) -> None:
        """A multicast of this host comes back to its own sockets."""
        filter = self.stack.hooks.filter
        if filter is not None and filter.ipv6 is not None:
            known = filter.ipv6.prerouting(frame, self.stack.lo, None)
            if known is None:
                return
            frame = known
        header = frame.network
        if type(header) is Ipv6Header:
            self._receive_group(frame, header, interface)

    def deliver(self, frame: Frame, header: Ipv6Header, interface: Interface) -> None:
        """Hand a packet for this host to its protocol, whole."""
        if header.extensions and not self.ipv6.extensions.accepts(frame, header, interface):
            return
        if header.is_fragment:
            whole = self.ipv6.fragments.receive(frame, header, interface)
            if whole is None or type(whole.network) is not Ipv6Header:
                return
            frame, header = whole, whole.network
            if header.extensions and not self.ipv6.extensions.accepts(frame, header, interface):
                return
        if frame.transport is None and frame.fault is None and header.protocol in self.protocols:
            # Somebody gave the transport header as bytes: read it, as if it had come by a wire.
            read = parse_transport(header, bytes(frame.payload))
            frame = Frame(frame.destination, frame.source, ETHERTYPE_IPV6, header, *read)
        if self.hooks.input is not None:
            judged = self.hooks.run(self.hooks.input, frame, interface, None)
            if judged is None:
                return
            frame = judged
        if frame.fault is not None:
            self.stack.drop(frame.fault, frame, interface.name)
            return
        raw = self.raw_receivers.get(header.protocol)
        if raw is not None:
            for receive_raw in raw:
                receive_raw(frame, interface)
        receiver = self.protocols.get(header.protocol)
        if receiver is not None:
            receiver(frame, interface)
        elif raw is None:
            self._unknown_protocol(frame, header, interface)

    def _unknown_protocol(self, frame: Frame, header: Ipv6Header, interface: Interface) -> None:
        """RFC 8200 4: the pointer is at the next-header field that names it."""
        self.stack.drop(Drop.UNKNOWN_PROTOCOL, frame, f"next header {header.protocol}")
        if header.protocol == NO_NEXT_HEADER:
            return
        pointer = NEXT_HEADER
        for _, at, _ in header.extension_headers():
            pointer = at
        self.ipv6.icmp.send_error(frame, PARAMETER_PROBLEM, UNKNOWN_NEXT_HEADER, pointer, interface)


def _is_advertisement(frame: Frame) -> bool:
    """Of a neighbour: that is how one learns that another has an address of ours (RFC 4862 5.4.4)."""
    message = frame.transport
    return type(message) is Icmpv6Header and message.type == NEIGHBOR_ADVERTISEMENT
