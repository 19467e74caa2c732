"""The routes of one RIP router, and how news changes them.

Read first: RFC 2453 3.8 (timers), 3.9.2 (responses). A route that is lost stays for the garbage-collection time at
metric 16, so that everybody hears of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from netarium.services.routing.alarms import SECOND_NS, Alarm, Alarms
from netarium.services.routing.installer import Prefix, Wanted
from netarium.wire.rip import INFINITY

TIMEOUT_NS: Final = 180 * SECOND_NS
GARBAGE_NS: Final = 120 * SECOND_NS
"""RFC 2453 3.8; FRR's defaults too."""


class RipRoute:
    """One destination. `gateway` 0: it is this router's own. `changed`: neighbours are still to be told."""

    __slots__ = ("alarm", "changed", "gateway", "heard_ns", "interface", "metric", "prefix", "tag")

    def __init__(self, prefix: Prefix, metric: int, gateway: int, interface: str, tag: int = 0) -> None:
        self.prefix: Final = prefix
        self.metric = metric
        self.gateway = gateway
        self.interface = interface
        self.tag = tag
        self.heard_ns = 0
        self.changed = True
        self.alarm: Alarm | None = None


class RipTable:
    """Routes by prefix. `on_change` is called when neighbours and the host's table should hear of something."""

    def __init__(self, alarms: Alarms, on_change: Callable[[], None]) -> None:
        self.alarms: Final = alarms
        self.on_change: Final = on_change
        self.routes: Final[dict[Prefix, RipRoute]] = {}

    def wanted(self) -> dict[Prefix, Wanted]:
        """What belongs into the host's table: what was learned and is reachable."""
        return {
            each.prefix: (each.metric, ((each.gateway, each.interface),))
            for each in self.routes.values()
            if each.gateway and each.metric < INFINITY
        }

    def set_own(self, own: dict[Prefix, tuple[int, str]]) -> None:
        """This router's own networks, and what it brings in: prefix -> (metric, interface). They go before others."""
        for prefix, (metric, interface) in own.items():
            route = self.routes.get(prefix)
            if route is not None and not route.gateway and route.metric == metric:
                continue
            if route is not None and route.alarm is not None:
                route.alarm.cancel()
            self.routes[prefix] = RipRoute(prefix, metric, 0, interface)
            self.on_change()
        for prefix, route in self.routes.items():
            if not route.gateway and prefix not in own and route.metric < INFINITY:
                self._lose(route)

    def hear(self, prefix: Prefix, metric: int, gateway: int, interface: str, tag: int) -> None:
        """A neighbour says that it reaches `prefix`; the metric is that of the way through it, 16 at most."""
        now = self.alarms.now
        route = self.routes.get(prefix)
        if route is None:
            if metric < INFINITY:
                self._adopt(RipRoute(prefix, metric, gateway, interface, tag))
            return
        if not route.gateway and route.metric < INFINITY:
            return
        if route.gateway == gateway and route.interface == interface:
            if metric < INFINITY:
                route.heard_ns = now
            if metric != route.metric:
                if metric < INFINITY:
                    self._adopt(RipRoute(prefix, metric, gateway, interface, tag))
                else:
                    self._lose(route)
            return
        stale = now - route.heard_ns >= TIMEOUT_NS // 2 and route.metric < INFINITY
        if metric < route.metric or (metric == route.metric < INFINITY and stale):
            self._adopt(RipRoute(prefix, metric, gateway, interface, tag))

    def _adopt(self, route: RipRoute) -> None:
        old = self.routes.get(route.prefix)
        if old is not None and old.alarm is not None:
            old.alarm.cancel()
        route.heard_ns = self.alarms.now
        route.alarm = self.alarms.after(TIMEOUT_NS, lambda: self._timeout(route))
        self.routes[route.prefix] = route
        self.on_change()

    def _timeout(self, route: RipRoute) -> None:
        """The alarm is moved only when it fires: updates that say nothing new cost nothing."""
        left_ns = route.heard_ns + TIMEOUT_NS - self.alarms.now
        if left_ns > 0:
            route.alarm = self.alarms.after(left_ns, lambda: self._timeout(route))
        else:
            self._lose(route)

    def _lose(self, route: RipRoute) -> None:
        """The deletion process (3.8): unreachable now, forgotten later."""
        if route.metric >= INFINITY:
            return
        if route.alarm is not None:
            route.alarm.cancel()
        route.metric = INFINITY
        route.changed = True
        route.alarm = self.alarms.after(GARBAGE_NS, lambda: self._forget(route))
        self.on_change()

    def _forget(self, route: RipRoute) -> None:
        if self.routes.get(route.prefix) is route:
            del self.routes[route.prefix]

    def lose_interface(self, interface: str) -> None:
        """An interface is down: so is everything learned by it."""
        for route in list(self.routes.values()):
            if route.gateway and route.interface == interface:
                self._lose(route)
