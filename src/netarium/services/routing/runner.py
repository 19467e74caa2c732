"""What gives a protocol its sockets, one for each interface, and the clock: the loop of every routing daemon."""

from __future__ import annotations

import errno
import random
import select
import socket
import struct
import time
from typing import Final, Protocol

from netarium import control
from netarium.addresses import ipv4_text
from netarium.services.routing.alarms import NEVER_NS, SECOND_NS, Alarms
from netarium.services.routing.installer import Installer, Prefix
from netarium.services.routing.links import LinkView, read_links
from netarium.services.routing.options import RoutingOptions

SO_BINDTODEVICE: Final = 25
NETLINK_ROUTE: Final = 0
RTMGRP_LINK: Final = 1
PACKET_BYTES_MAX: Final = 65_535
_DEFAULT: Final = (0, 0)


class Core(Protocol):
    """A protocol that is handed time and packets."""

    def count(self, reason: str) -> None:
        """Something was not taken, or not sent."""
        ...

    def look_at_links(self) -> None:
        """Take interfaces up and down as they are on the host now."""
        ...

    def receive(self, name: str, source: int, data: bytes, port: int) -> None:
        """A packet that came by an interface."""
        ...

    def flush(self) -> None:
        """Do what follows from what has come."""
        ...


class Runner:
    """One protocol on one router. A daemon says how its sockets are opened, and what its core is."""

    core: Core

    def __init__(self, options: RoutingOptions) -> None:
        self.options: Final = options
        self.control: Final = control.here()
        self.installer: Final = Installer(self.control, options.protocol)
        self.alarms: Final = Alarms(time.monotonic_ns())
        self.random: Final = random.Random(random.getrandbits(64))
        self.poller: Final = select.epoll()
        self.sockets: Final[dict[str, socket.socket]] = {}
        self.names: Final[dict[int, str]] = {}
        self.link_news: Final = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE)
        self.link_news.setblocking(False)
        self.link_news.bind((0, RTMGRP_LINK))
        self.poller.register(self.link_news.fileno(), select.EPOLLIN)

    def links(self) -> list[LinkView]:
        """The host's interfaces that can be used now."""
        return read_links(self.control)

    def open_socket(self) -> socket.socket:
        """A socket that is bound to no interface yet."""
        raise NotImplementedError

    def groups(self) -> tuple[int, ...]:
        """The groups that every interface hears."""
        raise NotImplementedError

    def payload(self, packet: bytes) -> bytes:
        """What the protocol sees of what a socket receives."""
        return packet

    def socket_of(self, interface: str) -> socket.socket:
        """The interface's socket, opened when it is first needed."""
        sock = self.sockets.get(interface)
        if sock is None:
            sock = self.open_socket()
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
            sock.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, interface.encode())
            self.sockets[interface] = sock
            self.names[sock.fileno()] = interface
            self.poller.register(sock.fileno(), select.EPOLLIN)
            for group in self.groups():
                self.hear(interface, group, True)
        return sock

    def hear(self, interface: str, group: int, wanted: bool) -> None:
        """Join or leave a group on an interface."""
        option = socket.IP_ADD_MEMBERSHIP if wanted else socket.IP_DROP_MEMBERSHIP
        index = socket.if_nametoindex(interface)
        request = struct.pack("!II", group, 0) + struct.pack("i", index)
        try:
            self.socket_of(interface).setsockopt(socket.IPPROTO_IP, option, request)
        except OSError as error:
            self.core.count(f"group {ipv4_text(group)} on {interface}: {error}")

    def send_to(self, interface: str, destination: int, data: bytes, port: int = 0) -> None:
        """One packet; what cannot leave now is as good as lost on the way."""
        try:
            self.socket_of(interface).sendto(data, (ipv4_text(destination), port))
        except OSError as error:
            self.core.count(f"not sent: {errno.errorcode.get(error.errno or 0, str(error))}")

    def run(self) -> None:
        """Until the host goes down."""
        core, alarms, poller = self.core, self.alarms, self.poller
        core.look_at_links()
        while True:
            core.flush()
            next_ns = alarms.next_ns()
            timeout = None if next_ns == NEVER_NS else max(next_ns - time.monotonic_ns(), 0) / SECOND_NS
            ready = poller.poll(timeout)
            alarms.now = time.monotonic_ns()
            for number, _ in ready:
                if number in self.names:
                    self._receive(self.names[number])
                else:
                    self._hear_links()
            alarms.fire_due()

    def _hear_links(self) -> None:
        """A link has come or gone: what it is now is read anew."""
        try:
            while True:
                self.link_news.recv(4096)
        except BlockingIOError:
            self.core.look_at_links()

    def _receive(self, interface: str) -> None:
        sock = self.sockets[interface]
        while True:
            try:
                packet, (source, port) = sock.recvfrom(PACKET_BYTES_MAX)
            except BlockingIOError:
                return
            except OSError as error:
                self.core.count(f"not received: {error}")
                continue
            address = int.from_bytes(socket.inet_aton(source), "big")
            self.core.receive(interface, address, self.payload(packet), port)

    def outside_routes(self) -> list[Prefix]:
        """What this router is to tell of besides the protocol's own routes: (0, 0) for the default route."""
        options = self.options
        kinds = ["kernel" if each == "connected" else each for each in options.redistribute]
        found: list[Prefix] = []
        for route in self.control.routes():
            key = (route.prefix, route.length)
            if key == _DEFAULT:
                wanted = options.default_originate and route.protocol != options.protocol
            else:
                wanted = route.protocol in kinds
            if wanted and key not in found:
                found.append(key)
        return found
