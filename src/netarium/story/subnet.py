"""What a mask says: the AND in binary, the block and its ranges, who is in the same network, how to split a block.

Called by `netarium subnet`; pure arithmetic on `addresses`. Each function returns a value with everything a page
or a test needs; `subnet_text` writes it in words. Read first: RFC 4632 (CIDR), 950 (masks), 3021 (/31), 4291.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from netarium.addresses import (
    AddressError,
    InterfaceAddress,
    Prefix,
    address_class,
    ip_text,
    is_link_local,
    is_loopback,
    is_multicast,
    is_private,
    is_this_network,
    length_for_hosts,
    length_of,
    mask_of,
    parse_ip,
    parse_ipv4,
)
from netarium.units import is_whole

_IPV6_KINDS = (
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("fe80::/10", "link_local"),
    ("fc00::/7", "unique_local"),
    ("ff00::/8", "multicast"),
    ("2001:db8::/32", "documentation"),
    ("3fff::/20", "documentation"),
    ("::ffff:0:0/96", "mapped"),
    ("64:ff9b::/96", "nat64"),
    ("100::/64", "discard"),
    ("2000::/3", "global"),
)
"""RFC 4291, 2.4; 4193; 3849; 9637; 6052; 6666. The first block that holds an address names its kind."""
_DOCUMENTATION = tuple(Prefix.parse(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"))
_BENCHMARK = Prefix.parse("198.18.0.0/15")
_PROTOCOLS = Prefix.parse("192.0.0.0/24")
_SHARED = Prefix.parse("100.64.0.0/10")
_MOST_LISTED = 256
"""Blocks of a split that are listed; more are refused, so that nobody prints a million lines by a slip."""


@dataclass(frozen=True)
class Block:
    """A block of addresses. `broadcast` is empty where there is none (/31, /32, IPv6)."""

    prefix: str
    mask: str
    addresses: int
    hosts: int
    first: str
    last: str
    first_host: str
    last_host: str
    broadcast: str


@dataclass(frozen=True)
class Row:
    """An address and its bits: four octets in binary, or the eight groups of IPv6 in hexadecimal."""

    name: str
    address: str
    bits: str


@dataclass(frozen=True)
class Description:
    """An address under its mask. `kind` as `kind_of`; `address_class` is A to E, empty in IPv6."""

    address: str
    length: int
    family: int
    kind: str
    address_class: str
    role: str
    """What the address is in its block: `host`, `network` or `broadcast`."""
    rows: tuple[Row, ...]
    block: Block


@dataclass(frozen=True)
class Verdict:
    """Is `other` in the network of `address`, as the host `address` finds out before it sends (RFC 1122, 3.3.1.1)?"""

    address: str
    mask: str
    length: int
    own_network: str
    other: str
    other_network: str
    same: bool
    rows: tuple[Row, ...]


def bits_text(family: int, value: int) -> str:
    """`11000000.10101000.00001111.00101110`; in IPv6 eight groups of four hexadecimal digits."""
    if family == 4:
        return ".".join(f"{octet:08b}" for octet in value.to_bytes(4, "big"))
    return value.to_bytes(16, "big").hex(":", 2)


def kind_of(family: int, address: int) -> str:
    """What an address is for: `private`, `loopback`, `global` ... (RFC 6890); keys of the catalogue `subnet`."""
    if family == 6:
        return next((kind for text, kind in _IPV6_KINDS if address in Prefix.parse(text)), "reserved")
    if address == 0xFFFF_FFFF:
        return "limited_broadcast"
    tests = (
        (is_this_network, "this_network"),
        (is_private, "private"),
        (is_loopback, "loopback"),
        (is_link_local, "link_local"),
        (is_multicast, "multicast"),
    )
    for holds, kind in tests:
        if holds(address):
            return kind
    if address >> 28 == 15:
        return "reserved"
    for block, kind in ((_SHARED, "shared"), (_BENCHMARK, "benchmark"), (_PROTOCOLS, "protocols")):
        if address in block:
            return kind
    return "documentation" if any(address in block for block in _DOCUMENTATION) else "global"


def block_of(prefix: Prefix) -> Block:
    """The block as texts and counts."""

    def text(value: int) -> str:
        return ip_text(prefix.family, value)

    return Block(
        prefix=str(prefix),
        mask=text(prefix.mask) if prefix.family == 4 else "",
        addresses=prefix.address_count,
        hosts=prefix.host_count,
        first=text(prefix.network),
        last=text(prefix.last),
        first_host=text(prefix.first_host),
        last_host=text(prefix.last_host),
        broadcast="" if prefix.broadcast is None else text(prefix.broadcast),
    )


def parse_address(text: str, mask: str | None = None) -> InterfaceAddress:
    """The address of `192.168.15.46/24`, or of `192.168.15.46` and a mask beside it (`255.255.255.0`, `/24`, `24`).

    Raises AddressError for an address without a mask: nobody can say then which part of it names the network.
    """
    if mask is not None:
        if "/" in text:
            raise AddressError(
                f"{text!r} has a prefix length already, and {mask!r} is a second one; leave one out"
            )
        text = f"{text}/{mask.removeprefix('/')}"
    if "/" in text:
        return InterfaceAddress.parse(text)
    family, _ = parse_ip(text)
    example = f"{text}/24 or {text} 255.255.255.0" if family == 4 else f"{text}/64"
    raise AddressError(
        f"{text} has no mask, and without one nobody can say which part of it names the network and which the host; "
        f"write for example {example}"
    )


def describe(address: InterfaceAddress) -> Description:
    """Network part and host part of an address, by the AND."""
    prefix, family, value = address.prefix, address.family, address.address
    rows = [
        _row("address", family, value),
        _row("mask", family, prefix.mask),
        _row("network", family, prefix.network),
        _row("host_part", family, value & ~prefix.mask),
    ]
    if prefix.broadcast is not None:
        rows.append(_row("broadcast", family, prefix.broadcast))
    role = "host"
    if prefix.broadcast is not None and value in (prefix.network, prefix.broadcast):
        role = "network" if value == prefix.network else "broadcast"
    return Description(
        address=ip_text(family, value),
        length=prefix.length,
        family=family,
        kind=kind_of(family, value),
        address_class=address_class(value) if family == 4 else "",
        role=role,
        rows=tuple(rows),
        block=block_of(prefix),
    )


def compare(address: InterfaceAddress, other: str) -> Verdict:
    """Local, or by the router? The verdict of the host `address` on `other` (its own mask is not asked for)."""
    family, value = parse_ip(other.partition("/")[0])
    if family != address.family:
        raise AddressError(f"{address} and {other} are of different families; neither can judge the other")
    prefix = address.prefix
    network = value & prefix.mask
    return Verdict(
        address=ip_text(family, address.address),
        mask=ip_text(family, prefix.mask),
        length=prefix.length,
        own_network=ip_text(family, prefix.network),
        other=ip_text(family, value),
        other_network=ip_text(family, network),
        same=network == prefix.network,
        rows=(
            _row("address", family, address.address),
            _row("mask", family, prefix.mask),
            _row("network", family, prefix.network),
            _row("other", family, value),
            _row("mask", family, prefix.mask),
            _row("network", family, network),
        ),
    )


def split(prefix: Prefix, into: str) -> list[Block]:
    """The block in equal parts: `4` is at least four, `/26` is all of that length.

    Raises AddressError where that cannot be, or is more than 256 blocks.
    """
    digits = into.removeprefix("/")
    if not is_whole(digits):
        raise AddressError(
            f"--split {into!r}: write how many blocks, such as 4, or their length, such as /26"
        )
    number = int(digits)
    parts = number if not into.startswith("/") else 1 << max(number - prefix.length, 0)
    if parts > _MOST_LISTED:
        raise AddressError(
            f"--split {into}: more than {_MOST_LISTED} blocks; split into fewer, and those again"
        )
    blocks = prefix.split(number) if into.startswith("/") else prefix.split_among(number)
    return [block_of(each) for each in blocks]


def mask_lengths(text: str) -> list[tuple[int, str, str]]:
    """(length, mask, bits) of a mask written either way: `24`, `/24`, `255.255.255.0`; of `all`, all 33."""
    if text == "all":
        lengths = list(range(33))
    elif "." in text:
        lengths = [length_of(parse_ipv4(text))]
    elif text.removeprefix("/").isdecimal():
        lengths = [int(text.removeprefix("/"))]
    else:
        raise AddressError(f"{text!r} is no mask; write 24, /24, 255.255.255.0, or all")
    return [(length, ip_text(4, mask_of(length)), bits_text(4, mask_of(length))) for length in lengths]


def for_hosts(hosts: int) -> Prefix:
    """The smallest block that has room for so many hosts, as a prefix of 0.0.0.0."""
    if hosts < 1:
        raise AddressError(f"room for {hosts} hosts; use 1 or more")
    return Prefix(0, length_for_hosts(hosts))


def as_json(value: Description | Verdict | Block) -> dict[str, Any]:
    """The value as one object of `--json`."""
    return asdict(value)


def _row(name: str, family: int, value: int) -> Row:
    return Row(name, ip_text(family, value), bits_text(family, value))
