"""One router's OSPF: packets and times are handed in; packets go out by `transport`, routes by `install`.

Read first: RFC 2328 8.2 (what a packet must be to be taken). After every packet or alarm `flush` does what follows:
new LSAs, floods, acknowledgments of deaths, routes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Final, Protocol

from netarium.addresses import ipv4_text
from netarium.errors import WireError
from netarium.services.routing.alarms import Alarm, Alarms
from netarium.services.routing.links import LinkView
from netarium.services.routing.options import RoutingOptions
from netarium.services.routing.ospf import exchange, spf
from netarium.services.routing.ospf.constants import (
    N_DOWN,
    SPF_DELAY_NS,
    SPF_HOLD_MAX_NS,
    SPF_HOLD_NS,
)
from netarium.services.routing.ospf.database import Database
from netarium.services.routing.ospf.flooding import Flooding
from netarium.services.routing.ospf.interface import OspfInterface
from netarium.services.routing.ospf.neighbor import Neighbor
from netarium.services.routing.ospf.origination import Originator
from netarium.services.routing.ospf.refusals import Refusals
from netarium.wire.ospf import (
    Acknowledgment,
    Description,
    Hello,
    OspfAuthenticatedError,
    OspfPacket,
    Request,
    Update,
    parse_packet,
)

FLUSH_ROUNDS_MAX: Final = 1000


class Transport(Protocol):
    """How packets leave."""

    def send(self, interface: str, destination: int, data: bytes) -> None:
        """Send one OSPF packet to an address or group."""
        ...

    def hear_designated(self, interface: str, wanted: bool) -> None:
        """Join or leave AllDRouters."""
        ...


class Instance:
    """OSPF of one router in one area (the backbone, 0.0.0.0)."""

    def __init__(
        self,
        options: RoutingOptions,
        router_id: int,
        alarms: Alarms,
        random: Random,
        transport: Transport,
        install: Callable[[spf.Routes], object],
        read_links: Callable[[], Sequence[LinkView]],
    ) -> None:
        self.options: Final = options
        self.router_id: Final = router_id
        self.alarms: Final = alarms
        self.random: Final = random
        self.transport: Final = transport
        self._install: Final = install
        self._read_links: Final = read_links
        self.interfaces: Final[dict[str, OspfInterface]] = {}
        self.database: Final = Database()
        self.flooding: Final = Flooding(self)
        self.originator: Final = Originator(self)
        self.counts: Final[dict[str, int]] = {}
        """Packets and LSAs that were not taken, by reason."""
        self.refusals: Final = Refusals()
        self.on_neighbor: Callable[[Neighbor, int], None] | None = None
        self.spf_runs = 0
        self._links_changed = True
        self._links_read_ns = -1
        self._soon: list[Callable[[], None]] = []
        self._spf: Alarm | None = None
        self._spf_ran_ns = -(1 << 62)
        self._hold_ns = SPF_HOLD_NS

    def count(self, reason: str) -> None:
        """Something was not taken."""
        self.counts[reason] = self.counts.get(reason, 0) + 1

    def look_at_links_once(self) -> None:
        """As `look_at_links`, but once at one instant, however many interfaces ask."""
        if self._links_read_ns != self.alarms.now:
            self.look_at_links()

    def look_at_links(self) -> None:
        """Take interfaces up and down as they are on the host now."""
        self._links_read_ns = self.alarms.now
        links = {each.name: each for each in self._read_links()}
        for name in [name for name, each in self.interfaces.items() if links.get(name) != each.link]:
            self.interfaces.pop(name).down()
        for name, link in links.items():
            if name not in self.interfaces:
                interface = OspfInterface(self, link, self.options.link(name), self.options.ospf_cost(name))
                self.interfaces[name] = interface
                interface.up()

    # Packets.

    def receive(self, name: str, source: int, data: bytes, port: int = 0) -> None:
        """A packet that came by an interface from an address (8.2)."""
        interface = self.interfaces.get(name)
        if interface is None or interface.passive:
            return
        if not interface.is_point_to_point:
            neighbor = interface.neighbors.get(source)
            if neighbor is not None and neighbor.last_hello == data:
                neighbor.heard()
                return
        else:
            for neighbor in interface.neighbors.values():
                if neighbor.last_hello == data and neighbor.address == source:
                    neighbor.heard()
                    return
        try:
            packet = parse_packet(data)
        except OspfAuthenticatedError as error:
            refused = f"authenticates its packets (type {error.type}), here nobody does: no adjacency"
            self.refusals.add(
                interface, error.router, source, "authentication", refused, "turn that off there"
            )
        except WireError as error:
            self.count(str(error))
        else:
            refusal = self._wrong_in(interface, packet, source)
            if refusal is None:
                self._take(interface, packet.router, source, packet.body, data)
            else:
                self.refusals.add(interface, packet.router, source, *refusal)

    def _wrong_in(
        self, interface: OspfInterface, packet: OspfPacket, source: int
    ) -> tuple[str, str, str] | None:
        """What must be right in every packet's head (8.2): (what, why, remedy)."""
        told = "no adjacency"
        if packet.area != 0:
            why = f"is in area {ipv4_text(packet.area)}, here it is 0.0.0.0: {told}"
            return "area", why, "put both into area 0"
        if packet.router == self.router_id:
            why = f"has this router's own id: {told}, and routes come and go"
            return "router id", why, "give one of them another `router_id`"
        if not interface.is_point_to_point and (source ^ interface.link.address) & interface.link.mask:
            network = f"{ipv4_text(interface.link.network)}/{interface.link.length}"
            return "network", f"is not in {network}: {told}", "give both addresses of one network"
        return None

    def _take(self, interface: OspfInterface, router_id: int, source: int, body: object, data: bytes) -> None:
        if isinstance(body, Hello):
            interface.receive_hello(router_id, source, body, data)
            return
        neighbor = interface.neighbors.get(router_id if interface.is_point_to_point else source)
        if neighbor is None or neighbor.router_id != router_id:
            self.count("packet of no neighbor")
        elif isinstance(body, Description):
            exchange.receive_description(neighbor, body)
        elif isinstance(body, Request):
            exchange.receive_request(neighbor, body)
        elif isinstance(body, Update):
            self.flooding.receive_update(neighbor, body)
        elif isinstance(body, Acknowledgment):
            self.flooding.receive_acknowledgment(neighbor, body)

    # What follows from them.

    def links_changed(self) -> None:
        """What this router says of its links may have changed."""
        self._links_changed = True

    def soon(self, action: Callable[[], None]) -> None:
        """Do something when the present event has been dealt with."""
        self._soon.append(action)

    def tell_neighbor(self, neighbor: Neighbor, old: int) -> None:
        """A neighbor's state has changed."""
        if self.on_neighbor is not None:
            self.on_neighbor(neighbor, old)

    def schedule_spf(self) -> None:
        """The database has changed: compute routes, but not too often (FRR's SPF throttling)."""
        if self._spf is not None and self._spf.pending:
            return
        since_ns = self.alarms.now - self._spf_ran_ns
        if since_ns >= self._hold_ns:
            # Quiet for the whole hold time: begin with the shortest again.
            self._hold_ns = SPF_HOLD_NS
            delay_ns = SPF_DELAY_NS
        else:
            delay_ns = self._hold_ns - since_ns
            self._hold_ns = min(self._hold_ns * 2, SPF_HOLD_MAX_NS)
        self._spf = self.alarms.after(delay_ns, self._run_spf)

    def _run_spf(self) -> None:
        self.spf_runs += 1
        self._spf_ran_ns = self.alarms.now
        self._install(spf.routes(self))

    def neighbor_address(self, interface: OspfInterface, router_id: int) -> int:
        """Where a neighbor on a point-to-point link is; 0 when it is not known."""
        for neighbor in interface.neighbors.values():
            if neighbor.router_id == router_id and neighbor.state > N_DOWN:
                return neighbor.address
        return 0

    def flush(self) -> None:
        """Do what follows from what has come, until nothing more does."""
        for _ in range(FLUSH_ROUNDS_MAX):
            if self._soon:
                actions, self._soon = self._soon, []
                for action in actions:
                    action()
            elif self._links_changed:
                self._links_changed = False
                self.originator.update()
            elif self.alarms.next_ns() <= self.alarms.now:
                self.alarms.fire_due()
            else:
                break
        self.flooding.collect()
        for interface in self.interfaces.values():
            interface.flush()
