"""OSPF link state advertisements (RFC 2328, appendix A.4 and 12.1): headers, and the bodies of types 1, 2 and 5.

An `Lsa` keeps its body as bytes and its age as it was on the wire, so that a body of a type we do not know is flooded
unchanged; `RouterBody`, `NetworkBody` and `ExternalBody` are what the bytes of known types say.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from struct import Struct
from struct import error as StructError
from typing import Final

from netarium.addresses import ipv4_text
from netarium.errors import WireError

HEADER_BYTES: Final = 20
LENGTH: Final = 18
CHECKSUM: Final = 16

ROUTER: Final = 1
NETWORK: Final = 2
SUMMARY_NETWORK: Final = 3
SUMMARY_ROUTER: Final = 4
EXTERNAL: Final = 5

# Links of a router-LSA (A.4.2).
POINT_TO_POINT: Final = 1
TRANSIT: Final = 2
STUB: Final = 3
VIRTUAL: Final = 4

ROUTER_BORDER: Final = 0x01
ROUTER_EXTERNAL: Final = 0x02
"""Bits B and E of a router-LSA: an area border router, an AS boundary router."""

MAX_AGE_S: Final = 3600
MAX_AGE_DIFF_S: Final = 900
INITIAL_SEQUENCE: Final = -0x7FFFFFFF
MAX_SEQUENCE: Final = 0x7FFFFFFF
DO_NOT_AGE: Final = 0x8000

_HEAD: Final = Struct("!HBBIIiHH")
_ROUTER_HEAD: Final = Struct("!BBH")
_LINK: Final = Struct("!IIBBH")
_EXTERNAL: Final = Struct("!IIII")
_NAMES: Final = {ROUTER: "router", NETWORK: "network", SUMMARY_NETWORK: "summary", EXTERNAL: "external"}

Key = tuple[int, int, int]
"""(type, link state id, advertising router): what identifies an LSA (RFC 2328 12.1)."""


def fletcher(data: bytes) -> tuple[int, int]:
    """The two sums of the Fletcher checksum (ISO 8473; RFC 905, annex B), modulo 255."""
    return sum(data) % 255, sum(accumulate(data)) % 255


def lsa_checksum(data: bytes) -> int:
    """The checksum field of an LSA whose field is zero; `data` begins after the age (RFC 2328 12.1.7)."""
    first, second = fletcher(data)
    rest = len(data) - (CHECKSUM - 2) - 1
    high = (rest * first - second) % 255 or 255
    low = (-first - high) % 255 or 255
    return high << 8 | low


class LsaHeader:
    """What database description and acknowledgment packets carry. `sequence` is signed, `age_s` without DoNotAge."""

    __slots__ = (
        "age_s",
        "checksum",
        "length_bytes",
        "link_state_id",
        "options",
        "router",
        "sequence",
        "type",
    )

    def __init__(
        self,
        age_s: int,
        options: int,
        type: int,
        link_state_id: int,
        router: int,
        sequence: int,
        checksum: int,
        length_bytes: int,
    ) -> None:
        self.age_s: Final = age_s
        self.options: Final = options
        self.type: Final = type
        self.link_state_id: Final = link_state_id
        self.router: Final = router
        self.sequence: Final = sequence
        self.checksum: Final = checksum
        self.length_bytes: Final = length_bytes

    @property
    def key(self) -> Key:
        """What identifies the LSA."""
        return self.type, self.link_state_id, self.router

    def emit(self) -> bytes:
        """The 20 bytes."""
        return _HEAD.pack(
            self.age_s, self.options, self.type, self.link_state_id, self.router, self.sequence,
            self.checksum, self.length_bytes,
        )  # fmt: skip

    @staticmethod
    def parse(data: bytes | memoryview, at: int = 0) -> LsaHeader:
        """The header at `at`. Raises WireError when it is cut off or its length cannot be."""
        if len(data) - at < HEADER_BYTES:
            raise WireError(f"an LSA header needs {HEADER_BYTES} bytes, here are {len(data) - at}")
        age_s, options, type, link_state_id, router, sequence, checksum, length_bytes = _HEAD.unpack_from(
            data, at
        )
        if length_bytes < HEADER_BYTES:
            raise WireError(f"an LSA length of {length_bytes}; at least {HEADER_BYTES}")
        age_s = min(age_s & ~DO_NOT_AGE, MAX_AGE_S)
        return LsaHeader(age_s, options, type, link_state_id, router, sequence, checksum, length_bytes)

    def is_newer_than(self, other: LsaHeader, age_s: int, other_age_s: int) -> int:
        """1 when this instance is the more recent, -1 when the other is, 0 for the same (RFC 2328 13.1)."""
        if self.sequence != other.sequence:
            return 1 if self.sequence > other.sequence else -1
        if self.checksum != other.checksum:
            return 1 if self.checksum > other.checksum else -1
        if (age_s >= MAX_AGE_S) != (other_age_s >= MAX_AGE_S):
            return 1 if age_s >= MAX_AGE_S else -1
        if abs(age_s - other_age_s) > MAX_AGE_DIFF_S:
            return 1 if age_s < other_age_s else -1
        return 0

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LsaHeader):
            return NotImplemented
        return self.emit() == other.emit()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        name = _NAMES.get(self.type, f"type {self.type}")
        where = f"{ipv4_text(self.link_state_id)} of {ipv4_text(self.router)}"
        return f"<{name}-LSA {where} seq {self.sequence & 0xFFFFFFFF:#010x} age {self.age_s}>"


class Lsa:
    """One LSA: its header and its body as bytes."""

    __slots__ = ("body", "header")

    def __init__(self, header: LsaHeader, body: bytes) -> None:
        self.header: Final = header
        self.body: Final = body

    @staticmethod
    def build(
        type: int,
        link_state_id: int,
        router: int,
        sequence: int,
        body: bytes,
        options: int = 2,
        age_s: int = 0,
    ) -> Lsa:
        """A new LSA with length and checksum filled in."""
        length_bytes = HEADER_BYTES + len(body)
        blank = LsaHeader(age_s, options, type, link_state_id, router, sequence, 0, length_bytes)
        checksum = lsa_checksum((blank.emit() + body)[2:])
        header = LsaHeader(age_s, options, type, link_state_id, router, sequence, checksum, length_bytes)
        return Lsa(header, body)

    def aged(self, age_s: int) -> Lsa:
        """The same at another age, which the checksum leaves out."""
        old = self.header
        header = LsaHeader(
            age_s, old.options, old.type, old.link_state_id, old.router, old.sequence, old.checksum,
            old.length_bytes,
        )  # fmt: skip
        return Lsa(header, self.body)

    def checksum_is_right(self) -> bool:
        """Whether the Fletcher sums over all but the age are zero."""
        return self.header.checksum != 0 and fletcher((self.header.emit() + self.body)[2:]) == (0, 0)

    def emit(self) -> bytes:
        """The bytes."""
        return self.header.emit() + self.body

    @staticmethod
    def parse(data: bytes | memoryview, at: int = 0) -> Lsa:
        """The LSA at `at`, its checksum not looked at. Raises WireError when it is cut off."""
        header = LsaHeader.parse(data, at)
        if len(data) - at < header.length_bytes:
            raise WireError(f"an LSA of {header.length_bytes} bytes within {len(data) - at}")
        return Lsa(header, bytes(data[at + HEADER_BYTES : at + header.length_bytes]))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Lsa):
            return NotImplemented
        return self.header == other.header and self.body == other.body

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self.header)


class RouterLink:
    """One link of a router-LSA: to a router (its id), a transit network (its DR's address) or a stub (its prefix).

    `data` is the router's own interface address, for a stub the mask.
    """

    __slots__ = ("cost", "data", "link_id", "type")

    def __init__(self, type: int, link_id: int, data: int, cost: int) -> None:
        self.type: Final = type
        self.link_id: Final = link_id
        self.data: Final = data
        self.cost: Final = cost

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RouterLink):
            return NotImplemented
        return (self.type, self.link_id, self.data, self.cost) == (
            other.type, other.link_id, other.data, other.cost,
        )  # fmt: skip

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        name = {POINT_TO_POINT: "point-to-point", TRANSIT: "transit", STUB: "stub"}.get(self.type, "virtual")
        return f"<{name} {ipv4_text(self.link_id)} {ipv4_text(self.data)} cost {self.cost}>"


class RouterBody:
    """A router-LSA (A.4.2): `flags` V, E and B, and its links. TOS metrics of older routers are skipped."""

    __slots__ = ("flags", "links")

    def __init__(self, flags: int, links: Sequence[RouterLink]) -> None:
        self.flags: Final = flags
        self.links: Final = tuple(links)

    def emit(self) -> bytes:
        """The bytes."""
        parts = [_ROUTER_HEAD.pack(self.flags, 0, len(self.links))]
        parts += [_LINK.pack(each.link_id, each.data, each.type, 0, each.cost) for each in self.links]
        return b"".join(parts)

    @staticmethod
    def parse(body: bytes) -> RouterBody:
        """Raises WireError when the body is cut off or longer than its links."""
        try:
            flags, _, count = _ROUTER_HEAD.unpack_from(body)
            links = []
            at = 4
            for _ in range(count):
                link_id, data, type, tos_count, cost = _LINK.unpack_from(body, at)
                links.append(RouterLink(type, link_id, data, cost))
                at += 12 + 4 * tos_count
        except StructError:
            raise WireError(f"a router-LSA of {len(body)} bytes is shorter than its links") from None
        if at != len(body):
            raise WireError(f"a router-LSA of {len(body)} bytes whose links take {at}")
        return RouterBody(flags, links)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RouterBody):
            return NotImplemented
        return self.flags == other.flags and self.links == other.links

    __hash__ = None  # type: ignore[assignment]


class NetworkBody:
    """A network-LSA (A.4.3): the mask and the ids of the routers fully adjacent to the DR, and its own."""

    __slots__ = ("mask", "routers")

    def __init__(self, mask: int, routers: Sequence[int]) -> None:
        self.mask: Final = mask
        self.routers: Final = tuple(routers)

    def emit(self) -> bytes:
        """The bytes."""
        return b"".join(each.to_bytes(4, "big") for each in (self.mask, *self.routers))

    @staticmethod
    def parse(body: bytes) -> NetworkBody:
        """Raises WireError when the body is no mask followed by whole ids."""
        if len(body) < 4 or len(body) % 4:
            raise WireError(f"a network-LSA of {len(body)} bytes; it is a mask and 4 bytes a router")
        words = [int.from_bytes(body[at : at + 4], "big") for at in range(0, len(body), 4)]
        return NetworkBody(words[0], words[1:])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NetworkBody):
            return NotImplemented
        return self.mask == other.mask and self.routers == other.routers

    __hash__ = None  # type: ignore[assignment]


class ExternalBody:
    """An AS-external-LSA (A.4.5) of TOS 0: `type_2`: the metric is larger than any path within the AS."""

    __slots__ = ("forwarding", "mask", "metric", "tag", "type_2")

    def __init__(
        self, mask: int, metric: int, type_2: bool = True, forwarding: int = 0, tag: int = 0
    ) -> None:
        self.mask: Final = mask
        self.metric: Final = metric
        self.type_2: Final = type_2
        self.forwarding: Final = forwarding
        self.tag: Final = tag

    def emit(self) -> bytes:
        """The bytes."""
        return _EXTERNAL.pack(self.mask, self.type_2 << 31 | self.metric, self.forwarding, self.tag)

    @staticmethod
    def parse(body: bytes) -> ExternalBody:
        """Raises WireError when the body is cut off."""
        if len(body) < _EXTERNAL.size:
            raise WireError(f"an AS-external-LSA of {len(body)} bytes; at least {_EXTERNAL.size}")
        mask, metric, forwarding, tag = _EXTERNAL.unpack_from(body)
        return ExternalBody(mask, metric & 0xFFFFFF, bool(metric >> 31), forwarding, tag)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ExternalBody):
            return NotImplemented
        return self.emit() == other.emit()

    __hash__ = None  # type: ignore[assignment]
