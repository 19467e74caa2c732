"""The DHCP relay: requests of a link go to servers elsewhere, their replies come back to the link.

Read first: RFC 1542 4 (the relay agent), RFC 2131 4.1. Each of its interfaces is named by `giaddr`.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Mapping, Sequence

from netarium import control
from netarium.addresses import ipv4_text
from netarium.control import Control
from netarium.errors import WireError
from netarium.journey import Drop
from netarium.services.dhcp.link import packet_socket, send_message
from netarium.wire import dhcp
from netarium.wire.dhcp import CLIENT_PORT, SERVER_PORT, DhcpMessage
from netarium.wire.ethernet import MAC_BROADCAST

HOPS_MAX = 16
"""RFC 1542 4.1.1: a request that has been relayed so often goes round in a circle."""


class DhcpRelay:
    """A relay for some interfaces of its host."""

    def __init__(self, relays: Mapping[str, Sequence[int]], door: Control) -> None:
        self.relays = relays
        self.door = door
        views = {each.name: each for each in door.interfaces()}
        self._macs = {name: view.mac for name, view in views.items()}
        self._addresses = {name: views[name].addresses[0].address for name in relays}
        self._frames = {name: packet_socket(name, 0) for name in relays}
        self._links = {name: self._open(name) for name in views if name != "lo"}

    @staticmethod
    def _open(interface: str) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.bind(("", SERVER_PORT))
        return sock

    def serve(self) -> None:
        """Carry messages until the program is killed."""
        # Sent by a socket of no interface: the servers' is found by routing.
        out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        while True:
            ready, _, _ = select.select(list(self._links.values()), [], [])
            for interface, sock in self._links.items():
                if sock not in ready:
                    continue
                try:
                    message = DhcpMessage.parse(sock.recv(65_535))
                    self._carry(message, interface, out)
                except WireError as error:
                    self.door.drop(Drop.DHCP_MALFORMED, str(error))
                except OSError as error:
                    self.door.drop(Drop.DHCP_NOT_RELAYED, str(error.strerror))

    def _carry(self, message: DhcpMessage, interface: str, out: socket.socket) -> None:
        if message.operation == dhcp.BOOT_REPLY:
            self._to_client(message)
        elif interface in self.relays and message.hops < HOPS_MAX:
            carried = _changed(message, message.hops + 1, message.relay_address or self._addresses[interface])
            for server in self.relays[interface]:
                out.sendto(carried.emit(), (ipv4_text(server), SERVER_PORT))
        else:
            self.door.drop(
                Drop.DHCP_NOT_RELAYED, f"{message.name} by {interface} after {message.hops} relays"
            )

    def _to_client(self, message: DhcpMessage) -> None:
        for interface, address in self._addresses.items():
            if address != message.relay_address:
                continue
            to_all = bool(message.flags & dhcp.FLAG_BROADCAST) or not message.your_address
            mac = MAC_BROADCAST if to_all else int.from_bytes(message.hardware_address[:6], "big")
            macs = self._macs[interface], mac
            addresses = address, 0xFFFFFFFF if to_all else message.your_address
            send_message(self._frames[interface], message, macs, addresses, (SERVER_PORT, CLIENT_PORT))
            return
        relay = ipv4_text(message.relay_address)
        self.door.drop(Drop.DHCP_NOT_RELAYED, f"{message.name} for the link of {relay}, which is not here")


def _changed(message: DhcpMessage, hops: int, relay_address: int) -> DhcpMessage:
    return DhcpMessage(
        message.operation, message.transaction, message.hardware_address, message.options,
        client_address=message.client_address, your_address=message.your_address,
        next_server=message.next_server, relay_address=relay_address, seconds=message.seconds,
        flags=message.flags, hops=hops, hardware_type=message.hardware_type,
    )  # fmt: skip


def run(relays: Mapping[str, Sequence[int]]) -> None:
    """The program: relay on the host it runs on."""
    DhcpRelay(relays, control.here()).serve()
