"""Names: the places a host looks in; what name servers are asked and answer. Read first: RFC 1034, section 5.3.3."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from netarium.story.facts import Fact, Flight, Subject
from netarium.story.kinds.base import Kind, Readers, Record
from netarium.story.packets import Packet
from netarium.story.scene import Scene
from netarium.story.words import Words

_PLACES = {
    "hosts file": "stage.hosts-file",
    "node names": "stage.node-names",
    "OS cache": "stage.os-cache",
    "browser cache": "stage.browser-cache",
}


_SILENT = "no answer"
_SOUND = frozenset({"NOERROR", "NXDOMAIN"})
"""What servers answer that is an answer: all else leaves open whether the name exists (EAI_AGAIN)."""
_ASKED_MAX = 1024


def _say_stage(fact: Fact, words: Words) -> str:
    v = fact.values
    told = {"place": fact.place, "name": v["name"], "answer": words.listed(v["answer"])}
    kind = "6" if v["type"] == "AAAA" else ""
    if v["outcome"]:
        key = "stage.silent" if v["outcome"] == _SILENT else "stage.failing"
        return words.text(key, outcome=v["outcome"], **told)
    if v["stage"] == "no name server":
        return words.text("stage.no-server", **told)
    if v["stage"] == "name server":
        return words.text("stage.answered" if v["hit"] else f"stage.unknown{kind}", **told)
    where = words.text(_PLACES[v["stage"]]) if v["stage"] in _PLACES else v["stage"]
    return words.text(f"stage.hit{kind}" if v["hit"] else f"stage.miss{kind}", where=where, **told)


def _say_dns(fact: Fact, words: Words) -> str:
    v = fact.values
    told: dict[str, Any] = {"place": fact.place, "name": v["name"], "type": v["type"]}
    if not v["response"]:
        key = "dns.ask-recursive" if v["recursion"] else "dns.ask"
        text = words.text(key, server=words.who(v["destination"]), **told)
    elif v["answer"]:
        text = words.text("dns.answer", answer=words.listed(v["answer"]), ttl_s=v["ttl_s"], **told)
    elif v["zone"]:
        zone = v["zone"].rstrip(".") or "."
        if v["glue"]:
            text = words.text(
                "dns.refer-at",
                servers=words.listed(v["servers"]),
                glue=words.listed(v["glue"]),
                zone=zone,
                **told,
            )
        else:
            text = words.text("dns.refer", servers=words.listed(v["servers"]), zone=zone, **told)
    elif v["rcode"] == "NOERROR":
        text = words.text("dns.empty", **told)
    else:
        text = words.text(
            "dns.nxdomain" if v["rcode"] == "NXDOMAIN" else "dns.error", rcode=v["rcode"], **told
        )
    return words.text("dns.count", number=v["number"], text=text)


KINDS = (
    Kind(
        "name-stage",
        "dns",
        frozenset({"name", "stage", "hit", "answer", "type", "outcome"}),
        _say_stage,
        needles=(b'"stop":"NAME"',),
    ),
    Kind(
        "dns",
        "dns",
        frozenset(
            [
                "source",
                "destination",
                "response",
                "recursion",
                "name",
                "type",
                "rcode",
                "answer",
                "ttl_s",
                "zone",
                "servers",
                "glue",
                "number",
            ]
        ),
        _say_dns,
        needles=(b'"destination_port":53,', b'"source_port":53,'),
    ),
)


def name_key(bare: str, kind: str) -> str:
    """The key of what the look-up of a name is about: another for each type of record but addresses of IPv4."""
    return bare if kind == "A" else f"{bare} {kind}"


class _Names:
    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._outcomes: dict[tuple[str, str], str] = {}
        """Node and `name. type` -> what came of the latest question to its servers."""

    def stage(self, record: Record) -> Iterator[Fact]:
        details = record.get("details") or {}
        if "outcome" in details:
            self._outcomes.pop((record["at"], str(record.get("subject", ""))), None)
            self._outcomes[record["at"], str(record.get("subject", ""))] = str(details["outcome"])
            if len(self._outcomes) > _ASKED_MAX:
                del self._outcomes[next(iter(self._outcomes))]
        if "hit" not in details:
            return
        name = str(record.get("subject", ""))
        kind = str(details.get("type", "A"))
        subject = self._subject(name, kind, record["at"])
        if details.get("stage") != "name server" and subject.phase == "dns":
            subject.phase = ""
        self.scene.touch(record["at"], subject)
        values = {
            "name": name,
            "stage": str(details.get("stage", "")),
            "hit": bool(details["hit"]),
            "answer": [str(each) for each in details.get("answer") or ()],
            "type": kind,
            "outcome": "",
        }
        if values["stage"] == "name server":
            values["outcome"] = self._failure(record["at"], name, kind) if not values["hit"] else ""
        phase = "dns" if values["stage"] == "name server" else "name"
        yield Fact(record["t"], "name-stage", record["at"], values, about=subject, phase=phase)

    def _failure(self, node: str, name: str, kind: str) -> str:
        """Why the servers have not said whether there is such a name: how it ended with the last that has not."""
        begin = name.rstrip(".").lower()
        asked = [
            each
            for each in self._outcomes
            if each[0] == node
            and each[1].endswith(f" {kind}")
            and f"{each[1].partition(' ')[0].lower()}.".startswith(f"{begin}.")
        ]
        outcomes = [self._outcomes.pop(each) for each in asked]
        failed = [each for each in outcomes if each not in _SOUND]
        return failed[-1] if failed and "NOERROR" not in outcomes else ""

    def datagram(self, record: Record) -> Iterator[Fact]:
        """The first question is about to leave: what its host does for it belongs to the asking already."""
        subject = self.scene.recent(record["at"])
        if str(record.get("subject", "")).endswith(":53") and subject is not None and subject.kind == "name":
            subject.phase = "dns"
        return iter(())

    def message(self, record: Record, packet: Packet, flight: Flight) -> Iterator[Fact]:
        values = _values(record, packet.payload) if packet.is_whole else None
        if values is None:
            return
        node = record["at"].partition(":")[0]
        subject = self._subject(values["name"], values["type"], node)
        subject.state = (subject.state or 0) + 1
        values["number"] = subject.state
        flight.subject = subject
        self.scene.touch(node, subject)
        yield Fact(record["t"], "dns", node, values, flight, subject, phase="dns")

    def _subject(self, name: str, kind: str, node: str) -> Subject:
        bare = name.rstrip(".").lower() or "."
        subject = self.scene.subject("name", name_key(bare, kind), lambda: {"name": bare, "type": kind})
        if not subject.nodes:
            subject.nodes = [node]
        return subject


def _values(record: Record, data: bytes) -> dict[str, Any] | None:
    import dns.flags
    import dns.rdatatype

    from netarium.names.messages import decode

    message = decode(data)
    if message is None or not message.question:
        return None
    question = message.question[0]
    answer = [each for rrset in message.answer for each in rrset]
    referred = [each for each in message.authority if each.rdtype == dns.rdatatype.NS]
    glue = [str(each) for rrset in message.additional if rrset.rdtype == dns.rdatatype.A for each in rrset]
    return {
        "source": record["source"],
        "destination": record["destination"],
        "response": bool(message.flags & dns.flags.QR),
        "recursion": bool(message.flags & dns.flags.RD),
        "name": str(question.name).rstrip(".") or ".",
        "type": dns.rdatatype.to_text(question.rdtype),
        "rcode": message.rcode().name,
        "answer": [str(each) for each in answer],
        "ttl_s": min((rrset.ttl for rrset in message.answer), default=0),
        "zone": str(referred[0].name) if referred and not answer else "",
        "servers": [str(each.target).rstrip(".") for each in referred[0]] if referred else [],
        "glue": glue,
    }


def readers(scene: Scene) -> Readers:
    """The readers of one story."""
    names = _Names(scene)
    return Readers({"step:NAME": names.stage, "step:DATAGRAM": names.datagram}, {"UDP:53": names.message})
