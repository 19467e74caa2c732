"""What a name server decides: its own zone, its cache, or whom to ask next. Read first: RFC 1034 4.3.2 and 5.3.3.

The questions and answers themselves are told by `names`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from netarium.story.facts import Fact
from netarium.story.kinds.base import Kind, Readers, Record
from netarium.story.kinds.names import name_key
from netarium.story.scene import Scene
from netarium.story.words import Words

_STAGES: Final = {
    "own zone": "own",
    "resolver cache": "cached",
    "forwarder cache": "cached",
    "iterative query": "asks",
    "forwarded query": "forwards",
    "refused": "refused",
}
_FOUND: Final = frozenset({"recursion", "forwarded"})
"""How a server answers that had to ask."""
REMEMBERED_MAX: Final = 4096


class _Resolvers:
    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._own: dict[str, None] = {}
        self._searching: dict[tuple[str, str], None] = {}
        """Names that a server has not found in its cache and has not answered yet."""

    def stage(self, record: Record) -> Iterator[Fact]:
        """One decision; that a server has the zone itself is told once of each server."""
        details, place = record["details"], record["at"]
        stage = str(details.get("stage", ""))
        decision = _STAGES.get(stage)
        wanted, _, kind = str(record["subject"]).partition(" ")
        name = wanted.rstrip(".") or "."
        if stage in _FOUND:
            self._searching.pop((place, name), None)
        if decision is None or "hit" in details:
            return
        if decision == "own":
            if place in self._own:
                return
            if len(self._own) < REMEMBERED_MAX:
                self._own[place] = None
        zone = str(details.get("zone", ""))
        values = {
            "decision": "roots" if decision == "asks" and zone == "." else decision,
            "name": name,
            "zone": zone.rstrip(".") or zone,
            "server": str(details.get("server", "")),
        }
        subject = self.scene.find("name", name_key(name.lower(), kind or "A"))
        if decision in ("asks", "forwards") and (place, name) not in self._searching:
            if len(self._searching) < REMEMBERED_MAX:
                self._searching[place, name] = None
            missed = {"decision": "missed", "name": name, "zone": "", "server": ""}
            yield Fact(record["t"], "resolver", place, missed, about=subject)
        yield Fact(record["t"], "resolver", place, values, about=subject)


def _say(fact: Fact, words: Words) -> str:
    v = fact.values
    told = {"name": v["name"], "zone": v["zone"], "server": words.who(v["server"])}
    return words.text(f"decision.resolver.{v['decision']}", place=fact.place, **told)


KINDS: Final = (
    Kind(
        "resolver",
        "dns",
        frozenset({"decision", "name", "zone", "server"}),
        _say,
        needles=(b'"stop":"NAME"',),
    ),
)


def readers(scene: Scene) -> Readers:
    """The readers of one story."""
    return Readers({"step:NAME": _Resolvers(scene).stage}, {})
