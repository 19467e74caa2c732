"""`address: dhcp`, `dhcp:`, `services:`, `dns:` and `search:` of a node: from keywords to daemons and a resolver.

The daemons are ordinary programs on the node, run as root from every boot on; they are part of the node, so that
`net.services` does not list them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from netarium.addresses import InterfaceAddress, ipv4_text, parse_ipv4
from netarium.errors import UsageError
from netarium.journey import Stop
from netarium.lab.notices import Notice
from netarium.lab.words import suggest
from netarium.names.configuration import NameConfiguration
from netarium.names.hosts import FAMILY_IPV6
from netarium.names.resolver import Resolver
from netarium.names.stub import StubResolver
from netarium.programs.exchange import exchange
from netarium.programs.loader import Program

if TYPE_CHECKING:
    from netarium.lab.boxes import Host
    from netarium.lab.layer2 import Domain
    from netarium.lab.net import Net
    from netarium.lab.service import Service
    from netarium.programs.process import Process
    from netarium.services.dhcp.configuration import DhcpConfiguration

KEYS = ("dhcp", "services", "dns", "search")
"""The keywords of a node that are read here, beside addresses that read `dhcp`."""
DHCP = "dhcp"
KINDS = ("dns",)


def give_names(net: Net, name: str, resolver: Resolver, dns: Any = None, search: Any = None) -> None:
    """Let a host ask name servers: those of `dns` (addresses) and those that a lease names. Raises UsageError."""
    servers = [ipv4_text(parse_ipv4(str(each))) for each in _listed(dns)]
    configuration = NameConfiguration(servers, [str(each) for each in _listed(search)])
    engine, watch = net.engine, net.watch
    stub = StubResolver(configuration, exchange, lambda: engine.now, net.streams(f"names:{name}"))
    resolver.stub = stub

    def looked_up(stage: str, wanted: str, answer: list[str] | None, family: int) -> None:
        if watch.step is not None:
            details: dict[str, object] = {"stage": stage, "hit": bool(answer), "answer": list(answer or ())}
            if family == FAMILY_IPV6:
                details["type"] = "AAAA"
            watch.step(engine.now, name, Stop.NAME, wanted, details)

    def asked(server: str, what: str, outcome: str) -> None:
        if watch.step is not None:
            details: dict[str, object] = {"stage": "query", "server": server, "outcome": outcome}
            watch.step(engine.now, name, Stop.NAME, what, details)

    resolver.on_lookup = looked_up
    stub.tell = asked


def attach(box: Host, given: Mapping[str, Any], configured: Mapping[str, Sequence[InterfaceAddress]]) -> None:
    """Start what `given` says on the node at each boot. `box.dhcp_interfaces` are those that ask for an address."""
    box.node.on_crash.append(lambda: _forget(box))
    for interface in box.dhcp_interfaces:
        run_daemon(box, "dhclient", _dhcp_client(interface))
    if given.get("dhcp"):
        attach_dhcp(box, given["dhcp"], configured)
    services = given.get("services") or ()
    for entry in [services] if isinstance(services, Mapping) else services:
        attach_service(box, entry)


def attach_dhcp(
    box: Host, given: Mapping[str, Any], configured: Mapping[str, Sequence[InterfaceAddress]]
) -> None:
    """A DHCP server or relay on the node."""
    from netarium.services.dhcp.configuration import read_configuration

    configuration = read_configuration(given, configured)
    box.dhcp = configuration
    if configuration.relays:
        from netarium.services.dhcp import relay

        run_daemon(box, "dhcrelay", lambda: relay.run(configuration.relays))
    else:
        from netarium.services.dhcp import server

        run_daemon(box, "dhcpd", lambda: server.run(configuration))


def attach_service(box: Host, entry: Any) -> None:
    """One entry of `services`: `{dns: {...}}`."""
    if not isinstance(entry, Mapping) or len(entry) != 1:
        raise UsageError(f"services: {entry!r}: write a list of single entries such as {{dns: {{...}}}}")
    ((kind, given),) = entry.items()
    if kind not in KINDS:
        raise UsageError(f"services: there is no service {kind!r}{suggest(str(kind), KINDS)}")
    from netarium.services.dns import server
    from netarium.services.dns.configuration import DnsConfiguration

    configuration = DnsConfiguration.read(given or {})
    run_daemon(box, "named", lambda: server.run(configuration))


def run_daemon(box: Host, stem: str, main: Callable[[], None]) -> Service:
    """Run one of the node's own services."""

    def body(process: Process) -> None:
        main()

    program = Program(stem, [stem], body)
    service = box.run(program, stdin="", root=True, daemon=True, name=f"{box.name}/{stem}")
    service.of_node = True
    service.on_end.append(tell_end)
    return service


def tell_end(service: Service) -> None:
    """A daemon of a node that ends by an error is told of: it has no output that anybody sees."""
    if service.exception is not None:
        error = f"{type(service.exception).__name__}: {service.exception}"
        service.host.net.noted.add(f"{service.name} has ended: {error}", service.host.name)


def _dhcp_client(interface: str) -> Callable[[], None]:
    def main() -> None:
        from netarium import control
        from netarium.services.dhcp.client import DhcpClient

        DhcpClient(interface, control.here()).run()

    return main


def bound_condition(box: Host) -> Callable[[], bool]:
    """Whether every interface of the node that asks for a lease has one (`after: dhcp`). Raises UsageError."""
    if not box.dhcp_interfaces:
        raise UsageError(
            f"after: dhcp: no interface of {box.name} has `address: dhcp`; give it one, or no `after`"
        )

    def bound() -> bool:
        interfaces = box.node.stack.interfaces
        return box.on and all(interfaces[name].addresses for name in box.dhcp_interfaces)

    return bound


def overlap_notices(domains: Iterable[Domain]) -> list[Notice]:
    """Servers of one broadcast domain whose ranges overlap: a warning each."""
    from netarium.services.dhcp.configuration import overlap_warning

    found: list[Notice] = []
    for domain in domains:
        serving: list[tuple[str, str, DhcpConfiguration]] = [
            (host.name, interface, host.dhcp)
            for host, interface in domain.interfaces
            if host.dhcp is not None
        ]
        for index, (other, other_interface, other_configuration) in enumerate(serving):
            for one, interface, configuration in serving[:index]:
                for subnet in configuration.subnets:
                    for other_subnet in other_configuration.subnets:
                        if subnet.interface != interface or other_subnet.interface != other_interface:
                            continue
                        warning = overlap_warning(one, subnet, other, other_subnet)
                        found += [Notice(warning, other)] if warning else []
    return found


def _forget(box: Host) -> None:
    """What a host's memory held is gone with its power: its cache of names, the servers a lease named."""
    stub = box.resolver.stub
    if stub is not None:
        stub.cache.flush()
        stub.configuration.forget()


def _listed(given: Any) -> list[Any]:
    if given is None:
        return []
    return [given] if isinstance(given, str) else list(given)
