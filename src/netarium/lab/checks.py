"""What is looked at before time passes: errors of the net as a whole, and what is allowed and hardly ever meant."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from netarium.lab.boxes import Box, Host
from netarium.lab.layer2 import bridging_loops, broadcast_domains
from netarium.lab.notices import Notice
from netarium.lab.services import overlap_notices
from netarium.lab.switches import vlan_notices
from netarium.lab.topology import check_addresses

if TYPE_CHECKING:
    from netarium.link.cable import Cable


def check_net(boxes: Collection[Box], cables: Sequence[Cable]) -> list[Notice]:
    """The notices of these boxes and cables. Raises UsageError for what cannot be."""
    check_addresses(boxes, cables)
    notices = [
        Notice(
            f"{cable} closes a loop of switches: a broadcast circulates there for ever; leave one cable out",
            cable,
        )
        for cable in bridging_loops(boxes, cables)
    ]
    notices += vlan_notices(cables)
    if any(isinstance(box, Host) and box.routing is not None for box in boxes):
        from netarium.lab.routing import check_router_ids

        check_router_ids(boxes, cables)
    if any(isinstance(box, Host) and box.dhcp is not None for box in boxes):
        notices += overlap_notices(broadcast_domains(boxes, cables))
    return notices
