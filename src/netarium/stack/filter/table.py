"""The connections of one host: the one table that NAT, firewall and balancer read; IPv6 has one of its own.

A connection stands under two keys, one for each direction, so that a packet costs one look-up. Its time is compared on
use; a background timer takes the silent ones away, at most a second late. When the table is full the oldest one that
never was assured gives way (Linux early_drop); without one the newcomer is dropped by CONNTRACK_FULL.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final

from netarium.journey import Cause
from netarium.stack.filter import tcp_track
from netarium.stack.filter.entry import Direction, Entry, Key
from netarium.stack.timers import NEVER, SECOND_NS, TimerOwner
from netarium.wire.ipv4 import PROTOCOL_TCP

if TYPE_CHECKING:
    from netarium.stack.stack import Stack

EARLY_DROP_LOOKS_AT_MAX: Final = 256
"""How many of the oldest connections are looked at for one that may give way."""
SWEEP_GAP_NS: Final = SECOND_NS
LINES_MAX: Final = 64
"""The most lines of a table that a step tells."""


class ConnectionTable(TimerOwner):
    """All confirmed connections. `entries` is in order of their beginning."""

    __slots__ = ("directions", "entries", "family", "serial", "stack", "swept_ns")

    def __init__(self, stack: Stack, family: int = 4) -> None:
        super().__init__()
        self.stack: Final = stack
        self.family: Final = family
        self.directions: Final[dict[Key, Direction]] = {}
        self.entries: Final[dict[int, Entry]] = {}
        self.serial = 0
        self.swept_ns = 0

    def new(self, key: Key) -> Entry:
        """A connection that is not yet in the table."""
        self.serial += 1
        return Entry(key, self.serial, self.family)

    def find(self, key: Key) -> Direction | None:
        """The direction that a packet with this key goes in, if its connection still lives."""
        found = self.directions.get(key)
        if found is not None and found.entry.expires_ns <= self.stack.now:
            self.remove(found.entry, Cause.AGED)
            return None
        return found

    def confirm(self, entry: Entry) -> None:
        """Its first packet has passed: later ones find it. The keys of both directions are free."""
        entry.confirmed = True
        self.entries[entry.serial] = entry
        self.directions[entry.original.key] = entry.original
        self.directions[entry.reply.key] = entry.reply
        self.touch(entry)

    def touch(self, entry: Entry) -> None:
        """Its time has been set: wake up in time to take it away."""
        wake_ns = max(entry.expires_ns, self.swept_ns + SWEEP_GAP_NS)
        if wake_ns < self.deadline_ns:
            self.stack.timers.arm(self, wake_ns)

    def remove(self, entry: Entry, cause: Cause) -> None:
        """Forget a connection."""
        if self.entries.pop(entry.serial, None) is None:
            return
        for way in (entry.original, entry.reply):
            if self.directions.get(way.key) is way:
                del self.directions[way.key]
        entry.confirmed = False
        entry.release()
        watch_state = self.stack.watch.state
        if watch_state is not None:
            before = tcp_track.NAMES[entry.state] if entry.protocol == PROTOCOL_TCP else "TRACKED"
            watch_state(
                self.stack.now,
                self.stack.name,
                f"conntrack {entry.name}",
                before,
                "GONE",
                cause,
            )

    def make_free(self, reply_key: Key) -> bool:
        """Whether answers with this key would be one new connection's alone.

        A connection that an outsider began with the box itself, untranslated and unanswered, gives way: else a packet
        that comes too early would spoil hole punching.
        """
        found = self.find(reply_key)
        if found is None:
            return True
        entry = found.entry
        if found is entry.original and not entry.seen_reply and not entry.translated:
            self.remove(entry, Cause.SEGMENT)
            return True
        return False

    def make_room(self) -> bool:
        """Whether there is a place for one more; an expired or unassured connection gives way."""
        limit = self.stack.settings.nf_conntrack_max
        if len(self.entries) < limit:
            return True
        self.sweep()
        if len(self.entries) < limit:
            return True
        for entry in islice(self.entries.values(), EARLY_DROP_LOOKS_AT_MAX):
            if not entry.assured:
                self.remove(entry, Cause.AGED)
                return True
        return False

    def sweep(self) -> None:
        """Take away all whose time is over."""
        now = self.stack.now
        self.swept_ns = now
        for entry in [each for each in self.entries.values() if each.expires_ns <= now]:
            self.remove(entry, Cause.AGED)

    def on_timer(self, now: int) -> None:
        """The earliest time has come."""
        self.sweep()
        earliest_ns = min((each.expires_ns for each in self.entries.values()), default=NEVER)
        if earliest_ns != NEVER:
            self.stack.timers.arm(self, max(earliest_ns, now + SWEEP_GAP_NS))

    def is_foreground(self) -> bool:
        """No run waits for connections to be forgotten."""
        return False

    def living(self) -> Iterator[Entry]:
        """Those whose time is not over, in order of their beginning."""
        now = self.stack.now
        return (each for each in self.entries.values() if each.expires_ns > now)

    def lines(self) -> list[str]:
        """The table as a step tells it: a line a connection, the newest where there are too many."""
        return [each.text() for each in self.living()][-LINES_MAX:]
