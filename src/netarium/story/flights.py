"""Which captured frames are one packet on its way.

A switch passes a frame on unchanged; a router changes MACs and time to live, NAT addresses and ports besides.
What stays is the rest: that is the key here, and only a node that has received a packet can pass it on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netarium.addresses import is_multicast
from netarium.story.facts import Flight
from netarium.wire.ipv4 import Ipv4Header
from netarium.wire.tcp import TcpHeader

if TYPE_CHECKING:
    from netarium.wire.ethernet import Frame

_BROADCAST = 0xFFFFFFFF
Key = tuple[object, ...]


def key_of(frame: Frame) -> Key:
    """What no switch, router or NAT changes of a packet; of everything that routers do not pass on, all of it."""
    network, transport = frame.network, frame.transport
    if (
        type(network) is not Ipv4Header
        or is_multicast(network.destination)
        or network.destination == _BROADCAST
    ):
        data = bytes(frame)
        if frame.tag >= 0:  # a switch adds and takes away the tag, and with it some padding
            data = data[:12] + data[16:]
        return (data.rstrip(b"\0"),)
    sequence = (
        (transport.sequence, transport.acknowledgment, transport.flags)
        if type(transport) is TcpHeader
        else ()
    )
    return (
        network.protocol,
        network.identification,
        network.fragment & 0x3FFF,
        sequence,
        bytes(frame.payload),
    )


class Flights:
    """The flights of a run, frame by frame."""

    def __init__(self) -> None:
        self._latest: dict[Key, Flight] = {}

    def sent(self, number: int, node: str, frame: Frame) -> tuple[Flight, bool]:
        """The flight of a frame that `node` sends, and whether it is a new one."""
        key = key_of(frame)
        flight = self._latest.get(key)
        new = flight is None or node == flight.sender or node not in flight.nodes
        if flight is None or new:
            flight = self._latest[key] = Flight(node)
        _seen(flight, number, node)
        if node not in flight.senders:
            flight.senders.append(node)
        return flight, new

    def received(self, number: int, node: str, frame: Frame) -> Flight | None:
        """The flight of a frame that `node` receives; None when its sending was not seen."""
        flight = self._latest.get(key_of(frame))
        if flight is not None:
            _seen(flight, number, node)
        return flight


def _seen(flight: Flight, number: int, node: str) -> None:
    flight.numbers.append(number)
    if node not in flight.nodes:
        flight.nodes.append(node)
