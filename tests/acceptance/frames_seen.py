"""For rows that look at frames: every frame a net sends, by port, and the programs that make it send them."""

from __future__ import annotations

import socket
from collections.abc import Callable

from netarium import Net
from netarium.journey import Stop
from netarium.wire.arp import ArpPacket
from netarium.wire.ethernet import Frame

PORT = 9000


class FramesSeen:
    """An observer. `sent` and `received` are (port name, frame) in order."""

    def __init__(self, net: Net) -> None:
        self.sent: list[tuple[str, Frame]] = []
        self.received: list[tuple[str, Frame]] = []
        net.watch.add(self)

    def frame(self, now: int, port: object, stop: Stop, frame: Frame) -> None:
        which = self.sent if stop is Stop.LINK_SENT else self.received
        which.append((port.name, frame))  # type: ignore[attr-defined]

    def clear(self) -> None:
        self.sent.clear()
        self.received.clear()

    def arp_by(self, port: str) -> list[Frame]:
        """The ARP frames this port sent."""
        return [frame for name, frame in self.sent if name == port and isinstance(frame.network, ArpPacket)]

    def packets_by(self, port: str) -> list[Frame]:
        """The other frames this port sent."""
        return [
            frame for name, frame in self.sent if name == port and not isinstance(frame.network, ArpPacket)
        ]


def echo_server(address: str = "") -> Callable[[], None]:
    """A program that sends every datagram back in upper case."""

    def serve() -> None:
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind((address, PORT))
        while True:
            data, peer = server.recvfrom(2048)
            server.sendto(data.upper(), peer)

    return serve


def ask(address: str, text: bytes = b"hello", timeout: float = 10.0) -> tuple[bytes, str] | OSError:
    """What the server at `address` says, and from where; or the error."""
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(timeout)
    try:
        client.sendto(text, (address, PORT))
        data, peer = client.recvfrom(2048)
        return data, peer[0]
    except OSError as error:
        return error
    finally:
        client.close()
