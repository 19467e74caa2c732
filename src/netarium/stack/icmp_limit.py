"""How many ICMP errors a host makes. Read first: RFC 1812 4.3.2.8, RFC 4443 2.4 (f).

As Linux: a bucket for the host (icmp_msgs_per_sec, icmp_msgs_burst) and one per address (six messages at once, then one
each `ratelimit`). (Linux takes up to three random tokens off the host's bucket; we take none.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netarium.stack.timers import MILLISECOND_NS, SECOND_NS

if TYPE_CHECKING:
    from netarium.stack.stack import Stack

BURST_PER_ADDRESS: Final = 6
"""Linux XRLIM_BURST_FACTOR: messages at once to one address before its limit holds."""
ADDRESSES_REMEMBERED_MAX: Final = 4096


class RateLimit:
    """The buckets of one host and one family."""

    __slots__ = ("credit_ns", "credit_since_ns", "peers", "stack")

    def __init__(self, stack: Stack) -> None:
        self.stack: Final = stack
        self.credit_ns = SECOND_NS
        self.credit_since_ns = 0
        self.peers: Final[dict[int, tuple[int, int]]] = {}
        """Address -> (tokens in ns, time of the last look)."""

    def allows(self, address: int, ratelimit_ms: int) -> bool:
        """Whether one more message may go to `address`; it is counted. A limit of 0 is none."""
        return self._take_credit() and self._take_token(address, ratelimit_ms)

    def _take_credit(self) -> bool:
        """The host's bucket (Linux icmp_global_allow)."""
        settings, now = self.stack.settings, self.stack.now
        if not settings.icmp_msgs_per_sec:
            return True
        price_ns = SECOND_NS // settings.icmp_msgs_per_sec
        earned_ns = self.credit_ns + now - self.credit_since_ns
        self.credit_since_ns = now
        self.credit_ns = min(earned_ns, price_ns * settings.icmp_msgs_burst)
        if self.credit_ns < price_ns:
            return False
        self.credit_ns -= price_ns
        return True

    def _take_token(self, address: int, ratelimit_ms: int) -> bool:
        """One address's bucket (Linux inet_peer_xrlim_allow)."""
        price_ns = ratelimit_ms * MILLISECOND_NS
        if not price_ns:
            return True
        now = self.stack.now
        limit_ns = price_ns * BURST_PER_ADDRESS
        tokens_ns, since_ns = self.peers.get(address, (limit_ns, now))
        tokens_ns = min(tokens_ns + now - since_ns, limit_ns)
        if address not in self.peers and len(self.peers) >= ADDRESSES_REMEMBERED_MAX:
            del self.peers[next(iter(self.peers))]
        allowed = tokens_ns >= price_ns
        self.peers[address] = (tokens_ns - price_ns if allowed else tokens_ns, now)
        return allowed
