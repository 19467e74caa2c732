"""A listener's two queues, and what the two ends of a connection agree on in their SYNs.

Read first: Linux listen(2); RFC 9293 3.2 (options), RFC 7323 (window scale, timestamps), RFC 2018 (SACK).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from netarium.story.facts import Fact, Flight
from netarium.story.kinds.base import Kind, Readers, Record
from netarium.story.packets import Packet
from netarium.story.scene import Scene, address_of, end_text
from netarium.story.words import Words
from netarium.wire.tcp import ACK, SYN, TcpHeader

LISTENERS_MAX: Final = 1024
TOLD_FULLY: Final = 2
"""Of each listener the first connections are told through all their queues; later ones when others wait before them."""
TOLD_WAITING: Final = 5
_PLACES: Final = {
    "SYN queue": "syn",
    "SYN cookie": "cookie",
    "accept queue": "accept",
    "accepted": "accepted",
}


class _Queues:
    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._listeners: dict[tuple[str, str], dict[str, Any]] = {}
        self._offers: dict[str, dict[str, Any]] = {}
        self._agreed: dict[tuple[str, ...], None] = {}

    def passed(self, record: Record) -> Iterator[Fact]:
        """A connection has gone on to the next queue."""
        details, place = record["details"], record["at"]
        what = _PLACES.get(str(details.get("decision", "")))
        if what is None:
            return
        listener = self._listeners.setdefault(
            (place, record["subject"]), {"clients": [], "waiting": 0, "alive": 0}
        )
        if len(self._listeners) > LISTENERS_MAX:
            del self._listeners[next(iter(self._listeners))]
        clients, client = listener["clients"], details["client"]
        if client not in clients and len(clients) < TOLD_FULLY:
            clients.append(client)
        others = what == "cookie" or (what == "accept" and details["accept_queue"] > 1)
        crowded = others and listener["waiting"] < TOLD_WAITING
        if client not in clients and not crowded:
            return
        listener["waiting"] += crowded
        port = record["subject"].rpartition(" ")[2]
        about = self._about(client, record)
        values = {
            "what": what,
            "client": client,
            "port": int(port),
            "syn_queue": details["syn_queue"],
            "accept_queue": details["accept_queue"],
            "backlog": details["backlog"],
            "nth": clients.index(client) + 1 if client in clients else TOLD_FULLY + 1,
            "behind": self._behind(client, about) if what in ("syn", "cookie") else "",
        }
        yield Fact(record["t"], "listener-queue", place, values, about=about)

    def _behind(self, client: str, about: Any) -> str:
        """Who the client is, when NAT has put its own address in the place of its; "" for all others."""
        own = str(about.label.get("client", "")) if about is not None and about.kind == "TCP" else ""
        return self.scene.owner(address_of(own)) if own and address_of(own) != address_of(client) else ""

    def _about(self, client: str, record: Record) -> Any:
        node = self.scene.nodes.get(record["at"])
        port = record["subject"].rpartition(" ")[2]
        for addresses in node.addresses.values() if node is not None else ():
            for each in addresses:
                known = self.scene.known_conversation(
                    "TCP", client, end_text(each.partition("/")[0], int(port))
                )
                if known is not None:
                    return known
        return self.scene.recent(record["at"])

    def syn(self, record: Record, packet: Packet, flight: Flight) -> Iterator[Fact]:
        """The options of a SYN; with those of the SYN+ACK they are what is agreed on."""
        header = packet.transport if "SYN" in record["flags"] else None
        if type(header) is not TcpHeader or not header.flags & SYN:
            return
        source = end_text(record["source"], header.source_port)
        destination = end_text(record["destination"], header.destination_port)
        offer = _offer(header)
        if not header.flags & ACK:
            self._offers[f"{source}-{destination}"] = offer
            if len(self._offers) > LISTENERS_MAX:
                del self._offers[next(iter(self._offers))]
            return
        subject = flight.subject or self.scene.known_conversation("TCP", source, destination)
        asked = self._offers.pop(f"{destination}-{source}", None)
        if asked is None and subject is not None:
            label = subject.label
            asked = self._offers.pop(f"{label.get('client')}-{label.get('server')}", None)
        pair = (record["at"].partition(":")[0], *(subject.nodes if subject is not None else ()))
        if asked is None or pair in self._agreed:
            return
        self._agreed[pair] = None
        if len(self._agreed) > LISTENERS_MAX:
            del self._agreed[next(iter(self._agreed))]
        values = {
            "mss": min(asked["mss"], offer["mss"]),
            "client_scale": asked["scale"] if offer["scale"] >= 0 else -1,
            "server_scale": offer["scale"] if asked["scale"] >= 0 else -1,
            "sack": asked["sack"] and offer["sack"],
            "timestamps": asked["timestamps"] and offer["timestamps"],
        }
        yield Fact(record["t"], "tcp-options", record["at"].partition(":")[0], values, about=subject)


def _offer(header: TcpHeader) -> dict[str, Any]:
    options = header.options
    return {
        "mss": options.mss if options is not None and options.mss >= 0 else 536,
        "scale": options.window_scale if options is not None else -1,
        "sack": options is not None and options.sack_permitted,
        "timestamps": header.timestamp >= 0,
    }


def _say_queue(fact: Fact, words: Words) -> str:
    v = fact.values
    client = (
        words.text("decision.queue.behind", client=v["client"], behind=v["behind"])
        if v["behind"]
        else v["client"]
    )
    counts = {"syn_queue": v["syn_queue"], "accept_queue": v["accept_queue"]}
    return words.text(
        f"decision.queue.{v['what']}",
        place=fact.place,
        client=client,
        port=v["port"],
        backlog=v["backlog"],
        **counts,
    )


def _say_options(fact: Fact, words: Words) -> str:
    v = fact.values
    parts = [words.text("decision.options.mss", mss=v["mss"])]
    if v["client_scale"] >= 0:
        parts.append(
            words.text("decision.options.scale", client=1 << v["client_scale"], server=1 << v["server_scale"])
        )
    if v["sack"]:
        parts.append(words.text("decision.options.sack"))
    if v["timestamps"]:
        parts.append(words.text("decision.options.timestamps"))
    return words.text("decision.options", agreed=words.listed(parts))


KINDS: Final = (
    Kind(
        "listener-queue",
        "tcp",
        frozenset({"what", "client", "port", "syn_queue", "accept_queue", "backlog", "nth", "behind"}),
        _say_queue,
        needles=(b'"stop":"PORTS"',),
    ),
    Kind(
        "tcp-options",
        "tcp",
        frozenset({"mss", "client_scale", "server_scale", "sack", "timestamps"}),
        _say_options,
        needles=(b'"flags":"SYN',),
    ),
)


def readers(scene: Scene) -> Readers:
    """The readers of one story."""
    state = _Queues(scene)
    return Readers({"step:PORTS": state.passed}, {"TCP": state.syn})
