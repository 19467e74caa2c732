"""What neighbour discovery messages carry behind their eight bytes (RFC 4861, sections 4 and 4.6; RFC 8106).

A solicitation, advertisement or redirect carries one or two addresses, then options of (type, length in units of 8
bytes, data). A router advertisement's first fields are in the header's `rest` and in `RouterAdvertisement`.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct
from typing import Final

from netarium.errors import WireError

SOURCE_LINK_ADDRESS: Final = 1
TARGET_LINK_ADDRESS: Final = 2
PREFIX_INFORMATION: Final = 3
REDIRECTED_HEADER: Final = 4
MTU: Final = 5
RDNSS: Final = 25

ON_LINK: Final = 0x80
AUTONOMOUS: Final = 0x40
INFINITE: Final = 0xFFFFFFFF
"""A lifetime that does not end."""
MANAGED: Final = 0x80
OTHER_CONFIGURATION: Final = 0x40

_PREFIX: Final = Struct("!BBIII")
_TIMES: Final = Struct("!II")

Options = list[tuple[int, bytes]]


def parse_options(data: bytes) -> Options:
    """(type, data) of each option. WireError when one has no length or is cut off (RFC 4861, 4.6)."""
    found: Options = []
    at = 0
    while at < len(data):
        size = data[at + 1] << 3 if at + 1 < len(data) else 0
        if size == 0 or at + size > len(data):
            raise WireError(f"a neighbour discovery option of {size} bytes within {len(data) - at}")
        found.append((data[at], bytes(data[at + 2 : at + size])))
        at += size
    return found


def emit_options(options: Iterable[tuple[int, bytes]]) -> bytes:
    """The options, each padded with zeros to a multiple of 8 bytes."""
    parts = []
    for kind, data in options:
        size = len(data) + 2 + 7 & ~7
        parts.append(bytes((kind, size >> 3)) + data.ljust(size - 2, b"\0"))
    return b"".join(parts)


def link_address(options: Options, kind: int) -> int:
    """The MAC in an option of this kind; 0 when there is none."""
    for each, data in options:
        if each == kind and len(data) >= 6:
            return int.from_bytes(data[:6], "big")
    return 0


def target_message(address: int, options: Iterable[tuple[int, bytes]] = ()) -> bytes:
    """What a neighbour solicitation or advertisement carries: the target and options."""
    return address.to_bytes(16, "big") + emit_options(options)


def parse_target(payload: bytes) -> tuple[int, Options]:
    """(target, options) of a neighbour solicitation or advertisement. WireError when it is cut off."""
    if len(payload) < 16:
        raise WireError(f"a neighbour discovery target needs 16 bytes, here are {len(payload)}")
    return int.from_bytes(payload[:16], "big"), parse_options(payload[16:])


def parse_redirect(payload: bytes) -> tuple[int, int, Options]:
    """(target: the better first hop, destination, options) of a redirect. WireError when it is cut off."""
    if len(payload) < 32:
        raise WireError(f"a redirect needs 32 bytes, here are {len(payload)}")
    return (
        int.from_bytes(payload[:16], "big"),
        int.from_bytes(payload[16:32], "big"),
        parse_options(payload[32:]),
    )


class PrefixInformation:
    """A prefix option. Lifetimes in seconds, INFINITE for ever."""

    __slots__ = ("flags", "length", "preferred_s", "prefix", "valid_s")

    def __init__(self, prefix: int, length: int, flags: int, valid_s: int, preferred_s: int) -> None:
        self.prefix: Final = prefix
        self.length: Final = length
        self.flags: Final = flags
        self.valid_s: Final = valid_s
        self.preferred_s: Final = preferred_s

    def emit(self) -> tuple[int, bytes]:
        """(type, data) of the option."""
        head = _PREFIX.pack(self.length, self.flags, self.valid_s, self.preferred_s, 0)
        return PREFIX_INFORMATION, head + self.prefix.to_bytes(16, "big")

    @staticmethod
    def parse(data: bytes) -> PrefixInformation:
        """From an option's data. WireError when it is cut off or its length cannot be."""
        if len(data) < 30 or data[0] > 128:
            raise WireError("a malformed prefix option")
        length, flags, valid_s, preferred_s, _ = _PREFIX.unpack_from(data)
        return PrefixInformation(int.from_bytes(data[14:30], "big"), length, flags, valid_s, preferred_s)


