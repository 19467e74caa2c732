"""Why something is sent again, and how a receiver stops its sender and lets it go on.

Read first: RFC 6298 (time-out), RFC 5681 3.2 (fast retransmit), RFC 8985 (RACK-TLP), RFC 9293 3.8.6.1 (zero window).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from netarium.journey import Cause
from netarium.story.facts import Fact, Flight
from netarium.story.kinds.base import Kind, Readers, Record
from netarium.story.kinds.ping import quoted
from netarium.story.kinds.tcp import is_fin_alone
from netarium.story.packets import Packet
from netarium.story.scene import Scene, end_name, end_text
from netarium.story.words import Words

REMEMBERED_MAX: Final = 4096
TOLD_MAX: Final = 3
"""So many retransmissions of each connection and cause are told one by one."""
_PROBES: Final = {"ZERO_WINDOW_PROBE": "window", "KEEPALIVE": "keepalive"}


class _Recovery:
    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._counts: dict[tuple[str, str, str], int] = {}
        self._closed: dict[tuple[str, str], None] = {}
        self._answering: dict[tuple[str, str], None] = {}
        """Connections in SYN-RECEIVED: what they send again is a SYN+ACK."""
        self._too_big: dict[str, Flight] = {}
        """The first ICMP that said of a connection's packets, `A:port > B:port MTU`, that they are too big."""

    def too_big(self, record: Record, packet: Packet, flight: Flight) -> Iterator[Fact]:
        """Remember who said that a segment is larger than the path's MTU. (RFC 1191 section 4, RFC 8201 section 4)"""
        kind = (record.get("protocol"), record.get("type"))
        if kind == ("ICMPv6", 2) or (*kind, record.get("code")) == ("ICMP", 3, 4):
            protocol, source, destination = quoted(packet)
            if protocol == "TCP":
                mtu = int(record.get("rest", 0)) & (0xFFFF if kind[0] == "ICMP" else 0xFFFFFFFF)
                self._too_big.setdefault(f"{source}-{destination} {mtu}", flight)
                if len(self._too_big) > REMEMBERED_MAX:
                    del self._too_big[next(iter(self._too_big))]
        return iter(())

    def state(self, record: Record) -> Iterator[Fact]:
        """A connection is in SYN-RECEIVED, or no longer."""
        key = (record["at"], record["subject"])
        if record["after"] == "SYN-RECEIVED":
            self._answering[key] = None
            if len(self._answering) > REMEMBERED_MAX:
                del self._answering[next(iter(self._answering))]
        else:
            self._answering.pop(key, None)
        return iter(())

    def again(self, record: Record) -> Iterator[Fact]:
        """A segment goes once more, or a probe."""
        details, place = record["details"], record["at"]
        cause = str(details.get("cause", ""))
        if cause not in Cause.__members__ or not self._count((place, record["subject"], cause)):
            return
        local, _, remote = record["subject"].removeprefix("tcp ").partition("-")
        about = self.scene.known_conversation("TCP", local, remote)
        mtu = int(details.get("mtu", 0))
        is_fin = about is not None and is_fin_alone(about, local, details.get("sequence", 0))
        said = self._too_big.get(f"{local}-{remote} {mtu}") if mtu else None
        values = {
            "who": end_name(self.scene.owner, place, local, remote),
            "cause": cause,
            "mtu": mtu,
            "router": said.sender if said is not None else "",
            "said_in": [list(each) for each in said.numbers.ranges] if said is not None else [],
            "from": details.get("sequence", 0),
            "bytes": details.get("bytes", 0),
            "try": details.get("try", 0),
            "cwnd": details.get("cwnd", 0),
            "probe": _PROBES.get(cause, ""),
            "answers": (place, record["subject"]) in self._answering,
            "fin": is_fin,
        }
        # What is sent again is of the data, though the program may have closed long ago.
        phase = "data" if values["bytes"] and not is_fin and not values["probe"] else ""
        yield Fact(record["t"], "sent-again", place, values, about=about, phase=phase)

    def window(self, record: Record, packet: Packet, flight: Flight) -> Iterator[Fact]:
        """A receiver says that it has no room, and later that it has some again."""
        flags, is_open = record["flags"], bool(record["window"])
        if "RST" in flags or "SYN" in flags or "ACK" not in flags or not (self._closed or not is_open):
            return
        key = (
            end_text(record["source"], record["source_port"]),
            end_text(record["destination"], record["destination_port"]),
        )
        was_closed = key in self._closed
        if is_open != was_closed:
            return
        if is_open:
            del self._closed[key]
        else:
            self._closed[key] = None
            if len(self._closed) > REMEMBERED_MAX:
                del self._closed[next(iter(self._closed))]
        if self._count((*key, "opens" if is_open else "closes")):
            about = flight.subject or self.scene.known_conversation("TCP", *key)
            place = record["at"].partition(":")[0]
            values = {"who": end_name(self.scene.owner, place, *key), "open": is_open}
            yield Fact(record["t"], "window", place, values, about=about)

    def _count(self, key: tuple[str, str, str]) -> bool:
        count = self._counts.pop(key, 0)
        self._counts[key] = count + 1
        if len(self._counts) > REMEMBERED_MAX:
            del self._counts[next(iter(self._counts))]
        return count < TOLD_MAX


