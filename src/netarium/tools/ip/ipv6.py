"""ip -6: addresses, routes and neighbours of the other family, as iproute2 shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netarium.addresses import AddressError, Prefix, ipv6_text, mac_text, parse_ipv6
from netarium.control import Control
from netarium.stack.failures import Failure
from netarium.stack.ipv6_address import Ipv6Address, is_link_local
from netarium.stack.routes import KIND_NAMES, REFUSING, UNICAST, Route
from netarium.stack.timers import NEVER, SECOND_NS
from netarium.tools.ip.neigh import read_change
from netarium.tools.ip.words import IpError, Json, choose, done, known_device, pairs, whole

METRIC = 1024
FOREVER = 0xFFFFFFFF


def _address(text: str) -> int:
    try:
        return parse_ipv6(text)
    except AddressError:
        raise IpError(f'Error: inet6 address is expected rather than "{text}".') from None


def _prefix(text: str) -> tuple[int, int]:
    if text == "default":
        return 0, 0
    try:
        block = Prefix.parse(text if "/" in text else text + "/128")
    except AddressError:
        raise IpError(f'Error: inet6 prefix is expected rather than "{text}".') from None
    return block.network, block.length


# Addresses.


def address_lines(control: Control, name: str) -> list[str]:
    """The inet6 lines of an interface."""
    lines = []
    for interface, each in control.addresses6():
        if interface == name:
            flags = "".join(f"{flag} " for flag in _flags(each))
            lines.append(f"    inet6 {ipv6_text(each.address)}/{each.length} scope {_scope(each)} {flags}")
            valid, preferred = (_left(control, end) for end in (each.valid_until_ns, each.preferred_until_ns))
            lines.append(f"       valid_lft {valid} preferred_lft {preferred}")
    return lines


def address_json(control: Control, name: str) -> Json:
    """The same as JSON."""
    return [
        {
            "family": "inet6",
            "local": ipv6_text(each.address),
            "prefixlen": each.length,
            "scope": _scope(each),
            **dict.fromkeys(_flags(each), True),
            "valid_life_time": _left_s(control, each.valid_until_ns),
            "preferred_life_time": _left_s(control, each.preferred_until_ns),
        }
        for interface, each in control.addresses6()
        if interface == name
    ]


def _flags(each: Ipv6Address) -> list[str]:
    return ([each.state] if each.state else []) + (["dynamic"] if each.origin == "ra" else [])


def _scope(each: Ipv6Address) -> str:
    return "host" if each.address == 1 else "link" if is_link_local(each.address) else "global"


def _left(control: Control, end_ns: int) -> str:
    left_s = _left_s(control, end_ns)
    return "forever" if left_s == FOREVER else f"{left_s}sec"


def _left_s(control: Control, end_ns: int) -> int:
    return FOREVER if end_ns == NEVER else max(end_ns - control.clock(), 0) // SECOND_NS


def change_address(control: Control, command: str, words: list[str]) -> None:
    """`ip -6 addr add|change|replace|delete ADDRESS/LENGTH dev NAME`. Raises IpError."""
    if not words:
        raise IpError('Command line is not complete. Try option "help"')
    text, _, length = words.pop(0).partition("/")
    given = pairs(words, ("dev",))
    if "dev" not in given:
        raise IpError('Not enough information: "dev" argument is required.')
    address = _address(text)
    if command == "delete":
        done(control.remove_address6(given["dev"], address))
        return
    failure = control.add_address6(given["dev"], address, whole(length or "128", "prefixlen"))
    if command == "add" or failure is not Failure.EXISTS:
        done(failure)


# Routes.


def _name(route: Route) -> str:
    if not route.length:
        return "default"
    return ipv6_text(route.prefix) + (f"/{route.length}" if route.length < 128 else "")


def _route_line(route: Route) -> str:
    kind = "" if route.kind == UNICAST else KIND_NAMES[route.kind] + " "
    via = f"via {ipv6_text(route.gateway)} " if route.gateway else ""
    source = f"src {ipv6_text(route.source)} " if route.source else ""
    metric = f"metric {route.metric} " if route.metric else ""
    return f"{kind}{_name(route)} {via}dev {route.interface.name} proto {route.protocol} {source}{metric}pref medium"


def _route_json(route: Route) -> dict[str, Any]:
    via = {"gateway": ipv6_text(route.gateway)} if route.gateway else {}
    return {
        "dst": _name(route), **via, "dev": route.interface.name, "protocol": route.protocol, "metric": route.metric,
        "flags": [], "pref": "medium",
    }  # fmt: skip


def _way_line(destination: int, route: Route) -> str:
    """What `ip -6 route get` says of the way to one address."""
    kind = "" if route.kind == UNICAST else KIND_NAMES[route.kind] + " "
    via = f"via {ipv6_text(route.gateway)} " if route.gateway else ""
    source = f"src {ipv6_text(route.source)} " if route.source else ""
    return (
        f"{kind}{ipv6_text(destination)} from :: {via}dev {route.interface.name} proto {route.protocol} "
        f"{source}metric {route.metric} {_narrowed(route)}pref medium"
    )


def _narrowed(route: Route) -> str:
    """`mtu 1300 `, where the path is known to carry less than the link."""
    return f"mtu {route.mtu} " if 0 < route.mtu < route.interface.mtu else ""


def _way_json(destination: int, route: Route) -> dict[str, Any]:
    kind = {} if route.kind == UNICAST else {"type": KIND_NAMES[route.kind]}
    via = {"gateway": ipv6_text(route.gateway)} if route.gateway else {}
    source = {"prefsrc": ipv6_text(route.source)} if route.source else {}
    narrowed = {"metrics": [{"mtu": route.mtu}]} if _narrowed(route) else {}
    return {
        **kind, "dst": ipv6_text(destination), "from": "::", **via, "dev": route.interface.name,
        "protocol": route.protocol, **source, "metric": route.metric, "flags": [], **narrowed, "pref": "medium",
    }  # fmt: skip


def route(control: Control, words: Sequence[str], details: bool) -> tuple[list[str], Json]:
    """Lines and JSON of `ip -6 route COMMAND ...`. Raises IpError."""
    command, rest = (words[0], list(words[1:])) if words else ("show", [])
    command = choose(command, ("list", "show", "ls", "get", "add", "delete"), "route")
    if command in ("list", "show", "ls"):
        routes = control.routes6()
    elif not rest:
        raise IpError("need at least a destination address")
    elif command == "get":
        destination = _address(rest.pop(0))
        found = control.route6_to(destination, pairs(rest, ("dev",)).get("dev", ""))
        if found is None:
            done(control.refusal6(destination))
        assert found is not None
        return [_way_line(destination, found)], [_way_json(destination, found)]
    else:
        kind = next((number for number, name in KIND_NAMES.items() if name == rest[0]), UNICAST)
        if rest[0] in KIND_NAMES.values():
            rest.pop(0)
        if not rest:
            raise IpError("need at least a destination address")
        network, length = _prefix(rest.pop(0))
        given = pairs(rest, ("via", "dev", "metric", "proto"))
        gateway = _address(given["via"]) if "via" in given else 0
        if command == "delete":
            done(control.remove_route6(network, length, gateway, given.get("dev", "")))
        else:
            metric = whole(given.get("metric", str(METRIC)), "metric")
            protocol = given.get("proto", "boot")
            device = given.get("dev", "lo" if kind in REFUSING else "")
            done(control.add_route6(network, length, gateway, device, metric, protocol, kind))
        routes = []
    return [_route_line(each) for each in routes], [_route_json(each) for each in routes]


# Neighbours.


def neigh(control: Control, words: Sequence[str], details: bool) -> tuple[list[str], Json]:
    """Lines and JSON of `ip -6 neigh COMMAND ...`. Raises IpError."""
    rest = list(words)
    if rest and rest[0] != "dev":
        commands = ("add", "change", "replace", "delete", "show", "list", "ls")
        command = choose(rest.pop(0), commands, "neigh")
        if command in commands[:4]:
            _change_neighbor(control, command, rest)
            return [], []
    device = pairs(rest, ("dev",)).get("dev")
    known_device(control, device)
    lines: list[str] = []
    found: Json = []
    for each in control.neighbors6():
        if device in (None, each.interface):
            mac = f"lladdr {mac_text(each.mac)} " if each.mac else ""
            lines.append(f"{ipv6_text(each.address)} dev {each.interface} {mac}{each.state} ")
            hardware = {"lladdr": mac_text(each.mac)} if each.mac else {}
            found.append(
                {"dst": ipv6_text(each.address), "dev": each.interface, **hardware, "state": [each.state]}
            )
    return lines, found


def _change_neighbor(control: Control, command: str, words: list[str]) -> None:
    number, device, mac = read_change(control, command, words, _address)
    done(
        control.remove_neighbor6(device, number)
        if mac is None
        else control.add_neighbor6(device, number, mac)
    )
