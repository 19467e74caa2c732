"""Hosts and what runs on them: switched on and off, configured; programs that start, print and end; cables cut."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from netarium.story.facts import NEXT, Fact
from netarium.story.kinds.base import Kind, Readers, Record
from netarium.story.scene import Node, Scene
from netarium.story.words import Words

LINES_MAX: Final = 40
"""So many lines of one piece of output are shown."""
BEGUN_MAX: Final = 256
_BEGUN_BYTES_MAX: Final = 1 << 14


def _boot(fact: Fact, words: Words) -> str:
    v = fact.values
    lacks = [
        words.text(key)
        for key, has in (
            ("boot.no-address", v["addresses"]),
            ("boot.no-gateway", v["gateways"]),
            ("boot.no-server", v["servers"]),
        )
        if not has
    ]
    if lacks and v["addresses"]:
        listed = words.listed(v["addresses"])
        return words.text("boot.some", place=fact.place, addresses=listed, lacks=words.listed(lacks))
    if lacks:
        return words.text("boot.lacks", place=fact.place, lacks=words.listed(lacks))
    return words.text("boot.has", place=fact.place, addresses=words.listed(v["addresses"]))


def _configured(fact: Fact, words: Words) -> str:
    v = fact.values
    parts = (
        [words.text("configured.addresses", addresses=words.listed(v["addresses"]))] if v["addresses"] else []
    )
    if v["gateways"]:
        parts.append(words.text("configured.gateways", gateways=words.listed(v["gateways"])))
    if v["servers"]:
        parts.append(words.text("configured.servers", servers=words.listed(v["servers"])))
    if not parts:
        return words.text("configured.nothing", place=fact.place)
    return words.text("configured.has", place=fact.place, parts=words.listed(parts))


def _off(fact: Fact, words: Words) -> str:
    return words.text("node.off", place=fact.place)


def _started(fact: Fact, words: Words) -> str:
    return words.text(
        "program.started", place=fact.place, program=fact.values["program"], command=fact.values["command"]
    )


def _ended(fact: Fact, words: Words) -> str:
    code = fact.values["exit_code"]
    key = "program.ended" if code == 0 else "program.failed"
    return words.text(key, place=fact.place, program=fact.values["program"], code=code)


def _printed(fact: Fact, words: Words) -> str:
    v = fact.values
    key = "printed.error" if v["stream"] == "stderr" else "printed.line"
    if len(v["lines"]) == 1:
        return words.text(key, program=v["program"], line=v["lines"][0])
    return words.text("printed.lines", program=v["program"])


def _printed_lines(fact: Fact, words: Words) -> list[str]:
    lines: list[str] = fact.values["lines"]
    if len(lines) == 1:
        return []
    left = fact.values["count"] - len(lines)
    return lines + ([words.plural("printed.left", left)] if left else [])


def _cable(fact: Fact, words: Words) -> str:
    return words.text(f"cable.{fact.values['after']}", cable=fact.values["cable"])


_HAS = frozenset({"addresses", "gateways", "servers"})
KINDS = (
    Kind("boot", "boot", _HAS, _boot, needles=(b'"event":"state"',)),
    Kind("configured", "dhcp", _HAS, _configured),
    Kind("node-off", "boot", frozenset(), _off, needles=(b'"event":"state"',)),
    Kind("program-started", "programs", frozenset({"program", "command"}), _started),
    Kind("program-ended", "programs", frozenset({"program", "exit_code"}), _ended),
    Kind(
        "printed",
        "programs",
        frozenset({"program", "stream", "lines", "count"}),
        _printed,
        _printed_lines,
        needles=(b'"event":"printed"',),
    ),
    Kind("cable", "faults", frozenset({"cable", "before", "after"}), _cable, needles=(b'"subject":"cable"',)),
)


def has(node: Node) -> dict[str, Any]:
    """What a node has, as values of a fact."""
    return {
        "addresses": [each for addresses in node.addresses.values() for each in addresses],
        "gateways": list(node.gateways),
        "servers": list(node.servers),
    }


class _Hosts:
    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._begun: dict[tuple[str, str], str] = {}

    def state(self, record: Record) -> Iterator[Fact]:
        node = self.scene.nodes.get(record["at"])
        if node is None or record.get("subject") != node.kind:
            return
        subject = self.scene.subject("join", node.name, lambda: {"host": node.name})
        subject.nodes = [node.name]
        if record.get("after") == "on":
            self.scene.touch(node.name, subject)
            yield Fact(record["t"], "boot", node.name, has(node), about=subject, phase="join")
        elif record.get("after") == "off":
            yield Fact(record["t"], "node-off", node.name, about=subject, phase="off")

    def configured(self, record: Record) -> Iterator[Fact]:
        """What a host has from now on; several changes of one moment are told as one, with the last."""
        node = self.scene.nodes[record["at"]]
        subject = self.scene.find("join", node.name)
        yield Fact(record["t"], "configured", node.name, has(node), about=subject)

    def program(self, record: Record) -> Iterator[Fact]:
        name = str(record.get("program", ""))
        if self._is_part_of_node(name):
            return
        if record.get("what") == "started":
            values: dict[str, Any] = {
                "program": name,
                "command": " ".join(map(str, record.get("command") or ())),
            }
            self.scene.begins_anew(record["at"])
            yield Fact(record["t"], "program-started", record["at"], values, phase=NEXT)
        elif record.get("what") == "ended":
            yield from self._rest(record, name)
            values = {"program": name, "exit_code": record.get("exit_code")}
            about = self.scene.recent(record["at"])
            yield Fact(record["t"], "program-ended", record["at"], values, about=about)

    def printed(self, record: Record) -> Iterator[Fact]:
        """Whole lines are told; the rest waits for its end, and is told as it is when the program ends."""
        name, stream = str(record.get("program", "")), str(record.get("stream", ""))
        if self._is_part_of_node(name):
            return
        key = (name, stream)
        text = self._begun.pop(key, "") + str(record.get("text", ""))
        whole, newline, rest = text.rpartition("\n")
        if rest:
            if len(rest) > _BEGUN_BYTES_MAX:
                whole, newline, rest = text, "\n", ""
            else:
                self._begun[key] = rest
        if len(self._begun) > BEGUN_MAX:
            del self._begun[next(iter(self._begun))]
        if newline:
            yield self._output(record, name, stream, whole)

    def _rest(self, record: Record, name: str) -> Iterator[Fact]:
        for stream in ("stdout", "stderr"):
            rest = self._begun.pop((name, stream), "")
            if rest:
                yield self._output(record, name, stream, rest)

    def _output(self, record: Record, name: str, stream: str, text: str) -> Fact:
        lines = text.split("\n")
        shown = [_shown(line) for line in lines[:LINES_MAX]]
        values = {"program": name, "stream": stream, "lines": shown, "count": len(lines)}
        return Fact(record["t"], "printed", record["at"], values, about=self.scene.recent(record["at"]))

    def cable(self, record: Record) -> Iterator[Fact]:
        ends = [end.partition(":")[0] for end in record["at"].split("--")]
        subject = next(filter(None, map(self.scene.recent, ends)), None)
        phase = "" if subject is not None else "fault"
        if subject is None:
            subject = self.scene.subject("fault", record["at"], lambda: {"cable": record["at"]})
            subject.nodes = ends
        values = {"cable": record["at"], "before": record.get("before"), "after": record.get("after")}
        if values["after"] in ("up", "down"):
            yield Fact(record["t"], "cable", record["at"], values, about=subject, phase=phase)

    def _is_part_of_node(self, program: str) -> bool:
        """Whether it is a daemon of the node, whose messages say what its log says."""
        return bool(self.scene.services.get(program, {}).get("of_node"))


def _shown(line: str) -> str:
    """A line as a terminal can show it."""
    return "".join(each if each.isprintable() or each == "\t" else repr(each)[1:-1] for each in line)


def readers(scene: Scene) -> Readers:
    """The readers of one story."""
    hosts = _Hosts(scene)
    return Readers(
        {
            "state:host": hosts.state,
            "state:router": hosts.state,
            "state:switch": hosts.state,
            "state:hub": hosts.state,
            "state:cable": hosts.cable,
            "host": hosts.configured,
            "program": hosts.program,
            "printed": hosts.printed,
        },
        {},
    )
