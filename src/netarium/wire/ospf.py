"""OSPF version 2 packets (RFC 2328, appendix A.3): what an IP packet of protocol 89 carries.

`parse_packet` gives an `OspfPacket` with one of five bodies; `emit_packet` makes the bytes, checksum filled in.
Authentication is the null one (RFC 2328 D.1). LSAs are in `ospf_lsa`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import Struct
from struct import error as StructError
from typing import Final

from netarium.addresses import ipv4_text
from netarium.errors import WireError
from netarium.wire.checksum import checksum, checksum_fits, word_sum
from netarium.wire.ospf_lsa import HEADER_BYTES as LSA_HEADER_BYTES
from netarium.wire.ospf_lsa import Key, Lsa, LsaHeader

PROTOCOL: Final = 89
ALL_ROUTERS: Final = 0xE0000005
"""224.0.0.5, AllSPFRouters."""
ALL_DESIGNATED: Final = 0xE0000006
"""224.0.0.6, AllDRouters."""

VERSION: Final = 0
TYPE: Final = 1
LENGTH: Final = 2
CHECKSUM: Final = 12
AUTHENTICATION: Final = 16
HEADER_BYTES: Final = 24

HELLO: Final = 1
DESCRIPTION: Final = 2
REQUEST: Final = 3
UPDATE: Final = 4
ACKNOWLEDGMENT: Final = 5

OPTION_EXTERNAL: Final = 0x02
"""E: the area takes AS-external-LSAs."""
INIT, MORE, MASTER = 4, 2, 1
"""Bits of a database description packet."""

_HEAD: Final = Struct("!BBHIIHHQ")
_HELLO: Final = Struct("!IHBBIII")
_DESCRIPTION: Final = Struct("!HBBI")
_REQUEST: Final = Struct("!III")


class OspfAuthenticatedError(WireError):
    """A packet of `router` is authenticated (D.3: `type` 1 by a password, 2 by a digest)."""

    def __init__(self, router: int, type: int) -> None:
        self.router = router
        self.type = type
        super().__init__(f"OSPF authentication of type {type}; only none (0) is known")


class _Value:
    """Bodies compare by what they say."""

    __slots__: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} " + ", ".join(f"{n}={getattr(self, n)}" for n in self.__slots__) + ">"


class Hello(_Value):
    """A.3.2: intervals in s, `designated` and `backup` as interface addresses (0: none), `neighbors` as router ids."""

    __slots__ = ("backup", "dead_s", "designated", "hello_s", "mask", "neighbors", "options", "priority")
    type = HELLO

    def __init__(
        self,
        mask: int,
        hello_s: int,
        options: int,
        priority: int,
        dead_s: int,
        designated: int,
        backup: int,
        neighbors: Sequence[int],
    ) -> None:
        self.mask: Final = mask
        self.hello_s: Final = hello_s
        self.options: Final = options
        self.priority: Final = priority
        self.dead_s: Final = dead_s
        self.designated: Final = designated
        self.backup: Final = backup
        self.neighbors: Final = tuple(neighbors)

    def emit(self) -> bytes:
        """The body's bytes."""
        fixed = _HELLO.pack(
            self.mask, self.hello_s, self.options, self.priority, self.dead_s, self.designated, self.backup
        )
        return fixed + b"".join(each.to_bytes(4, "big") for each in self.neighbors)

    @staticmethod
    def parse(body: bytes) -> Hello:
        """Raises WireError or StructError for what is no hello."""
        mask, hello_s, options, priority, dead_s, designated, backup = _HELLO.unpack_from(body)
        if len(body) % 4:
            raise WireError(f"an OSPF hello of {len(body)} bytes: the last neighbor is cut off")
        neighbors = [int.from_bytes(body[at : at + 4], "big") for at in range(_HELLO.size, len(body), 4)]
        return Hello(mask, hello_s, options, priority, dead_s, designated, backup, neighbors)


class Description(_Value):
    """A.3.3, a database description: `flags` are INIT, MORE and MASTER."""

    __slots__ = ("flags", "headers", "mtu", "options", "sequence")
    type = DESCRIPTION

    def __init__(
        self, mtu: int, options: int, flags: int, sequence: int, headers: Sequence[LsaHeader]
    ) -> None:
        self.mtu: Final = mtu
        self.options: Final = options
        self.flags: Final = flags
        self.sequence: Final = sequence
        self.headers: Final = tuple(headers)

    def emit(self) -> bytes:
        """The body's bytes."""
        fixed = _DESCRIPTION.pack(self.mtu, self.options, self.flags, self.sequence)
        return fixed + b"".join(each.emit() for each in self.headers)

    @staticmethod
    def parse(body: bytes) -> Description:
        """Raises WireError or StructError for what is no database description."""
        mtu, options, flags, sequence = _DESCRIPTION.unpack_from(body)
        return Description(mtu, options, flags, sequence, _headers(body, _DESCRIPTION.size))


