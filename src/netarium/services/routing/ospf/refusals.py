"""What keeps a router that is heard from becoming a neighbor, in words that say what to do about it.

Read first: RFC 2328 8.2 and 10.5 (what has to agree), 10.6 (MTU), appendix C. The RFC drops such packets in silence.
Each thing is told once for each router it is wrong with, and counted; `vtysh` lists them. What was right in between is
told again, but not for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from netarium.addresses import ipv4_text

if TYPE_CHECKING:
    from netarium.services.routing.ospf.interface import OspfInterface

KEPT_MAX: Final = 256
"""So many are kept at most: addresses of what comes by a wire can be anything."""
TOLD_MAX: Final = 3
"""So often one thing is told of one router that is wrong, right, and wrong again."""


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
        self.told: Final[dict[tuple[str, int, str], int]] = {}
        """How often each was told; what is mended stays here."""
        self.tell: Callable[[Refusal], None] | None = None

    def add(
        self, interface: OspfInterface, router_id: int, address: int, about: str, why: str, remedy: str
    ) -> None:
        """A packet was not taken: `why` says it of its sender, `remedy` what to do."""
        instance = interface.instance
        instance.count(about)
        key = (interface.name, address, about)
        found = self.entries.get(key)
        is_new = found is None
        if found is None:
            if len(self.entries) >= KEPT_MAX:
                return
            found = self.entries[key] = Refusal(interface.name, router_id, address, about, why, remedy)
        found.router_id, found.why, found.remedy = router_id, why, remedy
        found.packets += 1
        found.last_ns = instance.alarms.now
        if is_new and self.tell is not None and self._may_tell(key):
            self.tell(found)

    def _may_tell(self, key: tuple[str, int, str]) -> bool:
        """Whether it was told not too often; packets by a wire must not make notices without end."""
        count = self.told.get(key, 0)
        if count >= TOLD_MAX or (not count and len(self.told) >= KEPT_MAX):
            return False
        self.told[key] = count + 1
        return True

    def settled(self, interface: OspfInterface, about: str) -> None:
        """This is wrong with nobody at the interface any more."""
        for key in [key for key in self.entries if key[0] == interface.name and key[2] == about]:
            del self.entries[key]

    def mended(self, interface: OspfInterface, address: int) -> None:
        """Its hellos are taken: what was wrong with them is so no more."""
        for about in HELLO_TROUBLES:
            self.entries.pop((interface.name, address, about), None)
