"""What lies between the boxes of a net: its cables, the rules that hold on all of them, and partitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from netarium.engine.events import Engine
from netarium.engine.streams import Streams
from netarium.errors import UsageError
from netarium.journey import Watch
from netarium.lab.boxes import Box
from netarium.lab.links import Link, cable_arguments
from netarium.lab.switches import check_cable
from netarium.lab.words import suggest
from netarium.link.cable import Cable
from netarium.link.matching import DropMatching, Partition, parse_match
from netarium.link.port import Port
from netarium.link.verdict import Rule

WIRE_MODES = ("values", "bytes")


class Cabling:
    """The boxes and cables of a net: what `Net` is before it has programs and time passes in it."""

    def __init__(self, seed: int, wire: str) -> None:
        if wire not in WIRE_MODES:
            raise UsageError(f"wire={wire!r}; give one of {', '.join(WIRE_MODES)}")
        self.seed = seed
        self.engine = Engine()
        self.streams = Streams(seed)
        self.watch = Watch()
        self.boxes: dict[str, Box] = {}
        self.links: list[Link] = []
        self._wire_bytes = wire == "bytes"
        self._partitions: list[Partition] = []
        self._rules: list[Rule] = []

    def __getitem__(self, name: str) -> Any:
        """The box of this name."""
        if name not in self.boxes:
            raise UsageError(f"there is no node {name!r}{suggest(name, self.boxes)}")
        return self.boxes[name]

    def end(self, end: Box | str) -> tuple[Box, str]:
        """(box, interface name or "") of a box, `NODE` or `NODE:INTERFACE`."""
        if isinstance(end, Box):
            return end, ""
        name, _, interface = end.partition(":")
        return self[name], interface

    def link(self, a: Box | str, b: Box | str, **options: Any) -> Link:
        """The cable between two boxes, plugged in now if there is none. Ends are boxes, `NODE` or `NODE:INTERFACE`.

        Options, as in the lab file: delay, jitter, rate, queue, mtu, loss, duplicate, reorder, corrupt. Of a cable that
        is there they are set as attributes: `net.link(a, b).loss = 0.1`.
        """
        ends = (self.end(a), self.end(b))
        if not options:
            found = self._links_between(*ends)
            if found:
                return found[0]
        return self.add_link(ends[0], ends[1], options)

    def links_between(self, a: Box | str, b: Box | str) -> list[Link]:
        """The cables between two ends."""
        return self._links_between(self.end(a), self.end(b))

    def add_link(self, a: tuple[Box, str], b: tuple[Box, str], options: Mapping[str, Any]) -> Link:
        """Plug in a cable between two ends (box, interface name or "")."""
        if a[0] is b[0]:
            raise UsageError(f"both ends of a link are at {a[0].name}; link two nodes")
        arguments = cable_arguments(dict(options))
        ends = a[0].free_port(a[1]), b[0].free_port(b[1])
        check_cable(*ends)
        cable = Cable(*ends, self.engine, self.streams, self.watch, wire_bytes=self._wire_bytes, **arguments)
        for rule in [*self._rules, *self._partitions]:
            cable.add_rule(rule)
        link = Link(cable)
        self.links.append(link)
        if "mtu" in arguments:
            link.fit_interfaces()
        return link

    def _links_between(self, a: tuple[Box, str], b: tuple[Box, str]) -> list[Link]:
        def fits(port: Port, end: tuple[Box, str]) -> bool:
            box, _, interface = port.name.partition(":")
            return box in end[0].node_names() and end[1] in ("", interface)

        return [
            link
            for link in self.links
            if (fits(link.cable.a, a) and fits(link.cable.b, b))
            or (fits(link.cable.a, b) and fits(link.cable.b, a))
        ]

    # On all cables

    def drop(
        self, match: str | Mapping[str, Any], *, sender: Box | str | None = None, nth: int | None = None
    ) -> DropMatching:
        """Drop frames on all cables: `net.drop({"tcp": "syn+ack"}, sender=server, nth=1)`; see `link.matching`."""
        name = sender.name if isinstance(sender, Box) else sender
        if name is not None:
            self[name]
        rule = DropMatching(parse_match(match), sender=name, nth=nth)
        self._rules.append(rule)
        for link in self.links:
            link.cable.add_rule(rule)
        return rule

    def lift(self, rule: Rule) -> None:
        """Undo `drop`."""
        self._rules = [each for each in self._rules if each is not rule]
        for link in self.links:
            link.cable.remove_rule(rule)

    def partition(self, one: Sequence[Box | str], other: Sequence[Box | str]) -> None:
        """Let no frame pass between two groups of nodes, whatever lies between them, until `heal`."""
        sides = [[self.end(box)[0].node for box in side] for side in (one, other)]
        rule = Partition(*sides)
        self._partitions.append(rule)
        for link in self.links:
            link.cable.add_rule(rule)

    def heal(self) -> None:
        """Undo every partition, and make every cut cable whole."""
        for link in self.links:
            for rule in self._partitions:
                link.cable.remove_rule(rule)
            link.heal()
        self._partitions.clear()
