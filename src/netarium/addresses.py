"""MAC and IP addresses: integers inside, text and small types at the edges.

    parse_mac, mac_text        48 bits; `MacGenerator` hands out addresses for a net
    parse_ipv4, ipv4_text      32 bits
    parse_ipv6, ipv6_text      128 bits (RFC 4291, 2.2; printed as RFC 5952)
    parse_ip, ip_text          either family
    Prefix, InterfaceAddress   `192.168.15.0/24`, `192.168.15.68/24`
    is_private ...             what kind of address it is (RFC 1918, RFC 6890)

The two families never mix: who holds an integer knows its family. Every refusal is an `AddressError` that
says what would be right.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Final

from netarium.errors import UsageError

MAC_MAX: Final = (1 << 48) - 1
IPV4_MAX: Final = (1 << 32) - 1
IPV6_MAX: Final = (1 << 128) - 1
MAC_LOCAL_BIT: Final = 0x0200_0000_0000
"""Set in addresses that no manufacturer has given out (IEEE 802, 8.2)."""
MAC_GROUP_BIT: Final = 0x0100_0000_0000
"""Set in addresses of groups of stations."""

_MAC_FORMS: Final = "six bytes such as 58:20:b1:44:99:db, 58-20-B1-44-99-DB or 5820.b144.99db"
_MAC: Final = re.compile(r"[0-9a-fA-F]{2}(?:(?::[0-9a-fA-F]{2}){5}|(?:-[0-9a-fA-F]{2}){5})")
_MAC_CISCO: Final = re.compile(r"[0-9a-fA-F]{4}(?:\.[0-9a-fA-F]{4}){2}")
_NUMBER: Final = re.compile(r"[0-9]+")


class AddressError(UsageError, ValueError):
    """A text or number that is no such address; the message says what would be right."""


# MAC addresses


def parse_mac(text: str) -> int:
    """The 48-bit integer of `58-20-B1-44-99-DB`, `58:20:b1:44:99:db` or `5820.b144.99db`."""
    if _MAC.fullmatch(text) or _MAC_CISCO.fullmatch(text):
        return int(re.sub("[:.-]", "", text), 16)
    digits = re.sub("[:.-]", "", text)
    if not re.fullmatch("[0-9a-fA-F]*", digits):
        why = "has characters that are no hexadecimal digits"
    elif len(digits) != 12:
        why = f"has {len(digits)} hexadecimal digits instead of 12"
    else:
        why = "is not grouped by one kind of separator"
    raise AddressError(f"MAC address {text!r} {why}; write {_MAC_FORMS}")


def mac_text(mac: int, separator: str = ":") -> str:
    """`58:20:b1:44:99:db`; with `-` as separator as Windows prints it, `58-20-B1-44-99-DB`."""
    text = mac.to_bytes(6, "big").hex(separator)
    return text.upper() if separator == "-" else text


def mac_vendor(mac: int) -> int:
    """The first three bytes: the manufacturer's number (OUI)."""
    return mac >> 24


def mac_serial(mac: int) -> int:
    """The last three bytes: the manufacturer's own number of the card."""
    return mac & 0xFF_FFFF


def half_mac_text(half: int, separator: str = ":") -> str:
    """Three bytes of a MAC address, a vendor or serial: `58-20-B1`."""
    text = half.to_bytes(3, "big").hex(separator)
    return text.upper() if separator == "-" else text


class MacGenerator:
    """Locally administered unicast addresses for one net, from 02:00:00:00:00:01 on. None comes twice."""

    __slots__ = ("_last", "_taken")

    def __init__(self) -> None:
        self._last = MAC_LOCAL_BIT
        self._taken: set[int] = set()

    def next(self) -> int:
        """An address that was neither handed out nor reserved."""
        mac = self._last + 1
        while mac in self._taken:
            mac += 1
        if mac & MAC_GROUP_BIT:
            raise AddressError("all locally administered MAC addresses of this net are in use")
        self._last = mac
        return mac

    def reserve(self, mac: int) -> None:
        """Take an address that somebody has chosen, so that it is not handed out."""
        if mac in self._taken or MAC_LOCAL_BIT < mac <= self._last:
            raise AddressError(f"MAC address {mac_text(mac)} is in use already; choose another or none")
        if mac & MAC_GROUP_BIT or not 0 < mac <= MAC_MAX:
            raise AddressError(f"{mac_text(mac)} cannot be a card's address: it is zero or a group's")
        self._taken.add(mac)


# IP addresses


