"""From what a protocol has computed to the host's route table: only differences are written, by `control`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from netarium.addresses import ipv4_text
from netarium.control import Control
from netarium.journey import Cause

Prefix = tuple[int, int]
"""(prefix, length in bits)."""
Hop = tuple[int, str]
"""(gateway, or 0 for a network on the link; interface)."""
Wanted = tuple[int, tuple[Hop, ...]]
"""(metric, next hops)."""


class Installer:
    """The routes one protocol has put into the table, and the way to change them."""

    def __init__(self, control: Control, protocol: str) -> None:
        self.control: Final = control
        self.protocol: Final = protocol
        self.installed: dict[Prefix, Wanted] = {}
        self._take_over()

    def _take_over(self) -> None:
        """A protocol that starts anew throws away what an earlier run of it left behind."""
        for route in self.control.routes():
            if route.protocol == self.protocol:
                self.control.remove_route(
                    route.prefix, route.length, gateway=route.gateway, metric=route.metric
                )

    def install(self, wanted: Mapping[Prefix, Wanted]) -> int:
        """Make the table hold exactly these routes of this protocol; how many were changed."""
        control, installed = self.control, self.installed
        changed = 0
        for prefix in [each for each in installed if each not in wanted]:
            old = installed.pop(prefix)
            self._remove(prefix, old)
            self._tell(prefix, old, None)
            changed += 1
        for prefix, route in wanted.items():
            before = installed.get(prefix)
            if before == route:
                continue
            if before is not None:
                self._remove(prefix, before)
                del installed[prefix]
            metric, hops = route
            failure = control.add_route(
                prefix[0], prefix[1], hops=hops, metric=metric, protocol=self.protocol
            )
            if failure is None:
                installed[prefix] = route
            self._tell(prefix, before, installed.get(prefix))
            changed += 1
        return changed

    def _tell(self, prefix: Prefix, before: Wanted | None, after: Wanted | None) -> None:
        """For the trace: where a route leads now."""
        if self.control.stack.watch.state is not None:
            subject = f"{self.protocol} {ipv4_text(prefix[0])}/{prefix[1]}"
            self.control.tell_state(subject, _text(before), _text(after), Cause.NEIGHBOR_ROUTER)

    def _remove(self, prefix: Prefix, route: Wanted) -> None:
        metric, hops = route
        gateway, interface = hops[0]
        self.control.remove_route(prefix[0], prefix[1], gateway=gateway, interface=interface, metric=metric)


def _text(route: Wanted | None) -> str:
    if route is None:
        return "unreachable"
    ways = " and ".join(f"via {ipv4_text(gateway)} dev {interface}" for gateway, interface in route[1])
    return f"{ways} metric {route[0]}"
