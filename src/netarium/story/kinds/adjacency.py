"""Routers that become neighbors before they exchange routes. Read first: RFC 2328 10.1 (states of a neighbor).

Routes that are learned are told by `routing`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from netarium.story.facts import Fact
from netarium.story.kinds.base import Kind, Readers, Record
from netarium.story.scene import Scene
from netarium.story.words import Words

_TOLD: Final = {"2-Way": "seen", "Full": "full", "Down": "down"}


class _Adjacency:
    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def state(self, record: Record) -> Iterator[Fact]:
        """`ospf INTERFACE neighbor ROUTER`: heard of, in step, or lost."""
        words = record["subject"].split()
        told = _TOLD.get(record["after"])
        if len(words) != 4 or words[2] != "neighbor" or told is None:
            return
        if told == "seen" and record["before"] != "Init":
            return
        subject = self.scene.subject("routing", words[0], lambda: {"protocol": words[0].upper()})
        values = {
            "protocol": words[0].upper(),
            "interface": words[1],
            "neighbor": words[3],
            "state": told,
            "before": record["before"],
        }
        yield Fact(record["t"], "adjacency", record["at"], values, about=subject, phase="routing")


def _say(fact: Fact, words: Words) -> str:
    v = fact.values
    told = {"protocol": v["protocol"], "interface": v["interface"], "neighbor": words.who(v["neighbor"])}
    return words.text(f"decision.adjacency.{v['state']}", place=fact.place, **told)


KINDS: Final = (
    Kind(
        "adjacency",
        "routing",
        frozenset({"protocol", "interface", "neighbor", "state", "before"}),
        _say,
        needles=(b'"subject":"ospf ',),
    ),
)


def readers(scene: Scene) -> Readers:
    """The readers of one story."""
    return Readers({"state:ospf": _Adjacency(scene).state}, {})
