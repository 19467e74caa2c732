"""One address before several servers: a layer-4 switch. The first packet of a connection chooses, all others follow.

Methods as in Linux' IPVS: `random` (of the host's seeded stream), `round-robin`, `least-connections`. A sticky client
gets the same server again while it was there within the time (IPVS persistence). Servers that are backups are used when
no other one lives. A dead server's connections are forgotten; their next segment is answered by RST.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from netarium.stack.filter.entry import Entry
    from netarium.stack.stack import RandomSource

RANDOM: Final = "random"
ROUND_ROBIN: Final = "round-robin"
LEAST_CONNECTIONS: Final = "least-connections"
METHODS: Final = (RANDOM, ROUND_ROBIN, LEAST_CONNECTIONS)

CLIENTS_MAX: Final = 65_536
"""The most sticky clients remembered of one service; the oldest is forgotten first."""


class Server:
    """One server of a service. `connections` are those that no side has ended yet, `ending` those that wait to be
    forgotten, `total` all it was given.
    """

    __slots__ = ("address", "alive", "backup", "connections", "ending", "port", "total")

    def __init__(self, address: int, port: int, backup: bool = False) -> None:
        self.address: Final = address
        self.port: Final = port
        self.backup: Final = backup
        self.alive = True
        self.connections = 0
        self.ending = 0
        self.total = 0

    @property
    def load(self) -> int:
        """What least-connections compares: Linux counts one that is ending for 1/256 of one that is open."""
        return self.connections * 256 + self.ending

    def end(self) -> None:
        """One side of a connection has ended it."""
        self.connections -= 1
        self.ending += 1

    def release(self, entry: Entry) -> None:
        """A connection is forgotten."""
        if entry.closing:
            self.ending -= 1
        else:
            self.connections -= 1


class VirtualService:
    """A service at the balancer: `address` 0 is any of its own. `sticky_ns` 0 means no stickiness.

    `masquerade`: servers see the balancer as the client (for servers that have another gateway).
    """

    __slots__ = (
        "address",
        "clients",
        "masquerade",
        "method",
        "next",
        "port",
        "protocol",
        "servers",
        "sticky_ns",
    )

    def __init__(
        self,
        protocol: int,
        address: int,
        port: int,
        servers: list[Server],
        method: str = ROUND_ROBIN,
        sticky_ns: int = 0,
        masquerade: bool = False,
    ) -> None:
        self.protocol: Final = protocol
        self.address: Final = address
        self.port: Final = port
        self.servers: Final = servers
        self.method: Final = method
        self.sticky_ns: Final = sticky_ns
        self.masquerade: Final = masquerade
        self.next = 0
        self.clients: Final[dict[int, tuple[Server, int]]] = {}
        """Sticky clients: address -> (server, until when in ns)."""

    def choose(self, client: int, now: int, random: RandomSource) -> Server | None:
        """The server for a new connection of `client`; None when none lives."""
        if self.sticky_ns:
            remembered = self.clients.get(client)
            if remembered is not None and remembered[0].alive and remembered[1] > now:
                return self._remember(client, remembered[0], now)
        candidates = [each for each in self.servers if each.alive and not each.backup]
        if not candidates:
            candidates = [each for each in self.servers if each.alive]
        if not candidates:
            return None
        if self.method == RANDOM:
            chosen = candidates[random.randrange(len(candidates))]
        elif self.method == LEAST_CONNECTIONS:
            chosen = min(candidates, key=lambda each: each.load)
        else:
            chosen = candidates[self.next % len(candidates)]
            self.next += 1
        return self._remember(client, chosen, now) if self.sticky_ns else chosen

    def _remember(self, client: int, server: Server, now: int) -> Server:
        if client not in self.clients and len(self.clients) >= CLIENTS_MAX:
            del self.clients[next(iter(self.clients))]
        self.clients[client] = (server, now + self.sticky_ns)
        return server


class Balancer:
    """The virtual services of one host, by (protocol, port)."""

    __slots__ = ("services",)

    def __init__(self) -> None:
        self.services: Final[dict[tuple[int, int], list[VirtualService]]] = {}

    def add(self, service: VirtualService) -> None:
        """Offer one more service."""
        self.services.setdefault((service.protocol, service.port), []).append(service)

    def all(self) -> list[VirtualService]:
        """Every service, in order of adding."""
        return [each for listed in self.services.values() for each in listed]

    def find(self, protocol: int, address: int, port: int, is_own: bool) -> VirtualService | None:
        """The service a packet to this address and port asks for; `is_own`: the address is one of this host."""
        for each in self.services.get((protocol, port), ()):
            if each.address == address or (each.address == 0 and is_own):
                return each
        return None
