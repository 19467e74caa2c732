"""The boxes of a net as users hold them: hosts and routers run programs, switches and hubs are looked into.

Each is a handle around a node of `netarium.nodes`, which does the work.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from netarium.addresses import ipv4_text, ipv6_text
from netarium.control import Control
from netarium.errors import ProgramError, UsageError
from netarium.lab.launch import DHCP, After, Launch
from netarium.lab.service import Service
from netarium.lab.words import suggest
from netarium.names.resolver import Resolver
from netarium.nodes.bridging import port_states
from netarium.nodes.host import Host as HostNode
from netarium.nodes.hub import Hub as HubNode
from netarium.nodes.switch import Switch as SwitchNode
from netarium.programs import registry
from netarium.units import duration_ns

if TYPE_CHECKING:
    from netarium.lab.net import Net
    from netarium.link.port import Port
    from netarium.link.switch import MacEntry
    from netarium.nodes.node import Node
    from netarium.programs.loader import Program
    from netarium.programs.process import Process
    from netarium.services.dhcp.configuration import DhcpConfiguration
    from netarium.services.routing.options import RoutingOptions
    from netarium.stack.filter.views import ConnectionView, NatRow, RuleView

_T = TypeVar("_T")


class Box:
    """What all boxes have: a name, ports, a power switch."""

    node: Node

    def __init__(self, net: Net, node: Node) -> None:
        self.net = net
        self.node = node
        self.name = node.name
        self.boot_ns = 0

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}{'' if self.node.on else ', off'}>"

    @property
    def kind(self) -> str:
        """host, router, switch or hub."""
        return self.node.kind

    @property
    def on(self) -> bool:
        """Whether it is switched on."""
        return self.node.on

    def crash(self) -> None:
        """Switch it off at once; what it knew and ran is gone without a word to anybody."""
        self.node.crash()
        self.net.engine.interrupted = True

    def boot(self) -> None:
        """Switch it on, with its configuration and nothing else."""
        self.node.boot()
        self.net.engine.interrupted = True

    def node_names(self) -> list[str]:
        """The nodes it consists of; more than one for boxes assembled from others."""
        return [self.name]

    def free_port(self, interface: str = "") -> Port:
        """The port a cable may be plugged into: that of `interface`, or a free one. Raises UsageError."""
        raise NotImplementedError


class Switch(Box):
    """A learning switch."""

    node: SwitchNode

    def __init__(self, net: Net, node: SwitchNode) -> None:
        super().__init__(net, node)
        self._system: SwitchSystem | None = None

    @property
    def mac_table(self) -> list[MacEntry]:
        """Its living entries (mac, vlan, port, age_ns), in the order of learning."""
        return self.node.mac_table

    @property
    def port_states(self) -> dict[str, str]:
        """Port name -> disabled, blocking, listening, learning, discarding or forwarding (spanning tree)."""
        return port_states(self.node.ports, self.node.bridge)

    @property
    def system(self) -> SwitchSystem:
        """What its tools run on."""
        if self._system is None:
            self._system = SwitchSystem(self.net, self.node.system)
        return self._system

    def run(self, program: str | Sequence[str], **options: Any) -> Service:
        """Start a tool that needs no network: `bridge fdb`. Options as for `Host.run`. Raises UsageError for others."""
        return self.system.run(program, **options)

    @property
    def floods(self) -> int:
        """How many frames it has sent by all ports (of their VLAN)."""
        return self.node.bridge.floods

    def free_port(self, interface: str = "") -> Port:
        """The port of that name, or a new one (p1, p2 and so on)."""
        port = self.node.ports.get(interface) or self.node.add_port(interface)
        return not_linked(self, port)


class Hub(Box):
    """A hub: what comes in by one port goes out by all others."""

    node: HubNode

    @property
    def floods(self) -> int:
        """How many frames it has repeated."""
        return self.node.repeater.floods

    def free_port(self, interface: str = "") -> Port:
        """The port of that name, or a new one (p1, p2 and so on)."""
        port = self.node.ports.get(interface) or self.node.add_port(interface)
        return not_linked(self, port)


class Host(Box):
    """A computer of the net, routers included."""

    node: HostNode

    def __init__(self, net: Net, node: HostNode) -> None:
        super().__init__(net, node)
        self.duplicate = False
        self.services: list[Service] = []
        self.routing: RoutingOptions | None = None
        self.resolver = Resolver(node.name)
        self.dhcp_interfaces: list[str] = []
        self.dhcp: DhcpConfiguration | None = None
        self._launches: list[Launch] = []
        node.on_crash.append(self._crashed)
        node.on_boot.append(self._booted)

    @property
    def address(self) -> str:
        """Its first address without prefix, lo left out. Raises UsageError when it has none."""
        for addresses in self.addresses.values():
            if addresses:
                return addresses[0].partition("/")[0]
        raise UsageError(f"{self.name} has no address; {self.missing() or 'configure one'}")

    @property
    def addresses(self) -> dict[str, list[str]]:
        """Interface name -> its addresses with prefix, as they are now, IPv4 first; lo and link-local ones left out."""
        return {
            name: [f"{ipv4_text(each.address)}/{each.length}" for each in interface.addresses]
            + [
                f"{ipv6_text(each.address)}/{each.length}"
                for each in (interface.ipv6.addresses if interface.ipv6 is not None else ())
                if each.is_usable and each.origin != "link-local"
            ]
            for name, interface in self.node.stack.interfaces.items()
            if not interface.is_loopback
        }

    @property
    def sockets(self) -> list[Any]:
        """Its sockets, as `ss -a` lists them."""
        return list(self.node.stack.ports.sockets())

    def run(
        self,
        program: str | Path | Sequence[str] | Callable[..., Any] | Program,
        *arguments: Any,
        at: str | None = None,
        after: After | None = None,
        stdin: Any = None,
        env: Mapping[str, str] | None = None,
        root: bool = False,
        daemon: bool = False,
        directory: str | Path | None = None,
        name: str | None = None,
        hold: bool = False,
    ) -> Service:
        """Start a program; it begins when the net is driven.

        `program` is a command line (a path with arguments, `python -m module`, a tool), an argv, a callable or a
        coroutine function, called with `arguments`. `at` counts from the start of the net. `after` is a Service,
        its name (it has ended), "dhcp" (the host has its leases), or {"listening": "NODE:PORT"}. `stdin` is text or a
        list of lines; without it the input stays open for `service.type`. With `hold` somebody else calls
        `service.start()`.
        """
        from netarium.programs.loader import load

        where = Path(directory) if directory is not None else self.net.directory
        loaded = load(program, where, arguments)
        if isinstance(after, str) and name is None and after != DHCP:
            self.net.service(after)

        def make(service: Service) -> Process:
            return self._process(service, loaded, stdin, env, root, daemon, where)

        service = Service(self, loaded.stem, make, daemon=daemon)
        service.interactive = stdin is None
        self.services.append(service)
        self.net.lifecycle.services.append(service)
        self._name(service, name)
        self.net.watching.heed(service)
        at_ns = None if at is None else duration_ns(at)
        if hold:
            return service
        launch = Launch(self.net, service, at_ns, after)
        self._launches.append(launch)
        launch.prepare()
        return service

    def call(self, function: Callable[..., _T], *arguments: Any, within: str = "10min") -> _T:
        """Run a function on this host and drive the net until it returns; its result, or its exception, here."""
        service = self.run(function, *arguments, stdin="")
        self.net.drive_until(lambda: service.ended, f"{service.name} to return", within)
        if service.exception is not None:
            raise service.exception
        if service.exit_code != 0:
            raise ProgramError(
                f"{service.name} ended with exit code {service.exit_code} instead of returning"
            )
        return service.result  # type: ignore[return-value]

    def free_port(self, interface: str = "") -> Port:
        """The port of that interface, or of the only one without a cable; a box without interfaces gets eth0."""
        ports = self.node.ports
        if not ports and not interface:
            return self.net.add_interface(self, "eth0")
        if interface:
            if interface not in ports:
                raise UsageError(f"{self.name} has no interface {interface!r}{suggest(interface, ports)}")
            return not_linked(self, ports[interface])
        free = [port for port in ports.values() if port.cable is None]
        if len(ports) == 1:
            return not_linked(self, next(iter(ports.values())))
        if not free:
            linked = ", ".join(ports)
            raise UsageError(
                f"every interface of {self.name} ({linked}) has a cable already; give it one more interface"
            )
        if len(free) > 1:
            names = [port.name for port in free]
            raise UsageError(f"{self.name} has several free interfaces; say which: {' or '.join(names)}")
        return free[0]

    def missing(self) -> str:
        """What it lacks for talking to others, in words; empty when it lacks nothing."""
        node = self.node
        if not node.on:
            return f"{self.name} is switched off"
        if not node.ports:
            return f"{self.name} has no network interface; link it to something"
        if all(port.cable is None for port in node.ports.values()):
            return f"no cable is plugged into {', '.join(node.ports)} of {self.name}; link it to something"
        if not any(self.addresses.values()):
            return f"{self.name} has no IP address on {', '.join(node.ports)}; give it one (address: 10.0.0.1/24)"
        if not any(port.up for port in node.ports.values()):
            return f"the cable of {self.name} is cut"
        return ""

    def _process(
        self, service: Service, program: Any, stdin: Any, env: Any, root: bool, daemon: bool, where: Path
    ) -> Process:
        from netarium.programs.process import Process

        process = Process(
            self.net.scheduler,
            self.node,
            program,
            name=service.name,
            argv=program.argv,
            env=env,
            directory=where,
            stdin="\n".join([*stdin, ""]) if isinstance(stdin, (list, tuple)) else stdin,
            daemon=daemon,
            root=root,
            echo=service.heard,
        )

        def over(ended: Process) -> None:
            self.net.engine.interrupted = True
            for tell in list(service.on_end):
                tell(service)

        process.on_end = over
        return process

    def _name(self, service: Service, name: str | None) -> None:
        """Give it its name by DESIGN 3, and those before it theirs."""
        if name is not None:
            service.name = name
            return
        taken: set[str] = set()
        programs = [each for each in self.services if not each.of_node]
        for each in programs:
            wanted = self.name if len(programs) == 1 else f"{self.name}/{each.stem}"
            each.name = numbered(wanted, taken)

    def _crashed(self) -> None:
        for service in self.services:
            if service.started and not service.ended:
                service.process.kill(9)

    def _booted(self) -> None:
        for launch in self._launches:
            launch.host_booted()


class SwitchSystem(Host):
    """The computer in a layer-2 switch. It has no IP, so it runs tools that need none, and nothing else."""

    def run(self, program: Any, *arguments: Any, **options: Any) -> Service:
        """Start a tool, as `Host.run` does. Raises UsageError for what would need a network."""
        words = shlex.split(program) if isinstance(program, str) else program
        tool = registry.find(str(words[0])) if isinstance(words, (list, tuple)) and words else None
        if tool is None or tool.needs_network:
            able = registry.names(needs_network=False)
            what = tool.name if tool is not None else program if isinstance(program, str) else "programs"
            raise UsageError(
                f"{self.name} is a layer-2 switch: it has no IP and runs {', '.join(able)} alone, not {what}; "
                "run that on a host, or make the switch one of `layer: 3`"
            )
        return super().run(program, *arguments, **options)


class Router(Host):
    """A computer that forwards packets between its interfaces."""

    @property
    def nat_table(self) -> list[NatRow]:
        """The translated connections alive now: inside, outside, remote, state, remaining_ns, rule; `str` tells it."""
        return self._control().nat_table()

    @property
    def connections(self) -> list[ConnectionView]:
        """The tracked connections, as `conntrack -L` lists them."""
        return self._control().connections()

    @property
    def firewall(self) -> list[RuleView]:
        """The firewall's rules with their counters; number 0 is a chain's policy."""
        return self._control().firewall()

    def _control(self) -> Control:
        engine = self.net.engine
        return Control(self.node.stack, lambda: engine.now)


def numbered(wanted: str, taken: set[str]) -> str:
    """`wanted`, or `wanted-2` and so on when it is taken; the result is taken then."""
    name, count = wanted, 1
    while name in taken:
        count += 1
        name = f"{wanted}-{count}"
    taken.add(name)
    return name


def not_linked(box: Box, port: Port) -> Port:
    """The port itself. Raises UsageError when a cable is in it."""
    if port.cable is not None:
        other = port.cable.b if port.cable.a is port else port.cable.a
        raise UsageError(f"{port.name} is linked twice; it is linked to {other.name} already")
    return port
