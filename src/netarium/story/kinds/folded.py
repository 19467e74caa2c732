"""Many facts of a sort told as one: bulk data, further pings, further lines. `chapters` makes these facts."""

from __future__ import annotations

from netarium.story.facts import Fact
from netarium.story.kinds.base import Kind, Readers
from netarium.story.scene import Scene, address_of
from netarium.story.words import Words


def _say_bulk(fact: Fact, words: Words) -> str:
    v = fact.values
    parts = []
    if v["segments"]:
        parts.append(words.plural("bulk.data", v["segments"], bytes=v["bytes"], end_s=v["end_ns"] / 1e9))
    for key in ("again", "acknowledgments", "lost"):
        if v[key]:
            parts.append(words.plural(f"bulk.{key}", v[key]))
    return words.text("bulk.all", place=fact.place, parts=words.listed(parts))


def _say_more(fact: Fact, words: Words) -> str:
    v = fact.values
    if v["reason"]:
        reason = words.text(f"drop.{v['reason']}")
        return words.plural("more.drops", v["count"], reason=reason, end_s=v["end_ns"] / 1e9)
    return words.plural("more.like-it", v["count"], place=fact.place, end_s=v["end_ns"] / 1e9)


def _say_alike(fact: Fact, words: Words) -> str:
    v = fact.values
    names = ("client", "server", "asker", "target", "name", "address")
    told = {name: str(v.get(name, "")) for name in names}
    told["port"] = told["server"].rpartition(":")[2]
    told["server"] = words.who(address_of(told["server"]))
    for end in ("client", "asker", "target"):
        told[end] = words.who(told[end])
    return words.plural(f"alike.{v['of']}", v["count"], end_s=v["end_ns"] / 1e9, **told)


KINDS = (
    Kind("alike", "", frozenset({"of", "count", "end_ns"}), _say_alike),
    Kind(
        "bulk",
        "tcp",
        frozenset({"segments", "bytes", "again", "acknowledgments", "lost", "end_ns"}),
        _say_bulk,
    ),
    Kind("more", "", frozenset({"of", "count", "end_ns", "reason"}), _say_more),
)


def readers(scene: Scene) -> Readers:
    """It reads nothing."""
    return Readers({}, {})
