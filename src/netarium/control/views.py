"""What `control` shows of interfaces, neighbours and switches, as values to be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from netarium.link.switch import Bridge
    from netarium.stack.interface import Interface, InterfaceAddress


@dataclass(frozen=True)
class InterfaceView:
    """A line of `ip link` and `ip addr`: counters are frames, bytes (without FCS) and drops since boot."""

    number: int
    name: str
    mac: int
    mtu: int
    up: bool
    is_loopback: bool
    addresses: tuple[InterfaceAddress, ...]
    frames_in: int
    bytes_in: int
    drops_in: int
    frames_out: int
    bytes_out: int
    drops_out: int
    carrier: bool


@dataclass(frozen=True)
class NeighborView:
    """A line of `ip neigh`: `mac` is 0 while unknown; the age is the time since its owner was last heard, in ns."""

    interface: str
    address: int
    mac: int
    state: str
    age_ns: int


@dataclass(frozen=True)
class Groups:
    """What an interface hears besides its own address (`ip maddr`): MACs, IPv4 and IPv6 groups."""

    macs: Sequence[int]
    ipv4: Sequence[int]
    ipv6: Sequence[int]


class SwitchFace(Protocol):
    """What a switch shows of itself, besides the stack that one of layer 3 has."""

    @property
    def bridge(self) -> Bridge:
        """Its ports, MAC table, VLANs and spanning tree."""
        ...

    def flow_table(self) -> Sequence[tuple[int, ...]]:
        """The flow cache: VLANs in and out, IP version, source, destination, protocol, ports, packets."""
        ...


def interface_view(interface: Interface) -> InterfaceView:
    """One interface."""
    return InterfaceView(
        interface.number,
        interface.name,
        interface.mac,
        interface.mtu,
        interface.up,
        interface.is_loopback,
        tuple(interface.addresses),
        interface.frames_in,
        interface.bytes_in,
        interface.drops_in,
        interface.frames_out,
        interface.bytes_out,
        interface.drops_out,
        interface.carrier,
    )
