"""What a rule says about a frame: a verdict; and how a rule and the direction it stands in see each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from netarium.journey import Drop

if TYPE_CHECKING:
    from netarium.link.port import Port
    from netarium.wire.ethernet import Frame


class Verdict:
    """One rule's word on one frame. A drop ends it; everything else adds up over the rules of a direction.

    - `drop`: the reason it is lost, or None;
    - `delay_ns`: added to the cable's delay, may be negative (never below no delay at all); keeps the order;
    - `hold_ns`: held back this long while later frames overtake it; 0: it keeps its place;
    - `duplicate`: a second copy follows it at once;
    - `flip`: which bit changes on the way, as any integer >= 0 (taken modulo the number of bits); -1: none;
    - `after_fcs`: the flip happens where no FCS covers it (a faulty switch or memory), so that the NIC
      accepts the frame and only the checksums above can tell. Otherwise the receiving NIC finds the FCS
      wrong.
    """

    __slots__ = ("after_fcs", "delay_ns", "drop", "duplicate", "flip", "hold_ns")

    def __init__(
        self,
        drop: Drop | None = None,
        *,
        delay_ns: int = 0,
        hold_ns: int = 0,
        duplicate: bool = False,
        flip: int = -1,
        after_fcs: bool = False,
    ) -> None:
        self.drop: Final = drop
        self.delay_ns: Final = delay_ns
        self.hold_ns: Final = hold_ns
        self.duplicate: Final = duplicate
        self.flip: Final = flip
        self.after_fcs: Final = after_fcs

    def __repr__(self) -> str:
        return (
            f"Verdict({self.drop}, after_fcs={self.after_fcs}, delay_ns={self.delay_ns}, duplicate={self.duplicate}, "
            f"flip={self.flip}, hold_ns={self.hold_ns})"
        )


LOST: Final = Verdict(Drop.RULE_LOSS)
DROPPED: Final = Verdict(Drop.RULE_DROP)
PARTED: Final = Verdict(Drop.PARTITION)
DOUBLED: Final = Verdict(duplicate=True)


class Way(Protocol):
    """One direction of a cable, as a rule sees it."""

    name: str
    sender: Port
    receiver: Port

    @property
    def hold_max_ns(self) -> int:
        """How long a frame is held back at most to be overtaken, unless the rule says otherwise."""
        ...


class Rule(Protocol):
    """Somebody with a word on every frame of a direction. It keeps state of their own, never the frame's."""

    def judge(self, frame: Frame, now: int, direction: Way) -> Verdict | None:
        """What happens to `frame`, sent at `now`; None lets it pass."""
        ...
