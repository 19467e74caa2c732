"""IPv6 in a lab: which nodes have it, their addresses, routes, and what routers advertise.

A node has IPv6 when it has an IPv6 address, or says `ipv6: true`: then every interface has its link-local address and
takes what routers advertise. A router advertises where `advertise` says so: `true` for each interface with an IPv6
address, a list of interfaces, or a mapping of interface to options.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from netarium.addresses import InterfaceAddress, Prefix, parse_ipv6
from netarium.errors import UsageError
from netarium.lab.words import suggest
from netarium.nodes.ipv6 import Ipv6RouteSetup, Ipv6Setup
from netarium.stack.ipv6_address import LOOPBACK, is_link_local, is_multicast
from netarium.units import duration_ns
from netarium.wire.ipv6 import MTU_MIN

if TYPE_CHECKING:
    from netarium.stack.router_advertiser import Advertised

KEYS = ("ipv6", "advertise")
OPTIONS = ("prefixes", "mtu", "dns", "lifetime", "every")
SECOND_NS = 1_000_000_000
VALID_S = 2_592_000
PREFERRED_S = 604_800


def is_ipv6(text: Any) -> bool:
    """Whether a text in a lab means IPv6: an address or prefix of that family has a colon."""
    return isinstance(text, str) and ":" in text


def read_interfaces(interfaces: Mapping[str, Any]) -> dict[str, list[InterfaceAddress]]:
    """Interface name -> its IPv6 addresses, those of IPv4 left out."""
    found: dict[str, list[InterfaceAddress]] = {}
    for name, texts in interfaces.items():
        listed = [texts] if isinstance(texts, str) else list(texts or ())
        found[name] = [interface_address(text) for text in listed if is_ipv6(text)]
    return found


def interface_address(text: str) -> InterfaceAddress:
    """The address and prefix of `2001:db8::1/64`. Raises UsageError for what no interface can have."""
    given = InterfaceAddress.parse(text)
    address = given.address
    if is_multicast(address):
        raise UsageError(f"{text} is a multicast address; give an address that a host can have")
    if address in (0, LOOPBACK):
        raise UsageError(f"{text} is no address of a link; give one such as 2001:db8::1/64")
    if address >> 32 == 0 or address >> 32 == 0xFFFF:
        raise UsageError(f"{text} is an IPv4 address written as IPv6; give one such as 2001:db8::1/64")
    return given


def setup_of(given: Mapping[str, Any], interfaces: Mapping[str, Any], kind: str) -> Ipv6Setup | None:
    """The IPv6 of a node from its keywords; None when it has none. `interfaces`: name -> texts as written."""
    addresses = read_interfaces(interfaces)
    asked = given.get("ipv6")
    if asked is False and any(addresses.values()):
        raise UsageError("`ipv6: false` on a node with an IPv6 address; take one of both away")
    if not asked and not any(addresses.values()):
        if given.get("advertise"):
            raise UsageError(
                "`advertise` on a node without IPv6; give an interface an address such as 2001:db8::1/64"
            )
        return None
    on = {name: each for name, each in addresses.items() if asked or each}
    routes = [_route(each, on) for each in given.get("routes", ()) if is_ipv6(dict(each).get("to"))]
    routes += [
        _route({"to": "::/0", "via": text}, on) for text in _listed(given.get("gateway")) if is_ipv6(text)
    ]
    return Ipv6Setup(
        {name: [(each.address, each.prefix.length) for each in every] for name, every in on.items()},
        routes,
        kind != "host",
        _advertised(given.get("advertise"), on),
    )


def _listed(value: Any) -> list[Any]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def _route(route: Any, on: Mapping[str, list[InterfaceAddress]]) -> Ipv6RouteSetup:
    given = dict(route)
    block = Prefix.parse(given["to"])
    interface = given.get("interface") or ""
    if interface and interface not in on:
        raise UsageError(
            f"route to {given['to']}: no IPv6 on interface {interface!r}{suggest(interface, on)}"
        )
    via = given.get("via")
    if via is None and not interface:
        raise UsageError(f"route to {given['to']}: say `via` (the next hop) or `interface`")
    if via is not None and not is_ipv6(via):
        raise UsageError(
            f"route to {given['to']}: {via} is no IPv6 address; give a next hop of the same family"
        )
    gateway = 0 if via is None else parse_ipv6(via)
    if gateway and not interface and not is_link_local(gateway):
        networks = [each.prefix for every in on.values() for each in every]
        if not any(gateway in each for each in networks):
            known = ", ".join(str(each) for each in networks) or "none"
            raise UsageError(
                f"{via} is in no IPv6 network of this node ({known}); give a neighbour's address, or the interface"
            )
    return Ipv6RouteSetup(block.network, block.length, gateway, interface, given.get("metric") or 1024)


def _advertised(asked: Any, on: Mapping[str, list[InterfaceAddress]]) -> dict[str, Advertised]:
    if not asked:
        return {}
    if asked is True:
        wanted: dict[str, Any] = {name: {} for name, addresses in on.items() if addresses}
    elif isinstance(asked, Mapping):
        wanted = {name: options or {} for name, options in asked.items()}
    else:
        wanted = {name: {} for name in _listed(asked)}
    for name in wanted:
        if name not in on:
            raise UsageError(f"advertise: no IPv6 on interface {name!r}{suggest(name, on)}")
    return {name: _said(name, dict(options)) for name, options in wanted.items()}


def _said(name: str, options: dict[str, Any]) -> Advertised:
    from netarium.stack.router_advertiser import Advertised

    for key in options:
        if key not in OPTIONS:
            raise UsageError(f"advertise {name}: there is no {key!r}{suggest(key, OPTIONS)}")
    mtu = options.get("mtu") or 0
    if mtu and mtu < MTU_MIN:
        raise UsageError(f"advertise {name}: an MTU of {mtu}; IPv6 needs {MTU_MIN} or more")
    blocks = [Prefix.parse(text) for text in _listed(options.get("prefixes"))]
    for block in blocks:
        if block.family != 6 or block.length != 64:
            raise UsageError(f"advertise {name}: {block} is no /64, and hosts take addresses of a /64 only")
    return Advertised(
        tuple((block.network, block.length, VALID_S, PREFERRED_S) for block in blocks),
        lifetime_s=_seconds(options.get("lifetime"), 1800),
        mtu=mtu,
        dns_servers=tuple(parse_ipv6(text) for text in _listed(options.get("dns"))),
        most_s=max(_seconds(options.get("every"), 600), 4),
    )


def _seconds(value: Any, default: int) -> int:
    if value is None:
        return default
    return (value if isinstance(value, int) else duration_ns(value)) // SECOND_NS
