"""The link state database of one area (RFC 2328, 12.2): LSAs, how old they are now, and what their bodies say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from netarium.errors import WireError
from netarium.services.routing.alarms import SECOND_NS
from netarium.wire.ospf_lsa import (
    EXTERNAL,
    MAX_AGE_S,
    NETWORK,
    ROUTER,
    ExternalBody,
    Key,
    Lsa,
    NetworkBody,
    RouterBody,
)


class Entry:
    """One LSA as it was when it came, and when that was. `flooded`: it came from a neighbor."""

    __slots__ = ("_parsed", "flooded", "installed_ns", "lsa")

    def __init__(self, lsa: Lsa, installed_ns: int, flooded: bool) -> None:
        self.lsa: Final = lsa
        self.installed_ns: Final = installed_ns
        self.flooded: Final = flooded
        self._parsed: RouterBody | NetworkBody | ExternalBody | bool | None = False

    def age_s(self, now: int) -> int:
        """How old it is now, at most MaxAge."""
        return min(self.lsa.header.age_s + (now - self.installed_ns) // SECOND_NS, MAX_AGE_S)

    def expires_ns(self) -> int:
        """When it will have reached MaxAge."""
        return self.installed_ns + (MAX_AGE_S - self.lsa.header.age_s) * SECOND_NS

    def now(self, now: int) -> Lsa:
        """The LSA at its present age."""
        age_s = self.age_s(now)
        return self.lsa if age_s == self.lsa.header.age_s else self.lsa.aged(age_s)

    @property
    def parsed(self) -> RouterBody | NetworkBody | ExternalBody | None:
        """What the body says; None when it is malformed or of a type we do not read."""
        if self._parsed is False:
            self._parsed = _parse(self.lsa)
        return self._parsed  # type: ignore[return-value]


def _parse(lsa: Lsa) -> RouterBody | NetworkBody | ExternalBody | None:
    try:
        if lsa.header.type == ROUTER:
            return RouterBody.parse(lsa.body)
        if lsa.header.type == NETWORK:
            return NetworkBody.parse(lsa.body)
        if lsa.header.type == EXTERNAL:
            return ExternalBody.parse(lsa.body)
    except WireError:
        pass
    return None


class Database:
    """LSAs by (type, link state id, advertising router), in the order in which they were first seen."""

    __slots__ = ("entries", "max_age")

    def __init__(self) -> None:
        self.entries: Final[dict[Key, Entry]] = {}
        self.max_age: Final[dict[Key, None]] = {}
        """LSAs at MaxAge, which go as soon as every neighbor has acknowledged them (14)."""

    def install(self, lsa: Lsa, now: int, flooded: bool) -> bool:
        """Put an LSA in place of its older instance; whether routes may change by it (13.2)."""
        key = lsa.header.key
        old = self.entries.get(key)
        self.entries[key] = Entry(lsa, now, flooded)
        dead = lsa.header.age_s >= MAX_AGE_S
        if dead:
            self.max_age[key] = None
        else:
            self.max_age.pop(key, None)
        if old is None:
            return not dead
        was_dead = old.lsa.header.age_s >= MAX_AGE_S
        return dead != was_dead or old.lsa.body != lsa.body or old.lsa.header.options != lsa.header.options

    def remove(self, key: Key) -> None:
        """Forget an LSA."""
        self.entries.pop(key, None)
        self.max_age.pop(key, None)

    def living(self, type: int, now: int) -> Iterator[Entry]:
        """The LSAs of a type that have not reached MaxAge."""
        for key, entry in self.entries.items():
            if key[0] == type and entry.age_s(now) < MAX_AGE_S:
                yield entry

    def next_expiry_ns(self) -> int | None:
        """When the next LSA reaches MaxAge; None when all that there are have."""
        times = [entry.expires_ns() for key, entry in self.entries.items() if key not in self.max_age]
        return min(times, default=None)