def parse_ipv4(text: str) -> int:
    """The 32-bit integer of `10.0.0.1`: four decimal numbers of 0 to 255, without leading zeros."""
    parts = text.split(".")
    value = 0
    for part in parts:
        if not _NUMBER.fullmatch(part):
            raise _not_ipv4(text, f"{part!r} is no decimal number" if part else "a number is missing")
        if len(part) > 1 and part[0] == "0":
            raise _not_ipv4(text, f"{part} has a leading zero, which some read as octal")
        if len(part) > 3 or int(part) > 255:
            raise _not_ipv4(text, f"{part} is more than 255")
        value = value << 8 | int(part)
    if len(parts) != 4:
        raise _not_ipv4(text, f"it has {len(parts)} number{'s' if len(parts) > 1 else ''} instead of 4")
    return value


def _not_ipv4(text: str, why: str) -> AddressError:
    return AddressError(
        f"{text!r} is no IPv4 address: {why}; write four numbers of 0 to 255 such as 192.168.15.68"
    )


def ipv4_text(address: int) -> str:
    """`10.0.0.1`."""
    return f"{address >> 24}.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}"


def parse_ipv6(text: str) -> int:
    """The 128-bit integer of `2001:db8::1`. A zone such as `%eth0` is refused: it is no part of it."""
    try:
        if "%" in text:
            raise ValueError("it has a zone")
        return int(ipaddress.IPv6Address(text))
    except ValueError as error:
        raise AddressError(f"{text!r} is no IPv6 address: {error}; write one such as 2001:db8::1") from None


def ipv6_text(address: int) -> str:
    """`2001:db8::1`, as short as RFC 5952 asks for."""
    return str(ipaddress.IPv6Address(address))


def parse_ip(text: str) -> tuple[int, int]:
    """(family, integer) of an address of either family; the family is 4 or 6."""
    return (6, parse_ipv6(text)) if ":" in text else (4, parse_ipv4(text))


def ip_text(family: int, address: int) -> str:
    """The text of an address of family 4 or 6."""
    return ipv4_text(address) if family == 4 else ipv6_text(address)


# Masks


def mask_of(length: int) -> int:
    """The IPv4 mask of a prefix length: 24 gives 255.255.255.0 as an integer."""
    if not 0 <= length <= 32:
        raise AddressError(f"an IPv4 prefix length of {length}; use 0 to 32")
    return IPV4_MAX << (32 - length) & IPV4_MAX


def length_of(mask: int) -> int:
    """The prefix length of an IPv4 mask. AddressError unless it is ones followed by zeros."""
    length = mask.bit_count()
    if not 0 <= mask <= IPV4_MAX or mask != mask_of(length):
        raise AddressError(
            f"{ipv4_text(mask & IPV4_MAX)} is no mask: its ones must stand before its zeros, "
            "as in 255.255.255.0"
        )
    return length


def length_for_hosts(hosts: int) -> int:
    """The longest IPv4 prefix length with room for so many hosts, network and broadcast address beside them."""
    for length in range(30, -1, -1):
        if (1 << (32 - length)) - 2 >= hosts:
            return length
    raise AddressError(f"no IPv4 prefix has room for {hosts} hosts")


def _parse_length(text: str, bits: int, whole: str) -> int:
    """A prefix length, or for IPv4 a mask."""
    if _NUMBER.fullmatch(text) and len(text) <= 3 and int(text) <= bits:
        return int(text)
    if bits == 32 and "." in text:
        return length_of(parse_ipv4(text))
    raise AddressError(f"{whole!r}: {text!r} is no prefix length; write a number from 0 to {bits}")


