"""The host's own cache of names (as of nscd or systemd-resolved): answers live as long as their TTL, in virtual time.

Negative answers are kept too (RFC 2308). Names are compared without case.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

SECOND_NS: Final = 1_000_000_000
ENTRIES_MAX: Final = 4096
"""systemd-resolved's limit; the oldest entry makes room."""


class CachedName(NamedTuple):
    """What is known of a name and type: `values` are addresses or names; empty when there is no such record."""

    name: str
    kind: str
    values: tuple[str, ...]
    exists: bool
    """Whether the name exists at all; False is NXDOMAIN."""
    expires_ns: int

    def ttl_s(self, now_ns: int) -> int:
        """The whole seconds it has left, rounded up."""
        return -((now_ns - self.expires_ns) // SECOND_NS)


class NameCache:
    """Names by (name, type): "A", "AAAA", "PTR". Entries whose time is over are not there."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], CachedName] = {}
        self.hits = self.misses = 0

    def get(self, name: str, kind: str, now_ns: int) -> CachedName | None:
        """What is known now; None when nothing is."""
        key = (name.lower(), kind)
        found = self._entries.get(key)
        if found is not None and found.expires_ns <= now_ns:
            del self._entries[key]
            found = None
        if found is None:
            self.misses += 1
        else:
            self.hits += 1
        return found

    def put(self, name: str, kind: str, values: Sequence[str], exists: bool, ttl_s: int, now_ns: int) -> None:
        """Keep an answer for `ttl_s`; one of TTL 0 is not kept (RFC 1034 3.6)."""
        if ttl_s <= 0:
            return
        key = (name.lower(), kind)
        self._entries.pop(key, None)
        if len(self._entries) >= ENTRIES_MAX:
            del self._entries[next(iter(self._entries))]
        self._entries[key] = CachedName(name, kind, tuple(values), exists, now_ns + ttl_s * SECOND_NS)

    def flush(self) -> int:
        """Empty it; how many entries there were."""
        count = len(self._entries)
        self._entries.clear()
        return count

    def listing(self, now_ns: int) -> list[CachedName]:
        """The living entries, oldest first."""
        return [each for each in self._entries.values() if each.expires_ns > now_ns]
