"""How a routing protocol is configured on one router. Defaults are those of Linux' FRR unless the RFC's are named.

A cost that is not given is that of FRR: 100 Mbit/s divided by the link's rate, at least 1 (so 10 Mbit/s costs 10, and
100 Mbit/s and above cost 1), and 10 where the rate is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

REFERENCE_BPS: Final = 100_000_000
COST_UNKNOWN_RATE: Final = 10
BROADCAST: Final = "broadcast"
POINT_TO_POINT: Final = "point-to-point"


@dataclass(frozen=True)
class LinkOptions:
    """One interface: `cost` (None: by its rate), `passive` (announced, but silent), `network` type, `priority` in the
    election of a designated router (0: never), intervals in s.
    """

    cost: int | None = None
    passive: bool = False
    network: str = BROADCAST
    priority: int = 1
    hello_s: int = 10
    dead_s: int = 40


@dataclass(frozen=True)
class RoutingOptions:
    """One protocol on one router. `router_id` 0: the largest address, lo's first. `split_horizon`: "true", "false" or
    "poisoned" (RIP). `rates` are the links' in bit/s, `links` options by interface name.
    """

    protocol: str
    router_id: int = 0
    default_originate: bool = False
    redistribute: tuple[str, ...] = ()
    split_horizon: str = "true"
    links: Mapping[str, LinkOptions] = field(default_factory=dict)
    rates: Mapping[str, int] = field(default_factory=dict)
    common: LinkOptions = field(default_factory=LinkOptions)

    def link(self, name: str) -> LinkOptions:
        """The options of an interface."""
        return self.links.get(name, self.common)

    def ospf_cost(self, name: str) -> int:
        """The cost of sending by this interface, 1 to 65535."""
        cost = self.link(name).cost
        if cost is not None:
            return cost
        rate = self.rates.get(name, 0)
        return max(1, REFERENCE_BPS // rate) if rate else COST_UNKNOWN_RATE

    def rip_cost(self, name: str) -> int:
        """The hops this interface adds: 1 (RFC 2453 3.4.2), unless said otherwise."""
        return self.link(name).cost or 1
