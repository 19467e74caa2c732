"""Telling routers which IPv6 groups are heard here: MLD.

Read first: RFC 3810 sections 4 to 6 (MLDv2 reports without source lists), RFC 2710 (version 1, spoken while a router of
that version is heard). Reports go to ff02::16 with hop limit 1 and a router alert; ff02::1 is never reported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netarium.journey import Drop
from netarium.stack.ipv6_address import ALL_MLD_ROUTERS, ALL_NODES, ALL_ROUTERS, is_link_local
from netarium.stack.timers import MILLISECOND_NS, SECOND_NS, TimerOwner
from netarium.wire.icmpv6 import MLD_DONE, MLD_QUERY, MLD_REPORT, MLD_REPORT_V2, Icmpv6Header
from netarium.wire.ipv6 import HOP_BY_HOP, PROTOCOL_ICMPV6, Ipv6Header

if TYPE_CHECKING:
    from netarium.stack.interface import Interface
    from netarium.stack.ipv6 import Ipv6
    from netarium.stack.ipv6_interface import Ipv6Interface
    from netarium.wire.ethernet import Frame

ROUTER_ALERT: Final = bytes((PROTOCOL_ICMPV6, 0, 5, 2, 0, 0, 1, 0))
"""A hop-by-hop header with RFC 2711's option: routers look at this packet."""
IS_EXCLUDE: Final = 2
TO_INCLUDE: Final = 3
TO_EXCLUDE: Final = 4
VERSION_1_BYTES: Final = 16
VERSION_2_BYTES_MIN: Final = 20
"""What follows the eight bytes of a query; a size between these is of no version (RFC 3810 8.1)."""
ROUTER_ALERT_MLD: Final = bytes((5, 2, 0, 0))
UNSOLICITED_INTERVAL_MS: Final = 1000
"""RFC 3810 9.11."""
OLDER_VERSION_PRESENT_NS: Final = 260 * SECOND_NS
"""RFC 3810 9.12: robustness times query interval plus response interval."""


class Report(TimerOwner):
    """Reports of one group on one interface that are still to be sent."""

    __slots__ = ("group", "kind", "left", "mld", "on_link")

    def __init__(self, mld: Mld, on_link: Ipv6Interface, group: int, kind: int, left: int) -> None:
        super().__init__()
        self.mld: Final = mld
        self.on_link: Final = on_link
        self.group: Final = group
        self.kind = kind
        self.left = left

    def on_timer(self, now: int) -> None:
        """Send it, and again later while any is left."""
        self.left -= 1
        self.mld.report(self.on_link, self.group, self.kind)
        if self.left > 0:
            self.mld.arm(self, UNSOLICITED_INTERVAL_MS)
        else:
            self.mld.pending.pop((self.on_link.interface.name, self.group), None)

    def is_foreground(self) -> bool:
        """No run waits for it."""
        return False


