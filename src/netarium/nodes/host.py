"""A host to place: a stack, its ports, and the glue between both and the engine.

The glue is three lines: a port hands frames to `stack.receive`, an interface hands them to `port.transmit`,
and the stack's earliest deadline stands in the engine's queue as one event of this host (a later one may
still lie behind it from before; it finds nothing to do and costs one call).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from netarium.engine.events import Engine
from netarium.engine.streams import Streams
from netarium.errors import UsageError
from netarium.journey import Drop, Watch
from netarium.link.port import Port, PortOwner
from netarium.link.vlan import untagged
from netarium.nodes.ipv6 import Ipv6Setup, start_ipv6
from netarium.nodes.node import Node, PortNumbers
from netarium.stack.interface import Interface
from netarium.stack.routes import Route
from netarium.stack.settings import Settings
from netarium.stack.stack import Stack
from netarium.wire.ethernet import DATA_BYTES_MAX, Frame
from netarium.wire.ipv4 import Ipv4Header

if TYPE_CHECKING:
    from netarium.control import SwitchFace
    from netarium.names.resolver import Resolver

IP_FORWARD: Final = "net.ipv4.ip_forward"


@dataclass(frozen=True, slots=True)
class InterfaceSetup:
    """How an interface is configured: its MAC, its addresses as (address, prefix length in bits), its MTU in
    bytes.
    """

    mac: int
    addresses: Sequence[tuple[int, int]] = ()
    mtu: int = DATA_BYTES_MAX


@dataclass(frozen=True, slots=True)
class RouteSetup:
    """A static route: `gateway` 0 for a network on the link, which then needs `interface`."""

    prefix: int
    length: int
    gateway: int = 0
    interface: str = ""
    metric: int = 0


@dataclass(slots=True)
class HostSetup:
    """What a host knows at power-on. `settings` are sysctl names and values; `gateway` 0 for none."""

    interfaces: dict[str, InterfaceSetup] = field(default_factory=dict)
    gateway: int = 0
    routes: Sequence[RouteSetup] = ()
    forwarding: bool = False
    settings: Mapping[str, object] = field(default_factory=dict)
    ipv6: Ipv6Setup | None = None


def _nowhere(frame: Frame) -> None:
    """Where a host that is switched off sends."""


class LoopbackPort:
    """The name under which the frames of `lo` are shown: `node:lo`, with an interface block of its own in
    captures.
    """

    __slots__ = ("name", "number")

    def __init__(self, name: str, number: int) -> None:
        self.name = name
        self.number = number

    def __repr__(self) -> str:
        return f"LoopbackPort({self.name!r}, number={self.number})"


class Host(Node):
    """A host. `stack` is its TCP/IP while it is on, and the last one it had after a crash.

    `setup` may be changed at any time by whoever configures the lab; it counts at the next boot. `on_crash`
    and `on_boot` are called after the node went off or on (programs end with their host and start with it).
    """

    kind = "host"

    def __init__(
        self,
        name: str,
        engine: Engine,
        streams: Streams,
        watch: Watch,
        port_numbers: PortNumbers,
        *,
        interfaces: Mapping[str, InterfaceSetup],
        gateway: int = 0,
        routes: Sequence[RouteSetup] = (),
        forwarding: bool = False,
        settings: Mapping[str, object] | None = None,
        on: bool = True,
    ) -> None:
        super().__init__(name, engine, streams, watch, port_numbers)
        self.setup = HostSetup(dict(interfaces), gateway, tuple(routes), forwarding, dict(settings or {}))
        self.on = on
        self.boots = 0
        self.disk: dict[str, str] = {}
        """What services have written down; a crash does not take it."""
        self.daemons: dict[str, Callable[[], Any]] = {}
        """What its daemons show of themselves."""
        self.resolver: Resolver | None = None
        """The names it knows, when a lab gave it any."""
        self.switch_face: SwitchFace | None = None
        """The switch that is in the same box, for the tools that show its tables."""
        self.on_crash: list[Callable[[], None]] = []
        self.on_boot: list[Callable[[], None]] = []
        self.loopback = LoopbackPort(f"{name}:lo", port_numbers())
        self._place_cards()
        # The engine's events for this host, as a stack: the soonest is the last.
        self._wakes: list[int] = []
        self.stack: Stack
        self._power_up()

    def owner(self) -> PortOwner:
        """The host itself."""
        return self

    def receive(self, port: Port, frame: Frame) -> None:
        """Hand a frame to the stack."""
        if frame.tag >= 0:
            self._receive_tagged(port, frame)
            return
        # Stack.receive, written out: this is the hot path.
        stack = self.stack
        stack.now = self.engine.now
        interface = port.nic
        header = frame.network
        way = None
        if type(header) is Ipv4Header:
            way = interface.trodden.get((header.source, header.destination))
        if way is None or not way.carry(frame, interface):
            interface.receive_frame(frame)
        heap = stack.timers.heap
        if stack.loopback or (heap and heap[0][0] < stack.armed_ns):
            stack.settle()

    def carrier_changed(self, port: Port, up: bool) -> None:
        """Tell the interface. As on Linux, addresses and routes stay when a cable is pulled; frames are dropped at the
        port.
        """
        if port.nic is not None:
            port.nic.line = port.direction
            port.nic.set_carrier(up)

    def add_interface(self, name: str, setup: InterfaceSetup) -> Port:
        """Put one more NIC into a host, running or not. Raises UsageError when the name is taken."""
        if name == "lo":
            raise UsageError(f"{self.name}: every host has lo already; give another name")
        port = self.new_port(name, setup.mac)
        self.setup.interfaces[name] = setup
        if self.on:
            self._attach(self.stack, name, setup)
        return port

    def set_mtu(self, name: str, mtu: int) -> None:
        """Let a NIC carry packets of at most `mtu` bytes, now and at every boot."""
        self.setup.interfaces[name] = replace(self.setup.interfaces[name], mtu=mtu)
        if self.on and name in self.stack.interfaces:
            self.stack.enter(self.engine.now)
            self.stack.set_mtu(name, mtu)
            self.stack.settle()

    def enable_ipv6(self, setup: Ipv6Setup) -> None:
        """Switch IPv6 on, now and at every boot."""
        self.setup.ipv6 = setup
        self.stack.enter(self.engine.now)
        start_ipv6(self.stack, setup)
        self.stack.settle()

    def fire(self, argument: Any) -> None:
        """An engine event: the time the stack asked for has come. `argument` is the stack it was for."""
        stack = self.stack
        if argument is not stack or not self.on:
            return  # it belonged to a stack that a crash has taken
        self._wakes.pop()
        stack.poll(self.engine.now)

    def has_foreground(self) -> bool:
        """Whether a timer of its stack keeps a run from ending."""
        return self.on and self.stack.has_foreground()

    def owns_mac(self, mac: int) -> bool:
        """Whether one of its interfaces has this MAC address now."""
        return mac != 0 and any(each.mac == mac for each in self.stack.interfaces.values())

    def owns_address(self, address: int) -> bool:
        """Whether an interface other than lo has this IP address now."""
        return any(
            each.address == address
            for interface in self.stack.interfaces.values()
            if not interface.is_loopback
            for each in interface.addresses
        )

    def crash(self) -> None:
        """Switch it off at once: connections, tables and timers are gone without a word to anybody."""
        was_on = self.on
        super().crash()
        if was_on:
            for tell in list(self.on_crash):
                tell()

    def boot(self) -> None:
        """Switch it on: a new stack with the configuration of `setup`."""
        was_on = self.on
        super().boot()
        if not was_on:
            for tell in list(self.on_boot):
                tell()

    def _lose_state(self) -> None:
        # Whoever still holds the old stack (a program that is being killed closes its sockets) reaches nobody
        # with it, and nobody sees it talk to itself.
        self._wakes.clear()
        self.daemons.clear()
        self.stack.rearm = None
        self.stack.watch = Watch()
        for interface in self.stack.interfaces.values():
            interface.transmit = _nowhere

    def _start(self) -> None:
        self.boots += 1
        self._power_up()

    def _power_up(self) -> None:
        """A new stack. It is in its place before it is woken for: a wake is for one stack."""
        self._wakes.clear()
        self.stack = stack = self._new_stack()
        stack.rearm = self._rearm
        deadline_ns = stack.next_deadline()
        if deadline_ns is not None:  # what was armed while it was made, when nobody listened yet
            stack.armed_ns = deadline_ns
            self._rearm(deadline_ns)

    def _new_stack(self) -> Stack:
        setup = self.setup
        settings = Settings(dict(setup.settings))
        if setup.forwarding:
            settings.set(IP_FORWARD, 1)
        # A stream per boot: a host that comes back does not repeat its old sequence numbers.
        suffix = f":boot{self.boots}" if self.boots else ""
        stack = Stack(self.name, settings, self.streams(f"stack:{self.name}{suffix}"), self.watch)
        stack.enter(self.engine.now)
        stack.lo.port = self.loopback
        for name, interface in setup.interfaces.items():
            self._attach(stack, name, interface)
        for route in self._routes(stack):
            stack.routes.add(route)
        if setup.ipv6 is not None:
            start_ipv6(stack, setup.ipv6)
        return stack

    def _receive_tagged(self, port: Port, frame: Frame) -> None:
        """A tag of VLAN 0 tells a priority alone and is taken off (802.1Q 6.9); any other is for no interface here."""
        stack, interface = self.stack, port.nic
        if frame.tag & 0xFFF == 0:
            stack.receive(interface, untagged(frame), self.engine.now)
            return
        stack.enter(self.engine.now)
        interface.drops_in += 1
        for tap in list(interface.taps or ()):
            tap(frame, interface, False)
        stack.drop(Drop.VLAN_NOT_FOR_HOST, frame, f"VLAN {frame.tag & 0xFFF} at {interface.name}")
        stack.settle()

    def _place_cards(self) -> None:
        """A port for each interface."""
        for name, how in self.setup.interfaces.items():
            self.new_port(name, how.mac)

    def _connect(self, interface: Interface) -> None:
        """Join an interface and its port."""
        port = self.ports[interface.name]
        interface.transmit = port.transmit
        interface.line = port.direction
        interface.carrier = port.cable is None or port.up
        port.nic = interface

    def _attach(self, stack: Stack, name: str, setup: InterfaceSetup) -> None:
        interface = stack.add_interface(name, setup.mac, setup.mtu)
        self._connect(interface)
        for address, length in setup.addresses:
            stack.add_address(name, address, length)

    def _routes(self, stack: Stack) -> list[Route]:
        setup = self.setup
        wanted = list(setup.routes)
        if setup.gateway:
            wanted.append(RouteSetup(0, 0, setup.gateway))
        made: list[Route] = []
        for each in wanted:
            name = each.interface or self._interface_towards(each.gateway)
            if name not in stack.interfaces:
                raise UsageError(f"{self.name} has no interface {name}; it has {', '.join(stack.interfaces)}")
            made.append(
                Route(each.prefix, each.length, stack.interfaces[name], each.gateway, metric=each.metric)
            )
        return made

    def _interface_towards(self, gateway: int) -> str:
        for name, interface in self.setup.interfaces.items():
            for address, length in interface.addresses:
                if (address ^ gateway) >> (32 - length) == 0:
                    return name
        text = ".".join(str(gateway >> shift & 255) for shift in (24, 16, 8, 0))
        raise UsageError(
            f"{self.name}: the gateway {text} is in no network of an interface; give a gateway on the link"
        )

    def _rearm(self, deadline_ns: int) -> None:
        wakes = self._wakes
        if not wakes or deadline_ns < wakes[-1]:
            time_ns = max(deadline_ns, self.engine.now)
            wakes.append(time_ns)
            self.engine.at(time_ns, self, self.stack)
