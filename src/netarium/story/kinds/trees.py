"""The spanning tree: which switch is its root, which ports wait; and what comes of a loop without one, a storm.

Read first: IEEE 802.1D-2004 17.3 (how the root and the ports are chosen), 17.21.25.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from netarium.story.facts import Fact, Flight
from netarium.story.kinds.base import Kind, Readers, Record
from netarium.story.packets import Packet
from netarium.story.scene import Scene
from netarium.story.words import Words

REMEMBERED_MAX: Final = 8192
_SETTLED: Final = {"forwarding": "forwarding", "blocking": "blocking", "discarding": "blocking"}
_ROLES: Final = {"root": "root", "alternate": "blocking", "backup": "blocking"}
_BPDU: Final = re.compile(r"root=(\S+) .*bridge=(\S+)")


class _Trees:
    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._told: dict[str, str] = {}
        """What was told last of each port."""
        self._roots: dict[str, str] = {}
        """Port -> the bridge ID of the root that it names in what it sends."""
        self._bridges: dict[str, str] = {}
        """Bridge ID -> the switch."""

    def bpdu(self, record: Record, packet: Packet, flight: Flight) -> Iterator[Fact]:
        """Remember whom a switch takes for the root, and what its own bridge ID is."""
        found = _BPDU.search(str(record.get("bpdu", "")))
        if found is not None and (record["at"] in self._roots or len(self._roots) < REMEMBERED_MAX):
            self._roots[record["at"]] = found[1]
            self._bridges[found[2]] = record["at"].partition(":")[0]
        return iter(())

    def port(self, record: Record) -> Iterator[Fact]:
        """The spanning tree has opened or closed a port, or found the one that leads to the root."""
        what = record["subject"].removeprefix("spanning tree ")
        after = (_SETTLED if what == "state" else _ROLES).get(record["after"])
        if after is None or self._told.get(record["at"], "") == after:
            return
        self._told[record["at"]] = after
        place, _, port = record["at"].partition(":")
        subject = self.scene.subject("routing", "stp", lambda: {"protocol": "STP"})
        values = {"port": port, "state": after, "before": record["before"], "bridge": "", "root": ""}
        if after == "root":
            values["bridge"] = self._roots.get(self._other_end(place, port), "")
            values["root"] = self._bridges.get(values["bridge"], "")
        yield Fact(record["t"], "tree-port", place, values, about=subject, phase="tree")

    def _other_end(self, place: str, port: str) -> str:
        node = self.scene.nodes.get(place)
        end = node.ports.get(port) if node is not None else None
        return str(end.get("to", "")) if isinstance(end, dict) else ""

    def storm(self, record: Record) -> Iterator[Fact]:
        """A frame goes round for ever, and the run was ended."""
        details = record["details"]
        if details.get("decision") != "loop":
            return
        values = {key: details[key] for key in ("hops", "cables", "switches", "vlan")}
        subject = self.scene.subject("storm", record["at"])
        subject.nodes = list(dict.fromkeys(hop.partition(":")[0] for hop in values["hops"]))
        yield Fact(record["t"], "storm", record["at"], values, about=subject, phase="storm")


def _say_port(fact: Fact, words: Words) -> str:
    v: dict[str, Any] = fact.values
    told = {"place": fact.place, "port": v["port"]}
    if v["root"]:
        return words.text("decision.tree.to_root", root=v["root"], bridge=v["bridge"], **told)
    return words.text(f"decision.tree.{v['state']}", **told)


def _say_storm(fact: Fact, words: Words) -> str:
    v = fact.values
    said = words.text("decision.storm", hops=words.listed(v["hops"]), cables=words.listed(v["cables"]))
    if v["switches"]:
        said += words.text("decision.storm.tree", switches=words.listed(v["switches"]))
    return said


KINDS: Final = (
    Kind(
        "tree-port",
        "switch",
        frozenset({"port", "state", "before", "bridge", "root"}),
        _say_port,
        needles=(b'"subject":"spanning tree ', b'"protocol":"STP"'),
    ),
    Kind(
        "storm",
        "switch",
        frozenset({"hops", "cables", "switches", "vlan"}),
        _say_storm,
        needles=(b'"stop":"SWITCH"',),
    ),
)


def readers(scene: Scene) -> Readers:
    """The readers of one story."""
    trees = _Trees(scene)
    return Readers({"state:spanning": trees.port, "step:SWITCH": trees.storm}, {"STP": trees.bpdu})
