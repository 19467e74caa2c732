"""Telling routers which IPv4 groups are heard here: IGMP version 2.

Read first: RFC 2236 sections 3 and 6 (the host's states), RFC 2113 (router alert). Groups of 224.0.0.0/24 are reported
only with igmp_link_local_mcast_reports (ours: off; Linux: on), so that routing protocols need no reports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netarium.errors import WireError
from netarium.journey import Drop
from netarium.stack.ip_output import multicast_mac
from netarium.stack.timers import MILLISECOND_NS, SECOND_NS, TimerOwner
from netarium.wire.igmp import LEAVE, PROTOCOL_IGMP, QUERY, REPORT, REPORT_V1, IgmpMessage
from netarium.wire.ipv4 import Ipv4Header

if TYPE_CHECKING:
    from netarium.stack.interface import Interface
    from netarium.stack.stack import Stack
    from netarium.wire.ethernet import Frame

ALL_SYSTEMS: Final = 0xE0000001
ALL_ROUTERS: Final = 0xE0000002
ROUTER_ALERT: Final = bytes((0x94, 4, 0, 0))
UNSOLICITED_INTERVAL_MS: Final = 10_000
"""RFC 2236 8.10."""
VERSION_1_RESPONSE: Final = 100
"""A version 1 query says nothing; ten seconds are meant (RFC 2236 4)."""
VERSION_1_PRESENT_NS: Final = 400 * SECOND_NS
"""RFC 2236 8.11: how long a router of version 1 is spoken to in its own version."""

Key = tuple[str, int]


class Membership(TimerOwner):
    """A group heard on an interface: how often it was joined, and the reports still to be sent."""

    __slots__ = ("count", "group", "igmp", "interface", "left", "reported")

    def __init__(self, igmp: Igmp, interface: Interface, group: int) -> None:
        super().__init__()
        self.igmp: Final = igmp
        self.interface: Final = interface
        self.group: Final = group
        self.count = 1
        self.left = 0
        self.reported = False
        """Whether this host sent the last report of the group (RFC 2236 6: the one who says when it leaves)."""

    def on_timer(self, now: int) -> None:
        """Send a report, and again later while any is left."""
        self.left -= 1
        self.reported = True
        kind = REPORT_V1 if self.igmp.is_version_1(self.interface) else REPORT
        self.igmp.send(self.interface, self.group, IgmpMessage(kind, 0, self.group))
        if self.left > 0:
            self.igmp.arm(self, UNSOLICITED_INTERVAL_MS)

    def is_foreground(self) -> bool:
        """No run waits for it."""
        return False


class Igmp:
    """IGMP of one host, as a member of groups."""

    __slots__ = ("groups", "received", "stack", "version_1_until_ns")

    def __init__(self, stack: Stack) -> None:
        self.stack: Final = stack
        self.groups: Final[dict[Key, Membership]] = {}
        self.received = 0
        self.version_1_until_ns: Final[dict[str, int]] = {}
        """By interface: until when version 1 is spoken there (RFC 2236 4)."""
        stack.ipv4.input.protocols[PROTOCOL_IGMP] = self.receive

    def join(self, interface: Interface, group: int) -> None:
        """Hear a group on an interface from now on; joins are counted, and the first is reported."""
        interface.join(multicast_mac(group))
        known = self.groups.get((interface.name, group))
        if known is not None:
            known.count += 1
            return
        known = self.groups[interface.name, group] = Membership(self, interface, group)
        if self._is_reported(interface, group):
            known.left = self.stack.settings.igmp_qrv
            self.arm(known, 1)

    def leave(self, interface: Interface, group: int) -> None:
        """Undo one `join`; the last is said to routers, by the one who reported the group last."""
        interface.leave(multicast_mac(group))
        known = self.groups.get((interface.name, group))
        if known is None:
            return
        known.count -= 1
        if known.count:
            return
        del self.groups[interface.name, group]
        self.stack.timers.cancel(known)
        if known.reported and not self.is_version_1(interface):
            self.send(interface, ALL_ROUTERS, IgmpMessage(LEAVE, 0, group))

    def receive(self, frame: Frame, interface: Interface) -> None:
        """A query, or another's report, which makes ours needless (RFC 2236 3)."""
        header = frame.network
        try:
            message = IgmpMessage.parse(bytes(frame.payload))
        except WireError as error:
            self.stack.drop(Drop.ICMP_MALFORMED, frame, str(error))
            return
        self.received += 1
        known = self.groups.get((interface.name, message.group))
        if message.type == QUERY:
            if not message.response:
                self.version_1_until_ns[interface.name] = self.stack.now + VERSION_1_PRESENT_NS
            most_ms = (message.response or VERSION_1_RESPONSE) * 100
            for each in list(self.groups.values()):
                if each.interface is interface and message.group in (0, each.group):
                    self._answer(each, most_ms)
        elif message.type in (REPORT, REPORT_V1) and known is not None and type(header) is Ipv4Header:
            known.reported = False
            known.left = 0
            self.stack.timers.cancel(known)
        else:
            self.stack.drop(Drop.ICMP_IGNORED, frame, repr(message))

    def is_version_1(self, interface: Interface) -> bool:
        """Whether a router of version 1 has asked there lately."""
        return self.stack.now < self.version_1_until_ns.get(interface.name, 0)

    def _answer(self, known: Membership, most_ms: int) -> None:
        stack = self.stack
        if not self._is_reported(known.interface, known.group):
            return
        if known.deadline_ns > stack.now + most_ms * MILLISECOND_NS:
            known.left = max(known.left, 1)
            self.arm(known, most_ms)

    def _is_reported(self, interface: Interface, group: int) -> bool:
        if interface.is_loopback or group == ALL_SYSTEMS:
            return False
        return group >> 8 != 0xE00000 or bool(self.stack.settings.igmp_link_local_mcast_reports)

    def arm(self, known: Membership, most_ms: int) -> None:
        """Send the next report at a random moment within `most_ms`."""
        stack = self.stack
        stack.timers.arm(known, stack.now + stack.random.randrange(most_ms) * MILLISECOND_NS)

    def send(self, interface: Interface, destination: int, message: IgmpMessage) -> None:
        """One message, with TTL 1 and a router alert."""
        output = self.stack.ipv4.output
        route = output.route_for(destination, 0, interface)
        if route is None:
            return
        looped, output.multicast_loop = output.multicast_loop, False
        output.send_packet(
            0,
            destination,
            PROTOCOL_IGMP,
            None,
            message.emit(),
            ttl=1,
            tos=0xC0,
            dont_fragment=False,
            route=route,
            options=ROUTER_ALERT,
        )
        output.multicast_loop = looped
