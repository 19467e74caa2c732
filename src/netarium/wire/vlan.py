"""The fields of an 802.1Q tag (IEEE 802.1Q, 9.6): priority, drop eligible, VLAN.

    0                   1
    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5
    PCP   D VID (12 bits)

`Frame.tag` holds the 16 bits as one integer, or -1 for an untagged frame.
"""

from __future__ import annotations

from typing import Final

from netarium.errors import UsageError

VLAN_MIN: Final = 1
VLAN_MAX: Final = 4094
UNTAGGED: Final = -1
PRIORITY_ONLY: Final = 0
"""VLAN 0: the tag tells a priority only, the VLAN is that of an untagged frame."""
DROP_ELIGIBLE: Final = 0x1000


def tag_of(vlan: int, priority: int = 0, drop_eligible: bool = False) -> int:
    """The tag of VLAN 0 to 4094 with priority 0 to 7."""
    if not 0 <= vlan <= VLAN_MAX:
        raise UsageError(f"VLAN {vlan} does not exist; use {VLAN_MIN} to {VLAN_MAX}")
    if not 0 <= priority <= 7:
        raise UsageError(f"priority {priority} does not exist; use 0 to 7")
    return priority << 13 | (DROP_ELIGIBLE if drop_eligible else 0) | vlan


def vlan_of(tag: int) -> int:
    """The VLAN of a tag, 0 to 4095."""
    return tag & 0xFFF


def priority_of(tag: int) -> int:
    """The priority of a tag, 0 to 7."""
    return tag >> 13 & 7


def is_drop_eligible(tag: int) -> bool:
    """Whether this frame goes first where there is no room."""
    return bool(tag & DROP_ELIGIBLE)