def _say_again(fact: Fact, words: Words) -> str:
    v = fact.values
    if v["probe"]:
        return words.text(f"decision.probe.{v['probe']}", place=v["who"])
    because = words.text(f"cause.{v['cause']}")
    if not v["bytes"]:
        what = "SYN+ACK" if v["answers"] else "SYN"
        return words.text(
            "decision.again.syn", what=what, place=fact.values["who"], because=because, number=v["try"]
        )
    if v["fin"]:
        return words.text("decision.again.fin", place=v["who"], because=because)
    last = v["from"] + v["bytes"] - 1
    if v["mtu"]:
        told = {"place": v["who"], "first": v["from"], "last": last, "mtu": v["mtu"]}
        if not v["said_in"]:
            return words.text("decision.again.path_mtu_unseen", **told)
        return words.text(
            "decision.again.path_mtu", router=v["router"], frames=_frames(v["said_in"], words), **told
        )
    said = words.text("decision.again", place=fact.values["who"], because=because, first=v["from"], last=last)
    return said + (words.text("decision.again.cwnd", cwnd=v["cwnd"]) if v["cwnd"] else "")


def _frames(ranges: list[list[int]], words: Words) -> str:
    """`frame 7` or `frames 400, 407-408`."""
    numbers = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)
    return words.text("frame.one" if numbers.isdigit() else "frame.many", numbers=numbers)


def _say_window(fact: Fact, words: Words) -> str:
    if fact.values["open"]:
        return words.text("decision.window.opens", place=fact.values["who"])
    return words.text("decision.window.closes", place=fact.values["who"])


KINDS: Final = (
    Kind(
        "sent-again",
        "tcp",
        frozenset(
            [
                "who",
                "cause",
                "from",
                "bytes",
                "try",
                "cwnd",
                "probe",
                "answers",
                "mtu",
                "router",
                "said_in",
                "fin",
            ]
        ),
        _say_again,
        needles=(
            b'"stop":"RETRANSMIT"',
            b'"after":"SYN-RECEIVED"',
            b'"protocol":"ICMP"',
            b'"protocol":"ICMPv6"',
        ),
    ),
    Kind("window", "tcp", frozenset({"who", "open"}), _say_window, needles=(b'"protocol":"TCP"',)),
)


def readers(scene: Scene) -> Readers:
    """The readers of one story."""
    state = _Recovery(scene)
    return Readers(
        {"step:RETRANSMIT": state.again, "state:tcp": state.state},
        {"TCP": state.window, "ICMP": state.too_big, "ICMPv6": state.too_big},
    )
