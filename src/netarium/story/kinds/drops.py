"""What ended on its way, with the reason; frames that were merely not for the one who got them are counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from netarium.journey import Drop
from netarium.story.facts import Fact, Flight, Subject
from netarium.story.kinds.base import Kind, Readers, Record
from netarium.story.scene import Scene, end_text
from netarium.story.words import Words

NOT_FOR_THEM: Final = frozenset(
    {
        Drop.NOT_FOR_THIS_MAC.name,
        Drop.ARP_NOT_FOR_US.name,
        Drop.ND_NOT_FOR_US.name,
        Drop.SWITCH_SAME_PORT.name,
        Drop.SWITCH_RESERVED.name,
        Drop.PORT_BLOCKED.name,
        Drop.BROADCAST_NOT_ACCEPTED.name,
    }
)
"""Drops that are no loss: a broadcast reaches many it is not for."""
_BARE: Final = str.maketrans("", "", "[]")
"""Brackets about IPv6 addresses stand where there is no port in one of the two ways to write them."""
_FILTERED: Final = frozenset({Drop.FILTER_RULE.name, Drop.FILTER_REJECT.name})


def _say(fact: Fact, words: Words) -> str:
    v = fact.values
    reason = words.text(f"drop.{v['reason']}")
    verb = "lost" if Drop[v["reason"]].layer == "link" else "discarded"
    key = f"drop.{verb}-of" if v["what"] else f"drop.{verb}"
    return words.text(key, place=v["where"], reason=reason, what=v["what"])


KINDS = (
    Kind(
        "drop",
        "drops",
        frozenset({"reason", "where", "detail", "what"}),
        _say,
        needles=(b'"event":"dropped"',),
    ),
)


class _Drops:
    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def dropped(self, record: Record) -> Iterator[Fact]:
        reason = str(record.get("reason", ""))
        if reason not in Drop.__members__:
            return
        node = record["at"].partition(">")[0].partition(":")[0].partition("--")[0]
        if reason in _FILTERED and self._is_judged(record, node):
            return
        values = {
            "reason": reason,
            "where": record["at"],
            "detail": str(record.get("detail", "")),
            "what": _what(record),
        }
        flight = self.scene.flights.of(record) if "mac_source" in record else None
        if flight is not None and node not in flight.lost_at:
            flight.lost_at.append(node)
        about = (
            flight.subject
            if flight is not None and flight.subject is not None
            else self._conversation(record)
        )
        about = about or self.scene.recent(node)
        phase = "" if about is not None and about.phase else "lost"
        if about is not None and about.kind == "TCP" and record.get("length"):
            phase = "data"  # though the program may have closed long ago
        if about is None:
            about = self.scene.subject("lost", record["at"], lambda: {"place": record["at"]})
            about.nodes = [node]
        fact = Fact(record["t"], "drop", node, values, _last_sight(record, node), about, phase=phase)
        fact.fold, fact.tally = f"drop {id(about)} {reason}", {"lost": 1}
        if reason in NOT_FOR_THEM or _is_for_client(record, reason) or _is_last_of_flood(record, reason):
            fact.background, fact.phase = True, ""
        yield fact

    def _is_judged(self, record: Record, node: str) -> bool:
        """Whether the firewall's verdict on this packet was told just now: that gets its frame, and is enough."""
        time_ns, packet, flight = self.scene.judged.get(node, (-1, "", None))
        what = _what(record).partition(" ")[2].replace(" > ", " -> ")
        if flight is None or time_ns != record["t"] or packet.translate(_BARE) != what.translate(_BARE):
            return False
        del self.scene.judged[node]
        if isinstance(record.get("frame"), int):
            flight.numbers.add(record["frame"])
        return True

    def _conversation(self, record: Record) -> Subject | None:
        protocol = record.get("protocol")
        if protocol in ("TCP", "UDP") and "source_port" in record:
            return self.scene.known_conversation(
                protocol,
                end_text(record["source"], record["source_port"]),
                end_text(record["destination"], record["destination_port"]),
            )
        return None


def _last_sight(record: Record, node: str) -> Flight | None:
    """The frame that did not go further, by its number where it was seen last."""
    if not isinstance(record.get("frame"), int):
        return None
    sight = Flight(node)
    sight.numbers.add(record["frame"])
    return sight


def _is_last_of_flood(record: Record, reason: str) -> bool:
    """A broadcast or multicast that has reached all there are: a switch with nobody else passes it to none."""
    group = int(str(record.get("mac_destination", "0"))[:2] or "0", 16) & 1
    return reason == Drop.SWITCH_NO_PORT.name and bool(group)


def _is_for_client(record: Record, reason: str) -> bool:
    """A DHCP answer to the address that is only being offered: the client reads it before IP does."""
    return reason == Drop.IP_NOT_FOR_US.name and record.get("destination_port") == 68


def _what(record: Record) -> str:
    """What was dropped: `TCP 10.0.0.1:80 > 10.0.0.2:4321`, as far as its headers tell."""
    if "source" not in record:
        return ""
    protocol = record.get("protocol", "")
    if "source_port" in record:
        source = end_text(record["source"], record["source_port"])
        destination = end_text(record["destination"], record["destination_port"])
        return f"{protocol} {source} > {destination}"
    return f"{protocol} {record['source']} > {record['destination']}"


def readers(scene: Scene) -> Readers:
    """The readers of one story."""
    return Readers({"dropped": _Drops(scene).dropped}, {})
