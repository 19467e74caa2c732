"""Which captured frames are one packet on its way.

A switch passes a frame on unchanged; a router changes MACs and time to live, NAT addresses and ports besides.
What stays is the rest: that is the key here, and only a node that has received a packet can pass it on.
"""

from __future__ import annotations

from typing import Any, Final

from netarium.story.facts import Flight

FLIGHTS_MAX: Final = 8192
"""So many packets are remembered; the one longest unseen is forgotten first."""
_BROADCAST = "255.255.255.255"
Key = tuple[object, ...]
Record = dict[str, Any]


def key_of(record: Record) -> Key:
    """What no switch, router or NAT changes of a packet; of what routers do not pass on, all that is recorded."""
    destination = record.get("destination", "")
    crc = record.get("crc")
    if record.get("ttl") is None or _is_for_many(destination):
        return (
            record.get("mac_source"),
            record.get("mac_destination"),
            record.get("protocol", record.get("ethertype")),
            record.get("operation"),
            record.get("source"),
            destination,
            record.get("identification"),
            record.get("bpdu"),
            crc if record.get("protocol") != "ARP" else record.get("target_mac"),
        )
    return (
        record.get("protocol"),
        record.get("identification"),
        record.get("fragment_offset"),
        record.get("seq"),
        record.get("ack"),
        record.get("flags"),
        record.get("type"),
        record.get("length"),
        crc,
    )


def _is_for_many(destination: str) -> bool:
    """Multicast and broadcast addresses, of both families."""
    if ":" in destination:
        return destination[:2].lower() == "ff"
    return destination == _BROADCAST or destination.partition(".")[0] in _MULTICAST_FIRST


_MULTICAST_FIRST = frozenset(str(number) for number in range(224, 240))


class Flights:
    """The flights of a run, frame by frame."""

    def __init__(self) -> None:
        self._latest: dict[Key, Flight] = {}
        self.keeps_records = False
        """Whether flights keep the record of their first frame: for `--layers` and `--bytes`."""

    def sent(self, record: Record, node: str) -> tuple[Flight, bool]:
        """The flight of a frame that `node` sends, and whether it is a new one."""
        key = key_of(record)
        flight = self._latest.pop(key, None)
        new = flight is None or node == flight.sender or node not in flight.nodes
        if flight is None or new:
            flight = Flight(node, record=record if self.keeps_records else None)
        self._latest[key] = flight
        if len(self._latest) > FLIGHTS_MAX:
            del self._latest[next(iter(self._latest))]
        flight.seen(record.get("frame"), node)
        flight.sent_by(node)
        return flight, new

    def received(self, record: Record, node: str) -> Flight | None:
        """The flight of a frame that `node` receives; None when its sending was not seen."""
        flight = self.of(record)
        if flight is not None:
            flight.seen(record.get("frame"), node)
        return flight

    def of(self, record: Record) -> Flight | None:
        """The flight that a record with a frame's fields belongs to, if it is remembered."""
        return self._latest.get(key_of(record))
