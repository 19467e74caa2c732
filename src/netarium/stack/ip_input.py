"""IPv4 on the way in: is it sound, is it for this host, and whose is it.

Read first: RFC 791 3.2, RFC 1122 3.2.1 (what a host must throw away silently), RFC 1812 5.3.7 (martians).
As on Linux a host takes packets for any of its addresses at any interface (the weak host model of RFC 1122 3.3.4.2);
options are looked over (`ip_options`), none is acted upon.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from netarium.addresses import ipv4_text
from netarium.journey import Drop
from netarium.stack.ip_options import look_over
from netarium.stack.routes import LOCAL
from netarium.stack.way import Way
from netarium.wire.ethernet import MAC_GROUP_BIT, Frame
from netarium.wire.icmp import DESTINATION_UNREACHABLE, PARAMETER_PROBLEM, PROTOCOL_UNREACHABLE
from netarium.wire.igmp import PROTOCOL_IGMP
from netarium.wire.ipv4 import MORE_FRAGMENTS, OFFSET_MASK, PROTOCOL_TCP, Ipv4Header

if TYPE_CHECKING:
    from netarium.stack.fragments import Reassembler
    from netarium.stack.interface import Interface
    from netarium.stack.ip_forward import Ipv4Forward
    from netarium.stack.stack import Stack

LINK_GROUPS: Final = 0xE00000
"""224.0.0.0/24: groups that no router passes on."""
IS_FRAGMENT: Final = MORE_FRAGMENTS | OFFSET_MASK

Receiver = Callable[[Frame, "Interface"], None]


class Ipv4Input:
    """What arrives. `protocols` maps an IP protocol to its receiver; raw endpoints get their copies first."""

    __slots__ = ("forward", "fragments", "hooks", "protocols", "raw_receivers", "received", "routes", "stack")

    def __init__(self, stack: Stack, fragments: Reassembler, forward: Ipv4Forward) -> None:
        self.stack: Final = stack
        self.routes: Final = stack.routes
        self.hooks: Final = stack.hooks
        self.fragments: Final = fragments
        self.forward: Final = forward
        self.protocols: Final[dict[int, Receiver]] = {}
        self.raw_receivers: Final[dict[int, list[Receiver]]] = {}
        """The raw endpoints of each protocol that has any."""
        self.received = 0

    def receive_packet(self, frame: Frame, interface: Interface) -> None:
        """Deliver, forward or drop the packet in `frame`."""
        header = frame.network
        if type(header) is not Ipv4Header:
            self.stack.drop(frame.fault or Drop.IP_MALFORMED, frame, interface.name)
            return
        self.received += 1
        mine = self.routes.ways.get((header.source, header.destination))
        if mine is None or self.hooks.prerouting is not None or header.options:
            self._receive_unknown(frame, header, interface)
        elif not mine:
            self.forward.forward_packet(frame, header, interface)
        elif (
            header.fragment & IS_FRAGMENT
            or frame.fault is not None
            or frame.destination & MAC_GROUP_BIT
            or self.hooks.input is not None
            or self.raw_receivers
        ):
            self._receive_unknown(frame, header, interface)
        else:  # the way of nearly every packet: the same as `deliver`, without the call
            receiver = self.protocols.get(header.protocol)
            if receiver is not None:
                if self.hooks.idle and self.stack.watch.step is None:
                    self.routes.note_trodden(header.source, header.destination, Way(interface))
                receiver(frame, interface)
            else:
                self._unknown_protocol(frame, header)

    def _receive_unknown(self, frame: Frame, header: Ipv4Header, interface: Interface) -> None:
        """The first packet between two addresses, and those that somebody must look at: every check, in order.

        What the addresses alone decide is kept in `routes.ways`, but not on `lo`, where own sources are right, nor
        while a hook may change them.
        """
        routes = self.routes
        source = header.source
        if not interface.is_loopback:
            top = source >> 24
            wrong = top >= 224 or top == 127 or top == 0 or source in routes.local
            if wrong and not self._takes_source(header):
                self.stack.drop(Drop.IP_MARTIAN, frame, f"from {ipv4_text(source)} by {interface.name}")
                return
        if self.hooks.prerouting is not None:
            judged = self.hooks.run(self.hooks.prerouting, frame, interface, None)
            if judged is None or type(judged.network) is not Ipv4Header:
                return
            frame, header = judged, judged.network
        if header.options and not self._accepts_options(frame, header):
            return
        destination = header.destination
        route = routes.local.get(destination)
        if route is None:
            if 0 < destination >> 24 < 127 or 127 < destination >> 24 < 224:
                if not (interface.is_loopback or self.hooks.prerouting):
                    routes.note_way(header.source, destination, False)
                self.forward.forward_packet(frame, header, interface)
            else:
                self._receive_other(frame, header, interface)
        elif route.kind != LOCAL or frame.destination & MAC_GROUP_BIT:
            self._receive_group(frame, header, interface)
        else:
            if not (interface.is_loopback or self.hooks.prerouting):
                routes.note_way(header.source, destination, True)
            self.deliver(frame, header, interface)

    def deliver(self, frame: Frame, header: Ipv4Header, interface: Interface) -> None:
        """Hand a packet for this host to its protocol, whole."""
        stack = self.stack
        if header.fragment & IS_FRAGMENT:
            whole = self.fragments.receive_fragment(frame, header)
            if whole is None:
                return
            frame = whole
        if self.hooks.input is not None:
            judged = self.hooks.run(self.hooks.input, frame, interface, None)
            if judged is None:
                return
            frame = judged
        if frame.fault is not None:
            stack.drop(frame.fault, frame, interface.name)
            return
        raw = self.raw_receivers.get(header.protocol)
        if raw is not None:
            for receive_raw in raw:
                receive_raw(frame, interface)
        receiver = self.protocols.get(header.protocol)
        if receiver is not None:
            receiver(frame, interface)
        elif raw is None:
            self._unknown_protocol(frame, header)

    def receive_looped(self, frame: Frame, interface: Interface) -> None:
        """A broadcast or multicast of this host comes back to its own sockets (Linux ip_mc_output)."""
        if self.hooks.filter is not None:
            known = self.hooks.filter.prerouting(frame, self.stack.lo, None)
            if known is None:
                return
            frame = known
        header = frame.network
        if type(header) is Ipv4Header:
            self._receive_group(frame, header, interface)

    def _accepts_options(self, frame: Frame, header: Ipv4Header) -> bool:
        """Linux ip_rcv_options: a malformed one is told to the sender, a source route not followed (RFC 7126 4.3)."""
        wrong, is_routed = look_over(header.options)
        if wrong >= 0:
            self.stack.drop(Drop.IP_OPTION, frame, f"byte {wrong} of the header")
            self.stack.icmp.send_error(frame, PARAMETER_PROBLEM, 0, wrong << 24)
        elif is_routed:
            self.stack.drop(Drop.IP_OPTION, frame, "source route")
        return wrong < 0 and not is_routed

    def _takes_source(self, header: Ipv4Header) -> bool:
        """Sources no host on a wire has (RFC 1122 3.2.1.3); 0.0.0.0 asks for an address, and speaks to its link."""
        if header.source:
            return False
        destination = header.destination
        if destination >> 28 == 0xE:  # Linux ip_mc_validate_source
            return destination >> 8 == LINK_GROUPS or header.protocol == PROTOCOL_IGMP
        return destination == 0xFFFFFFFF

    def _receive_group(self, frame: Frame, header: Ipv4Header, interface: Interface) -> None:
        """Broadcast and multicast, by IP or only by MAC. TCP takes none (RFC 9293 3.10.7.2, RFC 1122 4.2.3.10)."""
        route = self.routes.local.get(header.destination)
        if route is not None and route.kind == LOCAL and not interface.is_loopback:
            # RFC 1122 3.3.6: a unicast address within a link-layer broadcast is dropped.
            self.stack.drop(
                Drop.BROADCAST_NOT_ACCEPTED, frame, f"{ipv4_text(header.destination)} by broadcast"
            )
        elif header.protocol == PROTOCOL_TCP:
            self.stack.drop(Drop.TCP_BROADCAST, frame, f"to {ipv4_text(header.destination)}")
        else:
            self.deliver(frame, header, interface)

    def _receive_other(self, frame: Frame, header: Ipv4Header, interface: Interface) -> None:
        """Not a unicast address of anybody: 127/8, broadcast, multicast, and what cannot be on a wire."""
        destination = header.destination
        top = destination >> 24
        if destination == 0xFFFFFFFF:
            self._receive_group(frame, header, interface)
        elif top == 127:
            if interface.is_loopback:
                self.deliver(frame, header, interface)
            else:
                self.stack.drop(Drop.IP_MARTIAN, frame, f"to {ipv4_text(destination)} by {interface.name}")
        elif top == 0 or top >= 240:
            self.stack.drop(Drop.IP_MARTIAN, frame, f"to {ipv4_text(destination)}")
        elif frame.destination in interface.groups:
            self._receive_group(frame, header, interface)
        else:
            self.stack.drop(Drop.IP_NOT_FOR_US, frame, f"group {ipv4_text(destination)} is not joined")

    def _unknown_protocol(self, frame: Frame, header: Ipv4Header) -> None:
        self.stack.drop(Drop.UNKNOWN_PROTOCOL, frame, f"protocol {header.protocol}")
        self.stack.icmp.send_error(frame, DESTINATION_UNREACHABLE, PROTOCOL_UNREACHABLE)
