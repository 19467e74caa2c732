"""Many facts of a sort told as one: bulk data, further pings, further lines. `chapters` makes these facts."""

from __future__ import annotations

from typing import Any, Final

from netarium.story.columns import width
from netarium.story.facts import Fact
from netarium.story.kinds.base import Kind, Readers
from netarium.story.kinds.tcp import say_preview
from netarium.story.scene import Scene, address_of
from netarium.story.words import Words

NAMED: Final = 3
_ALIKE_KEYS: Final = frozenset(
    ["of", "count", "like", "like_ns", "waits", "end_ns", "askers", "segments", "bytes", "contents", "listed"]
)
CONTENT_COLUMNS: Final = 92
"""What stands in so many columns is listed in one line."""


def _say_bulk(fact: Fact, words: Words) -> str:
    v = fact.values
    parts = []
    if v["segments"]:
        parts.append(words.plural("bulk.data", v["segments"], bytes=v["bytes"], end_s=v["end_ns"] / 1e9))
    for key in ("again", "acknowledgments", "lost"):
        if v[key]:
            parts.append(words.plural(f"bulk.{key}", v[key]))
    return words.text("bulk.all", place=fact.place, parts=words.text("list.clause").join(parts))


def _say_more(fact: Fact, words: Words) -> str:
    v = fact.values
    if v["reason"]:
        reason = words.text(f"drop.{v['reason']}")
        text = words.plural("more.drops", v["count"], reason=reason, end_s=v["end_ns"] / 1e9)
        return words.plural("more.unsent", v["unsent"], text=text) if v["unsent"] else text
    return words.plural("more.like-it", v["count"], place=fact.place, end_s=v["end_ns"] / 1e9)


def _say_alike(fact: Fact, words: Words) -> str:
    v = fact.values
    told = {name: str(v.get(name, "")) for name in ("server", "target", "name", "address")}
    told["port"] = told["server"].rpartition(":")[2]
    told["server"] = words.who(address_of(told["server"]))
    told["target"] = words.who(told["target"])
    told["asker"] = _named(v["askers"], "path.others", words)
    told["like"] = v["like"]
    end_s = v["end_ns"] / 1e9
    waits = words.plural("alike.waits", v["waits"], end_s=end_s, **told) if v["waits"] else ""
    if not v["count"]:
        return waits
    text = words.plural(f"alike.{v['of']}", v["count"], like_s=v["like_ns"] / 1e9, end_s=end_s, **told)
    text = words.text("alike.and-waits", text=text, waits=waits) if waits else text
    return words.text("alike.listed", text=text) if v["listed"] else text


def _alike_lines(fact: Fact, words: Words) -> list[str]:
    """What those carried and printed, where it is not what was told before."""
    return [
        line for each in fact.values["contents"] if fact.values["listed"] for line in _content(each, words)
    ]


def _content(content: dict[str, Any], words: Words) -> list[str]:
    asker = content["asker"]
    who = f"{asker}:{content['port']}" if content["port"] else asker
    count = content["count"]
    head = words.text("alike.times", n=count, who=who) if count > 1 else words.text("alike.once", who=who)
    lines = []
    for each in content["said"]:
        place = each["place"]
        if each["what"] == "sends":
            said = say_preview(each["preview"], words)
            said = words.text("alike.differs", preview=said) if each["differs"] else said
            lines.append(words.plural("alike.sends", each["bytes"], place=place, preview=said))
        elif each["what"] == "starts":
            lines.append(words.text("alike.starts", place=place, command=each["command"]))
        else:
            first, *more = each["lines"]
            told = {
                "program": _named(each["programs"], "alike.programs", words),
                "text": "" if more else first,
            }
            printed = [words.plural("alike.prints", len(each["programs"]), **told).rstrip()]
            lines += printed + [f"  {line}" for line in each["lines"] if more and line]
    together = words.text("alike.line", head=head, said=words.text("list.clause").join(lines))
    if width(together) <= CONTENT_COLUMNS and not any(line.startswith(" ") for line in lines):
        return [together]
    return [head, *(f"  {line}" for line in lines)]


def _named(names: list[str], and_others: str, words: Words) -> str:
    """`h1, h2, h3 and 197 others`: of many the first few are named; `--json` has them all."""
    if len(names) <= NAMED + 1:
        return words.listed(names)
    return words.text(and_others, names=words.listed(names[:NAMED]), n=len(names) - NAMED)


KINDS = (
    Kind(
        "alike",
        "",
        _ALIKE_KEYS,
        _say_alike,
        _alike_lines,
    ),
    Kind(
        "bulk",
        "tcp",
        frozenset({"segments", "bytes", "again", "acknowledgments", "lost", "end_ns"}),
        _say_bulk,
    ),
    Kind("more", "", frozenset({"of", "count", "unsent", "end_ns", "reason"}), _say_more),
)


def readers(scene: Scene) -> Readers:
    """It reads nothing."""
    return Readers({}, {})
