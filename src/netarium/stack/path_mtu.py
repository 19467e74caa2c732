"""What ICMP has taught about the paths to single destinations: their MTU, a better first hop; believed for a time.

Read first: RFC 1191 sections 3, 6 and 7, RFC 8201 section 4, RFC 1122 3.2.2.2 (redirects). Who was told (a transport
that has found the quoted packet to be one of its own) calls `learn_mtu`; the routes' answers have the MTU from then on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netarium.stack.routes import MULTIPATH, UNICAST, PathException
from netarium.stack.timers import SECOND_NS, TimerOwner
from netarium.wire.ipv6 import MTU_MIN

if TYPE_CHECKING:
    from netarium.stack.routes import RouteTable
    from netarium.stack.stack import Stack

PLATEAUS: Final = (65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68)
"""RFC 1191 7.1: the MTUs there are; for routers that do not say theirs."""
PATHS_MAX: Final = 4096


class KnownPath(TimerOwner):
    """The end of one destination's exception."""

    __slots__ = ("destination", "paths")

    def __init__(self, paths: Paths, destination: int) -> None:
        super().__init__()
        self.paths: Final = paths
        self.destination: Final = destination

    def on_timer(self, now: int) -> None:
        """It has been believed for long enough: the path may have changed (RFC 1191 6.3)."""
        self.paths.forget(self.destination)

    def is_foreground(self) -> bool:
        """No run waits for this."""
        return False


class Paths:
    """The exceptions of one family's routes."""

    __slots__ = ("known", "routes", "stack")

    def __init__(self, stack: Stack, routes: RouteTable) -> None:
        self.stack: Final = stack
        self.routes: Final = routes
        self.known: Final[dict[int, KnownPath]] = {}

    def learn_mtu(self, destination: int, mtu: int) -> bool:
        """A router on the way to `destination` carries packets of `mtu` bytes. Whether that is news, and believed.

        For IPv6 less than 1280 cannot be (RFC 8201 4).
        """
        route, settings = self.routes.lookup(destination), self.stack.settings
        if self.routes.bits == 32:
            mtu, expires_s = max(mtu, settings.min_pmtu), settings.mtu_expires
        else:
            expires_s = settings.ipv6_mtu_expires
            if mtu < MTU_MIN:
                return False
        if route is None or mtu >= route.mtu or route.kind not in (UNICAST, MULTIPATH):
            return False
        self._learn(destination, mtu, 0, expires_s)
        return True

    def learn_gateway(self, destination: int, gateway: int) -> None:
        """A router says that `gateway` is a better first hop to `destination` (`destination` itself: on the link)."""
        self._learn(destination, 0, gateway, self.stack.settings.gc_timeout)

    def forget(self, destination: int) -> None:
        """Take the destination for ordinary again."""
        known = self.known.pop(destination, None)
        if known is not None:
            self.stack.timers.cancel(known)
            del self.routes.exceptions[destination]
            self.routes.changed()

    def _learn(self, destination: int, mtu: int, gateway: int, expires_s: int) -> None:
        before = self.routes.exceptions.get(destination)
        if before is not None:
            mtu = mtu or before.mtu
            gateway = gateway or before.gateway
        known = self.known.get(destination)
        if known is None:
            if len(self.known) >= PATHS_MAX:
                self.forget(next(iter(self.known)))
            known = self.known[destination] = KnownPath(self, destination)
        self.routes.exceptions[destination] = PathException(mtu, gateway)
        self.stack.timers.arm(known, self.stack.now + expires_s * SECOND_NS)
        self.routes.changed()


def plateau_below(size_bytes: int) -> int:
    """The MTU to try when a router drops a packet of `size_bytes` and does not say what it carries (RFC 1191 5)."""
    for each in PLATEAUS:
        if each < size_bytes:
            return each
    return PLATEAUS[-1]
