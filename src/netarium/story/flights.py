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
    if "fragment_offset" in record:
        return _key_of_fragments(record)
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


def _key_of_fragments(record: Record) -> Key:
    """What all fragments of a packet have, and the packet itself before a router cut it. (RFC 791 2.3)"""
    names = ("protocol", "source", "destination", "identification")
    return ("fragments", *(record.get(name) for name in names))


def _may_be_cut(record: Record) -> bool:
    """Whether the bytes of an IPv4 packet lack the bit that says don't fragment; of TCP nearly all have it."""
    if record.get("protocol") != "TCP":
        return True
    data = str(record.get("data", ""))
    at = _FLAGS_AT + (_TAG if data[_TYPE_AT : _TYPE_AT + 4] == "8100" else 0)
    return data[at : at + 1] in ("0", "1", "2", "3")


_TYPE_AT, _FLAGS_AT, _TAG = 24, 40, 8
"""Where the hexadecimal bytes of a frame have the EtherType and IPv4's flags, and how long a VLAN tag is."""


def _is_for_many(destination: str) -> bool:
    """Multicast and broadcast addresses, of both families."""
    if ":" in destination:
        return destination[:2].lower() == "ff"
    return destination == _BROADCAST or destination.partition(".")[0] in _MULTICAST_FIRST


_MULTICAST_FIRST = frozenset(str(number) for number in range(224, 240))


def _remember(known: dict[Any, Any], key: Any, value: Any) -> None:
    known.pop(key, None)
    known[key] = value
    if len(known) > FLIGHTS_MAX:
        del known[next(iter(known))]


class Flights:
    """The flights of a run, frame by frame."""

    def __init__(self) -> None:
        self._latest: dict[Key, Flight] = {}
        self._whole: dict[Key, Flight] = {}
        """Packets that a router may have to cut, by the key that their fragments will have."""
        self._by_number: dict[Key, tuple[Flight, Key, bool]] = {}
        """Packets that came in pieces, or may, by protocol and identification: their ends, and whether they did."""
        self._cuts: dict[tuple[str, Any], tuple[Flight, int]] = {}
        self.keeps_records = False
        """Whether flights keep the record of their first frame: for `--layers` and `--bytes`."""

    def sent(self, record: Record, node: str) -> tuple[Flight, bool]:
        """The flight of a frame that `node` sends, and whether it is a new one."""
        key = key_of(record)
        flight = self._latest.pop(key, None)
        offset = record.get("fragment_offset")
        if offset is not None:
            flight = flight or self._whole.get(key)
            self._is_cut(record, node)
        if flight is None and record.get("identification"):
            flight = self._rewritten(record, node)
        if offset:  # it goes with the first
            new = flight is None
        else:
            new = flight is None or node == flight.sender or node not in flight.nodes
        if flight is None or new:
            flight = Flight(node, record=record if self.keeps_records else None, key=key)
        _remember(self._latest, key, flight)
        if offset is not None:
            self._numbered(record, flight, in_pieces=True)
        elif record.get("identification") and _may_be_cut(record):
            _remember(self._whole, _key_of_fragments(record), flight)
            self._numbered(record, flight, in_pieces=False)
        flight.seen(record.get("frame"), node)
        flight.sent_by(node)
        return flight, new

    def _numbered(self, record: Record, flight: Flight, *, in_pieces: bool) -> None:
        ends = (record.get("source"), record.get("destination"))
        _remember(
            self._by_number, (record.get("protocol"), record.get("identification")), (flight, ends, in_pieces)
        )

    def _rewritten(self, record: Record, node: str) -> Flight | None:
        """The flight of a packet that NAT has put together, given another address, and sent on, in pieces or whole.

        It keeps its identification and one of its addresses, and its sender has received it.
        """
        known = self._by_number.get((record.get("protocol"), record["identification"]))
        if known is None:
            return None
        flight, (source, destination), in_pieces = known
        if not in_pieces and "fragment_offset" not in record:
            return None  # whole before and after: what is the same of it has found it, if it is the same
        if node == flight.sender or node not in flight.nodes:
            return None
        return flight if record.get("source") == source or record.get("destination") == destination else None

    def cut(self, node: str, identification: Any, size_bytes: int) -> Flight:
        """A node cuts a packet with so much data; the flight takes up the fragments when it sends them."""
        pieces = Flight(node)
        _remember(self._cuts, (node, identification), (pieces, size_bytes))
        return pieces

    def size_before_cut(self, node: str, identification: Any) -> int:
        """How much data the packet had that a node has cut; 0 when that is not known."""
        return self._cuts.get((node, identification), (None, 0))[1]

    def _is_cut(self, record: Record, node: str) -> None:
        known = self._cuts.get((node, record.get("identification")))
        if known is not None:
            known[0].seen(record.get("frame"), node)
            known[0].sent_by(node)

    def received(self, record: Record, node: str) -> Flight | None:
        """The flight of a frame that `node` receives; None when its sending was not seen."""
        flight = self.of(record)
        if flight is not None:
            flight.seen(record.get("frame"), node)
        return flight

    def is_latest(self, flight: Flight) -> bool:
        """Whether what looks like this flight's packet is taken to be that one."""
        return self._latest.get(flight.key) is flight

    def seen_again(self, flight: Flight, number: int | None, node: str, *, is_sent: bool) -> None:
        """`sent` or `received` for a packet whose flight is known to be this one, on its way."""
        if is_sent:
            _remember(self._latest, flight.key, flight)
        flight.seen(number, node)
        if is_sent:
            flight.sent_by(node)

    def of(self, record: Record) -> Flight | None:
        """The flight that a record with a frame's fields belongs to, if it is remembered."""
        return self._latest.get(key_of(record))
