"""Packets cut to the MTU and put together again; IPv6 addresses that a host gives itself.

Read first: RFC 791 3.2, RFC 8200 4.5 (fragments); RFC 4862 5.4 and 5.5 (duplicate detection, SLAAC).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from netarium.story.facts import NEXT, Fact
from netarium.story.kinds.base import Kind, Readers, Record
from netarium.story.kinds.conflicts import conflict_subject
from netarium.story.kinds.discovery6 import join_subject
from netarium.story.scene import Scene
from netarium.story.words import Words

LINES_MAX: Final = 8


class _Pieces:
    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def cut(self, record: Record) -> Iterator[Fact]:
        """A packet was too large for the link it leaves by."""
        details = record["details"]
        sizes = [int(each) for each in details["payload_bytes"]]
        values = {"mtu": details["mtu"], "sizes": sizes, "family": record["subject"]}
        pieces = self.scene.flights.cut(record["at"], details.get("identification"), sum(sizes))
        node = self.scene.nodes.get(record["at"])
        if node is not None and not node.is_host:  # it passes on what it has just received
            yield Fact(record["t"], "fragmented", node.name, values, pieces, self.scene.recent(node.name))
        else:  # what it is about is known when the first fragment leaves
            yield Fact(record["t"], "fragmented", record["at"], values, pieces, phase=NEXT)

    def joined(self, record: Record) -> Iterator[Fact]:
        """All fragments are there."""
        details = record["details"]
        values = {
            "fragments": details["fragments"],
            "bytes": details["payload_bytes"],
            "family": record["subject"][:4],
        }
        about = self.scene.recent(record["at"])
        yield Fact(record["t"], "reassembled", record["at"], values, about=about)

    def address(self, record: Record) -> Iterator[Fact]:
        """An IPv6 address was tested, or found to be another's."""
        words = record["subject"].split()
        if len(words) < 3 or words[1] != "address":
            return
        after = record["after"]
        if after not in ("tentative", "preferred", "failed", "dadfailed", "FAILED", "deprecated"):
            return
        address = words[2].partition("/")[0]
        if address == "::1":
            return  # every host has it, and nobody is asked
        values = {
            "address": address,
            "state": "failed" if "fail" in after.lower() else after,
            "scope": "link" if address.startswith("fe80") else "global",
        }
        about, phase = join_subject(self.scene, record["at"]), "join"
        if values["state"] == "failed":
            about, phase = conflict_subject(self.scene, address, [record["at"]]), "conflict"
        yield Fact(record["t"], "ipv6-address", record["at"], values, about=about, phase=phase)


def _rows(sizes: list[int]) -> list[dict[str, Any]]:
    rows, offset = [], 0
    for number, size in enumerate(sizes):
        rows.append(
            {"bytes": size, "offset": offset // 8, "more": int(number < len(sizes) - 1), "first": offset}
        )
        offset += size
    return rows


def _say_cut(fact: Fact, words: Words) -> str:
    v = fact.values
    return words.text(
        "decision.fragmented", place=fact.place, size=sum(v["sizes"]), mtu=v["mtu"], count=len(v["sizes"])
    )


def _cut_lines(fact: Fact, words: Words) -> list[str]:
    rows = _rows(fact.values["sizes"])
    lines = [words.text("decision.line.fragment", **row) for row in rows[:LINES_MAX]]
    return [*lines, "..."] if len(rows) > LINES_MAX else lines


def _say_joined(fact: Fact, words: Words) -> str:
    v = fact.values
    return words.text("decision.reassembled", place=fact.place, count=v["fragments"], size=v["bytes"])


def _say_address(fact: Fact, words: Words) -> str:
    v = fact.values
    return words.text(f"decision.ipv6.{v['state']}", place=fact.place, address=v["address"])


KINDS: Final = (
    Kind(
        "fragmented",
        "ip",
        frozenset({"mtu", "sizes", "family"}),
        _say_cut,
        _cut_lines,
        (b'"stop":"FRAGMENT"',),
    ),
    Kind(
        "reassembled",
        "ip",
        frozenset({"fragments", "bytes", "family"}),
        _say_joined,
        needles=(b'"stop":"REASSEMBLE"',),
    ),
    Kind(
        "ipv6-address",
        "ip",
        frozenset({"address", "state", "scope"}),
        _say_address,
        needles=(b'"subject":"ipv6 address ',),
    ),
)


def readers(scene: Scene) -> Readers:
    """The readers of one story."""
    state = _Pieces(scene)
    return Readers(
        {"step:FRAGMENT": state.cut, "step:REASSEMBLE": state.joined, "state:ipv6": state.address}, {}
    )
