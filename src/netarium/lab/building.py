"""From the keywords of a host or router to a node: addresses read and checked, MACs given, names made known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from netarium.addresses import InterfaceAddress, ip_text, ipv4_text
from netarium.errors import UsageError
from netarium.lab import addressing, services
from netarium.lab.boxes import Box, Host, Router
from netarium.lab.words import suggest
from netarium.names.resolver import Resolver
from netarium.nodes.host import Host as HostNode
from netarium.nodes.host import InterfaceSetup, RouteSetup
from netarium.nodes.router import Router as RouterNode

if TYPE_CHECKING:
    from netarium.lab.filtering.setup import FilterSetup
    from netarium.lab.net import Net
    from netarium.nodes.ipv6 import Ipv6Setup

FILTERS = ("nat", "firewall", "balance", "public")
"""What `lab.filters` reads; it is imported only for nodes that have some of it."""

KEYWORDS = (
    "address", "interfaces", "gateway", "routes", "hosts", "settings", "mac", "duplicate", "boot", "link", "firewall",
    *services.KEYS, "ipv6",
)  # fmt: skip
"""What `Net.host` and all others with a stack take, besides the options of a link where `link` is given."""
MORE_KEYWORDS = {"router": ("nat", "public", "advertise"), "balancer": ("balance",)}
"""What some kinds take besides."""

INTERFACE = "eth0"


def computer(
    net: Net,
    kind: str,
    name: str,
    given: dict[str, Any],
    box_class: type[Host] | None = None,
    make: Callable[..., HostNode] | None = None,
) -> Host:
    """Make the node of a host or router, by `make`, and its handle, a `box_class`. Raises UsageError for impossible
    keywords.
    """
    known = (*KEYWORDS, *MORE_KEYWORDS.get(kind, ()))
    plain = {key: value for key, value in given.items() if value is not None}
    unknown = [key for key in plain if key not in known]
    if unknown:
        raise UsageError(f"a {kind} has no {unknown[0]!r}{suggest(unknown[0], known)}")
    configured = read_interfaces(plain.get("address"), plain.get("interfaces"))
    macs = _macs(plain.get("mac"), configured)
    setups: dict[str, InterfaceSetup] = {}
    for interface, addresses in configured.items():
        setups[interface] = interface_setup(net, addresses, macs.get(interface))
    filters = _filters(kind, plain, configured)
    if filters is not None:
        filters.addresses(setups)
    if make is None:
        make = HostNode if kind == "host" else RouterNode
    if box_class is None:
        box_class = Host if kind == "host" else Router
    node = make(
        name,
        net.engine,
        net.streams,
        net.watch,
        net.port_numbers,
        interfaces=setups,
        gateway=_gateway(plain.get("gateway"), configured),
        routes=[
            _route(net, each, configured) for each in plain.get("routes", ()) if not _is_ipv6_route(each)
        ],
        settings=plain.get("settings"),
        on=plain.get("boot") is None,
    )
    box = box_class(net, node)
    box.duplicate = bool(plain.get("duplicate", False))
    setup6 = _ipv6(kind, plain, configured)
    if setup6 is not None:
        node.enable_ipv6(setup6)
    if filters is not None:
        filters.install(box)
    box.resolver = _resolver(net, name, plain)
    node.resolver = box.resolver
    box.dhcp_interfaces = dhcp_interfaces(plain.get("address"), plain.get("interfaces"))
    services.attach(box, plain, configured)
    if net.node_names is not None:
        for addresses in configured.values():
            for each in addresses:
                net.node_names.add(ip_text(each.family, each.address), name)
        for listed in setup6.interfaces.values() if setup6 is not None else ():
            for address, _ in listed:
                net.node_names.add(ip_text(6, address), name)
    return box


def _is_ipv6_route(route: Any) -> bool:
    return ":" in str(dict(route).get("to"))


def _ipv6(
    kind: str, given: dict[str, Any], configured: Mapping[str, Sequence[InterfaceAddress]]
) -> Ipv6Setup | None:
    """The node's IPv6, None when it has none."""
    texts = {INTERFACE: given["address"]} if "address" in given else given.get("interfaces") or {}
    if not given.get("ipv6") and not given.get("advertise") and ":" not in repr([*texts.values()]):
        return None
    from netarium.lab.ipv6 import setup_of

    return setup_of(given, {name: texts.get(name) for name in configured}, kind)


def _filters(
    kind: str, given: dict[str, Any], configured: dict[str, list[InterfaceAddress]]
) -> FilterSetup | None:
    """NAT, firewall and balancer of the node, None when it has nothing of it."""
    if not any(key in given for key in FILTERS):
        return None
    from netarium.lab.filtering.setup import read_filters

    return read_filters(kind, given, configured)