class Request(_Value):
    """A.3.4, a link state request: the keys of the LSAs that are wanted."""

    __slots__ = ("keys",)
    type = REQUEST

    def __init__(self, keys: Sequence[Key]) -> None:
        self.keys: Final = tuple(keys)

    def emit(self) -> bytes:
        """The body's bytes."""
        return b"".join(_REQUEST.pack(*key) for key in self.keys)

    @staticmethod
    def parse(body: bytes) -> Request:
        """Raises WireError for what is no link state request."""
        if len(body) % _REQUEST.size:
            raise WireError(f"an OSPF link state request of {len(body)} bytes; 12 a request")
        return Request(list(_REQUEST.iter_unpack(body)))


class Update(_Value):
    """A.3.5, a link state update: whole LSAs."""

    __slots__ = ("lsas",)
    type = UPDATE

    def __init__(self, lsas: Sequence[Lsa]) -> None:
        self.lsas: Final = tuple(lsas)

    def emit(self) -> bytes:
        """The body's bytes."""
        return len(self.lsas).to_bytes(4, "big") + b"".join(each.emit() for each in self.lsas)

    @staticmethod
    def parse(body: bytes) -> Update:
        """Raises WireError for what is no link state update."""
        if len(body) < 4:
            raise WireError(f"an OSPF link state update of {len(body)} bytes")
        lsas, at = [], 4
        for _ in range(int.from_bytes(body[:4], "big")):
            lsa = Lsa.parse(body, at)
            lsas.append(lsa)
            at += lsa.header.length_bytes
        if at != len(body):
            raise WireError(f"an OSPF link state update of {len(body)} bytes whose LSAs take {at}")
        return Update(lsas)


class Acknowledgment(_Value):
    """A.3.6, a link state acknowledgment: the headers of what has come."""

    __slots__ = ("headers",)
    type = ACKNOWLEDGMENT

    def __init__(self, headers: Sequence[LsaHeader]) -> None:
        self.headers: Final = tuple(headers)

    def emit(self) -> bytes:
        """The body's bytes."""
        return b"".join(each.emit() for each in self.headers)

    @staticmethod
    def parse(body: bytes) -> Acknowledgment:
        """Raises WireError for what is no acknowledgment."""
        return Acknowledgment(_headers(body, 0))


def _headers(body: bytes, at: int) -> list[LsaHeader]:
    if (len(body) - at) % LSA_HEADER_BYTES:
        raise WireError(f"{len(body) - at} bytes of LSA headers; {LSA_HEADER_BYTES} each")
    return [LsaHeader.parse(body, start) for start in range(at, len(body), LSA_HEADER_BYTES)]


Body = Hello | Description | Request | Update | Acknowledgment


class OspfPacket(_Value):
    """One packet: who sends it (router id), in which area, and what it says."""

    __slots__ = ("area", "body", "router")

    def __init__(self, router: int, area: int, body: Body) -> None:
        self.router: Final = router
        self.area: Final = area
        self.body: Final = body

    def emit(self) -> bytes:
        """The bytes, checksum filled in (it leaves the authentication out, which is zero)."""
        return emit_packet(self.router, self.area, self.body)

    def __repr__(self) -> str:
        return f"<OSPF {type(self.body).__name__} of {ipv4_text(self.router)}>"


def emit_packet(router: int, area: int, body: Body) -> bytes:
    """The bytes of a packet with this body."""
    carried = body.emit()
    length = HEADER_BYTES + len(carried)
    head = _HEAD.pack(2, body.type, length, router, area, 0, 0, 0)
    field = checksum(word_sum(head + carried))
    return _HEAD.pack(2, body.type, length, router, area, field, 0, 0) + carried


_BODIES: Final[dict[int, Callable[[bytes], Body]]] = {
    HELLO: Hello.parse,
    DESCRIPTION: Description.parse,
    REQUEST: Request.parse,
    UPDATE: Update.parse,
    ACKNOWLEDGMENT: Acknowledgment.parse,
}


def parse_packet(data: bytes | memoryview) -> OspfPacket:
    """The packet in `data`. Raises WireError: cut off, not version 2, authenticated, or a wrong checksum."""
    data = bytes(data)
    if len(data) < HEADER_BYTES:
        raise WireError(f"an OSPF header needs {HEADER_BYTES} bytes, here are {len(data)}")
    version, type, length, router, area, _, authentication, _ = _HEAD.unpack_from(data)
    if version != 2 or not HEADER_BYTES <= length <= len(data):
        raise WireError(f"OSPF version {version}, {length} bytes of {len(data)}; version 2 was expected")
    if authentication:
        raise OspfAuthenticatedError(router, authentication)
    if not checksum_fits(word_sum(data[:AUTHENTICATION]) + word_sum(data[HEADER_BYTES:length])):
        raise WireError("the OSPF checksum is wrong")
    parser = _BODIES.get(type)
    if parser is None:
        raise WireError(f"OSPF packet type {type}; 1 to 5 are known")
    try:
        return OspfPacket(router, area, parser(data[HEADER_BYTES:length]))
    except StructError:
        raise WireError(f"an OSPF packet of type {type} is cut off after {length} bytes") from None