class Prefix:
    """A block of addresses: `192.168.15.0/24`. Compares, hashes and prints as that."""

    __slots__ = ("family", "length", "mask", "network")

    def __init__(self, network: int, length: int, family: int = 4) -> None:
        bits = 32 if family == 4 else 128
        if not 0 <= length <= bits:
            raise AddressError(f"a prefix length of {length} in IPv{family}; use 0 to {bits}")
        most = (1 << bits) - 1
        self.mask: Final = most << (bits - length) & most
        self.network: Final = network & self.mask
        self.length: Final = length
        self.family: Final = family

    @staticmethod
    def parse(text: str) -> Prefix:
        """The block of `192.168.15.0/24`, `192.168.15.0/255.255.255.0` or `2001:db8::/64`.

        Raises AddressError where the address has bits beyond the prefix, and names the block it lies in.
        """
        address = InterfaceAddress.parse(text)
        if address.address != address.prefix.network:
            raise AddressError(f"{text!r} is an address within a block; the block is {address.prefix}")
        return address.prefix

    @property
    def bits(self) -> int:
        """The length of the family's addresses: 32 or 128."""
        return 32 if self.family == 4 else 128

    @property
    def last(self) -> int:
        """The last address."""
        return self.network | ((1 << self.bits) - 1 ^ self.mask)

    @property
    def broadcast(self) -> int | None:
        """The address of all its hosts; None in /31 and /32 (RFC 3021) and in IPv6, which have none."""
        return self.last if self.family == 4 and self.length <= 30 else None

    @property
    def address_count(self) -> int:
        """How many addresses it has."""
        return 1 << (self.bits - self.length)

    @property
    def host_count(self) -> int:
        """How many hosts can have an address of it: all but network and broadcast address."""
        return self.address_count - (2 if self.broadcast is not None else 0)

    @property
    def first_host(self) -> int:
        """The first address that a host can have."""
        return self.network + (1 if self.broadcast is not None else 0)

    @property
    def last_host(self) -> int:
        """The last address that a host can have."""
        return self.last - (1 if self.broadcast is not None else 0)

    def hosts(self) -> Iterator[int]:
        """The addresses that hosts can have, in order."""
        return iter(range(self.first_host, self.last_host + 1))

    def is_host(self, address: int) -> bool:
        """Whether a host can have this address: it lies within and is neither network nor broadcast."""
        return self.first_host <= address <= self.last_host

    def __contains__(self, address: int) -> bool:
        return address & self.mask == self.network

    def overlaps(self, other: Prefix) -> bool:
        """Whether they have an address in common."""
        return self.family == other.family and (
            other.network & self.mask == self.network or self.network & other.mask == other.network
        )

    def split(self, length: int) -> list[Prefix]:
        """The blocks of a greater length that it consists of, in order; at most 65,536."""
        if not self.length <= length <= self.bits:
            raise AddressError(f"{self} cannot be split into /{length}; use {self.length} to {self.bits}")
        if length - self.length > 16:
            raise AddressError(f"{self} has 2**{length - self.length} blocks of /{length}; at most 2**16")
        step = 1 << (self.bits - length)
        return [Prefix(network, length, self.family) for network in range(self.network, self.last + 1, step)]

    def split_among(self, count: int) -> list[Prefix]:
        """The smallest split that has at least `count` equal blocks."""
        if count < 1:
            raise AddressError(f"{count} subnets; use 1 or more")
        return self.split(self.length + (count - 1).bit_length())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Prefix):
            return NotImplemented
        return (self.family, self.network, self.length) == (other.family, other.network, other.length)

    def __hash__(self) -> int:
        return hash((self.family, self.network, self.length))

    def __lt__(self, other: Prefix) -> bool:
        return (self.family, self.network, self.length) < (other.family, other.network, other.length)

    def __str__(self) -> str:
        return f"{ip_text(self.family, self.network)}/{self.length}"

    def __repr__(self) -> str:
        return f"Prefix({self})"


class InterfaceAddress:
    """An address with the prefix of its network: `192.168.15.68/24`."""

    __slots__ = ("address", "family", "prefix")

    def __init__(self, address: int, length: int, family: int = 4) -> None:
        self.address: Final = address
        self.family: Final = family
        self.prefix: Final = Prefix(address, length, family)

    @staticmethod
    def parse(text: str) -> InterfaceAddress:
        """The address and prefix of `192.168.15.68/24`, `192.168.15.68/255.255.255.0` or `2001:db8::1/64`."""
        address_text, slash, length_text = text.partition("/")
        family, address = parse_ip(address_text)
        if not slash:
            example = 24 if family == 4 else 64
            raise AddressError(f"{text!r} has no prefix length; write for example {text}/{example}")
        return InterfaceAddress(address, _parse_length(length_text, 32 if family == 4 else 128, text), family)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, InterfaceAddress):
            return NotImplemented
        return self.address == other.address and self.prefix == other.prefix

    def __hash__(self) -> int:
        return hash((self.address, self.prefix))

    def __str__(self) -> str:
        return f"{ip_text(self.family, self.address)}/{self.prefix.length}"

    def __repr__(self) -> str:
        return f"InterfaceAddress({self})"


# Kinds of IPv4 addresses


def is_private(address: int) -> bool:
    """Whether an IPv4 address is one of RFC 1918: 10/8, 172.16/12, 192.168/16."""
    return address >> 24 == 10 or address >> 20 == 0xAC1 or address >> 16 == 0xC0A8


def is_loopback(address: int) -> bool:
    """Whether an IPv4 address lies in 127/8."""
    return address >> 24 == 127


def is_this_network(address: int) -> bool:
    """Whether an IPv4 address lies in 0/8, "this network" (RFC 6890)."""
    return address >> 24 == 0


def is_link_local(address: int) -> bool:
    """Whether an IPv4 address lies in 169.254/16 (RFC 3927)."""
    return address >> 16 == 0xA9FE


def is_multicast(address: int) -> bool:
    """Whether an IPv4 address lies in 224/4."""
    return address >> 28 == 14


def address_class(address: int) -> str:
    """The class of an IPv4 address by its first bits (RFC 791, 3.2), A to E; obsolete since RFC 4632."""
    first = address >> 24
    if first < 128:
        return "A"
    if first < 192:
        return "B"
    if first < 224:
        return "C"
    return "D" if first < 240 else "E"
