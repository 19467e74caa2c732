"""A router's side of router discovery on one interface: it advertises itself, its prefixes, the MTU, DNS servers.

Read first: RFC 4861 6.2 (behaviour and constants), RFC 8106 5. As radvd: multicast every 200 to 600 s, the first three
within 16 s of each other, and an answer to each solicitation within half a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netarium.stack.ipv6_address import ALL_NODES
from netarium.stack.timers import MILLISECOND_NS, TimerOwner
from netarium.wire.icmpv6 import ROUTER_ADVERTISEMENT, Icmpv6Header
from netarium.wire.ndp import AUTONOMOUS, ON_LINK, PrefixInformation, RouterAdvertisement

if TYPE_CHECKING:
    from netarium.stack.ipv6_interface import Ipv6Interface

# RFC 4861 10, router constants.
INITIAL_ADVERTISEMENTS: Final = 3
INITIAL_INTERVAL_S: Final = 16
DELAY_BEFORE_ANSWER_MS: Final = 500
LEAST_BETWEEN_MS: Final = 3000
VALID_S: Final = 2_592_000
"""RFC 4861 6.2.1 AdvValidLifetime: 30 days."""
PREFERRED_S: Final = 604_800
"""RFC 4861 6.2.1 AdvPreferredLifetime: 7 days."""


class Advertised:
    """What a router says on a link. `prefixes` are (prefix, length, valid_s, preferred_s); lifetimes in seconds.

    Without prefixes those of the interface's own addresses are advertised.
    """

    __slots__ = ("dns_servers", "hop_limit", "lifetime_s", "most_s", "mtu", "prefixes")

    def __init__(
        self,
        prefixes: tuple[tuple[int, int, int, int], ...] = (),
        *,
        lifetime_s: int = 1800,
        mtu: int = 0,
        dns_servers: tuple[int, ...] = (),
        hop_limit: int = 64,
        most_s: int = 600,
    ) -> None:
        self.prefixes: Final = prefixes
        self.lifetime_s: Final = lifetime_s
        self.mtu: Final = mtu
        self.dns_servers: Final = dns_servers
        self.hop_limit: Final = hop_limit
        self.most_s: Final = most_s


class RouterAdvertiser(TimerOwner):
    """Advertises by one interface from the moment its link-local address is usable."""

    __slots__ = ("last_ns", "on_link", "said", "sent")

    def __init__(self, on_link: Ipv6Interface, said: Advertised) -> None:
        super().__init__()
        self.on_link: Final = on_link
        self.said = said
        self.sent = 0
        self.last_ns = -LEAST_BETWEEN_MS * MILLISECOND_NS

    def start(self) -> None:
        """Begin, soon after the interface is up."""
        stack = self.on_link.ipv6.stack
        stack.timers.arm(self, stack.now + stack.random.randrange(DELAY_BEFORE_ANSWER_MS) * MILLISECOND_NS)

    def solicited(self) -> None:
        """A host asks: answer all of them with one multicast, not at once and not too often (RFC 4861 6.2.6)."""
        stack = self.on_link.ipv6.stack
        soon = stack.now + stack.random.randrange(DELAY_BEFORE_ANSWER_MS) * MILLISECOND_NS
        soon = max(soon, self.last_ns + LEAST_BETWEEN_MS * MILLISECOND_NS)
        if soon < self.deadline_ns:
            stack.timers.arm(self, soon)

    def on_timer(self, now: int) -> None:
        """The next unsolicited advertisement, or the answer."""
        self.send(self.said.lifetime_s)
        self.last_ns = now
        most_ms = self.said.most_s * 1000
        least_ms = most_ms // 3
        wait_ms = least_ms + self.on_link.ipv6.stack.random.randrange(most_ms - least_ms + 1)
        if self.sent < INITIAL_ADVERTISEMENTS:
            wait_ms = min(wait_ms, INITIAL_INTERVAL_S * 1000)
        self.on_link.ipv6.stack.timers.arm(self, now + wait_ms * MILLISECOND_NS)

    def stop(self) -> None:
        """Advertise no more, and say so: a lifetime of zero (RFC 4861 6.2.5)."""
        self.on_link.ipv6.stack.timers.cancel(self)
        self.send(0)

    def send(self, lifetime_s: int) -> None:
        """One advertisement to all nodes."""
        on_link = self.on_link
        source = on_link.link_local
        if not source:
            return
        self.sent += 1
        message = self._message(lifetime_s)
        header = Icmpv6Header(ROUTER_ADVERTISEMENT, 0, message.rest)
        on_link.ipv6.discovery.send(on_link, source, ALL_NODES, header, message.emit())

    def is_foreground(self) -> bool:
        """No run waits for advertisements."""
        return False

    def _message(self, lifetime_s: int) -> RouterAdvertisement:
        said = self.said
        wanted = said.prefixes or tuple(
            (each.network, each.length, VALID_S, PREFERRED_S)
            for each in self.on_link.addresses
            if each.origin == "static"
        )
        flags = ON_LINK | AUTONOMOUS
        prefixes = tuple(PrefixInformation(each[0], each[1], flags, each[2], each[3]) for each in wanted)
        return RouterAdvertisement(
            said.hop_limit, lifetime_s, prefixes, self.on_link.interface.mac, said.mtu, said.dns_servers,
            2 * said.most_s if said.dns_servers else 0,
        )  # fmt: skip
