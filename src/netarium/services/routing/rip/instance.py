"""One router's RIP: messages and times are handed in; messages go out by `transport`, routes by `install`.

Read first: RFC 2453 3.4.3 (counting to infinity, split horizon), 3.9 (input), 3.10 (output). As FRR does, learned
metrics grow by the receiving interface's cost, and simple split horizon is on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Final, Protocol

from netarium.errors import WireError
from netarium.services.routing.alarms import SECOND_NS, Alarm, Alarms
from netarium.services.routing.installer import Prefix, Wanted
from netarium.services.routing.links import LinkView
from netarium.services.routing.options import RoutingOptions
from netarium.services.routing.rip.table import RipRoute, RipTable
from netarium.wire.rip import (
    ENTRIES_MAX,
    FAMILY_ANY,
    FAMILY_INET,
    GROUP,
    INFINITY,
    PORT,
    REQUEST,
    RESPONSE,
    RipEntry,
    RipMessage,
)

UPDATE_S: Final = 30
JITTER_S: Final = 5
"""Updates come every 30 s, give or take up to 5 s, so that routers do not fall into step (3.8)."""
TRIGGER_S: Final = (1, 5)
"""Triggered updates are this far apart (3.10.1)."""
EVERY_BIT: Final = 0xFFFFFFFF


class Transport(Protocol):
    """How messages leave."""

    def send(self, interface: str, destination: int, port: int, data: bytes) -> None:
        """Send one message to an address or group."""
        ...


class Instance:
    """RIP of one router."""

    def __init__(
        self,
        options: RoutingOptions,
        alarms: Alarms,
        random: Random,
        transport: Transport,
        install: Callable[[dict[Prefix, Wanted]], object],
        read_links: Callable[[], Sequence[LinkView]],
    ) -> None:
        self.options: Final = options
        self.alarms: Final = alarms
        self.random: Final = random
        self.transport: Final = transport
        self._install: Final = install
        self._read_links: Final = read_links
        self.links: dict[str, LinkView] = {}
        self.table: Final = RipTable(alarms, self._changed)
        self.counts: Final[dict[str, int]] = {}
        """Messages and entries that were not taken, by reason."""
        self.outside: Sequence[Prefix] = ()
        """What is brought in from outside, at metric 1."""
        self._dirty = False
        self._update: Alarm | None = None
        self._quiet: Alarm | None = None
        """Pending while no triggered update may be sent."""

    def count(self, reason: str) -> None:
        """Something was not taken."""
        self.counts[reason] = self.counts.get(reason, 0) + 1

    def _changed(self) -> None:
        self._dirty = True

    # Interfaces.

    def look_at_links(self) -> None:
        """Take interfaces up and down as they are on the host now; new ones are asked for their neighbours' tables."""
        links = {each.name: each for each in self._read_links()}
        own = {
            prefix: (self.options.rip_cost(each.name), each.name)
            for each in links.values()
            if each.name != "lo"
            for prefix in ((each.network, each.length), *each.others)
        }
        for prefix in self.outside:
            own.setdefault(prefix, (1, ""))
        before, self.links = self.links, links
        self.table.set_own(own)
        for name, link in before.items():
            if links.get(name) != link:
                self.table.lose_interface(name)
        for name, link in links.items():
            if before.get(name) != link and self._speaks(name):
                everything = RipEntry(0, 0, INFINITY, family=FAMILY_ANY)
                self.transport.send(name, GROUP, PORT, RipMessage(REQUEST, [everything]).emit())
        if self._update is None:
            self._update = self.alarms.after(self._period_ns(), self._periodic)

    def _speaks(self, name: str) -> bool:
        return name != "lo" and not self.options.link(name).passive

    def _period_ns(self) -> int:
        jitter_ns = JITTER_S * SECOND_NS
        return UPDATE_S * SECOND_NS - jitter_ns + self.random.randrange(2 * jitter_ns)

    # Input (3.9).

    def receive(self, name: str, source: int, data: bytes, port: int) -> None:
        """A message that came by an interface from an address and port."""
        link = self.links.get(name)
        if link is None:
            return
        try:
            message = RipMessage.parse(data)
        except WireError as error:
            self.count(str(error))
            return
        if message.version != 2:
            self.count(f"version {message.version}")
        elif message.command == REQUEST:
            self._answer(name, source, port, message)
        elif message.command != RESPONSE:
            self.count(f"command {message.command}")
        elif port != PORT or (source ^ link.address) & link.mask or source == link.address:
            self.count("response that is not a neighbour's")
        else:
            for entry in message.entries:
                self._take(link, source, entry)

    def _take(self, link: LinkView, source: int, entry: RipEntry) -> None:
        length = entry.mask.bit_count()
        mask = EVERY_BIT << (32 - length) & EVERY_BIT
        top = entry.prefix >> 24
        if (
            entry.family != FAMILY_INET
            or entry.mask != mask
            or entry.prefix & ~mask
            or not 1 <= entry.metric <= INFINITY
            or top == 127
            or top >= 224
        ):
            self.count("entry that cannot be")
            return
        gateway = entry.next_hop
        if not gateway or (gateway ^ link.address) & link.mask or gateway == link.address:
            gateway = source
        metric = min(entry.metric + self.options.rip_cost(link.name), INFINITY)
        self.table.hear((entry.prefix, length), metric, gateway, link.name, entry.tag)

    def _answer(self, name: str, source: int, port: int, message: RipMessage) -> None:
        """A request: for the whole table as one entry of family 0 and metric 16, else for what it names (3.9.1)."""
        entries = message.entries
        if not self._speaks(name) and port == PORT:
            return
        if len(entries) == 1 and entries[0].family == FAMILY_ANY and entries[0].metric == INFINITY:
            self._send(name, source, port, self._entries(name, list(self.table.routes.values())))
            return
        answers = []
        for each in entries:
            route = self.table.routes.get((each.prefix, each.mask.bit_count()))
            metric = INFINITY if route is None else route.metric
            answers.append(RipEntry(each.prefix, each.mask, metric, 0, each.tag, each.family))
        self._send(name, source, port, answers)

    # Output (3.10).

    def _periodic(self) -> None:
        self._update = self.alarms.after(self._period_ns(), self._periodic)
        self.look_at_links()
        self._tell(list(self.table.routes.values()))

    def _tell(self, routes: Sequence[RipRoute]) -> None:
        """Send these routes by every interface."""
        for name in self.links:
            if self._speaks(name):
                self._send(name, GROUP, PORT, self._entries(name, routes))
        for route in self.table.routes.values():
            route.changed = False

    def _entries(self, name: str, routes: Sequence[RipRoute]) -> list[RipEntry]:
        """What is said of them by this interface: split horizon (3.4.3)."""
        entries = []
        for route in routes:
            metric = route.metric
            if route.interface == name:
                if self.options.split_horizon == "true":
                    continue
                if self.options.split_horizon == "poisoned" and route.gateway:
                    metric = INFINITY
            prefix, length = route.prefix
            mask = EVERY_BIT << (32 - length) & EVERY_BIT
            entries.append(RipEntry(prefix, mask, metric, 0, route.tag))
        return entries

    def _send(self, name: str, destination: int, port: int, entries: Sequence[RipEntry]) -> None:
        for start in range(0, len(entries), ENTRIES_MAX):
            data = RipMessage(RESPONSE, entries[start : start + ENTRIES_MAX]).emit()
            self.transport.send(name, destination, port, data)

    def flush(self) -> None:
        """Tell the host and, by a triggered update, the neighbours what has changed (3.10.1)."""
        if self._dirty:
            self._dirty = False
            self._install(self.table.wanted())
            if self._quiet is None or not self._quiet.pending:
                self._trigger()

    def _trigger(self) -> None:
        changed = [each for each in self.table.routes.values() if each.changed]
        if not changed:
            return
        self._tell(changed)
        low, high = TRIGGER_S
        delay_ns = low * SECOND_NS + self.random.randrange((high - low) * SECOND_NS)
        self._quiet = self.alarms.after(delay_ns, self._trigger)
