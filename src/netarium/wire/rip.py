"""RIP version 2 messages (RFC 2453, sections 3.6 and 4): what a UDP datagram to port 520 carries.

An entry is one value for all families: of an authentication entry (family 0xFFFF, RFC 2453 4.1) the last four fields
are its 16 bytes. Version 1 messages have the same layout with zeros for mask and next hop.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import Final

from netarium.addresses import ipv4_text
from netarium.errors import UsageError, WireError

COMMAND: Final = 0
VERSION: Final = 1
HEADER_BYTES: Final = 4
ENTRY_BYTES: Final = 20
ENTRIES_MAX: Final = 25

PORT: Final = 520
GROUP: Final = 0xE0000009
"""224.0.0.9, all RIP version 2 routers."""

REQUEST: Final = 1
RESPONSE: Final = 2
FAMILY_ANY: Final = 0
"""In the one entry of a request for the whole table."""
FAMILY_INET: Final = 2
FAMILY_AUTHENTICATION: Final = 0xFFFF
INFINITY: Final = 16

_HEAD: Final = Struct("!BBH")
_ENTRY: Final = Struct("!HHIIII")


class RipEntry:
    """One route: prefix and mask as ints, the next hop (0: the sender), the metric in hops, 16 for unreachable."""

    __slots__ = ("family", "mask", "metric", "next_hop", "prefix", "tag")

    def __init__(
        self, prefix: int, mask: int, metric: int, next_hop: int = 0, tag: int = 0, family: int = FAMILY_INET
    ) -> None:
        self.prefix: Final = prefix
        self.mask: Final = mask
        self.metric: Final = metric
        self.next_hop: Final = next_hop
        self.tag: Final = tag
        self.family: Final = family

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RipEntry):
            return NotImplemented
        return (
            self.prefix == other.prefix
            and self.mask == other.mask
            and self.metric == other.metric
            and self.next_hop == other.next_hop
            and self.tag == other.tag
            and self.family == other.family
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{ipv4_text(self.prefix)}/{self.mask.bit_count()} metric {self.metric}>"


class RipMessage:
    """One message: `command` 1 request, 2 response; at most 25 entries."""

    __slots__ = ("command", "entries", "version")

    def __init__(self, command: int, entries: Sequence[RipEntry], version: int = 2) -> None:
        if len(entries) > ENTRIES_MAX:
            raise UsageError(f"{len(entries)} entries in a RIP message; at most {ENTRIES_MAX}")
        self.command: Final = command
        self.version: Final = version
        self.entries: Final = tuple(entries)

    def emit(self) -> bytes:
        """The bytes of the message."""
        parts = [_HEAD.pack(self.command, self.version, 0)]
        for each in self.entries:
            parts.append(
                _ENTRY.pack(each.family, each.tag, each.prefix, each.mask, each.next_hop, each.metric)
            )
        return b"".join(parts)

    @staticmethod
    def parse(data: bytes | memoryview) -> RipMessage:
        """The message in `data`. Raises WireError for a wrong length, version or must-be-zero."""
        rest = len(data) - HEADER_BYTES
        if rest < 0 or rest % ENTRY_BYTES:
            raise WireError(f"a RIP message is 4 bytes and 20 an entry; here are {len(data)}")
        if rest > ENTRIES_MAX * ENTRY_BYTES:
            raise WireError(
                f"a RIP message has at most {ENTRIES_MAX} entries; here are {rest // ENTRY_BYTES}"
            )
        command, version, zero = _HEAD.unpack_from(data)
        if version == 0 or (version == 1 and zero):
            raise WireError(f"RIP version {version} with {zero} where zero must be")
        entries = [
            RipEntry(prefix, mask, metric, next_hop, tag, family)
            for family, tag, prefix, mask, next_hop, metric in _ENTRY.iter_unpack(data[HEADER_BYTES:])
        ]
        return RipMessage(command, entries, version)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RipMessage):
            return NotImplemented
        return (
            self.command == other.command and self.version == other.version and self.entries == other.entries
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        what = {REQUEST: "request", RESPONSE: "response"}.get(self.command, f"command {self.command}")
        return f"<RIPv{self.version} {what} {list(self.entries)}>"
