"""What netlink is on Linux: the one door by which tools and services read and change the host they run on.

A `Control` is a program's view of its host's stack. Addresses are ints, as everywhere inside; prefixes are
(address, length in bits). What cannot be done is returned as a `Failure` (netlink answers an errno), never raised;
only unknown names of settings raise UsageError, which names the nearest. Changes need privilege (CAP_NET_ADMIN).

    filters  what it shows and changes of tracking, NAT, firewall, balancer
    ipv6     the same for the other family
    views    values to be read
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from netarium.addresses import MAC_GROUP_BIT
from netarium.control.filters import FilterControl
from netarium.control.ipv6 import Ipv6Control
from netarium.control.views import InterfaceView, NeighborView, SwitchFace, interface_view
from netarium.errors import UsageError
from netarium.journey import Stop
from netarium.stack.failures import Failure
from netarium.stack.routes import LOCAL, UNICAST, MultipathRoute, Route

if TYPE_CHECKING:
    from netarium.journey import Cause, Drop
    from netarium.link.switch import Bridge
    from netarium.stack.interface import Interface
    from netarium.stack.ports import SocketRow
    from netarium.stack.setting import Value
    from netarium.stack.stack import Stack


__all__ = ["Control", "InterfaceView", "NeighborView", "SwitchFace", "here", "provide"]

_finders: list[Callable[[], Control | None]] = []


def provide(find: Callable[[], Control | None]) -> None:
    """`programs` says once how the running program's door is found; None means that no program runs."""
    _finders.append(find)


def here() -> Control:
    """The door of the host on which the calling program runs. Raises UsageError outside the net's programs."""
    for find in _finders:
        found = find()
        if found is not None:
            return found
    raise UsageError(
        "control.here() outside the net: call it in a program on a host, such as by host.call(...)"
    )


