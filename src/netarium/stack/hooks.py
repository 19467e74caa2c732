"""The five places where `filter/` may look at a packet, as in netfilter; all None while nobody does.

A hook is called with (frame, interface_in, interface_out) and returns the frame, another frame in its place, or None
when it has dropped it (and counted the drop itself). MACs of the frame mean nothing there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from netarium.stack.filter.filter import Filter
    from netarium.stack.interface import Interface
    from netarium.wire.ethernet import Frame

    Hook = Callable[[Frame, Interface | None, Interface | None], Frame | None]
    Chain = list[tuple[int, Hook]]

PLACES: Final = ("prerouting", "input", "forward", "output", "postrouting")


class Hooks:
    """The chains of one stack for IPv4; `ipv6` has those for IPv6. `outgoing` tells whether any looks at packets on the
    way out, `idle` that none looks anywhere; `filter` is who put hooks there, None while nobody did.
    """

    __slots__ = (
        "filter", "forward", "idle", "input", "ipv6", "outgoing", "output", "postrouting", "prerouting", "reassembled",
    )  # fmt: skip

    def __init__(self, family: int = 4) -> None:
        self.ipv6: Final[Hooks] = Hooks(6) if family == 4 else self
        self.prerouting: Chain | None = None
        self.input: Chain | None = None
        self.forward: Chain | None = None
        self.output: Chain | None = None
        self.postrouting: Chain | None = None
        self.outgoing = False
        self.idle = True
        self.filter: Filter | None = None
        self.reassembled = -1
        """Of IPv6: the identification of the present packet, where a hook has put its fragments together."""

    def add(self, place: str, priority: int, hook: Hook) -> None:
        """Call `hook` at `place` (one of PLACES), smaller priorities first, equal ones in order of adding."""
        chain: Chain = [*(getattr(self, place) or []), (priority, hook)]
        chain.sort(key=lambda each: each[0])
        self._set(place, chain)

    def remove(self, place: str, hook: Hook) -> None:
        """Call `hook` at `place` no more."""
        chain = [each for each in getattr(self, place) or [] if each[1] != hook]
        self._set(place, chain or None)

    def _set(self, place: str, chain: Chain | None) -> None:
        setattr(self, place, chain)
        self.outgoing = self.output is not None or self.postrouting is not None
        self.idle = all(getattr(self, each) is None for each in PLACES)

    def run(
        self, chain: Chain, frame: Frame, interface_in: Interface | None, interface_out: Interface | None
    ) -> Frame | None:
        """What the chain leaves of `frame`; None when a hook dropped it."""
        for _, hook in chain:
            judged = hook(frame, interface_in, interface_out)
            if judged is None:
                return None
            frame = judged
        return frame