class RouterAdvertisement:
    """A router advertisement: `rest` of the header and the payload, as values (RFC 4861, 4.2)."""

    __slots__ = (
        "dns_lifetime_s", "dns_servers", "flags", "hop_limit", "lifetime_s", "link_address", "mtu", "prefixes",
        "reachable_ms", "retransmit_ms",
    )  # fmt: skip

    def __init__(
        self,
        hop_limit: int,
        lifetime_s: int,
        prefixes: tuple[PrefixInformation, ...] = (),
        link_address: int = 0,
        mtu: int = 0,
        dns_servers: tuple[int, ...] = (),
        dns_lifetime_s: int = 0,
        flags: int = 0,
        reachable_ms: int = 0,
        retransmit_ms: int = 0,
    ) -> None:
        self.hop_limit: Final = hop_limit
        self.lifetime_s: Final = lifetime_s
        self.prefixes: Final = prefixes
        self.link_address: Final = link_address
        self.mtu: Final = mtu
        self.dns_servers: Final = dns_servers
        self.dns_lifetime_s: Final = dns_lifetime_s
        self.flags: Final = flags
        self.reachable_ms: Final = reachable_ms
        self.retransmit_ms: Final = retransmit_ms

    @property
    def rest(self) -> int:
        """The header's second word."""
        return self.hop_limit << 24 | self.flags << 16 | self.lifetime_s

    def emit(self) -> bytes:
        """What follows the header's eight bytes."""
        options: Options = []
        if self.link_address:
            options.append((SOURCE_LINK_ADDRESS, self.link_address.to_bytes(6, "big")))
        if self.mtu:
            options.append((MTU, self.mtu.to_bytes(6, "big")))
        options += [each.emit() for each in self.prefixes]
        if self.dns_servers:
            servers = b"".join(each.to_bytes(16, "big") for each in self.dns_servers)
            options.append((RDNSS, self.dns_lifetime_s.to_bytes(6, "big") + servers))
        return _TIMES.pack(self.reachable_ms, self.retransmit_ms) + emit_options(options)

    @staticmethod
    def parse(rest: int, payload: bytes) -> RouterAdvertisement:
        """From the header's second word and the payload. WireError when it is malformed."""
        if len(payload) < 8:
            raise WireError(f"a router advertisement needs 8 bytes, here are {len(payload)}")
        options = parse_options(payload[8:])
        mtu, dns_lifetime_s = 0, 0
        prefixes: list[PrefixInformation] = []
        servers: list[int] = []
        for kind, data in options:
            if kind == MTU and len(data) >= 6:
                mtu = int.from_bytes(data[2:6], "big")
            elif kind == PREFIX_INFORMATION:
                prefixes.append(PrefixInformation.parse(data))
            elif kind == RDNSS and len(data) >= 22:
                dns_lifetime_s = int.from_bytes(data[2:6], "big")
                servers += [int.from_bytes(data[at : at + 16], "big") for at in range(6, len(data) - 15, 16)]
        reachable_ms, retransmit_ms = _TIMES.unpack_from(payload)
        return RouterAdvertisement(
            rest >> 24, rest & 0xFFFF, tuple(prefixes), link_address(options, SOURCE_LINK_ADDRESS), mtu,
            tuple(servers), dns_lifetime_s, rest >> 16 & 0xFF, reachable_ms, retransmit_ms,
        )  # fmt: skip
