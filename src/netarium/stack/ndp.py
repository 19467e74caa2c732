"""Neighbour discovery: from an IPv6 next hop to its MAC, with the states of neighbour unreachability detection.

Read first: RFC 4861 7.1 to 7.3 (validation, address resolution, NUD), 8 (redirects), RFC 4862 5.4 (duplicates).
The table is that of ARP (`neighbors`): STALE is a REACHABLE whose time is over, a queue waits for the MAC, probes are
unicast. What differs stands here: how one asks, and what an answer proves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netarium.addresses import ipv6_text
from netarium.errors import WireError
from netarium.journey import Cause, Drop, Stop
from netarium.stack.ipv6_address import (
    ALL_NODES,
    OPTIMISTIC,
    TENTATIVE,
    group_mac,
    is_link_local,
    is_multicast,
    solicited_node,
)
from netarium.stack.neighbors import FAILED, INCOMPLETE, PERMANENT, PROBE, REACHABLE, Neighbor, Neighbors
from netarium.stack.timers import MILLISECOND_NS
from netarium.wire.ethernet import ETHERTYPE_IPV6, MAC_GROUP_BIT, Frame
from netarium.wire.icmpv6 import (
    ADDRESS_UNREACHABLE,
    DESTINATION_UNREACHABLE,
    NA_OVERRIDE,
    NA_ROUTER,
    NA_SOLICITED,
    NEIGHBOR_ADVERTISEMENT,
    NEIGHBOR_SOLICITATION,
    REDIRECT,
    ROUTER_ADVERTISEMENT,
    ROUTER_SOLICITATION,
    Icmpv6Header,
)
from netarium.wire.ipv6 import PROTOCOL_ICMPV6, Ipv6Header
from netarium.wire.ndp import (
    SOURCE_LINK_ADDRESS,
    TARGET_LINK_ADDRESS,
    Options,
    RouterAdvertisement,
    link_address,
    parse_options,
    parse_redirect,
    parse_target,
    target_message,
)

if TYPE_CHECKING:
    from netarium.stack.interface import Interface
    from netarium.stack.ipv6 import Ipv6
    from netarium.stack.ipv6_interface import Ipv6Interface
    from netarium.stack.stack import Stack

HOP_LIMIT: Final = 255
"""RFC 4861 7.1: with any other a router has forwarded it, so it is not from this link."""


class Ipv6Neighbors(Neighbors):
    """The neighbour cache of one interface for IPv6."""

    __slots__ = ("on_link", "routers")

    protocol = "ndp"

    def __init__(self, interface: Interface, stack: Stack, on_link: Ipv6Interface) -> None:
        super().__init__(interface, stack)
        self.on_link: Final = on_link
        self.routers: Final[dict[int, bool]] = {}
        """Neighbours that have said whether they are routers."""

    @staticmethod
    def address_text(address: int) -> str:
        """An IPv6 address as text."""
        return ipv6_text(address)

    @property
    def reachable_ns(self) -> int:
        """How long a proof holds: what the router says, else the setting."""
        stated_ms = self.on_link.reachable_ms
        return stated_ms * MILLISECOND_NS if stated_ms else super().reachable_ns

    def tell_unreachable(self, frame: Frame) -> None:
        """Nobody answers for the next hop (RFC 4861 7.2.2): address unreachable."""
        self.on_link.ipv6.icmp.send_error(
            frame, DESTINATION_UNREACHABLE, ADDRESS_UNREACHABLE, 0, self.interface
        )

    def fail(self, entry: Neighbor) -> None:
        """Nobody answered; when it is a default router, another comes first."""
        super().fail(entry)
        self.on_link.discovery.unreachable(entry.address)

    def request(self, entry: Neighbor) -> None:
        """Solicit once more: the target's group, or (PROBE) the one who had the MAC."""
        entry.requests += 1
        stack, interface = self.stack, self.interface
        if stack.watch.step is not None:
            stack.watch.step(
                stack.now,
                stack.name,
                Stop.RESOLVE,
                f"ndp {ipv6_text(entry.address)}",
                {"interface": interface.name, "request": entry.requests, "waiting": len(entry.queue)},
            )
        stack.timers.arm(entry, stack.now + self.on_link.retransmit_ns)
        source = self._source_for(entry)
        probing = entry.state == PROBE
        destination = entry.address if probing else solicited_node(entry.address)
        payload = target_message(entry.address, [(SOURCE_LINK_ADDRESS, interface.mac.to_bytes(6, "big"))])
        self.on_link.ipv6.discovery.send(
            self.on_link,
            source,
            destination,
            Icmpv6Header(NEIGHBOR_SOLICITATION, 0),
            payload,
            entry.mac if probing else 0,
        )

    def _source_for(self, entry: Neighbor) -> int:
        """RFC 4861 7.2.2: the source of the packet that waits, when it is ours; else one of this interface."""
        if entry.queue:
            header = entry.queue[0].network
            if type(header) is Ipv6Header and self.on_link.find(header.source) is not None:
                return header.source
        return self.on_link.ipv6.select_source(entry.address, self.interface)

    def learn_stale(self, address: int, mac: int, frame: Frame) -> None:
        """Somebody has told his MAC in passing: known, but not proven (RFC 4861 7.2.3, Linux NUD_STALE)."""
        entry = self.entry(address, frame)
        if entry is None or entry.state == PERMANENT:
            return
        if entry.mac != mac or entry.state in (INCOMPLETE, FAILED):
            self.set_stale(entry, mac)

    def set_stale(self, entry: Neighbor, mac: int) -> None:
        """The MAC may be used, and is asked for again soon after."""
        entry.mac = mac
        entry.confirmed_ns = self.stack.now
        entry.usable_until_ns = self.stack.now
        self.stack.timers.cancel(entry)
        self.set_state(entry, REACHABLE, Cause.SEGMENT)
        if entry.queue:
            self.begin_delay(entry)
            self.send_waiting(entry)

    def advertised(self, target: int, mac: int, flags: int, frame: Frame) -> None:
        """A neighbour advertisement that is sound: RFC 4861 7.2.5."""
        entry = self.entries.get(target)
        if entry is None:
            self.stack.drop(Drop.ND_NOT_FOR_US, frame, f"nobody asked for {ipv6_text(target)}")
            return
        if entry.state == PERMANENT:
            return
        solicited, override = flags & NA_SOLICITED, flags & NA_OVERRIDE
        if entry.state in (INCOMPLETE, FAILED):
            if mac:
                self._prove(entry, mac, solicited)
                self.routers[target] = bool(flags & NA_ROUTER)
            return
        differs = mac != 0 and mac != entry.mac
        if differs and not override:
            if entry.usable_until_ns > self.stack.now and entry.state == REACHABLE:
                entry.usable_until_ns = self.stack.now
            return
        if solicited or differs:
            self._prove(entry, mac or entry.mac, solicited)
        if self.routers.get(target) and not flags & NA_ROUTER:
            self.on_link.discovery.router_is_none(target)
        self.routers[target] = bool(flags & NA_ROUTER)

    def _prove(self, entry: Neighbor, mac: int, solicited: int) -> None:
        if solicited:
            self.learn(entry, mac)
        else:
            self.set_stale(entry, mac)


