"""IPv6 on one interface: its addresses and their duplicate detection, its groups, what routers have advertised.

Read first: RFC 4862 5.3 to 5.5 (link-local addresses, DAD, SLAAC), RFC 4861 6.3 (a host's side of router discovery).
As on Linux the identifier is that of the MAC (addr_gen_mode eui64). Not as on Linux, addresses that an interface has
when IPv6 is switched on are usable while they are probed (RFC 4429; setting optimistic_dad), so that the programs of a
lab may begin at its start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netarium.addresses import ipv6_text
from netarium.journey import Cause
from netarium.stack.ipv6_address import (
    ALL_NODES,
    ALL_ROUTERS,
    DEPRECATED,
    FAILED,
    LINK_LOCAL_PREFIX,
    OPTIMISTIC,
    PREFERRED,
    TENTATIVE,
    Ipv6Address,
    group_mac,
    interface_identifier,
    is_link_local,
    solicited_node,
)
from netarium.stack.ipv6_routes import Ipv6Route
from netarium.stack.ndp import Ipv6Neighbors
from netarium.stack.router_discovery import RouterDiscovery
from netarium.stack.timers import MILLISECOND_NS, NEVER

if TYPE_CHECKING:
    from netarium.stack.interface import Interface
    from netarium.stack.ipv6 import Ipv6
    from netarium.stack.router_advertiser import RouterAdvertiser


class Ipv6Interface:
    """What IPv6 knows of one interface. `mtu` in bytes may be less than the interface's (a router said so)."""

    __slots__ = (
        "addresses", "advertiser", "discovery", "groups", "hop_limit", "interface", "ipv6", "is_router", "link_mtu",
        "neighbors", "reachable_ms", "retransmit_ms",
    )  # fmt: skip

    def __init__(self, ipv6: Ipv6, interface: Interface) -> None:
        self.ipv6: Final = ipv6
        self.interface: Final = interface
        self.addresses: list[Ipv6Address] = []
        self.groups: Final[dict[int, int]] = {}
        """Joined groups and how often each was joined."""
        self.neighbors: Final = Ipv6Neighbors(interface, ipv6.stack, self)
        self.is_router = False
        """Whether it has joined the group of all routers."""
        self.hop_limit = 0
        self.link_mtu = 0
        self.reachable_ms = 0
        self.retransmit_ms = 0
        self.discovery: Final = RouterDiscovery(self)
        self.advertiser: RouterAdvertiser | None = None

    @property
    def mtu(self) -> int:
        """The largest packet, in bytes."""
        return min(self.link_mtu or self.interface.mtu, self.interface.mtu)

    @property
    def link_local(self) -> int:
        """The link-local address, 0 while there is none that is usable."""
        for each in self.addresses:
            if is_link_local(each.address) and each.is_usable:
                return each.address
        return 0

    @property
    def retransmit_ns(self) -> int:
        """The time between solicitations (RFC 4861 RetransTimer)."""
        settings = self.ipv6.stack.settings
        return (self.retransmit_ms or settings.neigh_retrans_time_ms) * MILLISECOND_NS

    def start(self) -> None:
        """IPv6 is switched on, or the interface is: the link-local address and all-nodes group, then routers."""
        self.join(ALL_NODES)
        if self.ipv6.stack.settings.ipv6_forwarding:
            self.is_router = True
            self.join(ALL_ROUTERS)
        if not self.interface.is_loopback:
            self.add_address(
                LINK_LOCAL_PREFIX | interface_identifier(self.interface.mac), 64, "link-local", at_start=True
            )

    # Addresses.

    def find(self, address: int) -> Ipv6Address | None:
        """This interface's entry of `address`, in whatever state."""
        for each in self.addresses:
            if each.address == address:
                return each
        return None

    def add_address(
        self,
        address: int,
        length: int,
        origin: str = "static",
        *,
        at_start: bool = False,
        valid_until_ns: int = NEVER,
        preferred_until_ns: int = NEVER,
    ) -> bool:
        """Take an address, usable after duplicate detection. False when the interface has it already."""
        if self.find(address) is not None:
            return False
        stack = self.ipv6.stack
        added = Ipv6Address(self, address, length, origin)
        added.valid_until_ns, added.preferred_until_ns = valid_until_ns, preferred_until_ns
        self.addresses.append(added)
        if length < 128 and origin != "ra" and not self.interface.is_loopback:
            self.ipv6.routes.add(Ipv6Route(added.network, length, self.interface, 0, 0, 0, 256, "kernel"))
        if not self.interface.is_loopback:
            self.join(solicited_node(address))
        probes = stack.settings.ipv6_dad_transmits
        if probes and self.interface.up and not self.interface.is_loopback:
            added.probes_left = probes
            optimistic = at_start and stack.settings.ipv6_optimistic_dad
            added.state = OPTIMISTIC if optimistic else TENTATIVE
            stack.timers.arm(added, stack.now + self._first_delay_ns(at_start))
        else:
            self._assign(added)
        self.ipv6.rebuild_local()
        return True

    def _first_delay_ns(self, at_start: bool) -> int:
        """RFC 4862 5.4.2: at the start of an interface the first message waits, so that not all speak at once."""
        most = self.ipv6.stack.settings.ipv6_router_solicitation_delay * 1000 if at_start else 0
        return (self.ipv6.stack.random.randrange(most) if most else 0) * MILLISECOND_NS

    def remove_address(self, address: int) -> bool:
        """Give an address up, and the route to its network with the last one there. False when it is not here."""
        found = self.find(address)
        if found is None:
            return False
        self.addresses.remove(found)
        self.ipv6.stack.timers.cancel(found)
        if not self.interface.is_loopback:
            self.leave(solicited_node(address))
        if (found.network, found.length) not in self.discovery.prefixes and not any(
            each.network == found.network and each.length == found.length for each in self.addresses
        ):
            for route in list(self.ipv6.routes.by_length.get(found.length, {}).get(found.network, ())):
                if route.interface is self.interface and route.protocol == "kernel" and not route.gateway:
                    self.ipv6.routes.remove(route)
        self.ipv6.rebuild_local()
        return True

    def address_timer(self, each: Ipv6Address, now: int) -> None:
        """The deadline of an address: a probe, the end of detection, deprecation, the end."""
        if each.probes_left > 0:
            each.probes_left -= 1
            self.ipv6.discovery.probe(self, each.address)
            self.ipv6.stack.timers.arm(each, now + self.retransmit_ns)
            return
        if each.probes_left == 0:
            each.probes_left = -1
            self._assign(each)
            return
        if now >= each.valid_until_ns:
            self.remove_address(each.address)
            return
        if now >= each.preferred_until_ns and each.state == PREFERRED:
            self._set_state(each, DEPRECATED, Cause.AGED)
        self._arm_lifetime(each)

    def _assign(self, each: Ipv6Address) -> None:
        """Nobody else has it."""
        self._set_state(each, PREFERRED, Cause.AGED)
        self._arm_lifetime(each)
        if each.origin == "link-local":
            self.discovery.start()
            if self.advertiser is not None:
                self.advertiser.start()

    def set_lifetimes(self, each: Ipv6Address, valid_until_ns: int, preferred_until_ns: int) -> None:
        """A router advertised its prefix again."""
        each.valid_until_ns, each.preferred_until_ns = valid_until_ns, preferred_until_ns
        if each.probes_left < 0 and each.state in (PREFERRED, DEPRECATED):
            state = DEPRECATED if preferred_until_ns <= self.ipv6.stack.now else PREFERRED
            self._set_state(each, state, Cause.SEGMENT)
            self._arm_lifetime(each)

    def _arm_lifetime(self, each: Ipv6Address) -> None:
        timers = self.ipv6.stack.timers
        deadline = each.valid_until_ns
        if each.state == PREFERRED:
            deadline = min(deadline, each.preferred_until_ns)
        if deadline == NEVER:
            timers.cancel(each)
        else:
            timers.arm(each, deadline)

    def duplicate(self, each: Ipv6Address) -> None:
        """Somebody else has it, or wants it: it is not used (RFC 4862 5.4.5)."""
        self.ipv6.stack.timers.cancel(each)
        each.probes_left = -1
        self._set_state(each, FAILED, Cause.SEGMENT)

    def _set_state(self, each: Ipv6Address, state: str, cause: Cause) -> None:
        before, each.state = each.state, state
        stack = self.ipv6.stack
        if before != state:
            self.ipv6.rebuild_local()  # before it is told: who hears of it looks at what the host has now
        if before != state and stack.watch.state is not None:
            subject = f"ipv6 address {ipv6_text(each.address)}/{each.length} dev {self.interface.name}"
            stack.watch.state(
                stack.now, stack.name, subject, before or "preferred", state or "preferred", cause
            )

    # Groups.

    def join(self, group: int) -> None:
        """Hear a group from now on; joins are counted, and the first is told to routers (MLD)."""
        count = self.groups.get(group, 0)
        self.groups[group] = count + 1
        if not count:
            self.interface.join(group_mac(group))
            self.ipv6.mld.joined(self, group)

    def leave(self, group: int) -> None:
        """Undo one `join`."""
        count = self.groups.get(group, 0)
        if count > 1:
            self.groups[group] = count - 1
        elif count:
            del self.groups[group]
            self.interface.leave(group_mac(group))
            self.ipv6.mld.left(self, group)

    def set_up(self, up: bool) -> None:
        """The interface was switched on or off: off, it forgets what routers said; on, it asks and probes again."""
        stack = self.ipv6.stack
        if not up:
            self.neighbors.flush()
            self.discovery.forget_all()
            for each in list(self.addresses):
                if each.origin != "static":
                    self.remove_address(each.address)
        elif not self.interface.is_loopback:
            self.add_address(
                LINK_LOCAL_PREFIX | interface_identifier(self.interface.mac), 64, "link-local", at_start=True
            )
        self.ipv6.rebuild_local()
        stack.settle()
