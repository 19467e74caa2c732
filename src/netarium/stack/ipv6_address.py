"""What an IPv6 address is: scopes, well-known groups, the address of an interface and its life.

Read first: RFC 4291 2.4 to 2.7 (kinds), RFC 4862 5.4 and 5.5 (tentative, preferred, deprecated), RFC 4007 (scopes).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netarium.addresses import ipv6_text
from netarium.stack.timers import NEVER, TimerOwner

if TYPE_CHECKING:
    from netarium.stack.ipv6_interface import Ipv6Interface

LOOPBACK: Final = 1
ALL_NODES: Final = 0xFF02 << 112 | 1
ALL_ROUTERS: Final = 0xFF02 << 112 | 2
ALL_MLD_ROUTERS: Final = 0xFF02 << 112 | 0x16
SOLICITED_NODE: Final = 0xFF02 << 112 | 0x1FF000000
LINK_LOCAL_PREFIX: Final = 0xFE80 << 112
MAPPED: Final = 0xFFFF << 32
"""::ffff:0:0/96: how a dual-stack socket writes an IPv4 address (RFC 4291 2.5.5.2)."""
HOST_MASK: Final = (1 << 64) - 1

# Scopes, by the numbers of multicast addresses (RFC 4291 2.7).
SCOPE_INTERFACE: Final = 1
SCOPE_LINK: Final = 2
SCOPE_SITE: Final = 5
SCOPE_GLOBAL: Final = 14

# The states, in `ip addr`'s words; PREFERRED is shown as none.
TENTATIVE: Final = "tentative"
OPTIMISTIC: Final = "optimistic"
PREFERRED: Final = ""
DEPRECATED: Final = "deprecated"
FAILED: Final = "dadfailed"


def is_multicast(address: int) -> bool:
    """Whether it lies in ff00::/8."""
    return address >> 120 == 0xFF


def is_link_local(address: int) -> bool:
    """Whether it lies in fe80::/10: it means something only on one link."""
    return address >> 118 == 0x3FA


def is_mapped(address: int) -> bool:
    """Whether it is an IPv4 address in a dual-stack socket's words."""
    return address >> 32 == 0xFFFF


def scope_of(address: int) -> int:
    """How far it is known, as the number in multicast addresses; ::1 counts as link-local (RFC 6724 3.1)."""
    if address >> 120 == 0xFF:
        return address >> 112 & 0xF
    if address >> 118 == 0x3FA or address == LOOPBACK:
        return SCOPE_LINK
    if address >> 118 == 0x3FB:
        return SCOPE_SITE
    return SCOPE_GLOBAL


def needs_link(address: int) -> bool:
    """Whether only an interface makes it unique: link-local, or a group of the link."""
    return address >> 118 == 0x3FA or (address >> 120 == 0xFF and address >> 112 & 0xF <= SCOPE_LINK)


def solicited_node(address: int) -> int:
    """The group whose members may have this address (RFC 4291 2.7.1)."""
    return SOLICITED_NODE | (address & 0xFFFFFF)


def group_mac(group: int) -> int:
    """The MAC of an IPv6 group (RFC 2464 7)."""
    return 0x333300000000 | (group & 0xFFFFFFFF)


def interface_identifier(mac: int) -> int:
    """The modified EUI-64 of a MAC: the lower half of its link-local and SLAAC addresses (RFC 4291 appendix A)."""
    return (mac >> 24 << 40 | 0xFFFE << 24 | (mac & 0xFFFFFF)) ^ 1 << 57


class Ipv6Address(TimerOwner):
    """An address of an interface, with its state and lifetimes (absolute, in ns; NEVER for ever).

    `probes_left` counts the probes of duplicate address detection still to be sent; -1 when it is over. `origin` is
    "static", "link-local" or "ra".
    """

    __slots__ = (
        "address", "length", "mask", "network", "origin", "owner", "preferred_until_ns", "probes_left", "state",
        "valid_until_ns",
    )  # fmt: skip

    def __init__(self, owner: Ipv6Interface, address: int, length: int, origin: str) -> None:
        super().__init__()
        self.owner: Final = owner
        self.address: Final = address
        self.length: Final = length
        self.mask: Final = ((1 << length) - 1) << (128 - length)
        self.network: Final = address & self.mask
        self.origin: Final = origin
        self.state = TENTATIVE
        self.probes_left = -1
        self.preferred_until_ns = NEVER
        self.valid_until_ns = NEVER

    @property
    def is_usable(self) -> bool:
        """Whether packets may be sent from it and are taken for it."""
        return self.state not in (TENTATIVE, FAILED)

    def on_timer(self, now: int) -> None:
        """The next probe, the end of detection, or the end of a lifetime."""
        self.owner.address_timer(self, now)

    def is_foreground(self) -> bool:
        """No run waits for the life of an address."""
        return False

    def __repr__(self) -> str:
        return f"<{ipv6_text(self.address)}/{self.length} {self.state or 'preferred'}>"
