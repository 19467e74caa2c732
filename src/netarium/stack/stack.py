"""One host's TCP/IP, put together. Sans-IO and sans-clock: frames and times are handed in, frames come out.

Every entry sets `now` first and settles last: `receive` and `poll` do both, operations from above are bracketed by
`enter(now)` and `settle()`. Nothing here knows an engine, a port or a socket.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

from netarium.errors import StormError, UsageError
from netarium.journey import Drop, Stop, Watch
from netarium.stack.hooks import Hooks
from netarium.stack.icmp import Icmp
from netarium.stack.igmp import Igmp
from netarium.stack.interface import MTU_ETHERNET, MTU_LOOPBACK, Interface, InterfaceAddress
from netarium.stack.ipv4 import Ipv4
from netarium.stack.neighbors import Neighbors
from netarium.stack.ports import PortTable
from netarium.stack.raw import Raw
from netarium.stack.routes import BROADCAST, LOCAL, Route, RouteTable
from netarium.stack.settings import Settings
from netarium.stack.timers import NEVER, Timers
from netarium.stack.udp import Udp
from netarium.stack.udplite import UdpLite
from netarium.wire.ethernet import ETHERTYPE_ARP, ETHERTYPE_IPV4, Frame
from netarium.wire.ipv4 import (
    PROTOCOL_ICMP,
    PROTOCOL_TCP,
    PROTOCOL_UDP,
    PROTOCOL_UDPLITE,
    Ipv4Header,
)

if TYPE_CHECKING:
    from netarium.stack.ipv6 import Ipv6

LOOPBACK_ADDRESS: Final = 0x7F000001
LOOPBACK_FRAMES_MAX: Final = 1_000_000
"""More frames than this over `lo` in one call is a loop that time cannot end: a storm."""


class RandomSource(Protocol):
    """What a stack wants of its stream of randomness; `random.Random` has it."""

    def getrandbits(self, k: int, /) -> int:
        """A number of `k` random bits."""
        ...

    def randrange(self, start: int, /) -> int:
        """A number from 0 to `start` - 1."""
        ...


class Stack:
    """One host's TCP/IP, assembled. `name` is the host's; `random` its stream; `watch` the net's hooks."""

    __slots__ = (
        "armed_ns", "drops", "hooks", "icmp", "igmp", "interfaces", "ipv4", "ipv6", "lo", "loopback", "name",
        "neighbors", "now", "ports", "random", "raw", "rearm", "receivers", "routes", "settings", "settling",
        "tcp", "timers", "udp", "udplite", "watch",
    )  # fmt: skip

    def __init__(self, name: str, settings: Settings, random: RandomSource, watch: Watch) -> None:
        self.name: Final = name
        self.settings: Final = settings
        self.random: Final = random
        self.watch = watch
        self.now = 0
        self.drops: dict[Drop, int] = {}
        self.timers: Final = Timers()
        self.armed_ns = NEVER
        self.rearm: Callable[[int], None] | None = None
        """Set by the node: called with the earliest deadline whenever that moved earlier."""
        self.loopback: Final[deque[tuple[Interface, Frame]]] = deque()
        """Frames on `lo`, and this host's broadcasts on their way back to its own sockets."""
        self.settling = False

        self.receivers: Final[dict[int, Callable[[Frame, Interface], None]]] = {}
        self.interfaces: Final[dict[str, Interface]] = {}
        self.neighbors: Final[dict[str, Neighbors]] = {}
        self.routes: Final = RouteTable()
        self.hooks: Final = Hooks()
        self.ports: Final = PortTable(self)
        self.ipv4: Final = Ipv4(self)
        self.icmp: Final = Icmp(self)
        self.igmp: Final = Igmp(self)
        self.raw: Final = Raw(self)
        self.udp: Final = Udp(self)
        self.udplite: Final = UdpLite(self)
        self.tcp: Final = self.ipv4.tcp
        self.ipv6: Ipv6 | None = None
        """None until `enable_ipv6`: a host has no IPv6 unless it is asked for."""
        self.receivers[ETHERTYPE_IPV4] = self.ipv4.input.receive_packet
        self.receivers[ETHERTYPE_ARP] = Neighbors.receive_arp
        self.ipv4.input.protocols[PROTOCOL_ICMP] = self.icmp.receive
        self.ipv4.input.protocols[PROTOCOL_UDP] = self.udp.receive
        self.ipv4.input.protocols[PROTOCOL_UDPLITE] = self.udplite.receive
        self.ipv4.input.protocols[PROTOCOL_TCP] = self.tcp.receive
        self.icmp.error_receivers[PROTOCOL_UDP] = self.udp.receive_error
        self.icmp.error_receivers[PROTOCOL_UDPLITE] = self.udplite.receive_error
        self.icmp.error_receivers[PROTOCOL_TCP] = self.tcp.receive_error
        self.lo: Final = self.add_interface("lo", 0, MTU_LOOPBACK)
        self.add_address("lo", LOOPBACK_ADDRESS, 8)

    # The node's side: frames and times in.

    def enter(self, now: int) -> None:
        """Begin an operation from above at time `now`."""
        self.now = now

    def receive(self, interface: Interface, frame: Frame, now: int) -> None:
        """A frame has arrived at `interface`."""
        self.now = now
        header = frame.network
        way = None
        if type(header) is Ipv4Header:
            way = interface.trodden.get((header.source, header.destination))
        if way is None or not way.carry(frame, interface):
            interface.receive_frame(frame)
        if self.loopback:
            self.settle()
        else:
            heap = self.timers.heap
            if heap and heap[0][0] < self.armed_ns:
                self.settle()

    def poll(self, now: int) -> None:
        """Do what is due at `now`; the node calls it at the time `rearm` was given."""
        self.now = now
        if now >= self.armed_ns:
            self.armed_ns = NEVER
        self.timers.fire_due(now)
        self.settle()

    def settle(self) -> None:
        """End an operation: empty the loopback FIFO and tell the node when the earliest deadline moved earlier."""
        if self.loopback and not self.settling:
            self._drain_loopback()
        heap = self.timers.heap
        if heap and heap[0][0] < self.armed_ns:
            self.armed_ns = heap[0][0]
            if self.rearm is not None:
                self.rearm(self.armed_ns)

    def next_deadline(self) -> int | None:
        """When `poll` wants to be called, in ns (perhaps earlier than needed); None for not at all."""
        heap = self.timers.heap
        return heap[0][0] if heap else None

    def has_foreground(self) -> bool:
        """Whether a run must not end yet because of a timer of this stack (DESIGN 3, End of a run)."""
        return self.timers.has_foreground()

    def _drain_loopback(self) -> None:
        loopback, lo, watch = self.loopback, self.lo, self.watch
        looped = self.receive_looped
        self.settling = True
        count = 0
        try:
            while loopback:
                interface, frame = loopback.popleft()
                count += 1
                if count > LOOPBACK_FRAMES_MAX:
                    raise StormError(
                        f"{self.name}: more than {LOOPBACK_FRAMES_MAX} frames over lo at {self.now} ns: two endpoints "
                        "of this host answer each other without time passing"
                    )
                if interface is not lo:
                    looped(frame, interface)
                    continue
                if watch.frame is not None and lo.port is not None:
                    watch.frame(self.now, lo.port, Stop.LINK_RECEIVED, frame)
                lo.receive_frame(frame)
        finally:
            self.settling = False

    def receive_looped(self, frame: Frame, interface: Interface) -> None:
        """A broadcast or multicast of this host comes back to its own sockets."""
        if frame.ethertype == ETHERTYPE_IPV4:
            self.ipv4.input.receive_looped(frame, interface)
        elif self.ipv6 is not None:
            self.ipv6.input.receive_looped(frame, interface)

    # What every layer reports.

    def drop(self, reason: Drop, frame: Frame | None, detail: str = "") -> None:
        """Count that `frame` ends here, and say so."""
        self.drops[reason] = self.drops.get(reason, 0) + 1
        if self.watch.drop is not None:
            self.watch.drop(self.now, self.name, reason, frame, detail)

    # IPv6.

    def enable_ipv6(self, name: str = "") -> Ipv6:
        """Switch IPv6 on for interface `name` ("": all there are) and lo."""
        from netarium.stack.ipv6 import Ipv6

        if self.ipv6 is None:
            self.ipv6 = Ipv6(self)
            self.ipv6.attach(self.lo)
        for interface in self.interfaces.values():
            if name in ("", interface.name):
                self.ipv6.attach(interface)
        return self.ipv6

    def add_ipv6_address(self, name: str, address: int, length: int, *, at_start: bool = False) -> bool:
        """Give interface `name` an IPv6 address; IPv6 is switched on there. False: it has it already.

        `at_start`: it belongs to the configuration, and is usable while duplicate detection runs.
        """
        on_link = self.enable_ipv6(name).interfaces[name]
        return on_link.add_address(address, length, at_start=at_start)

    # Interfaces and addresses. `control` is the door for tools; nodes and tests use these.

    def add_interface(self, name: str, mac: int, mtu: int = MTU_ETHERNET) -> Interface:
        """Give the host one more interface; it is up and has no address."""
        if name in self.interfaces:
            raise UsageError(f"{self.name}: there is an interface {name} already")
        interface = Interface(self, name, mac, mtu, len(self.interfaces))
        self.interfaces[name] = interface
        self.neighbors[name] = interface.neighbors
        return interface

    def add_address(
        self, name: str, address: int, length: int, *, metric: int = 0, routed: bool = True
    ) -> bool:
        """Give interface `name` an address and, with `routed`, the route to its network. False: it has it already.

        `length` is that of the prefix, 0 to 32 bits.
        """
        interface = self.interfaces[name]
        if any(each.address == address and each.length == length for each in interface.addresses):
            return False
        added = InterfaceAddress(address, length)
        interface.addresses.append(added)
        if routed and length < 32 and not interface.is_loopback:
            self.routes.add(Route(added.network, length, interface, 0, address, 0, metric, "kernel"))
        self._rebuild_local()
        return True

    def remove_address(self, name: str, address: int) -> bool:
        """Take an address away, and the routes that send from it. False when the interface does not have it."""
        interface = self.interfaces[name]
        kept = [each for each in interface.addresses if each.address != address]
        if len(kept) == len(interface.addresses):
            return False
        interface.addresses[:] = kept
        for route in [each for each in self.routes.routes if each.source == address]:
            if route.interface is interface:
                self.routes.remove(route)
        if self.hooks.filter is not None:
            self.hooks.filter.forget_address(address)
        self._rebuild_local()
        return True

    def set_up(self, name: str, up: bool) -> None:
        """Switch an interface on or off (`ip link set NAME up|down`)."""
        interface = self.interfaces[name]
        if interface.up != up:
            interface.up = up
            interface.tell_watchers()
            if not up:
                interface.neighbors.flush()
            self._rebuild_local()
            if interface.ipv6 is not None:
                interface.ipv6.set_up(up)

    def set_mac(self, name: str, mac: int) -> None:
        """Let an interface have another MAC: its neighbours are looked for again, and told (Linux arp_notify)."""
        interface = self.interfaces[name]
        interface.mac = mac
        interface.neighbors.flush()
        if interface.ipv6 is not None:
            interface.ipv6.neighbors.flush()
        if interface.up:
            for each in interface.addresses:
                interface.neighbors.announce(each.address)

    def set_mtu(self, name: str, mtu: int) -> None:
        """Let an interface carry packets of at most `mtu` bytes."""
        self.interfaces[name].mtu = mtu
        self._rebuild_local()
        if self.ipv6 is not None:
            self.ipv6.routes.changed()

    def interface_with(self, address: int) -> Interface | None:
        """The interface that has this address, or (127/8) lo; None when it is not this host's."""
        route = self.routes.local.get(address)
        if route is None and address >> 24 == 127:
            return self.lo if self.routes.loopback is not None else None
        if route is None or route.kind != LOCAL:
            return None
        for interface in self.interfaces.values():
            if any(each.address == address for each in interface.addresses):
                return interface
        return None

    def is_local(self, address: int) -> bool:
        """Whether a socket may bind to `address`: own, or any of 127/8."""
        return self.interface_with(address) is not None

    def any_address(self) -> int:
        """The first address of the first interface that has one beyond lo; 0 without any (Linux: inet_select_addr)."""
        for interface in self.interfaces.values():
            if interface.addresses and interface.up and not interface.is_loopback:
                return interface.addresses[0].address
        return 0

    def _rebuild_local(self) -> None:
        """The local table from the addresses: own ones by lo, broadcasts by their interface (RFC 1122 3.3.6)."""
        local: dict[int, Route] = {}
        routes = self.routes
        routes.loopback = None
        for interface in self.interfaces.values():
            for each in interface.addresses:
                if each.broadcast and interface.up and not interface.is_loopback:
                    local[each.broadcast] = Route(
                        each.broadcast, 32, interface, 0, each.address, interface.mtu, 0, "kernel", BROADCAST
                    )
        for interface in self.interfaces.values():
            for each in interface.addresses:
                route = Route(
                    each.address, each.length, self.lo, 0, each.address, self.lo.mtu, 0, "kernel", LOCAL
                )
                if each.address >> 24 != 127:
                    local[each.address] = route
                elif interface.up:
                    routes.loopback = route  # all of 127/8, and only by lo: it is not in `local`
        routes.local = local
        routes.changed()