class Mld:
    """MLD of one host."""

    __slots__ = ("ipv6", "old_until_ns", "pending", "stack")

    def __init__(self, ipv6: Ipv6) -> None:
        self.ipv6: Final = ipv6
        self.stack: Final = ipv6.stack
        self.pending: Final[dict[tuple[str, int], Report]] = {}
        self.old_until_ns = -1
        """Until when version 1 is spoken."""

    def joined(self, on_link: Ipv6Interface, group: int) -> None:
        """The first of this host joined `group` there: say so as soon as time goes on, and again a little later."""
        if not self._is_silent(on_link, group):
            self._schedule(on_link, group, TO_EXCLUDE, self.stack.settings.ipv6_mld_qrv, 1)

    def left(self, on_link: Ipv6Interface, group: int) -> None:
        """The last left it."""
        self._cancel(on_link, group)
        if not self._is_silent(on_link, group):
            self.report(on_link, group, TO_INCLUDE)

    def receive(self, frame: Frame, header: Ipv6Header, message: Icmpv6Header, interface: Interface) -> None:
        """A query: the groups asked for are reported within the time it gives.

        Another member's report changes nothing, but in version 1, where one is enough (RFC 2710 4).
        """
        on_link = interface.ipv6
        payload = bytes(frame.payload)
        asked = int.from_bytes(payload[:16], "big")
        if on_link is None or not _is_of_this_link(header) or not _has_right_size(payload):
            self.stack.drop(Drop.ICMP_IGNORED, frame, f"MLD type {message.type}")
            return
        if message.type == MLD_REPORT and self.stack.now < self.old_until_ns:
            self._cancel(on_link, asked)
            return
        if message.type != MLD_QUERY:
            self.stack.drop(Drop.ICMP_IGNORED, frame, f"MLD type {message.type}")
            return
        most_ms = message.rest >> 16
        if len(payload) == VERSION_1_BYTES:
            self.old_until_ns = self.stack.now + OLDER_VERSION_PRESENT_NS
        elif most_ms >= 0x8000:
            most_ms = (most_ms & 0xFFF | 0x1000) << (most_ms >> 12 & 7) + 3  # RFC 3810 5.1.3
        for group in list(on_link.groups):
            if asked in (0, group) and not self._is_silent(on_link, group):
                self._schedule(on_link, group, IS_EXCLUDE, 1, max(most_ms, 1))

    def _cancel(self, on_link: Ipv6Interface, group: int) -> None:
        pending = self.pending.pop((on_link.interface.name, group), None)
        if pending is not None:
            self.stack.timers.cancel(pending)

    def _is_silent(self, on_link: Ipv6Interface, group: int) -> bool:
        return on_link.interface.is_loopback or group == ALL_NODES or group >> 112 & 0xF <= 1

    def _schedule(self, on_link: Ipv6Interface, group: int, kind: int, count: int, most_ms: int) -> None:
        key = (on_link.interface.name, group)
        if count <= 0 or key in self.pending:
            return
        self.pending[key] = Report(self, on_link, group, kind, count)
        self.arm(self.pending[key], most_ms)

    def arm(self, report: Report, most_ms: int) -> None:
        """Send `report` at a random moment within `most_ms`."""
        stack = self.stack
        stack.timers.arm(report, stack.now + stack.random.randrange(most_ms) * MILLISECOND_NS)

    def report(self, on_link: Ipv6Interface, group: int, kind: int) -> None:
        """One report, by the version that is spoken."""
        address = group.to_bytes(16, "big")
        if self.stack.now < self.old_until_ns:
            done = kind == TO_INCLUDE
            message = Icmpv6Header(MLD_DONE if done else MLD_REPORT, 0)
            destination, payload = ALL_ROUTERS if done else group, address
        else:
            message = Icmpv6Header(MLD_REPORT_V2, 0, 1)
            destination, payload = ALL_MLD_ROUTERS, bytes((kind, 0, 0, 0)) + address
        output = self.ipv6.output
        looped, output.multicast_loop = output.multicast_loop, False
        route = output.route_for(destination, 0, on_link.interface)
        if route is not None:
            icmp = self.ipv6.icmp
            icmp.sent[message.type] = icmp.sent.get(message.type, 0) + 1
            output.send_packet(
                on_link.link_local,
                destination,
                PROTOCOL_ICMPV6,
                message,
                payload,
                ttl=1,
                route=route,
                first=HOP_BY_HOP,
                extensions=ROUTER_ALERT,
            )
        output.multicast_loop = looped


def _is_of_this_link(header: Ipv6Header) -> bool:
    """RFC 3810 6.2 and 5.1.14: from a link-local address, hop limit 1, with a router alert; else it came from afar."""
    alerts = header.first == HOP_BY_HOP and ROUTER_ALERT_MLD in header.extensions
    return header.ttl == 1 and is_link_local(header.source) and alerts


def _has_right_size(payload: bytes) -> bool:
    return len(payload) == VERSION_1_BYTES or len(payload) >= VERSION_2_BYTES_MIN
