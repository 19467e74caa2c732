"""What keeps a router that is heard from becoming a neighbor, in words that say what to do about it.

Read first: RFC 2328 8.2 and 10.5 (what has to agree), 10.6 (MTU), appendix C. The RFC drops such packets in silence.
Each thing is told once for each router it is wrong with, and counted; `vtysh` lists them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from netarium.addresses import ipv4_text

if TYPE_CHECKING:
    from netarium.services.routing.ospf.interface import OspfInterface

KEPT_MAX: Final = 256
"""So many are told at most: addresses of what comes by a wire can be anything."""


HELLO_TROUBLES: Final = (
    "area", "authentication", "dead interval", "hello interval", "mask", "network", "router id", "stub area",
)  # fmt: skip


@dataclass
class Refusal:
    """One thing that is wrong with one router; `packets` were not taken for it, the last one at `last_ns`."""

    interface: str
    router_id: int
    address: int
    about: str
    """In a word: what the packets are counted by in `Instance.counts`."""
    why: str
    remedy: str
    packets: int = 0
    last_ns: int = 0

    def __str__(self) -> str:
        who = f"{ipv4_text(self.router_id)} ({ipv4_text(self.address)})"
        return f"{self.interface}: {who} {self.why}; {self.remedy}"


class Refusals:
    """What is wrong on one router's links, by (interface, address, what it is about), in order of coming."""

    def __init__(self) -> None:
        self.entries: Final[dict[tuple[str, int, str], Refusal]] = {}
        self.tell: Callable[[Refusal], None] | None = None

    def add(
        self, interface: OspfInterface, router_id: int, address: int, about: str, why: str, remedy: str
    ) -> None:
        """A packet was not taken: `why` says it of its sender, `remedy` what to do."""
        instance = interface.instance
        instance.count(about)
        key = (interface.name, address, about)
        found = self.entries.get(key)
        is_new = found is None or found.why != why
        if found is None:
            if len(self.entries) >= KEPT_MAX:
                return
            found = self.entries[key] = Refusal(interface.name, router_id, address, about, why, remedy)
        found.router_id, found.why, found.remedy = router_id, why, remedy
        found.packets += 1
        found.last_ns = instance.alarms.now
        if is_new and self.tell is not None:
            self.tell(found)

    def mended(self, interface: OspfInterface, address: int) -> None:
        """Its hellos are taken: what was wrong with them is so no more."""
        for about in HELLO_TROUBLES:
            self.entries.pop((interface.name, address, about), None)