def read_interfaces(address: Any, interfaces: Any) -> dict[str, list[InterfaceAddress]]:
    """Interface name -> addresses, from `address` (the one interface is eth0 then) or `interfaces`."""
    if address is not None and interfaces is not None:
        raise UsageError(
            "`address` and `interfaces` cannot stand together; write the address under `interfaces`"
        )
    if address is not None:
        interfaces = {INTERFACE: address}
    found: dict[str, list[InterfaceAddress]] = {}
    for name, texts in (interfaces or {}).items():
        if name == "lo":
            raise UsageError("every node has lo already; give the interface another name")
        listed = [texts] if isinstance(texts, str) else list(texts or ())
        if services.DHCP in listed:
            if len(listed) > 1:
                raise UsageError(f"{name}: `dhcp` stands alone; an address beside it would be a second one")
            listed = []
        found[name] = [addressing.interface_address(text) for text in listed if ":" not in text]
    return found


def dhcp_interfaces(address: Any, interfaces: Any) -> list[str]:
    """The interfaces that ask for an address: those that read `dhcp`."""
    given = {INTERFACE: address} if address is not None else interfaces or {}
    return [name for name, texts in given.items() if texts == services.DHCP or texts == [services.DHCP]]


def interface_setup(
    net: Net, addresses: Sequence[InterfaceAddress], mac: str | None = None
) -> InterfaceSetup:
    """A card with these addresses and this MAC, or the next free one."""
    if mac is None:
        number = net.macs.next()
    else:
        number = addressing.card_address(mac)
        net.macs.reserve(number)
    return InterfaceSetup(number, [(each.address, each.prefix.length) for each in addresses])


def _macs(mac: Any, configured: Mapping[str, Any]) -> dict[str, str]:
    if mac is None:
        return {}
    if isinstance(mac, str):
        if len(configured) != 1:
            raise UsageError(
                "`mac` is one address, but there is not one interface; write `mac: {INTERFACE: ADDRESS}`"
            )
        return {next(iter(configured)): mac}
    for name in mac:
        if name not in configured:
            raise UsageError(f"mac: there is no interface {name!r}{suggest(name, configured)}")
    return dict(mac)


def _gateway(given: str | Sequence[str] | None, configured: Mapping[str, Sequence[InterfaceAddress]]) -> int:
    """The IPv4 gateway; one of IPv6 may stand beside it."""
    listed = [] if given is None else [given] if isinstance(given, str) else list(given)
    texts = [text for text in listed if ":" not in text]
    if not texts:
        return 0
    if len(texts) > 1 or len(listed) > 2:
        raise UsageError(f"gateway: {', '.join(listed)}; a node has one default gateway of each family")
    gateway = addressing.plain_address(texts[0])
    _check_next_hop("gateway", gateway, configured)
    return gateway


def _route(net: Net, route: Any, configured: Mapping[str, Sequence[InterfaceAddress]]) -> RouteSetup:
    """A static route: a mapping with `to` and `via` or `interface`, as in the lab file."""
    given = dict(route)
    unknown = [key for key in given if key not in ("to", "via", "interface", "metric")]
    if unknown or "to" not in given:
        raise UsageError(
            f"a route is {{to: PREFIX, via: ADDRESS}} or {{to: PREFIX, interface: NAME}}, not {given!r}"
        )
    block = addressing.route_prefix(given["to"])
    interface = given.get("interface") or ""
    if interface and interface not in configured:
        raise UsageError(
            f"route to {given['to']}: there is no interface {interface!r}{suggest(interface, configured)}"
        )
    via = given.get("via")
    if via is None and not interface:
        raise UsageError(f"route to {given['to']}: say `via` (the next hop) or `interface`")
    gateway = 0 if via is None else addressing.plain_address(via)
    if gateway and not interface:
        _check_next_hop(f"route to {given['to']} via", gateway, configured)
    return RouteSetup(block.network, block.length, gateway, interface, given.get("metric", 0) or 0)


def _check_next_hop(what: str, gateway: int, configured: Mapping[str, Sequence[InterfaceAddress]]) -> None:
    addresses = [each for every in configured.values() for each in every]
    if any(gateway in each.prefix for each in addresses):
        return
    networks = ", ".join(str(each.prefix) for each in addresses) or "none"
    raise UsageError(
        f"{what} {ipv4_text(gateway)} is in no network of this node ({networks}); give a neighbour's address"
    )


def _resolver(net: Net, name: str, given: Mapping[str, Any]) -> Resolver:
    resolver = Resolver(name, net.node_names)
    services.give_names(net, name, resolver, given.get("dns"), given.get("search"))
    for host, address in given.get("hosts", {}).items():
        resolver.hosts.add(ip_text(4, addressing.plain_address(address)), host)
    return resolver


def place(net: Net, box: Box, boot_ns: int | None) -> None:
    """Put a box into its net, switched on now or at `boot_ns`. Raises UsageError when the name is taken."""
    if box.name in net.boxes:
        raise UsageError(f"there is a node {box.name!r} already; names are unique")
    net.boxes[box.name] = box
    if isinstance(box, Host):
        net.lifecycle.hosts.append(box.node)
    if boot_ns is not None:
        box.node.crash()
        net.lifecycle.at(boot_ns, box.boot)
