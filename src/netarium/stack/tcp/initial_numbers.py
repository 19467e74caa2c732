"""Where a connection's numbers begin: unpredictable to others, and growing from one connection to the next.

Read first: RFC 6528 (initial sequence numbers: a clock plus a keyed hash of the 4-tuple), RFC 7323 section 5.4 (a start
of the timestamp clock for each pair of hosts, so that a new connection's timestamps are later than an old one's).
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from netarium.stack.tcp.sequence import MASK

if TYPE_CHECKING:
    from netarium.stack.tcp.control_block import ControlBlock

CLOCK_SHIFT: Final = 6
"""The clock of sequence numbers ticks every 64 ns, as on Linux; RFC 6528: about 4 us."""


class InitialNumbers:
    """The secret of one host and the numbers made with it."""

    __slots__ = ("_secret",)

    def __init__(self, secret: int) -> None:
        self._secret = secret.to_bytes(16, "big")

    def keyed(self, *parts: object) -> int:
        """A 32-bit hash of `parts` that only this host can make."""
        return int.from_bytes(blake2b(repr(parts).encode(), key=self._secret, digest_size=4).digest(), "big")

    def sequence(self, c: ControlBlock) -> int:
        """The initial sequence number of a connection that opens now."""
        return ((c.stack.now >> CLOCK_SHIFT) + self.keyed("sequence", c.key)) & MASK

    def timestamp_offset(self, c: ControlBlock) -> int:
        """What is added to the milliseconds of this host's clock in timestamps to this peer."""
        return self.keyed("timestamp", c.local_ip, c.remote_ip)
