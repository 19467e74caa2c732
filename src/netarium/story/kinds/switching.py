"""What switches decide: learning, flooding, sending by the one right port; VLAN tags.

Read first: IEEE 802.1D-2004 7.7 to 7.9 (relay, learning), 802.1Q (tags). Each decision is told
once of each switch, not of each frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from netarium.addresses import parse_mac
from netarium.story.facts import Fact, Flight, Subject
from netarium.story.kinds.base import Kind, Readers, Record
from netarium.story.packets import Packet
from netarium.story.scene import Scene
from netarium.story.words import Words

REMEMBERED_MAX: Final = 8192
PORTS_MAX: Final = 8
"""More ports than these are counted, not named."""
_BROADCAST: Final = "ff:ff:ff:ff:ff:ff"
_NO_MAC: Final = "00:00:00:00:00:00"


class _Switching:
    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._macs = {
            str(port.get("mac")): name
            for name, node in scene.nodes.items()
            for port in node.ports.values()
            if isinstance(port, dict) and port.get("mac") != _NO_MAC
        }
        self._told: dict[tuple[str, ...], None] = {}
        self._tables: dict[str, list[str]] = {}
        self._shown: dict[str, list[str]] = {}
        """The table of each switch, and what was shown of it last."""

    def owner(self, record: Record, packet: Packet, flight: Flight) -> Iterator[Fact]:
        """ARP says whose MAC address it is that no port in the head of the trace has (a layer-3 switch's own)."""
        mac = str(record.get("sender_mac", ""))
        if mac not in self._macs and len(self._macs) < REMEMBERED_MAX:
            self._macs[mac] = record["at"].partition(":")[0]
        return iter(())

    def learned(self, record: Record) -> Iterator[Fact]:
        """An address was seen at a port for the first time, or at another one."""
        words = record["subject"].split()
        mac, vlan = words[1], words[3] if len(words) > 3 else ""
        values = {
            "mac": mac,
            "owner": self._macs.get(mac, ""),
            "vlan": vlan,
            "port": _port(record["after"]),
            "before": _port(record["before"]),
        }
        about = self.scene.just_arrived(record["at"]) or self._about(mac)
        fact = Fact(record["t"], "mac-learned", record["at"], values, about=about)
        if values["before"]:
            fact.fold = f"moved {record['at']}"  # in a loop addresses move with every frame
        yield fact

    def decided(self, record: Record) -> Iterator[Fact]:
        """A frame was sent on."""
        details, place = record["details"], record["at"]
        if details["decision"] == "loop":
            return  # `trees` tells of it
        source, _, destination = record["subject"].partition(">")
        if "table" in details:
            self._tables[place] = details["table"]
        flooded = str(details["decision"]).endswith("flooded")
        shape = "repeated" if details["decision"] == "repeated" else _shape(destination, flooded)
        ports = [_port(each) for each in details["ports"]]
        told = (place, shape, destination if shape in ("unknown", "forwarded") else "", *ports)
        if not self._is_new(told):
            return
        table = self._tables.get(place, [])
        values = {
            "shape": shape,
            "source": source,
            "destination": destination,
            "owner": self._macs.get(destination, ""),
            "in": _port(str(details.get("in", ""))),
            "ports": ports,
            "vlan": details.get("vlan", 0),
            "tagged": [_port(each) for each in details.get("tagged", ())],
            "came_tagged": bool(details.get("came_tagged")),
            "age_s": details.get("age_s", -1),
            "table": table,
            "new": [line for line in table if line not in self._shown.get(place, ())],
        }
        self._shown[place] = table
        about = self.scene.just_arrived(place) or self._about(source) or self._about(destination)
        if shape == "multicast" and (about is None or about.kind == "routing"):
            return  # hellos of routers among themselves
        yield Fact(record["t"], "switched", place, values, about=about)

    def _about(self, mac: str) -> Subject | None:
        return self.scene.recent(self._macs.get(mac, ""))

    def _is_new(self, key: tuple[str, ...]) -> bool:
        if key in self._told:
            return False
        if len(self._told) >= REMEMBERED_MAX:
            del self._told[next(iter(self._told))]
        self._told[key] = None
        return True


def _port(name: str) -> str:
    """`p1` of `s:p1`."""
    return name.rpartition(":")[2]


def _shape(destination: str, flooded: bool) -> str:
    if not flooded:
        return "forwarded"
    if destination == _BROADCAST:
        return "broadcast"
    return "multicast" if parse_mac(destination) >> 40 & 1 else "unknown"


def _named(mac: str, owner: str, words: Words) -> str:
    return words.text("decision.mac.owned", owner=owner, mac=mac) if owner else mac


def _ports(ports: list[str], words: Words) -> str:
    if len(ports) <= PORTS_MAX:
        return words.listed(ports)
    return words.text("decision.switch.many", first=words.listed(ports[:2]), last=ports[-1], count=len(ports))


def _say_learned(fact: Fact, words: Words) -> str:
    v = fact.values
    named = _named(v["mac"], v["owner"], words)
    if v["before"]:
        return words.text(
            "decision.mac.moved", place=fact.place, mac=named, port=v["port"], before=v["before"]
        )
    said = words.text("decision.mac.learned", place=fact.place, mac=named, port=v["port"])
    return said + (words.text("decision.mac.vlan", vlan=v["vlan"]) if v["vlan"] else "")


def _say_decided(fact: Fact, words: Words) -> str:
    v = fact.values
    told: dict[str, Any] = {
        "place": fact.place,
        "mac": _named(v["destination"], v["owner"], words),
        "ports": _ports(v["ports"], words),
        "came": words.text("decision.switch.came", port=v["in"])
        if v["in"]
        else words.text("decision.switch.own"),
    }
    key = f"decision.switch.{v['shape']}"
    if v["shape"] == "unknown" and v["age_s"] >= 0:
        key = "decision.switch.aged"
    said = words.text(key, **told)
    if v["vlan"]:
        said += words.text("decision.switch.vlan", vlan=v["vlan"])
        if v["tagged"]:
            said += words.text("decision.switch.tagged", ports=words.listed(v["tagged"]), vlan=v["vlan"])
        elif v["came_tagged"]:
            said += words.text("decision.switch.untagged", ports=words.listed(v["ports"]))
    return said


def _table_lines(fact: Fact, words: Words) -> list[str]:
    """The lines that are new in the table, and how many there are besides."""
    new = fact.values["new"]
    rest = len(fact.values["table"]) - len(new)
    lines = [f"> {line}" for line in new]
    return [*lines, "  " + words.plural("decision.line.as_before", rest)] if new and rest > 0 else lines


KINDS: Final = (
    Kind(
        "mac-learned",
        "switch",
        frozenset({"mac", "owner", "vlan", "port", "before"}),
        _say_learned,
        needles=(b'"subject":"mac ', b'"protocol":"ARP"'),
    ),
    Kind(
        "switched",
        "switch",
        frozenset(
            {
                "shape",
                "source",
                "destination",
                "owner",
                "in",
                "ports",
                "vlan",
                "tagged",
                "came_tagged",
                "age_s",
                "table",
                "new",
            }
        ),
        _say_decided,
        _table_lines,
        (b'"stop":"SWITCH"', b'"protocol":"ARP"'),
    ),
)


def readers(scene: Scene) -> Readers:
    """The readers of one story."""
    state = _Switching(scene)
    records = {"state:mac": state.learned, "step:SWITCH": state.decided}
    return Readers(records, {"ARP": state.owner})
