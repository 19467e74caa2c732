"""What the user should know and did not ask for: of the net as drawn, and of what its own daemons find while it runs.

Each notice is about a node or a cable. Where that comes from a lab file, file and line go before the text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Notice(NamedTuple):
    """A text, and the name of the node or cable (`s1:p2--s2:p1`) it is about."""

    text: str
    about: str


class Notices:
    """The notices of one net. Who is in `listeners` is told of those that come while it runs."""

    def __init__(self) -> None:
        self.places: dict[str, str] = {}
        """Node or cable -> `lab.yaml:12`."""
        self.listeners: list[Callable[[str], None]] = []
        self._drawn: list[Notice] = []
        self._run: dict[Notice, None] = {}

    def lines(self) -> list[str]:
        """All of them, those of the net as drawn first."""
        return [self._told(each) for each in (*self._drawn, *self._run)]

    def draw(self, found: list[Notice]) -> None:
        """Take the place of what was found of the net as it was drawn before."""
        self._drawn = found

    def add(self, text: str, about: str) -> None:
        """Something has been found while the net runs; the same thing is told once."""
        notice = Notice(text, about)
        if notice not in self._run:
            self._run[notice] = None
            for tell in self.listeners:
                tell(self._told(notice))

    def _told(self, notice: Notice) -> str:
        place = self.places.get(notice.about)
        return notice.text if place is None else f"{place}: {notice.text}"
