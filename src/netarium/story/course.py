"""What a chapter's course is, and what was said in it: two are alike when their courses are the same.

The course is, of each place, the sequence of the kinds of its steps, with what makes two steps of a kind different.
The one who asked is the same in every course, whatever its name, address and port are. What was said is the payload
that was carried, what programs printed and how they were started: that is listed where things are told together.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Final

from netarium.story.chapters import Chapter
from netarium.story.facts import Fact

SAID_MAX: Final = 24
"""A thing in which more is said is told by itself."""
CHARACTERS_MAX: Final = 1200
ASKER: Final = ""
"""The place of the one who asked, in a course."""
_DETAILS: Final = (
    "segment", "again", "fin", "refuses", "acknowledges_fin", "misses", "before", "after", "cause", "reason", "what",
    "errno", "exit_code", "code", "reply", "call", "of", "stage", "outcome", "hit", "answer", "rcode",
    "type", "decision", "action", "chain", "why", "by", "server", "operation", "purpose", "shape", "state", "message",
    "mss", "sack", "timestamps", "client_scale", "server_scale", "open", "lost", "stream", "rule", "same", "gateway",
    "interface", "try", "probe",
)  # fmt: skip
"""Values that make two facts of a kind different things; addresses, ports, numbers of bytes and times do not."""
_SIZED: Final = frozenset({"bulk", "more", "ping", "stream-sums", "datagram-cut", "reassembled"})
"""Kinds whose sizes and counts are a part of the course: what they carried is not listed."""
_SIZES: Final = ("segments", "bytes", "count", "sequence", "read_bytes", "sends", "reads", "fragments")
_OF_ADDRESSES: Final = frozenset({"nat-entry", "nat-reply"})
"""Kinds whose `before` and `after` are addresses with their ports."""
_FIRST_TIMES: Final = frozenset(
    {
        "call", "listener-queue", "tcp-options", "local-or-gateway", "route-chosen", "forwarded", "neighbor-cache",
        "next-hop-known", "own-address", "flow-switched", "mac-learned", "switched", "judged",
    }
)  # fmt: skip
"""Kinds that their readers tell of the first few times only: that one is missing makes no other course."""
Said = dict[str, Any]


def course_of(chapter: Chapter, asker: str, before: bytes) -> bytes:
    """A digest of the course of a chapter, asked by `asker`, and of what was `before`."""
    places: dict[str, list[tuple[str, ...]]] = {}
    for fact in chapter.facts:
        if fact.kind not in _FIRST_TIMES:
            places.setdefault(_place(fact, asker), []).append(_step(fact))
    text = repr((before, chapter.phase, sorted(places.items())))
    return blake2b(text.encode("utf-8", "backslashreplace"), digest_size=12).digest()


def by_the_way(chapter: Chapter, asker: str) -> set[tuple[str, ...]]:
    """The steps that are no part of the course: of what is alike, each has been told before."""
    return {(_place(fact, asker), *_step(fact)) for fact in chapter.facts if fact.kind in _FIRST_TIMES}


def _place(fact: Fact, asker: str) -> str:
    return ASKER if fact.place == asker else fact.place


def _step(fact: Fact) -> tuple[str, ...]:
    """What happened."""
    values = fact.values
    names = [name for name in _DETAILS if name in values]
    if fact.kind in _OF_ADDRESSES:
        names = ["rule"] if "rule" in values else []
    told = [f"{name}={values[name]}" for name in names]
    if fact.kind in _SIZED:
        told += [f"{name}={values[name]}" for name in _SIZES if name in values]
        told.append(str(fact.content))
    return (fact.kind, *told)


def said_in(chapter: Chapter, asker: str) -> list[Said]:
    """What was carried, printed and started, in the order of the chapter."""
    found: list[Said] = []
    for fact in chapter.facts:
        values, place = fact.values, _place(fact, asker)
        if fact.kind == "printed":
            last = found[-1] if found else {}
            if (last.get("what"), last.get("place")) == ("prints", place):
                last["lines"] = [*last["lines"], *values["lines"]]
                last["count"] += values["count"]
            else:
                found.append(
                    {"what": "prints", "place": place, "lines": values["lines"], "count": values["count"]}
                )
        elif fact.kind == "program-started":
            found.append({"what": "starts", "place": place, "command": values["command"]})
        elif fact.kind in ("tcp", "udp") and values["bytes"]:
            found.append(
                {
                    "what": "sends",
                    "place": place,
                    "bytes": values["bytes"],
                    "preview": values["preview"],
                    "content": fact.content,
                }
            )
    return found


def is_short(said: list[Said]) -> bool:
    """Whether all of it can be listed."""
    if len(said) > SAID_MAX or any(
        each["what"] == "prints" and len(each["lines"]) < each["count"] for each in said
    ):
        return False
    return sum(len(str(each)) for each in said) <= SAID_MAX * CHARACTERS_MAX // 4 and all(
        len(str(each)) <= CHARACTERS_MAX for each in said
    )
