"""Addresses as users write them in a lab, checked: what no interface can have is refused with what would be right.

The reading is `netarium.addresses`'; here stand the rules for configuring: an interface's address is a host's, has its
prefix length, and lies within the network.
"""

from __future__ import annotations

from netarium.addresses import (
    MAC_GROUP_BIT,
    InterfaceAddress,
    Prefix,
    ip_text,
    is_loopback,
    is_multicast,
    is_this_network,
    mac_text,
    parse_ip,
    parse_mac,
)
from netarium.errors import UsageError


def interface_address(text: str) -> InterfaceAddress:
    """The address and prefix of `a.b.c.d/n`. Raises UsageError for what no interface can have."""
    given = InterfaceAddress.parse(text)
    _refuse_ipv6(text, given.family)
    number, prefix = given.address, given.prefix
    kind = _not_a_hosts(number)
    if kind:
        raise UsageError(f"{text} is {kind}; give an address that a host can have")
    if not prefix.is_host(number):
        what = "the network's own address" if number == prefix.network else "the broadcast address"
        first, last = ip_text(4, prefix.first_host), ip_text(4, prefix.last_host)
        raise UsageError(f"{text} is {what} of {prefix}; an interface's address lies from {first} to {last}")
    return given


def plain_address(text: str) -> int:
    """The 32 bits of a dotted quad. Raises UsageError."""
    family, number = parse_ip(text)
    _refuse_ipv6(text, family)
    return number


def route_prefix(text: str) -> Prefix:
    """The block of `a.b.c.d/n`, or of `default`. Raises UsageError."""
    if text == "default":
        return Prefix(0, 0)
    block = Prefix.parse(text)
    _refuse_ipv6(text, block.family)
    return block


def card_address(text: str) -> int:
    """The 48 bits of a MAC address that one card can have. Raises UsageError."""
    mac = parse_mac(text)
    if mac & MAC_GROUP_BIT or mac == 0:
        raise UsageError(f"{mac_text(mac)} cannot be a card's address: it is zero or a group's")
    return mac


def _not_a_hosts(address: int) -> str:
    if is_loopback(address):
        return "a loopback address"
    if is_this_network(address):
        return "in 0.0.0.0/8, which names no host"
    if is_multicast(address):
        return "a multicast address"
    return "in the reserved range 240.0.0.0/4" if address >> 28 == 15 else ""


def _refuse_ipv6(text: str, family: int) -> None:
    if family != 4:
        raise UsageError(f"{text!r} is of IPv6, and here an IPv4 address is wanted, such as 192.168.1.1/24")
