"""Which program has part in what: the calls that connect, accept and send say so. It tells nothing by itself.

`--follow NODE/PROGRAM` looks at it, and the connections that a node's own daemons open again and again are counted
after the first few.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from netarium.story.facts import Fact, Subject
from netarium.story.kinds.base import Kind, Readers, Record
from netarium.story.scene import Scene, end_text

PROGRAMS_MAX: Final = 8
"""So many programs are remembered of one thing."""
KINDS: tuple[Kind, ...] = ()


class _Programs:
    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def connected(self, record: Record) -> Iterator[Fact]:
        subject = self._recent(record, _end(record["details"]["args"][0]))
        if subject is not None:
            subject.label.setdefault("program", str(record["program"]))
        return self._note(record, subject)

    def accepted(self, record: Record) -> Iterator[Fact]:
        result = record["details"].get("result")
        return self._note(record, self._recent(record, _end(result[1])) if result else None)

    def sent(self, record: Record) -> Iterator[Fact]:
        return self._note(record, self._recent(record, _end(record["details"]["args"][-1])))

    def _recent(self, record: Record, end: str) -> Subject | None:
        """What the node has to do with just now, if that end has part in it."""
        subject = self.scene.recent(record["at"])
        if subject is None or not end:
            return None
        if subject.kind == "name" or any(end in pair.split("-") for pair in subject.pairs):
            return subject
        address = end.rpartition(":")[0]
        return subject if address in subject.label.values() else None

    def _note(self, record: Record, subject: Subject | None) -> Iterator[Fact]:
        program = str(record.get("program", ""))
        if subject is not None and program not in subject.programs and len(subject.programs) < PROGRAMS_MAX:
            subject.programs.append(program)
        return iter(())


def _end(address: Any) -> str:
    """`10.0.0.1:80` of a socket address; "" for one of another family."""
    if isinstance(address, list) and len(address) >= 2 and isinstance(address[1], int):
        return end_text(str(address[0]), address[1])
    return ""


def readers(scene: Scene) -> Readers:
    """The readers of one story."""
    programs = _Programs(scene)
    return Readers(
        {
            "call:connect": programs.connected,
            "call:connect_ex": programs.connected,
            "call:accept": programs.accepted,
            "call:sendto": programs.sent,
        },
        {},
    )
