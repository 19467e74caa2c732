"""The DHCP server's program: sockets around `policy`, and the probe before a new address is offered.

Read first: RFC 2131 4.1 (where a reply is sent), 2.2 (the probe). Prints what ISC dhcpd logs.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from dataclasses import replace
from typing import NamedTuple

from netarium import control
from netarium.addresses import ipv4_text
from netarium.control import Control
from netarium.errors import WireError
from netarium.journey import Drop
from netarium.services.dhcp.configuration import DhcpConfiguration, Subnet
from netarium.services.dhcp.leases import Leases
from netarium.services.dhcp.link import packet_socket, send_message
from netarium.services.dhcp.policy import Policy, Reply
from netarium.wire import dhcp
from netarium.wire.checksum import word_sum
from netarium.wire.dhcp import CLIENT_PORT, SERVER_PORT, DhcpMessage
from netarium.wire.ethernet import MAC_BROADCAST

PROBE_S = 1.0
"""How long an echo request to an address that is to be offered is waited for (ISC dhcpd: one second)."""
SOL_RAW = 255
ICMP_FILTER = 1
BROADCAST = 0xFFFFFFFF


class _Probe(NamedTuple):
    """An offer that waits for silence."""

    deadline: float
    request: DhcpMessage
    reply: DhcpMessage
    subnet: Subnet
    interface: str


class DhcpServer:
    """One server, for all its subnets."""

    def __init__(self, configuration: DhcpConfiguration, door: Control) -> None:
        self.configuration = configuration
        self.door = door
        self.leases = Leases(door.disk)
        self.policy = Policy(self.leases)
        self._macs = {each.name: each.mac for each in door.interfaces()}
        self._links: dict[str, socket.socket] = {}
        self._frames: dict[str, socket.socket] = {}
        self._probes: dict[int, _Probe] = {}
        self._echo = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self._echo.setsockopt(SOL_RAW, ICMP_FILTER, struct.pack("I", 0xFFFFFFFE))

    def serve(self) -> None:
        """Answer until the program is killed."""
        for view in self.door.interfaces():
            if not view.is_loopback:
                self._open(view.name)
        sockets = [*self._links.values(), self._echo]
        while True:
            now = time.monotonic()
            nearest = min((each.deadline for each in self._probes.values()), default=None)
            ready, _, _ = select.select(sockets, [], [], None if nearest is None else max(nearest - now, 0))
            for interface, sock in self._links.items():
                if sock in ready:
                    self._take(sock, interface)
            if self._echo in ready:
                self._take_echo()
            self._end_probes(time.monotonic())

    def _open(self, interface: str) -> None:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.bind(("", SERVER_PORT))
        self._links[interface] = sock
        self._frames[interface] = packet_socket(interface, 0)

    def _take(self, sock: socket.socket, interface: str) -> None:
        try:
            data, _ = sock.recvfrom(65_535)
            message = DhcpMessage.parse(data)
        except OSError:
            return
        except WireError as error:
            self.door.drop(Drop.DHCP_MALFORMED, str(error))
            return
        if message.operation == dhcp.BOOT_REQUEST and message.kind:
            self.handle(message, interface)
        else:
            self.door.drop(Drop.DHCP_NOT_SERVED, f"{message.name}, BOOTP operation {message.operation}")

    # One message.

    def handle(self, message: DhcpMessage, interface: str) -> None:
        """Answer a client's message that came by `interface`."""
        subnet = self._subnet_for(message, interface)
        if subnet is None:
            self.door.drop(Drop.DHCP_NOT_SERVED, f"{self._from(message, interface)}: no subnet there")
            return
        if any(
            probe.request.transaction == message.transaction
            and probe.request.client_key == message.client_key
            for probe in self._probes.values()
        ):
            return  # asked again while the probe is out
        self._log(message, interface)
        reply = self.policy.answer(message, subnet, self.door.clock())
        if reply is None:
            if message.kind == dhcp.DISCOVER:
                print(
                    f"{self._from(message, interface)}: network {subnet.prefix}: no free leases", flush=True
                )
            return
        if reply.probe:
            self._begin_probe(reply, message, subnet, interface)
        else:
            self._send(reply.message, message, subnet, interface)

    def _subnet_for(self, message: DhcpMessage, interface: str) -> Subnet | None:
        """RFC 2131 4.3.1: the relay's link, else the one it came by; of a renewal that was routed, the address'."""
        own = next((each for each in self.door.interfaces() if each.name == interface), None)
        address = own.addresses[0].address if own is not None and own.addresses else 0
        place = message.relay_address or message.client_address
        for each in self.configuration.subnets:
            if place and place in each.prefix:
                return replace(each, address=each.address or address)
        if message.relay_address:
            return None
        for each in self.configuration.subnets:
            if each.interface == interface:
                return each
        return None

    # Probes.

    def _begin_probe(self, reply: Reply, message: DhcpMessage, subnet: Subnet, interface: str) -> None:
        """Ask by ICMP whether somebody has the address; the offer waits."""
        head = struct.pack("!BBHHH", 8, 0, 0, message.transaction & 0xFFFF, 1)
        packet = head[:2] + struct.pack("!H", -word_sum(head) % 65535) + head[4:]
        deadline = time.monotonic() + PROBE_S
        try:
            self._echo.sendto(packet, (ipv4_text(reply.probe), 0))
        except OSError:
            deadline = time.monotonic()
        self._probes[reply.probe] = _Probe(deadline, message, reply.message, subnet, interface)

    def _take_echo(self) -> None:
        packet, source = self._echo.recvfrom(65_535)
        address = int.from_bytes(socket.inet_aton(source[0]), "big")
        probe = self._probes.pop(address, None)
        if probe is not None and packet:
            print(f"Abandoning IP address {source[0]}: pinged before offer", flush=True)
            self.policy.found_in_use(address, self.door.clock())
            self.handle(probe.request, probe.interface)

    def _end_probes(self, now: float) -> None:
        for address, probe in list(self._probes.items()):
            if probe.deadline <= now:
                del self._probes[address]
                # The neighbour that did not answer is no failure to be told of.
                self.door.remove_neighbor(probe.interface, address)
                self._send(probe.reply, probe.request, probe.subnet, probe.interface)

    # Replies.

    def _send(self, reply: DhcpMessage, request: DhcpMessage, subnet: Subnet, interface: str) -> None:
        """RFC 2131 4.1: to the relay, to the address the client has, by broadcast, or straight to its MAC."""
        print(self._told(reply, request, interface), flush=True)
        data = reply.emit()
        sock = self._links[interface]
        try:
            if reply.relay_address:
                sock.sendto(data, (ipv4_text(reply.relay_address), SERVER_PORT))
            elif reply.kind != dhcp.NAK and request.client_address:
                sock.sendto(data, (ipv4_text(request.client_address), CLIENT_PORT))
            else:
                to_all = reply.kind == dhcp.NAK or bool(reply.flags & dhcp.FLAG_BROADCAST)
                mac = MAC_BROADCAST if to_all else int.from_bytes(reply.hardware_address[:6], "big")
                address = BROADCAST if to_all else reply.your_address
                macs, addresses = (self._macs[interface], mac), (subnet.address, address)
                send_message(self._frames[interface], reply, macs, addresses, (SERVER_PORT, CLIENT_PORT))
        except OSError as error:
            print(f"send_packet: {error.strerror}", flush=True)

    # The log.

    def _from(self, message: DhcpMessage, interface: str) -> str:
        via = ipv4_text(message.relay_address) if message.relay_address else interface
        return f"{message.name} from {message.hardware_address.hex(':')} via {via}"

    def _log(self, message: DhcpMessage, interface: str) -> None:
        print(self._from(message, interface), flush=True)

    @staticmethod
    def _told(reply: DhcpMessage, request: DhcpMessage, interface: str) -> str:
        via = ipv4_text(request.relay_address) if request.relay_address else interface
        on = ipv4_text(
            reply.your_address or request.address(dhcp.REQUESTED_ADDRESS) or request.client_address
        )
        return f"{reply.name} on {on} to {reply.hardware_address.hex(':')} via {via}"


def run(configuration: DhcpConfiguration) -> None:
    """The program: serve on the host it runs on."""
    DhcpServer(configuration, control.here()).serve()
