"""`routing:` of a router: from the keyword to a routing daemon that runs on the node, and what cannot be.

`rip` or `ospf`, or a mapping with `protocol` and options; every option that names interfaces is checked against the
node's. Duplicate router ids are found among the OSPF routers that can reach each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from netarium.addresses import ipv4_text
from netarium.errors import UsageError
from netarium.lab import addressing
from netarium.lab.boxes import Box, Host
from netarium.lab.layer2 import Groups, broadcast_domains
from netarium.lab.services import tell_end
from netarium.lab.topology import RouterIdTwiceError
from netarium.lab.words import keyed, suggest, texts
from netarium.nodes.switch3 import Switch3
from netarium.programs.loader import Program
from netarium.services.routing.options import BROADCAST, POINT_TO_POINT, LinkOptions, RoutingOptions
from netarium.units import duration_ns

if TYPE_CHECKING:
    from netarium.lab.service import Service
    from netarium.link.cable import Cable
    from netarium.programs.process import Process

PROTOCOLS = ("rip", "ospf")
NETWORKS = (BROADCAST, POINT_TO_POINT)
SPLIT_HORIZON = ("true", "false", "poisoned")
SOURCES = ("connected", "static", "rip", "ospf")
KEYS = {
    "rip": ("protocol", "cost", "passive", "default_originate", "redistribute", "split_horizon"),
    "ospf": (
        "protocol", "router_id", "cost", "passive", "network", "priority", "hello", "dead", "default_originate",
        "redistribute",
    ),
}  # fmt: skip
COST_MAX = {"rip": 15, "ospf": 65_535}


def attach(box: Host, value: Any) -> None:
    """Let a router run a routing protocol from its boot on. Raises UsageError for options that cannot be."""
    options = read(value, list(box.node.setup.interfaces))
    box.routing = options
    name = f"{options.protocol}d"

    def main(process: Process) -> None:
        chosen = replace(options, rates=_rates(process))
        if options.protocol == "ospf":
            from netarium.services.routing.ospf import daemon as ospf

            ospf.main(chosen)
        else:
            from netarium.services.routing.rip import daemon as rip

            rip.main(chosen)

    service = box.run(
        Program(name, [name], main), stdin="", root=True, daemon=True, name=f"{box.name}/{name}"
    )
    service.of_node = True
    service.on_end.append(tell_end)
    service.listeners.append(_note)


def _note(service: Service, stream: str, text: str) -> None:
    """What a routing daemon logs is a notice: nobody sees its output."""
    if stream == "stderr" and service.exception is None:
        for line in text.splitlines():
            service.host.net.noted.add(f"{service.name}: {line}", service.host.name)


def _rates(process: Process) -> dict[str, int]:
    """What the cards of the host can do, in bit/s, as ethtool tells it on Linux."""
    found = {}
    for name, port in process.host.ports.items():
        if port.cable is not None and port.cable.rate_bps is not None:
            found[name] = port.cable.rate_bps
    if isinstance(process.host, Switch3):
        found.update(process.host.vlan_rates())
    return found


def read(value: Any, interfaces: list[str]) -> RoutingOptions:
    """The options of `routing: ospf` or `routing: {protocol: ospf, ...}`. Raises UsageError."""
    given = {"protocol": value} if isinstance(value, str) else value
    keyed(given, "routing", "rip, ospf or {protocol: ospf}")
    protocol = given.get("protocol")
    if not isinstance(protocol, str) or protocol not in PROTOCOLS:
        hint = suggest(str(protocol), PROTOCOLS)
        raise UsageError(
            f"there is no routing protocol {protocol!r}{hint}; write routing: rip or routing: ospf"
        )
    if not interfaces:
        raise UsageError(
            f"routing: {protocol} on a node without interfaces; write interfaces: {{eth0: 10.0.0.1/24}} or an address"
        )
    for key in given:
        if key not in KEYS[protocol]:
            other = "; it belongs to the other protocol" if key in sum(KEYS.values(), ()) else ""
            raise UsageError(f"routing {protocol} has no {key!r}{other or suggest(key, KEYS[protocol])}")
    return RoutingOptions(
        protocol,
        router_id=_router_id(given.get("router_id")),
        default_originate=bool(given.get("default_originate", False)),
        redistribute=_sources(given.get("redistribute", ())),
        split_horizon=_split_horizon(given.get("split_horizon", True)),
        links=_links(given, interfaces, COST_MAX[protocol]),
        common=_link(given, None, COST_MAX[protocol]),
    )


def _router_id(text: Any) -> int:
    if text is None:
        return 0
    number = addressing.plain_address(str(text))
    if not number:
        raise UsageError("router_id: 0.0.0.0 is no router's; write one such as 1.1.1.1")
    return number


def _sources(value: Any) -> tuple[str, ...]:
    listed = texts(value, "redistribute", f"some of {', '.join(SOURCES)}")
    for each in listed:
        if each not in SOURCES:
            raise UsageError(
                f"redistribute: {each!r} is no source of routes; write some of {', '.join(SOURCES)}"
            )
    return listed


def _split_horizon(value: Any) -> str:
    text = {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else str(value)
    if text not in SPLIT_HORIZON:
        raise UsageError(f"split_horizon: {value!r} does not fit; write true, false or poisoned")
    return str(text)


def _links(given: Mapping[str, Any], interfaces: list[str], cost_max: int) -> dict[str, LinkOptions]:
    for key in ("cost", "network", "priority"):
        if isinstance(given.get(key), Mapping):
            _check_names(key, given[key], interfaces)
    _check_names("passive", _passive(given), interfaces)
    return {name: _link(given, name, cost_max) for name in interfaces}


def _passive(given: Mapping[str, Any]) -> tuple[str, ...]:
    return texts(given.get("passive"), "routing passive", "an interface's name, or a list of them")


def _check_names(key: str, names: Iterable[str], interfaces: list[str]) -> None:
    for name in names:
        if name not in interfaces:
            raise UsageError(f"routing {key}: there is no interface {name!r}{suggest(name, interfaces)}")


def _link(given: Mapping[str, Any], name: str | None, cost_max: int) -> LinkOptions:
    """The options of one interface, or with None of those that are put in later."""

    def chosen(key: str, default: Any) -> Any:
        value = given.get(key, default)
        return value.get(name, default) if isinstance(value, Mapping) else value

    cost = chosen("cost", None)
    if cost is not None and (not isinstance(cost, int) or not 1 <= cost <= cost_max):
        raise UsageError(f"routing cost: {cost!r} does not fit; write a whole number from 1 to {cost_max}")
    priority = chosen("priority", 1)
    if not isinstance(priority, int) or not 0 <= priority <= 255:
        raise UsageError(f"routing priority: {priority!r} does not fit; write a whole number from 0 to 255")
    network = chosen("network", BROADCAST)
    if not isinstance(network, str) or network not in NETWORKS:
        raise UsageError(f"routing network: {network!r} does not fit; write {' or '.join(NETWORKS)}")
    hello_s, dead_s = _seconds(given, "hello", 10), _seconds(given, "dead", 0)
    dead_s = dead_s or 4 * hello_s
    if dead_s <= hello_s:
        raise UsageError(f"routing dead: {dead_s}s must be longer than hello, {hello_s}s")
    return LinkOptions(cost, name in _passive(given), network, priority, hello_s, dead_s)


def _seconds(given: Mapping[str, Any], key: str, default: int) -> int:
    if key not in given:
        return default
    time_ns = duration_ns(str(given[key]))
    if time_ns % 10**9 or not 10**9 <= time_ns <= 65_535 * 10**9:
        raise UsageError(f"routing {key}: {given[key]} does not fit; write whole seconds from 1s to 65535s")
    return time_ns // 10**9


def router_id_of(box: Host, options: RoutingOptions) -> int:
    """The id a router will choose: the one given, else its largest address."""
    addresses = [address for setup in box.node.setup.interfaces.values() for address, _ in setup.addresses]
    return options.router_id or max(addresses, default=0)


def check_router_ids(boxes: Iterable[Box], cables: Iterable[Cable]) -> None:
    """Raise RouterIdTwiceError for two OSPF routers of one id that speak to each other, directly or by others."""
    boxes, cables = list(boxes), list(cables)
    routers = [each for each in boxes if isinstance(each, Host) and each.routing is not None]
    routers = [each for each in routers if each.routing is not None and each.routing.protocol == "ospf"]
    if len(routers) < 2:
        return
    groups = Groups()
    for number, domain in enumerate(broadcast_domains(boxes, cables)):
        for host, interface in domain.interfaces:
            if host in routers and host.routing is not None and not host.routing.link(interface).passive:
                groups.join(f"domain {number}", f"router {host.name}")
    owners: dict[tuple[str, int], Host] = {}
    for box in routers:
        assert box.routing is not None
        number = router_id_of(box, box.routing)
        other = owners.setdefault((groups.root(f"router {box.name}"), number), box)
        if number and other is not box:
            raise RouterIdTwiceError(
                f"{box.name} and {other.name} both have the router id {ipv4_text(number)}; "
                "give one of them another router_id",
                box,
            )
