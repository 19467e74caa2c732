"""IPv6 of one host, put together under one name, beside `ipv4`; there is none on a host that was not asked for it.

Transports hold this object as `ip`, as they hold `Ipv4`. Packet filters stand at `stack.hooks.ipv6`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netarium.addresses import ipv6_text
from netarium.stack.icmpv6 import Icmpv6
from netarium.stack.ipv6_address import ALL_ROUTERS, DEPRECATED, LOOPBACK, Ipv6Address, needs_link
from netarium.stack.ipv6_extensions import Extensions
from netarium.stack.ipv6_forward import Ipv6Forward
from netarium.stack.ipv6_fragments import Ipv6Reassembler
from netarium.stack.ipv6_input import Ipv6Input
from netarium.stack.ipv6_interface import Ipv6Interface
from netarium.stack.ipv6_output import Ipv6Output
from netarium.stack.ipv6_routes import Ipv6Route, Ipv6RouteTable
from netarium.stack.mld import Mld
from netarium.stack.ndp import Discovery
from netarium.stack.path_mtu import Paths
from netarium.stack.router_advertiser import Advertised, RouterAdvertiser
from netarium.stack.routes import LOCAL, Route
from netarium.stack.source_selection import select_source
from netarium.stack.tcp.protocol import Tcp
from netarium.stack.udp6 import Udp6
from netarium.stack.udplite import UdpLite6
from netarium.wire.ethernet import ETHERTYPE_IPV6
from netarium.wire.ipv4 import PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_UDPLITE
from netarium.wire.ipv6 import PROTOCOL_ICMPV6

if TYPE_CHECKING:
    from netarium.stack.interface import Interface
    from netarium.stack.neighbors import Neighbors
    from netarium.stack.stack import Stack


class Ipv6:
    """The IPv6 modules of one stack. `interfaces` are those on which it is switched on, by name."""

    __slots__ = (
        "discovery", "extensions", "forward", "fragments", "header_bytes", "icmp", "input", "interfaces", "mld",
        "output", "paths", "route_for", "routes", "send_packet", "stack", "tcp", "udp", "udplite", "version",
    )  # fmt: skip

    def __init__(self, stack: Stack) -> None:
        self.stack: Final = stack
        self.version: Final = 6
        self.header_bytes: Final = 40
        self.interfaces: Final[dict[str, Ipv6Interface]] = {}
        self.routes: Final = Ipv6RouteTable(stack, self)
        self.paths: Final = Paths(stack, self.routes)
        self.output: Final = Ipv6Output(self)
        self.send_packet: Final = self.output.send_packet
        self.route_for: Final = self.output.route_for
        self.icmp: Final = Icmpv6(self)
        self.discovery: Final = Discovery(self)
        self.mld: Final = Mld(self)
        self.extensions: Final = Extensions(self)
        self.fragments: Final = Ipv6Reassembler(self)
        self.forward: Final = Ipv6Forward(self)
        self.input: Final = Ipv6Input(self)
        self.udp: Final = Udp6(self)
        self.udplite: Final = UdpLite6(self)
        self.tcp: Final = Tcp(stack, self)
        self.input.protocols[PROTOCOL_ICMPV6] = self.icmp.receive
        self.input.protocols[PROTOCOL_UDP] = self.udp.receive
        self.input.protocols[PROTOCOL_UDPLITE] = self.udplite.receive
        self.input.protocols[PROTOCOL_TCP] = self.tcp.receive
        self.icmp.error_receivers[PROTOCOL_UDP] = self.udp.receive_error
        self.icmp.error_receivers[PROTOCOL_UDPLITE] = self.udplite.receive_error
        self.icmp.error_receivers[PROTOCOL_TCP] = self.tcp.receive_error
        stack.receivers[ETHERTYPE_IPV6] = self.input.receive_packet

    def attach(self, interface: Interface) -> Ipv6Interface:
        """Switch IPv6 on for an interface; lo gets ::1."""
        found = self.interfaces.get(interface.name)
        if found is None:
            found = self.interfaces[interface.name] = Ipv6Interface(self, interface)
            interface.ipv6 = found
            found.start()
            if interface.is_loopback:
                found.add_address(LOOPBACK, 128)
        return found

    def advertise(self, name: str, said: Advertised) -> None:
        """Be a router that advertises by an interface, from now on."""
        on_link = self.interfaces[name]
        if on_link.advertiser is not None:
            on_link.advertiser.stop()
        on_link.advertiser = RouterAdvertiser(on_link, said)
        if on_link.link_local:
            on_link.advertiser.start()

    def follow_forwarding(self) -> None:
        """Be in the group of all routers where `net.ipv6.conf.all.forwarding` says so (RFC 4291 2.8)."""
        for on_link in self.interfaces.values():
            if on_link.is_router != bool(self.stack.settings.ipv6_forwarding):
                on_link.is_router = not on_link.is_router
                (on_link.join if on_link.is_router else on_link.leave)(ALL_ROUTERS)

    # Addresses.

    def rebuild_local(self) -> None:
        """The local table from the addresses that are usable."""
        local: dict[int, Route] = {}
        lo = self.stack.lo
        for on_link in self.interfaces.values():
            for each in on_link.addresses:
                if each.is_usable and (on_link.interface.up or not on_link.interface.is_loopback):
                    local[each.address] = Ipv6Route(
                        each.address, 128, lo, 0, each.address, lo.mtu, 0, "kernel", LOCAL
                    )
        self.routes.local = local
        self.routes.changed()

    def is_deprecated(self, address: int) -> bool:
        """Whether it is an address of this host whose preferred lifetime is over (RFC 4862 5.5.4)."""
        found = (on_link.find(address) for on_link in self.interfaces.values())
        return any(each is not None and each.state == DEPRECATED for each in found)

    def interface_with(self, address: int) -> Interface | None:
        """The interface that has this usable address; None when it is not this host's."""
        for on_link in self.interfaces.values():
            found = on_link.find(address)
            if found is not None and found.is_usable:
                return on_link.interface
        return None

    def is_local(self, address: int) -> bool:
        """Whether a socket may bind to `address`."""
        return address in self.routes.local

    def default_interface(self) -> Interface | None:
        """Where a packet to a group goes when nobody says: the default route's, else the first beside lo."""
        route = self.routes.lookup(0x2000 << 112)
        if route is not None and route.gateway:
            return route.interface
        for on_link in self.interfaces.values():
            if on_link.interface.up and not on_link.interface.is_loopback:
                return on_link.interface
        return None

    def select_source(self, destination: int, interface: Interface) -> int:
        """The address to send to `destination` from (RFC 6724): of the interface alone where the link matters."""
        only = needs_link(destination)
        candidates: list[tuple[Ipv6Address, Interface]] = []
        for on_link in self.interfaces.values():
            owner = on_link.interface
            if only and owner is not interface:
                continue
            if owner.is_loopback and not interface.is_loopback:
                continue
            candidates += [(each, owner) for each in on_link.addresses if each.is_usable]
        return select_source(destination, interface, candidates)

    def has_address_beyond_link(self) -> bool:
        """Whether names are worth asking AAAA for: an address that is neither link-local nor ::1."""
        return any(not needs_link(address) and address != LOOPBACK for address in self.routes.local)

    # What transports ask of either family.

    def neighbors_of(self, interface: Interface) -> Neighbors | None:
        """The neighbour table of an interface for this family."""
        return interface.ipv6.neighbors if interface.ipv6 is not None else None

    def format_address(self, address: int) -> str:
        """An address of this family as text, with brackets, so that a port may follow."""
        return f"[{ipv6_text(address)}]"
