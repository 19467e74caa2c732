"""`Filter`: what a packet meets at the five places, in order: its connection, the rules, translation around.

Read first: RFC 3022 section 4 (translation), RFC 5382 and 5508; the order is netfilter's. Before routing (and for own
packets at the output) the connection is found, or begun and its destination decided, and the destination rewritten;
then the firewall judges; last, after routing or before a socket, the source is decided and rewritten, and a connection
whose first packet came so far is confirmed: it stands in the table. What is decided at the first packet holds for all.

A packet costs one look-up; what is known of it between its hooks are the registers of `judging.FamilyFilter`.
Multicasts and broadcasts are connections too, whose answers are others' (Linux). IPv6 is in `filter6`: no NAT, the
same firewall.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netarium.journey import Cause, Drop, Stop
from netarium.stack.filter import related, telling
from netarium.stack.filter.balance import Balancer, Server
from netarium.stack.filter.entry import Direction, Entry, Key
from netarium.stack.filter.filter6 import Filter6
from netarium.stack.filter.firewall import CHAINS, ESTABLISHED, INVALID, NEW, RELATED, Firewall
from netarium.stack.filter.judging import FamilyFilter
from netarium.stack.filter.nat import Nat, NatSetup, hide_port
from netarium.stack.filter.rewrite import rewrite_destination, rewrite_source
from netarium.stack.filter.tracking import BEGINS_NONE
from netarium.stack.routes import LOCAL
from netarium.wire.ethernet import Frame
from netarium.wire.icmp import DESTINATION_UNREACHABLE, PORT_UNREACHABLE, IcmpHeader
from netarium.wire.ipv4 import (
    MORE_FRAGMENTS,
    OFFSET_MASK,
    PROTOCOL_ICMP,
    PROTOCOL_TCP,
    PROTOCOL_UDP,
    Ipv4Header,
)
from netarium.wire.tcp import ACK, FIN, RST, SYN, TcpHeader
from netarium.wire.udp import UdpHeader

if TYPE_CHECKING:
    from netarium.stack.interface import Interface
    from netarium.stack.stack import Stack

IS_FRAGMENT: Final = MORE_FRAGMENTS | OFFSET_MASK
TRACKING_PRIORITY: Final = -200
"""Linux NF_IP_PRI_CONNTRACK; fragments are put together here too."""
LAST_PRIORITY: Final = 100
"""Linux NF_IP_PRI_NAT_SRC; connections are confirmed here too."""
WITH_PORTS: Final = (PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_ICMP)


class Filter(FamilyFilter):
    """Tracking, NAT, firewall and balancer of one host. `nat` is None while nothing is translated, `ipv6` while the
    firewall has nothing to say.
    """

    __slots__ = ("balancer", "ipv6", "nat")

    def __init__(self, stack: Stack) -> None:
        super().__init__(stack, stack.hooks, Firewall(), 4)
        self.balancer: Final = Balancer()
        self.nat: Nat | None = None
        self.ipv6: Filter6 | None = None

    # The first hook: whose connection is it, and where does it go?

    def prerouting(self, frame: Frame, interface: Interface | None, out: Interface | None) -> Frame | None:
        """A packet has arrived."""
        header = frame.network
        self.begin_packet()
        if type(header) is not Ipv4Header:
            return frame
        if header.fragment & IS_FRAGMENT:
            whole = self.stack.ipv4.fragments.receive_fragment(frame, header)
            if whole is None or type(whole.network) is not Ipv4Header:
                return None
            frame, header = whole, whole.network
        return self._track(frame, header, interface)

    def output(self, frame: Frame, interface: Interface | None, out: Interface | None) -> Frame | None:
        """The host sends a packet of its own."""
        header = frame.network
        self.begin_packet()
        if type(header) is not Ipv4Header or header.fragment & IS_FRAGMENT:
            return frame
        way = self.attached
        if way is not None:
            return self._send_attached(frame, header, way)
        return self._track(frame, header, None)

    def _track(self, frame: Frame, header: Ipv4Header, interface: Interface | None) -> Frame | None:
        transport = frame.transport
        if type(transport) is TcpHeader or type(transport) is UdpHeader:
            key = (
                header.protocol, header.source, transport.source_port, header.destination, transport.destination_port,
            )  # fmt: skip
        elif type(transport) is IcmpHeader:
            if transport.is_error:
                return self._track_error(frame, interface)
            key = (PROTOCOL_ICMP, header.source, transport.rest >> 16, header.destination, transport.type)
        elif frame.fault is not None or header.protocol in WITH_PORTS:
            self.state = INVALID
            return frame
        else:
            key = (header.protocol, header.source, 0, header.destination, 0)
        way = self.table.directions.get(key)
        if interface is not None and interface.is_loopback:
            self.see_again(way)
            return frame
        if way is not None and self.tracker.follow(way, frame):
            self.state = ESTABLISHED if way.entry.seen_reply else NEW
        else:
            way = self._begin(key, frame, interface)
            if way is None:
                return frame if self.state == INVALID else None
        self.current = way
        if way.changes_destination:
            after = rewrite_destination(frame, header, way)
            if self.stack.watch.step is not None:
                telling.tell_rewritten(self.stack, Stop.FILTER_IN, way, frame, after)
            return after
        return frame

    def _begin(self, key: Key, frame: Frame, interface: Interface | None) -> Direction | None:
        """The first packet of a connection. None: it begins none (INVALID), or was dropped."""
        state = self.tracker.first_state(frame)
        if state == BEGINS_NONE:
            self.state = INVALID
            return None
        self.state = NEW
        if self.pending is not None and not self.pending.confirmed:
            self.pending.release()
        if not self.table.make_room():
            self.pending = None
            self.stack.drop(Drop.CONNTRACK_FULL, frame, f"{len(self.table.entries)} connections")
            return None
        self.pending = entry = self.table.new(key)
        entry.state = state
        self.tracker.set_first_time(entry)
        way = entry.original
        way.packets = 1
        way.bytes = telling.packet_size(frame)
        if interface is not None:
            reason = self._decide_destination(entry, frame, interface)
            if reason is not None:
                entry.release()
                self.stack.drop(reason, frame, entry.text())
                if reason is Drop.NO_BACKEND:
                    self.stack.icmp.send_error(frame, DESTINATION_UNREACHABLE, PORT_UNREACHABLE)
                    self.state = NEW
                return None
        return way

    def _decide_destination(self, entry: Entry, frame: Frame, interface: Interface) -> Drop | None:
        if self.balancer.services and self._is_balanced(entry, frame):
            return self._balance(entry)
        return None if self.nat is None else self.nat.destination(entry, interface)

    def _is_balanced(self, entry: Entry, frame: Frame) -> bool:
        """Only a SYN begins a TCP connection to a server; other segments are the balancer's own, which answers RST."""
        transport = frame.transport
        return type(transport) is not TcpHeader or transport.flags & (SYN | ACK | RST | FIN) == SYN

    def _balance(self, entry: Entry) -> Drop | None:
        protocol, client, _, address, port = entry.original.key
        local = self.stack.routes.local.get(address)
        service = self.balancer.find(protocol, address, port, local is not None and local.kind == LOCAL)
        if service is None:
            return None
        server = service.choose(client, self.stack.now, self.stack.random)
        telling.tell_balanced(self.stack, entry, service, server)
        if server is None:
            return Drop.NO_BACKEND
        server.connections += 1
        server.total += 1
        entry.destination_owner = server
        entry.masquerade = service.masquerade
        entry.set_destination(server.address, server.port)
        entry.rule = f"balance, {service.method}"
        return None

    # ICMP errors and answers that the firewall makes.

    def _track_error(self, frame: Frame, interface: Interface | None) -> Frame:
        """An ICMP error belongs to the connection of the packet that it quotes (RFC 5508 section 4).

        One of the box's own may be about a first packet, whose connection stands not in the table yet.
        """
        key = related.quoted_key(frame)
        begun = self.pending
        if interface is None and begun is not None and not begun.confirmed and begun.reply.key == key:
            return self._relate(frame, begun.reply)
        way = None if key is None else self.table.find(key)
        if way is None:
            self.state = INVALID
            return frame
        return self._relate(frame, way)

    def _relate(self, frame: Frame, way: Direction) -> Frame:
        self.current = way
        self.is_related = True
        self.state = RELATED
        if not way.entry.translated:
            return frame
        after = related.rewrite_quotation(frame, way)
        header = after.network
        assert type(header) is Ipv4Header
        if way.changes_destination and header.destination == way.key[3]:
            after = after.with_headers(header.readdressed(header.source, way.to_destination), after.transport)
        if self.stack.watch.step is not None:
            telling.tell_rewritten(self.stack, Stop.FILTER_IN, way, frame, after)
        return after

    def _send_attached(self, frame: Frame, header: Ipv4Header, way: Direction) -> Frame:
        if type(frame.transport) is IcmpHeader and frame.transport.is_error:
            return self._relate(frame, way)
        self.current = way
        self.state = ESTABLISHED
        return rewrite_destination(frame, header, way) if way.changes_destination else frame

    # The last hook: whom does it come from? It has passed, so its connection is one.

    def input(self, frame: Frame, interface: Interface | None, out: Interface | None) -> Frame | None:
        """A packet is about to reach this host's own sockets."""
        return self._leave(frame, interface, None, Stop.FILTER_IN)

    def postrouting(self, frame: Frame, interface: Interface | None, out: Interface | None) -> Frame | None:
        """A packet is about to leave by `out`."""
        if self.current is None and self.state == INVALID and self._would_leak(interface, out):
            self.stack.drop(Drop.CONNTRACK_INVALID, frame, "it cannot be translated")
            return None
        return self._leave(frame, interface, out, Stop.FILTER_OUT)

    def _would_leak(self, interface: Interface | None, out: Interface | None) -> bool:
        """Whether a packet that belongs to no connection would carry an inside address out."""
        nat = self.nat
        return nat is not None and interface is not None and nat.is_outside(out) and nat.is_inside(interface)

    def _leave(
        self, frame: Frame, interface: Interface | None, out: Interface | None, stop: Stop
    ) -> Frame | None:
        way = self.current
        header = frame.network
        if way is None or type(header) is not Ipv4Header:
            return frame
        self.current = None
        entry = way.entry
        if self.is_related:
            if not way.changes_source:
                return frame
            return frame.with_headers(header.readdressed(way.to_source, header.destination), frame.transport)
        if not entry.confirmed and entry is self.pending and not way.is_reply:
            reason = self._confirm(entry, interface, out, stop)
            if reason is not None:
                entry.release()
                self.stack.drop(reason, frame, entry.text())
                return None
        if way.changes_source:
            after = rewrite_source(frame, header, way)
            if self.stack.watch.step is not None:
                telling.tell_rewritten(self.stack, stop, way, frame, after)
            return after
        return frame

    def _confirm(
        self, entry: Entry, interface: Interface | None, out: Interface | None, stop: Stop
    ) -> Drop | None:
        """Decide the source and take the connection into the table. A Drop when nothing is free for it."""
        before = self.table.lines() if self.stack.watch.step is not None else []
        table, nat = self.table, self.nat
        if out is not None:
            if entry.masquerade and (nat is None or not nat.is_inside(out)):
                address = out.address_for(entry.original.to_destination)
                if hide_port(table, entry, address, None) is None:
                    return Drop.NAT_PORTS_EXHAUSTED
            elif nat is not None:
                reason = nat.source(entry, interface, out)
                if reason is not None:
                    return reason
        # Two connections must not have the same answers: then the newer one takes another port (Linux' null binding).
        if not table.make_free(entry.reply.key) and (
            entry.source_owner is not None or hide_port(table, entry, entry.original.to_source, None) is None
        ):
            return Drop.NAT_PORTS_EXHAUSTED
        table.confirm(entry)
        mappings = None if nat is None else nat.mappings
        telling.tell_confirmed(self.stack, table, mappings, entry, stop, before)
        return None

    def reject(self, frame: Frame, interface: Interface | None) -> None:
        """Say no in the name of the one who was asked: RST for TCP, else ICMP port unreachable."""
        header, transport = frame.network, frame.transport
        assert type(header) is Ipv4Header
        if type(transport) is not TcpHeader:
            self.stack.icmp.send_error(frame, DESTINATION_UNREACHABLE, PORT_UNREACHABLE)
        elif not transport.flags & RST:
            payload_bytes = len(frame.payload)
            self.stack.tcp.answer_with_reset(
                self.stack.ipv4, header.destination, header.source, transport, payload_bytes
            )

    # Configuration.

    def set_nat(self, setup: NatSetup | None) -> None:
        """Translate from now on as `setup` says; connections that are there keep what was decided for them."""
        self.nat = None if setup is None else Nat(self.table, setup)

    def show_firewall(self) -> None:
        """Let the chains that have something to say judge, packets of both families."""
        super().show_firewall()
        if self.ipv6 is None and any(self.firewall.is_needed(name) for name in CHAINS):
            self.ipv6 = Filter6(self)
        if self.ipv6 is not None:
            self.ipv6.show_firewall()

    def original_destination(self, key: Key) -> tuple[int, int] | None:
        """Where a connection to this host's own socket was meant for: (address, port); None when it is not tracked.

        `key` is that of a packet of the host to its peer. (Linux SO_ORIGINAL_DST: what a transparent proxy asks.)
        """
        way = self.table.directions.get(key)
        if way is None or not way.is_reply:
            return None
        asked = way.entry.original.key
        return (asked[3], asked[4])

    def forget_address(self, address: int) -> None:
        """The host has an address no more: connections that seem to come from it get no answers (as Linux)."""
        for entry in [each for each in self.table.entries.values() if each.original.to_source == address]:
            self.table.remove(entry, Cause.OPERATOR)

    def set_alive(self, server: Server, alive: bool) -> None:
        """The health check's verdict. A dead server's connections are forgotten (their state cannot be moved)."""
        if server.alive == alive:
            return
        server.alive = alive
        telling.tell_server(self.stack, server)
        if not alive:
            for entry in [each for each in self.table.entries.values() if each.destination_owner is server]:
                self.table.remove(entry, Cause.UNREACHABLE)


def filter_of(stack: Stack) -> Filter:
    """The filter of a stack, put in place when it has none yet."""
    if stack.hooks.filter is None:
        made = stack.hooks.filter = Filter(stack)
        stack.hooks.add("prerouting", TRACKING_PRIORITY, made.prerouting)
        stack.hooks.add("output", TRACKING_PRIORITY, made.output)
        stack.hooks.add("input", LAST_PRIORITY, made.input)
        stack.hooks.add("postrouting", LAST_PRIORITY, made.postrouting)
    return stack.hooks.filter
