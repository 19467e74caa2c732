"""Lines that only show a packet once more that is known already: told apart by their bytes, without parsing them.

A packet is sent and received over each cable of its way; between two routers nothing of it changes, so those lines have
the same bytes from `"mac_source"` on. The first is read as JSON, the others are found by these bytes: most lines of a
long trace are such. What is not sure is parsed.
"""

from __future__ import annotations

import re
from typing import Final

from netarium.story.facts import Flight
from netarium.story.scene import Scene

SIGHTS_MAX: Final = 8192
"""So many of these pieces of bytes are remembered; the one longest unused is forgotten first."""
_HEAD: Final = re.compile(
    rb'\{"t":([0-9]+),"event":"(sent|received)","at":"([^":\\]+)(:[^"\\]*)?",(?:"frame":([0-9]+),)?$'
)
_BEGIN: Final = b'"mac_source":'
_DATA: Final = b',"data":"'


class Sights:
    """The packets under way, by the bytes of their lines."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._flights = scene.flights
        self._known: dict[bytes, Flight] = {}
        self._line = b""

    def takes(self, line: bytes) -> bool:
        """Take from a whole line what it says, where it only shows a known TCP segment once more; else it is parsed."""
        at = line.find(_BEGIN)
        if at < 0:
            self._line = b""
            return False
        end = line.find(_DATA, at)
        self._line = key = line[at:end] if end > 0 else line[at:-2]
        flight = self._known.get(key)
        if flight is None or (end > 0 and not line.endswith(b'"}\n')) or not self._flights.is_latest(flight):
            return False
        head = _HEAD.match(line[:at])
        if head is None:
            return False
        time, event, name, port, number = head.groups()
        node, is_sent = name.decode(), event == b"sent"
        if is_sent and (node == flight.sender or node not in flight.nodes):
            return False  # that is another packet
        scene = self._scene
        scene.now_ns = int(time)
        if is_sent:
            scene.saw(node + (port or b"").decode())
        self._flights.seen_again(flight, None if number is None else int(number), node, is_sent=is_sent)
        scene.touch_flight(node, flight)
        return True

    def learn(self, flight: Flight, record: dict[str, object]) -> None:
        """The line that was asked for last was parsed, and shows this flight."""
        if self._line and record.get("protocol") == "TCP" and "fragment_offset" not in record:
            known = self._known
            known.pop(self._line, None)
            known[self._line] = flight
            if len(known) > SIGHTS_MAX:
                del known[next(iter(known))]
        self._line = b""
