"""What ICMP has taught about the paths to single destinations: their MTU, a better first hop; believed for a time.

Read first: RFC 1191 sections 3, 6 and 7, RFC 8201 section 4, RFC 1122 3.2.2.2 (redirects). Who was told (a transport
that has found the quoted packet to be one of its own) calls `learn_mtu`; the routes' answers have the MTU from then on,
for as long as they lead by the same next hop: another way is another path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netarium.stack.routes import MULTIPATH, UNICAST, PathException, next_hops, path_key
from netarium.stack.timers import SECOND_NS, TimerOwner
from netarium.wire.ipv6 import MTU_MIN

if TYPE_CHECKING:
    from netarium.stack.routes import PathKey, Route, RouteTable
    from netarium.stack.stack import Stack

PLATEAUS: Final = (65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68)
"""RFC 1191 7.1: the MTUs there are; for routers that do not say theirs."""
PATHS_MAX: Final = 4096


class KnownPath(TimerOwner):
    """The end of one exception."""

    __slots__ = ("key", "paths")

    def __init__(self, paths: Paths, key: PathKey) -> None:
        super().__init__()
        self.paths: Final = paths
        self.key: Final = key

    def on_timer(self, now: int) -> None:
        """It has been believed for long enough: the path may have changed (RFC 1191 6.3)."""
        self.paths.forget(self.key)

    def is_foreground(self) -> bool:
        """No run waits for this."""
        return False


class Paths:
    """The exceptions of one family's routes."""

    __slots__ = ("known", "routes", "stack")

    def __init__(self, stack: Stack, routes: RouteTable) -> None:
        self.stack: Final = stack
        self.routes: Final = routes
        self.known: Final[dict[PathKey, KnownPath]] = {}

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
        for hop in self._hops(destination):
            self._learn(path_key(hop, destination), mtu, 0, expires_s)
        return True

    def learn_gateway(self, destination: int, gateway: int) -> None:
        """The first hop says that `gateway` is a better one to `destination` (`destination` itself: on the link)."""
        for hop in self._hops(destination)[:1]:
            self._learn(path_key(hop, destination), 0, gateway, self.stack.settings.gc_timeout)

    def forget(self, key: PathKey) -> None:
        """Take the destination for ordinary again."""
        known = self.known.pop(key, None)
        if known is not None:
            self.stack.timers.cancel(known)
            self.routes.exceptions.pop(key, None)
            self.routes.changed()

    def _hops(self, destination: int) -> tuple[Route, ...]:
        """The next hops of the table's own answer, as if nothing were known of the path."""
        candidates = self.routes.candidates(destination)
        return next_hops(candidates[0]) if candidates else ()

    def _learn(self, key: PathKey, mtu: int, gateway: int, expires_s: int) -> None:
        before = self.routes.exceptions.get(key)
        if before is not None:
            mtu = mtu or before.mtu
            gateway = gateway or before.gateway
        known = self.known.get(key)
        if known is None:
            if len(self.known) >= PATHS_MAX:
                self.forget(next(iter(self.known)))
            known = self.known[key] = KnownPath(self, key)
        self.routes.exceptions[key] = PathException(mtu, gateway)
        self.stack.timers.arm(known, self.stack.now + expires_s * SECOND_NS)
        self.routes.changed()


def plateau_below(size_bytes: int) -> int:
    """The MTU to try when a router drops a packet of `size_bytes` and does not say what it carries (RFC 1191 5)."""
    for each in PLATEAUS:
        if each < size_bytes:
            return each
    return PLATEAUS[-1]
