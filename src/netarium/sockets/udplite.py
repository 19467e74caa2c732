"""UDP-Lite sockets: UDP's, and two options that say how much a checksum covers. Read first: udplite(7)."""

from __future__ import annotations

from typing import Any, Final

from netarium.engine.events import Engine
from netarium.sockets.address6 import ipv6_of
from netarium.sockets.base import AF_INET, Credentials
from netarium.sockets.datagram import DatagramSocket
from netarium.sockets.datagram6 import DatagramSocket6
from netarium.sockets.options import Option, as_int
from netarium.stack.stack import Stack
from netarium.stack.udplite import UdpLiteEndpoint6
from netarium.wire.udplite import DATAGRAM_BYTES_MAX, SIZE_BYTES

LEVEL: Final = 136
UDPLITE_SEND_CSCOV: Final = 10
UDPLITE_RECV_CSCOV: Final = 11


def _coverage(name: str) -> Option:
    """One of the two, in bytes with the header: 0 is everything; what cannot be is brought near (Linux)."""

    def write(sock: Any, value: int | bytes) -> None:
        chosen = as_int(value)
        if chosen:
            chosen = min(max(chosen, SIZE_BYTES), DATAGRAM_BYTES_MAX)
        setattr(sock.endpoint.coverage, name, chosen)

    return Option(lambda sock: max(getattr(sock.endpoint.coverage, name), 0), write)


def level_udplite() -> dict[tuple[int, int], Option]:
    """What every UDP-Lite socket has."""
    return {
        (LEVEL, UDPLITE_SEND_CSCOV): _coverage("sent_bytes"),
        (LEVEL, UDPLITE_RECV_CSCOV): _coverage("wanted_bytes"),
    }


class UdpLiteSocket(DatagramSocket):
    """A UDP-Lite socket of one program."""

    __slots__ = ()

    def __init__(self, credentials: Credentials, stack: Stack, engine: Engine, protocol: int) -> None:
        super().__init__(credentials, stack, engine, protocol, AF_INET, stack.udplite.open())

    options: Final = {**DatagramSocket.options, **level_udplite()}  # type: ignore[misc]


class UdpLiteSocket6(DatagramSocket6):
    """A UDP-Lite socket of family AF_INET6."""

    __slots__ = ()

    endpoint: UdpLiteEndpoint6

    def __init__(self, credentials: Credentials, stack: Stack, engine: Engine, protocol: int) -> None:
        super().__init__(credentials, stack, engine, protocol, ipv6_of(stack).udplite.open6())

    options: Final = {**DatagramSocket6.options, **level_udplite()}  # type: ignore[misc]