class Control(FilterControl, Ipv6Control):
    """One program's door to its host. `clock` gives the time in ns; `privileged` lets it change things."""

    def __init__(
        self,
        stack: Stack,
        clock: Callable[[], int],
        privileged: bool = True,
        disk: dict[str, str] | None = None,
        start_daemon: Callable[[str, Callable[[], None]], None] | None = None,
    ) -> None:
        self.stack = stack
        self.clock = clock
        self.privileged = privileged
        self.disk: Final = {} if disk is None else disk
        """What the host's services keep over a reboot, by file name: the leases of a DHCP server."""

        self._start_daemon: Final = start_daemon
        self.daemons: dict[str, Callable[[], Any]] = {}
        """What the host's daemons show of themselves while it is on, by name (the sockets that vtysh asks)."""
        self.switch: SwitchFace | None = None
        """The switch around the stack, where the host is one."""

    def start_daemon(self, name: str, main: Callable[[], None]) -> None:
        """Leave a program behind that runs `main` on this host, as root, until the host goes off (daemon(3))."""
        if self._start_daemon is None:
            raise UsageError(f"{name}: only a program inside the net can leave a daemon behind")
        self._start_daemon(name, main)

    # The trace.

    def tell_step(self, subject: str, details: dict[str, object]) -> None:
        """Tell the watchers of a stage of a name's way (`Stop.NAME`); costs nothing when nobody watches."""
        watch_step = self.stack.watch.step
        if watch_step is not None:
            watch_step(self.clock(), self.stack.name, Stop.NAME, subject, details)

    def drop(self, reason: Drop, detail: str = "") -> None:
        """Count that a message which had come to a service of this host ends there, and say so."""
        self.stack.enter(self.clock())
        self.stack.drop(reason, None, detail)

    def tell_state(self, subject: str, before: str, after: str, cause: Cause) -> None:
        """Tell the watchers that a service's state machine has moved, such as `dhcp eth0` to BOUND."""
        watch_state = self.stack.watch.state
        if watch_state is not None and before != after:
            watch_state(self.clock(), self.stack.name, subject, before, after, cause)

    # Interfaces.

    def interfaces(self) -> list[InterfaceView]:
        """All interfaces, lo first."""
        return [interface_view(each) for each in self.stack.interfaces.values()]

    def set_interface_up(self, name: str, up: bool) -> Failure | None:
        """`ip link set NAME up|down`."""
        if not self.privileged:
            return Failure.PERMISSION
        if name not in self.stack.interfaces:
            return Failure.NO_DEVICE
        self.stack.enter(self.clock())
        self.stack.set_up(name, up)
        self.stack.settle()
        return None

    def set_mtu(self, name: str, mtu: int) -> Failure | None:
        """`ip link set NAME mtu N`: 68 (RFC 791) to 65535 bytes, on lo to 65536."""
        if not self.privileged:
            return Failure.PERMISSION
        interface = self.stack.interfaces.get(name)
        if interface is None:
            return Failure.NO_DEVICE
        if not 68 <= mtu <= (65536 if interface.is_loopback else 65535):
            return Failure.INVALID
        self.stack.set_mtu(name, mtu)
        return None

    def set_mac(self, name: str, mac: int) -> Failure | None:
        """`ip link set NAME address MAC`: the interface speaks and is spoken to as `mac`, and tells the link so."""
        if not self.privileged:
            return Failure.PERMISSION
        interface = self.stack.interfaces.get(name)
        if interface is None:
            return Failure.NO_DEVICE
        if interface.is_loopback or mac & MAC_GROUP_BIT or not mac:
            return Failure.ADDRESS_NOT_AVAILABLE
        self.stack.enter(self.clock())
        self.stack.set_mac(name, mac)
        self.stack.settle()
        return None

    # Addresses.

    def add_address(self, interface: str, address: int, length: int) -> Failure | None:
        """`ip addr add ADDRESS/LENGTH dev INTERFACE`; the route to its network comes with it."""
        if not self.privileged:
            return Failure.PERMISSION
        if interface not in self.stack.interfaces:
            return Failure.NO_DEVICE
        if not 0 <= length <= 32 or not 0 < address < 0xE0000000:
            return Failure.INVALID
        self.stack.enter(self.clock())
        added = self.stack.add_address(interface, address, length)
        self.stack.settle()
        return None if added else Failure.EXISTS

    def remove_address(self, interface: str, address: int) -> Failure | None:
        """`ip addr del ADDRESS dev INTERFACE`; routes that send from it go with it."""
        if not self.privileged:
            return Failure.PERMISSION
        if interface not in self.stack.interfaces:
            return Failure.NO_DEVICE
        self.stack.enter(self.clock())
        removed = self.stack.remove_address(interface, address)
        self.stack.settle()
        return None if removed else Failure.ADDRESS_NOT_AVAILABLE

    def announce(self, interface: str, address: int) -> Failure | None:
        """`arping -U`: tell the link that `address` is here now (RFC 5227 2.3)."""
        if interface not in self.stack.neighbors:
            return Failure.NO_DEVICE
        self.stack.enter(self.clock())
        self.stack.neighbors[interface].announce(address)
        self.stack.settle()
        return None

    # Routes.

    def routes(self) -> list[Route]:
        """The main table, as `ip route` orders it: default first, then by prefix, length and metric."""
        return sorted(self.stack.routes.routes, key=lambda each: (each.prefix, each.length, each.metric))

    def route_to(self, destination: int) -> Route | None:
        """`ip route get`: the route a packet to `destination` takes, with its source address."""
        return self.stack.ipv4.route_for(destination)

    def explain_route(self, destination: int) -> dict[str, object]:
        """The candidates for `destination`, the winner and why it won."""
        return self.stack.routes.explain(destination)

    def add_route(
        self,
        prefix: int,
        length: int,
        *,
        gateway: int = 0,
        interface: str = "",
        source: int = 0,
        metric: int = 0,
        protocol: str = "boot",
        kind: int = UNICAST,
        replace: bool = False,
        hops: Sequence[tuple[int, str]] = (),
    ) -> Failure | None:
        """`ip route add|replace`. A gateway must be on the link of one of the interfaces (NETWORK_UNREACHABLE).

        `hops`, as (gateway, interface), instead of `gateway` and `interface`: several next hops of equal weight, over
        which flows are spread (`nexthop via ... dev ...`).
        """
        if not self.privileged:
            return Failure.PERMISSION
        table = self.stack.routes
        if not 0 <= length <= 32 or prefix & ~(0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF:
            return Failure.INVALID
        if source and not self.stack.is_local(source):
            return Failure.INVALID
        made: list[Route] = []
        for via, name in hops or ((gateway, interface),):
            out = self._way_out(via, name, kind)
            if isinstance(out, Failure):
                return out
            made.append(Route(prefix, length, out, via, source, 0, metric, protocol, kind))
        for each in list(table.by_length.get(length, {}).get(prefix, ())):
            if each.metric == metric:
                if not replace:
                    return Failure.EXISTS
                table.remove(each)
        table.add(made[0] if len(made) == 1 else MultipathRoute(made))
        return None

    def _way_out(self, gateway: int, interface: str, kind: int) -> Interface | Failure:
        out: Interface | None
        if interface:
            return self.stack.interfaces.get(interface) or Failure.NO_DEVICE
        out = self._interface_towards(gateway) if kind == UNICAST else self.stack.lo
        return out or (Failure.NETWORK_UNREACHABLE if gateway else Failure.NO_DEVICE)

    def _interface_towards(self, gateway: int) -> Interface | None:
        route = self.stack.routes.lookup(gateway) if gateway else None
        if route is None or route.gateway or route.kind == LOCAL:
            return None
        return route.interface

    def remove_route(
        self, prefix: int, length: int, *, gateway: int = 0, interface: str = "", metric: int = -1
    ) -> Failure | None:
        """`ip route del`: the first route that fits what is given (0, "" and -1 fit all)."""
        if not self.privileged:
            return Failure.PERMISSION
        for each in self.stack.routes.by_length.get(length, {}).get(prefix, ()):
            if (
                gateway in (0, each.gateway)
                and interface in ("", each.interface.name)
                and metric in (-1, each.metric)
            ):
                self.stack.routes.remove(each)
                return None
        return Failure.NOT_FOUND

    # Neighbours.

    def neighbors(self) -> list[NeighborView]:
        """`ip neigh`: every interface's entries, in order of making."""
        self.stack.enter(self.clock())
        now = self.stack.now
        return [
            NeighborView(name, each.address, each.mac, each.shown_state(now), now - each.confirmed_ns)
            for name, table in self.stack.neighbors.items()
            for each in table.listing()
        ]

    def add_neighbor(self, interface: str, address: int, mac: int) -> Failure | None:
        """`ip neigh replace ADDRESS lladdr MAC dev INTERFACE nud permanent`."""
        if not self.privileged:
            return Failure.PERMISSION
        if interface not in self.stack.neighbors:
            return Failure.NO_DEVICE
        self.stack.enter(self.clock())
        self.stack.neighbors[interface].add_permanent(address, mac)
        self.stack.settle()
        return None

    def remove_neighbor(self, interface: str, address: int) -> Failure | None:
        """`ip neigh del ADDRESS dev INTERFACE`."""
        if not self.privileged:
            return Failure.PERMISSION
        if interface not in self.stack.neighbors:
            return Failure.NO_DEVICE
        self.stack.enter(self.clock())
        return None if self.stack.neighbors[interface].delete(address) else Failure.NOT_FOUND

    # The switch around the stack.

    @property
    def bridge(self) -> Bridge | None:
        """The bridge of a switch: its ports, MAC table, VLANs and spanning tree; None elsewhere."""
        return None if self.switch is None else self.switch.bridge

    def flows(self) -> Sequence[tuple[int, ...]]:
        """The flow cache of a layer-3 switch, empty elsewhere; see `SwitchFace.flow_table`."""
        return () if self.switch is None else self.switch.flow_table()

    # Settings, sockets, counters.

    def settings(self) -> Iterator[tuple[str, Value]]:
        """`sysctl -a`."""
        return self.stack.settings.items()

    def setting(self, name: str) -> Value:
        """`sysctl NAME`. Raises UsageError for an unknown name, with the nearest one."""
        return self.stack.settings.get(name)

    def set_setting(self, name: str, value: object) -> Failure | None:
        """`sysctl -w NAME=VALUE`. Raises UsageError for an unknown name or an impossible value."""
        if not self.privileged:
            return Failure.PERMISSION
        self.stack.settings.set(name, value)
        if self.stack.ipv6 is not None:
            self.stack.enter(self.clock())
            self.stack.ipv6.follow_forwarding()
            self.stack.settle()
        return None

    def sockets(self) -> list[SocketRow]:
        """`ss -a`: listeners, connections, UDP sockets."""
        return self.stack.ports.sockets()

    def raw_sockets(self) -> int:
        """How many raw sockets of IPv4 are open (`ss -s`)."""
        return sum(map(len, self.stack.raw.endpoints.values()))

    def drops(self) -> dict[Drop, int]:
        """How many packets ended here, by reason, since boot."""
        return dict(self.stack.drops)
