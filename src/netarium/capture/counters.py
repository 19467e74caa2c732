"""Drops by reason: for the summary line of a run. Frames sent are counted by the ports themselves, at no cost
here.
"""

from __future__ import annotations

from netarium.journey import Drop, FrameLike


class Counters:
    """An observer that counts drops; `drops` has those that occurred, in the order of their first occurrence."""

    __slots__ = ("drops",)

    def __init__(self) -> None:
        self.drops: dict[Drop, int] = {}

    def drop(self, now: int, place: str, reason: Drop, frame: FrameLike | None, detail: str) -> None:
        """Count one drop."""
        self.drops[reason] = self.drops.get(reason, 0) + 1

    @property
    def dropped(self) -> int:
        """How many there were of all reasons."""
        return sum(self.drops.values())

    def by_name(self) -> dict[str, int]:
        """Counts by the reason's name, in the order in which `journey.Drop` lists them."""
        return {reason.name: self.drops[reason] for reason in Drop if reason in self.drops}
