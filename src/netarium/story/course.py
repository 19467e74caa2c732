"""What a chapter's course is, and what was said in it: two are alike when their courses are the same.

The course is the sequence of the kinds of the steps, with what makes two steps of a kind different and the way that
each packet took. Of TCP it is that of each place for itself: when an ACK comes, as against what the other end does
meanwhile, says nothing, and who sent first is seen by what each end acknowledges. Of all else it is one over all.
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
PROGRAMS_MAX: Final = 4096
"""So many programs are named that printed the same."""
ASKER: Final = ""
"""The place of the one who asked, in a course."""
_DETAILS: Final = (
    "segment", "again", "fin", "refuses", "acknowledges_fin", "misses", "before", "after", "cause", "reason", "what",
    "errno", "exit_code", "code", "reply", "call", "of", "stage", "outcome", "hit", "answer", "rcode",
    "type", "decision", "action", "chain", "why", "by", "server", "operation", "purpose", "shape", "state", "message",
    "mss", "sack", "timestamps", "client_scale", "server_scale", "open", "lost", "stream", "rule", "same", "gateway",
    "interface", "try", "probe", "ttl",
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
    steps = [
        (_place(fact, asker), *_step(fact), *_way(fact, asker))
        for fact in chapter.facts
        if not _is_by_the_way(fact)
    ]
    if chapter.subject is not None and chapter.subject.kind == "TCP":
        steps.sort(key=lambda step: step[0])  # of one place they stay in their order
    text = repr((before, chapter.phase, steps))
    return blake2b(text.encode("utf-8", "backslashreplace"), digest_size=12).digest()


def by_the_way(chapter: Chapter, asker: str) -> set[tuple[str, ...]]:
    """The steps that are no part of the course: of what is alike, each has been told before."""
    return {(_place(fact, asker), *_step(fact)) for fact in chapter.facts if _is_by_the_way(fact)}


def _is_by_the_way(fact: Fact) -> bool:
    """A call that fails is never by the way."""
    return fact.kind in _FIRST_TIMES and not fact.values.get("errno")


def _way(fact: Fact, asker: str) -> list[str]:
    """Who sent a packet and who passed it on; not whom a switch gave it besides."""
    senders = fact.flight.senders if fact.flight is not None else []
    return ["way", *(ASKER if node == asker else node for node in senders)]


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
            program = str(values["program"])
            if last.get("what") == "prints" and last["programs"] == [program]:
                last["lines"] = [*last["lines"], *values["lines"]]
                last["count"] += values["count"]
            else:
                printed = {"lines": values["lines"], "count": values["count"]}
                found.append({"what": "prints", "place": place, "programs": [program], **printed})
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


def key_of(said: list[Said]) -> str:
    """What makes two contents the same: those of one place in their order, whichever place was quicker (of which the
    course says whether it matters), and whatever the programs are called.
    """
    named = ({name: each[name] for name in each if name != "programs"} for each in said)
    return repr(sorted(named, key=lambda each: str(each["place"])))


def add_programs(listed: list[Said], said: list[Said]) -> None:
    """Which programs printed what is listed once: those of one content have other names."""
    for known, each in zip(listed, said, strict=True):
        if known["what"] == "prints" and len(known["programs"]) < PROGRAMS_MAX:
            known["programs"] = list(dict.fromkeys([*known["programs"], *each["programs"]]))