class Discovery:
    """Neighbour discovery of one host: its messages, both ways."""

    __slots__ = ("ipv6", "stack")

    def __init__(self, ipv6: Ipv6) -> None:
        self.ipv6: Final = ipv6
        self.stack: Final = ipv6.stack

    # Out.

    def send(
        self,
        on_link: Ipv6Interface,
        source: int,
        destination: int,
        message: Icmpv6Header,
        payload: bytes,
        mac: int = 0,
    ) -> None:
        """Send a message of neighbour discovery: hop limit 255; `mac` 0 is looked up, or the group's."""
        interface = on_link.interface
        icmp = self.ipv6.icmp
        icmp.sent[message.type] = icmp.sent.get(message.type, 0) + 1
        header = Ipv6Header(source, destination, PROTOCOL_ICMPV6, HOP_LIMIT)
        if is_multicast(destination):
            mac = group_mac(destination)
        frame = Frame(mac, interface.mac, ETHERTYPE_IPV6, header, message, payload)
        if mac:
            interface.send_frame(frame)
        else:
            on_link.neighbors.resolve(destination, frame)

    def probe(self, on_link: Ipv6Interface, address: int) -> None:
        """Ask whether somebody has an address that we want (RFC 4862 5.4.2)."""
        message = Icmpv6Header(NEIGHBOR_SOLICITATION, 0)
        self.send(on_link, 0, solicited_node(address), message, target_message(address))

    def _advertise(self, on_link: Ipv6Interface, target: int, asker: int, override: int) -> None:
        """Answer a solicitation; to an asker without an address by the group of all nodes (RFC 4861 7.2.4)."""
        flags = override | (NA_SOLICITED if asker else 0)
        if self.stack.settings.ipv6_forwarding:
            flags |= NA_ROUTER
        message = Icmpv6Header(NEIGHBOR_ADVERTISEMENT, 0, flags)
        payload = target_message(target, [(TARGET_LINK_ADDRESS, on_link.interface.mac.to_bytes(6, "big"))])
        self.send(on_link, target, asker or ALL_NODES, message, payload)

    # In.

    def receive(
        self, frame: Frame, header: Ipv6Header, message: Icmpv6Header, on_link: Ipv6Interface
    ) -> None:
        """A message of neighbour discovery; one that is malformed or not from this link is dropped."""
        if header.ttl != HOP_LIMIT or message.code:
            self.stack.drop(Drop.ND_MALFORMED, frame, f"hop limit {header.ttl} code {message.code}")
            return
        try:
            self._dispatch(frame, header, message, on_link)
        except WireError as error:
            self.stack.drop(Drop.ND_MALFORMED, frame, str(error))

    def _dispatch(
        self, frame: Frame, header: Ipv6Header, message: Icmpv6Header, on_link: Ipv6Interface
    ) -> None:
        payload = bytes(frame.payload)
        kind = message.type
        if kind == NEIGHBOR_SOLICITATION:
            target, options = parse_target(payload)
            self._receive_solicitation(frame, header, target, options, on_link)
        elif kind == NEIGHBOR_ADVERTISEMENT:
            target, options = parse_target(payload)
            self._receive_advertisement(frame, header, message.rest, target, options, on_link)
        elif kind == ROUTER_SOLICITATION:
            self._receive_router_solicitation(frame, header, parse_options(payload), on_link)
        elif kind == ROUTER_ADVERTISEMENT:
            self._receive_router_advertisement(frame, header, message.rest, payload, on_link)
        elif kind == REDIRECT:
            self._receive_redirect(frame, header, payload, on_link)

    def _receive_solicitation(
        self, frame: Frame, header: Ipv6Header, target: int, options: Options, on_link: Ipv6Interface
    ) -> None:
        mac = mac_in(options, SOURCE_LINK_ADDRESS)
        if is_multicast(target) or (
            header.source == 0 and (mac or header.destination != solicited_node(target))
        ):
            self._malformed(frame, f"a solicitation for {ipv6_text(target)}")
            return
        own = on_link.find(target)
        if own is None or (not own.is_usable and own.state != TENTATIVE):
            self.stack.drop(Drop.ND_NOT_FOR_US, frame, f"asks for {ipv6_text(target)}")
            return
        if own.state == TENTATIVE:
            if header.source == 0:
                on_link.duplicate(own)  # RFC 4862 5.4.3: two want it, so neither gets it
            self.stack.drop(Drop.ND_NOT_FOR_US, frame, f"{ipv6_text(target)} is tentative")
            return
        if header.source and mac:
            on_link.neighbors.learn_stale(header.source, mac, frame)
        self._advertise(on_link, target, header.source, 0 if own.state == OPTIMISTIC else NA_OVERRIDE)

    def _receive_advertisement(
        self,
        frame: Frame,
        header: Ipv6Header,
        flags: int,
        target: int,
        options: Options,
        on_link: Ipv6Interface,
    ) -> None:
        if is_multicast(target) or (is_multicast(header.destination) and flags & NA_SOLICITED):
            self._malformed(frame, f"an advertisement of {ipv6_text(target)}")
            return
        own = on_link.find(target)
        if own is not None:
            if own.probes_left >= 0:
                on_link.duplicate(own)
            self.stack.drop(Drop.ND_NOT_FOR_US, frame, f"another has {ipv6_text(target)} too")
            return
        on_link.neighbors.advertised(target, mac_in(options, TARGET_LINK_ADDRESS), flags, frame)

    def _receive_router_solicitation(
        self, frame: Frame, header: Ipv6Header, options: Options, on_link: Ipv6Interface
    ) -> None:
        mac = mac_in(options, SOURCE_LINK_ADDRESS)
        if header.source == 0 and mac:
            self._malformed(frame, "a router solicitation of nobody with a MAC")
            return
        if header.source and mac:
            on_link.neighbors.learn_stale(header.source, mac, frame)
        if on_link.advertiser is None:
            self.stack.drop(Drop.ICMP_IGNORED, frame, "router solicitation")
            return
        on_link.advertiser.solicited()

    def _receive_router_advertisement(
        self, frame: Frame, header: Ipv6Header, rest: int, payload: bytes, on_link: Ipv6Interface
    ) -> None:
        if not is_link_local(header.source):
            self._malformed(frame, f"a router advertisement from {ipv6_text(header.source)}")
            return
        said = RouterAdvertisement.parse(rest, payload)
        if self.stack.settings.ipv6_forwarding or not self.stack.settings.ipv6_accept_ra:
            self.stack.drop(Drop.ICMP_IGNORED, frame, "router advertisement")
            return
        if said.link_address and not said.link_address & MAC_GROUP_BIT:
            on_link.neighbors.learn_stale(header.source, said.link_address, frame)
        on_link.neighbors.routers[header.source] = True
        on_link.discovery.receive(header.source, said)

    def _receive_redirect(
        self, frame: Frame, header: Ipv6Header, payload: bytes, on_link: Ipv6Interface
    ) -> None:
        """RFC 4861 8.3: only the router that is the first hop now may say so."""
        target, destination, options = parse_redirect(payload)
        settings, routes = self.stack.settings, self.ipv6.routes
        sound = (
            is_link_local(header.source)
            and not is_multicast(destination)
            and (target == destination or is_link_local(target))
        )
        if not sound:
            self._malformed(frame, f"a redirect to {ipv6_text(target)}")
            return
        route = routes.lookup(destination)
        if (
            settings.ipv6_forwarding
            or not settings.ipv6_accept_redirects
            or route is None
            or route.gateway != header.source
            or route.interface is not on_link.interface
        ):
            self.stack.drop(Drop.ICMP_IGNORED, frame, f"redirect for {ipv6_text(destination)}")
            return
        mac = mac_in(options, TARGET_LINK_ADDRESS)
        if mac:
            on_link.neighbors.learn_stale(target, mac, frame)
        self.ipv6.paths.learn_gateway(destination, target)

    def _malformed(self, frame: Frame, detail: str) -> None:
        self.stack.drop(Drop.ND_MALFORMED, frame, detail)


def mac_in(options: Options, kind: int) -> int:
    """The MAC in an option of this kind; 0 when there is none, or that of a group, which is nobody's own."""
    mac = link_address(options, kind)
    return 0 if mac & MAC_GROUP_BIT else mac
