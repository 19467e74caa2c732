"""`Filter6`: the same places for IPv6, with tracking and firewall; nothing is translated.

Read first: RFC 4890 4.3 and 4.4 (what of ICMPv6 must never be filtered), RFC 4443 3 (errors). It is put in place when a
chain of the firewall has something to say. Neighbour discovery, router discovery and MLD pass the chains `input` and
`output` unseen: without them a link does not work. As on Linux fragments are put together first; those of others leave
as fragments of the minimum MTU, which no link on their way refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netarium.journey import Drop, Stop
from netarium.stack.filter import related, telling
from netarium.stack.filter.entry import Direction, Key
from netarium.stack.filter.firewall import ESTABLISHED, INVALID, NEW, RELATED
from netarium.stack.filter.judging import FamilyFilter
from netarium.stack.filter.tracking import BEGINS_NONE
from netarium.wire.icmpv6 import (
    DESTINATION_UNREACHABLE,
    MLD_DONE,
    MLD_QUERY,
    MLD_REPORT,
    MLD_REPORT_V2,
    NEIGHBOR_ADVERTISEMENT,
    NEIGHBOR_SOLICITATION,
    PORT_UNREACHABLE,
    REDIRECT,
    ROUTER_ADVERTISEMENT,
    ROUTER_SOLICITATION,
    Icmpv6Header,
)
from netarium.wire.ipv4 import PROTOCOL_TCP, PROTOCOL_UDP
from netarium.wire.ipv6 import PROTOCOL_ICMPV6, Ipv6Header
from netarium.wire.tcp import RST, TcpHeader
from netarium.wire.udp import UdpHeader

if TYPE_CHECKING:
    from netarium.stack.filter.filter import Filter
    from netarium.stack.interface import Interface
    from netarium.wire.ethernet import Frame

TRACKING_PRIORITY: Final = -200
"""Linux NF_IP6_PRI_CONNTRACK."""
LAST_PRIORITY: Final = 100
OF_THE_LINK: Final = (
    MLD_QUERY, MLD_REPORT, MLD_DONE, MLD_REPORT_V2, ROUTER_SOLICITATION, ROUTER_ADVERTISEMENT, NEIGHBOR_SOLICITATION,
    NEIGHBOR_ADVERTISEMENT, REDIRECT,
)  # fmt: skip
"""RFC 4890 4.4.1: what hosts and routers of one link tell each other. No connections, and not for the firewall."""
WITH_HEADERS: Final = (PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_ICMPV6)


class Filter6(FamilyFilter):
    """IPv6's part of a `Filter`: its rules, a table of its own."""

    __slots__ = ()

    def __init__(self, filter: Filter) -> None:
        hooks = filter.stack.hooks.ipv6
        super().__init__(filter.stack, hooks, filter.firewall, 6)
        hooks.add("prerouting", TRACKING_PRIORITY, self.prerouting)
        hooks.add("output", TRACKING_PRIORITY, self.output)
        hooks.add("input", LAST_PRIORITY, self.confirm)
        hooks.add("postrouting", LAST_PRIORITY, self.confirm)

    def prerouting(self, frame: Frame, interface: Interface | None, out: Interface | None) -> Frame | None:
        """A packet has arrived."""
        self.begin_packet()
        header = frame.network
        ipv6 = self.stack.ipv6
        if type(header) is not Ipv6Header or interface is None or ipv6 is None:
            return frame
        if header.is_fragment:
            identification = header.identification
            whole = ipv6.fragments.receive(frame, header, interface)
            if whole is None or type(whole.network) is not Ipv6Header:
                return None
            self.hooks.reassembled = identification
            frame, header = whole, whole.network
        return self._track(frame, header, interface)

    def output(self, frame: Frame, interface: Interface | None, out: Interface | None) -> Frame | None:
        """The host sends a packet of its own."""
        self.begin_packet()
        header = frame.network
        if type(header) is not Ipv6Header or header.is_fragment:
            return frame
        way = self.attached
        if way is None:
            return self._track(frame, header, None)
        self.current = way
        self.is_related = type(frame.transport) is Icmpv6Header
        self.state = RELATED if self.is_related else ESTABLISHED
        return frame

    def begin_packet(self) -> None:
        """Forget the packet before this one."""
        super().begin_packet()
        self.hooks.reassembled = -1

    def _track(self, frame: Frame, header: Ipv6Header, interface: Interface | None) -> Frame | None:
        """Whose connection the packet is: `current` and `state`."""
        transport = frame.transport
        key: Key
        if type(transport) is TcpHeader or type(transport) is UdpHeader:
            key = (
                header.protocol, header.source, transport.source_port, header.destination, transport.destination_port,
            )  # fmt: skip
        elif type(transport) is Icmpv6Header:
            if transport.type in OF_THE_LINK:
                return frame
            if transport.is_error:
                return self._track_error(frame, interface)
            key = (PROTOCOL_ICMPV6, header.source, transport.identifier, header.destination, transport.type)
        elif frame.fault is not None or header.protocol in WITH_HEADERS:
            self.state = INVALID
            return frame
        else:
            key = (header.protocol, header.source, 0, header.destination, 0)
        way = self.table.directions.get(key)
        if interface is not None and interface.is_loopback:
            self.see_again(way)
            return frame
        if way is not None and self.tracker.follow(way, frame):
            self.current = way
            self.state = ESTABLISHED if way.entry.seen_reply else NEW
            return frame
        return self._begin(key, frame)

    def _begin(self, key: Key, frame: Frame) -> Frame | None:
        """Perhaps the first packet of a connection. None: it was dropped, the table is full."""
        first = self.tracker.first_state(frame)
        if first == BEGINS_NONE:
            self.state = INVALID
            return frame
        if not self.table.make_room():
            self.stack.drop(Drop.CONNTRACK_FULL, frame, f"{len(self.table.entries)} connections")
            return None
        self.pending = entry = self.table.new(key)
        entry.state = first
        self.tracker.set_first_time(entry)
        entry.original.packets = 1
        entry.original.bytes = telling.packet_size(frame)
        self.current = entry.original
        self.state = NEW
        return frame

    def _track_error(self, frame: Frame, interface: Interface | None) -> Frame:
        """An ICMPv6 error belongs to the connection of the packet that it quotes.

        One of the host's own may be about a first packet, whose connection stands not in the table yet.
        """
        key = related.quoted_key6(frame)
        begun = self.pending
        way: Direction | None = None
        if interface is None and begun is not None and not begun.confirmed and begun.reply.key == key:
            way = begun.reply
        elif key is not None:
            way = self.table.find(key)
        self.current = way
        self.is_related = way is not None
        self.state = INVALID if way is None else RELATED
        return frame

    def confirm(self, frame: Frame, interface: Interface | None, out: Interface | None) -> Frame | None:
        """The last hook: the packet has passed, so its connection is one."""
        way, self.current = self.current, None
        if (
            way is None
            or self.is_related
            or way.is_reply
            or way.entry.confirmed
            or way.entry is not self.pending
        ):
            return frame
        before = self.table.lines() if self.stack.watch.step is not None else []
        self.table.confirm(way.entry)
        stop = Stop.FILTER_IN if out is None else Stop.FILTER_OUT
        telling.tell_confirmed(self.stack, self.table, None, way.entry, stop, before)
        return frame

    def judge(
        self, chain_name: str, frame: Frame, interface: Interface | None, out: Interface | None
    ) -> Frame | None:
        """Let the firewall's chain decide, but about what keeps the link going."""
        transport = frame.transport
        if type(transport) is Icmpv6Header and transport.type in OF_THE_LINK and chain_name != "forward":
            return frame
        return super().judge(chain_name, frame, interface, out)

    def reject(self, frame: Frame, interface: Interface | None) -> None:
        """RST for TCP, else ICMPv6 port unreachable."""
        header, transport, ipv6 = frame.network, frame.transport, self.stack.ipv6
        assert type(header) is Ipv6Header and ipv6 is not None
        if type(transport) is not TcpHeader:
            ipv6.icmp.send_error(
                frame, DESTINATION_UNREACHABLE, PORT_UNREACHABLE, 0, interface or self.stack.lo
            )
        elif not transport.flags & RST:
            payload_bytes = len(frame.payload)
            ipv6.tcp.answer_with_reset(ipv6, header.destination, header.source, transport, payload_bytes)
