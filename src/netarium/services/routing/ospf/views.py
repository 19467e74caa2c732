"""What ospfd shows of itself, for `vtysh`: its neighbors, and who is heard and is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from netarium.services.routing.ospf.constants import STATE_NAMES

if TYPE_CHECKING:
    from netarium.services.routing.ospf.instance import Instance
    from netarium.services.routing.ospf.neighbor import Neighbor


@dataclass(frozen=True)
class NeighborView:
    """A line of `show ip ospf neighbor`; `role` is what it is on the link: DR, Backup, DROther, or - (point-to-point).

    `up_ns` since its state last changed, `dead_ns` until it counts as gone. Then the lengths of the lists of LSAs that
    are to be acknowledged, asked for and described.
    """

    router_id: int
    priority: int
    state: str
    role: str
    up_ns: int
    dead_ns: int
    address: int
    interface: str
    own_address: int
    retransmitting: int
    requesting: int
    describing: int


@dataclass(frozen=True)
class RefusedView:
    """A router whose packets are not taken: why, what to do, how many, and how long ago the last one came, in ns."""

    router_id: int
    address: int
    interface: str
    about: str
    why: str
    remedy: str
    packets: int
    age_ns: int


@dataclass(frozen=True)
class OspfView:
    """What there is to show of one router's OSPF."""

    router_id: int
    neighbors: tuple[NeighborView, ...]
    refused: tuple[RefusedView, ...]


def neighbors_of(instance: Instance, now: int) -> OspfView:
    """As it is at `now`, in ns."""
    neighbors = [
        _view(each, now)
        for interface in instance.interfaces.values()
        for each in interface.neighbors.values()
    ]
    refused = [
        RefusedView(
            each.router_id, each.address, each.interface, each.about, each.why, each.remedy, each.packets,
            now - each.last_ns,
        )
        for each in instance.refusals.entries.values()
    ]  # fmt: skip
    return OspfView(instance.router_id, tuple(neighbors), tuple(refused))


def _view(neighbor: Neighbor, now: int) -> NeighborView:
    interface = neighbor.interface
    return NeighborView(
        neighbor.router_id,
        max(neighbor.priority, 0),
        STATE_NAMES[neighbor.state],
        _role(neighbor),
        now - neighbor.since_ns,
        neighbor.heard_ns + interface.dead_ns - now,
        neighbor.address,
        interface.name,
        interface.link.address,
        len(neighbor.retransmission),
        len(neighbor.requests),
        len(neighbor.summary),
    )


def _role(neighbor: Neighbor) -> str:
    interface = neighbor.interface
    if interface.is_point_to_point:
        return "-"
    if neighbor.address == interface.designated:
        return "DR"
    return "Backup" if neighbor.address == interface.backup else "DROther"
