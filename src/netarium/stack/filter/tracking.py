"""Following a connection: what each packet of it changes, and which packet may begin one.

Read first: RFC 4787 4.3 and 4.4 (UDP mappings are refreshed), RFC 5382 section 5 (TCP). Time-outs are in `timeouts`.
"""

from __future__ import annotations

from typing import Final

from netarium.journey import Cause
from netarium.stack.filter import tcp_track, telling
from netarium.stack.filter.balance import Server
from netarium.stack.filter.entry import ICMP_ANSWERS, ICMPV6_ANSWERS, QUERIES, Direction, Entry
from netarium.stack.filter.table import ConnectionTable
from netarium.stack.filter.timeouts import UDP_STREAM_AFTER_NS, Timeouts
from netarium.stack.timers import SECOND_NS
from netarium.wire.ethernet import FRAME_BYTES_MIN, HEADER_BYTES, Frame
from netarium.wire.icmp import IcmpHeader
from netarium.wire.icmpv6 import Icmpv6Header
from netarium.wire.ipv4 import PROTOCOL_TCP, PROTOCOL_UDP
from netarium.wire.tcp import FIN, RST, SYN, TcpHeader
from netarium.wire.udp import UdpHeader

BEGINS_NONE: Final = -1
"""A packet from the midst of nothing."""


class Tracker:
    """Keeps the connections of a table up to date."""

    __slots__ = ("settings", "stack", "table", "timeouts")

    def __init__(self, table: ConnectionTable) -> None:
        self.stack: Final = table.stack
        self.settings: Final = table.stack.settings
        self.table: Final = table
        self.timeouts: Final = Timeouts(table.stack.settings)

    def follow(self, way: Direction, frame: Frame) -> bool:
        """Note one more packet of a known connection. False: it is over, and this one begins another."""
        entry = way.entry
        now = self.stack.now
        if entry.expires_ns <= now:
            self.table.remove(entry, Cause.AGED)
            return False
        transport = frame.transport
        if way.is_reply:
            entry.seen_reply = True
        if type(transport) is TcpHeader:
            flags = transport.flags
            if entry.state == tcp_track.ESTABLISHED and not flags & (SYN | FIN | RST):
                entry.assured = entry.seen_reply
                # The way of nearly every segment: `timeouts.tcp_ns` without the call.
                entry.expires_ns = now + self.settings.nf_conntrack_tcp_timeout_established * SECOND_NS
            elif not self._follow_tcp(entry, way, flags):
                return False
        elif type(transport) is UdpHeader:
            if entry.seen_reply and now >= entry.stream_ns:
                entry.assured = True
            entry.expires_ns = now + self.timeouts.udp_ns(entry.assured)
        elif type(transport) is IcmpHeader or type(transport) is Icmpv6Header:
            entry.expires_ns = now + self.timeouts.icmp_ns()
        else:
            entry.assured = entry.seen_reply
            entry.expires_ns = now + self.timeouts.other_ns()
        way.packets += 1
        size = frame.size_bytes
        way.bytes += size - HEADER_BYTES if size > FRAME_BYTES_MIN else telling.packet_size(frame)
        return True

    def _follow_tcp(self, entry: Entry, way: Direction, flags: int) -> bool:
        """A segment that may change the state. False: a SYN opens the connection anew."""
        before = entry.state
        if before in tcp_track.REOPENED_BY_SYN and tcp_track.kind_of(flags) == tcp_track.IS_SYN:
            self.table.remove(entry, Cause.SEGMENT)
            return False
        closer = entry.fin_from
        after = tcp_track.next_state(before, flags, way.is_reply, None if closer is None else closer is way)
        if closer is None and flags & FIN:
            entry.fin_from = way
        entry.expires_ns = self.stack.now + self.timeouts.tcp_ns(after)
        if after == tcp_track.ESTABLISHED and entry.seen_reply:
            entry.assured = True
        if after != before:
            entry.state = after
            if after in tcp_track.CLOSING and not entry.closing:
                entry.closing = True
                if type(entry.destination_owner) is Server:
                    entry.destination_owner.end()
            if entry.confirmed:
                self.table.touch(entry)
            telling.tell_state(self.stack, entry, before)
        return True

    def first_state(self, frame: Frame) -> int:
        """The state of `tcp_track` (0 for all but TCP) that a first packet begins, or BEGINS_NONE.

        Broadcasts, multicasts and packets without a source begin connections as all others do (Linux).
        """
        transport = frame.transport
        if type(transport) is TcpHeader:
            loose = bool(self.stack.settings.nf_conntrack_tcp_loose)
            first = tcp_track.first_state(transport.flags, loose)
            if first == tcp_track.NONE:
                return BEGINS_NONE
            return first
        if type(transport) is IcmpHeader and transport.type not in ICMP_ANSWERS:
            return BEGINS_NONE
        if type(transport) is Icmpv6Header and transport.type not in ICMPV6_ANSWERS:
            return BEGINS_NONE
        return 0

    def set_first_time(self, entry: Entry) -> None:
        """The time-out of a connection that begins now."""
        now = self.stack.now
        if entry.protocol == PROTOCOL_TCP:
            entry.expires_ns = now + self.timeouts.tcp_ns(entry.state)
        elif entry.protocol == PROTOCOL_UDP:
            entry.stream_ns = now + UDP_STREAM_AFTER_NS
            entry.expires_ns = now + self.timeouts.udp_ns(False)
        elif entry.protocol in QUERIES:
            entry.expires_ns = now + self.timeouts.icmp_ns()
        else:
            entry.expires_ns = now + self.timeouts.other_ns()
