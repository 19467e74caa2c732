"""What a host knows of IPv6 at power-on, and its switching on. A host without such a setup has no IPv6."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from netarium.addresses import ipv6_text
from netarium.errors import UsageError
from netarium.stack.ipv6_address import is_link_local
from netarium.stack.ipv6_routes import Ipv6Route

if TYPE_CHECKING:
    from netarium.stack.router_advertiser import Advertised
    from netarium.stack.stack import Stack

FORWARDING: Final = "net.ipv6.conf.all.forwarding"


@dataclass(frozen=True, slots=True)
class Ipv6RouteSetup:
    """A static route: `gateway` 0 for a network on the link; a link-local gateway needs `interface`."""

    prefix: int
    length: int
    gateway: int = 0
    interface: str = ""
    metric: int = 1024


@dataclass(slots=True)
class Ipv6Setup:
    """`interfaces`: name -> addresses as (address, length), besides the link-local one. `advertised`: by interface."""

    interfaces: Mapping[str, Sequence[tuple[int, int]]] = field(default_factory=dict)
    routes: Sequence[Ipv6RouteSetup] = ()
    forwarding: bool = False
    advertised: Mapping[str, Advertised] = field(default_factory=dict)


def start_ipv6(stack: Stack, setup: Ipv6Setup) -> None:
    """Switch IPv6 on for the interfaces of `setup`, with their addresses, routes and advertisements."""
    if setup.forwarding:
        stack.settings.set(FORWARDING, 1)
    for name, addresses in setup.interfaces.items():
        stack.enable_ipv6(name)
        for address, length in addresses:
            stack.add_ipv6_address(name, address, length, at_start=True)
    ip6 = stack.enable_ipv6("lo")
    for each in setup.routes:
        name = each.interface or _interface_towards(stack.name, setup, each.gateway)
        if name not in ip6.interfaces:
            raise UsageError(f"{stack.name} has no IPv6 on {name}; it has it on {', '.join(ip6.interfaces)}")
        interface = stack.interfaces[name]
        ip6.routes.add(
            Ipv6Route(
                each.prefix, each.length, interface, each.gateway, metric=each.metric, protocol="static"
            )
        )
    for name, said in setup.advertised.items():
        ip6.advertise(name, said)


def _interface_towards(host: str, setup: Ipv6Setup, gateway: int) -> str:
    for name, addresses in setup.interfaces.items():
        if any((address ^ gateway) >> (128 - length) == 0 for address, length in addresses):
            return name
    if is_link_local(gateway):
        if len(setup.interfaces) == 1:
            return next(iter(setup.interfaces))
        raise UsageError(f"{host}: the gateway {ipv6_text(gateway)} is link-local; say by which `interface`")
    raise UsageError(
        f"{host}: the gateway {ipv6_text(gateway)} is in no network of an interface; give a gateway on the link"
    )
