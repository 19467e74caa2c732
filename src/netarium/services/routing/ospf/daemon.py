"""ospfd: OSPF as a program on a router: a raw socket of protocol 89 for each interface, the clock, the host's table.

`main(options)` runs until its host goes down. It needs root: CAP_NET_RAW for the sockets, CAP_NET_ADMIN for the routes.
"""

from __future__ import annotations

import errno
import random
import select
import socket
import struct
import sys
import time
from typing import Final

from netarium import control
from netarium.addresses import ipv4_text
from netarium.services.routing.alarms import NEVER_NS, SECOND_NS, Alarms
from netarium.services.routing.installer import Installer, Prefix
from netarium.services.routing.links import LinkView, read_links
from netarium.services.routing.options import RoutingOptions
from netarium.services.routing.ospf.constants import DEFAULT_METRIC, EXTERNAL_METRIC, PRECEDENCE
from netarium.services.routing.ospf.instance import Instance
from netarium.wire.ospf import ALL_DESIGNATED, ALL_ROUTERS, PROTOCOL

SO_BINDTODEVICE: Final = 25
PACKET_BYTES_MAX: Final = 65_535
_DEFAULT: Final = (0, 0)


def choose_router_id(links: list[LinkView]) -> int:
    """The largest address of lo, else the largest of all (as FRR does); 0 without any address."""
    addresses = [each.address for each in links if each.name == "lo"] or [each.address for each in links]
    return max(addresses, default=0)


class Daemon:
    """The sockets of one router's OSPF, by interface; they are opened when first needed."""

    def __init__(self, options: RoutingOptions) -> None:
        self.options: Final = options
        self.control: Final = control.here()
        self.installer: Final = Installer(self.control, "ospf")
        self.alarms: Final = Alarms(time.monotonic_ns())
        self.poller: Final = select.epoll()
        self.sockets: Final[dict[str, socket.socket]] = {}
        self.names: Final[dict[int, str]] = {}
        self.indexes: Final = {each.name: each.number + 1 for each in self.control.interfaces()}
        links = read_links(self.control)
        self.instance: Final = Instance(
            options,
            options.router_id or choose_router_id(links),
            self.alarms,
            random.Random(random.getrandbits(64)),
            self,
            self.installer.install,
            lambda: read_links(self.control),
        )

    # What the instance asks for.

    def send(self, interface: str, destination: int, data: bytes) -> None:
        """One packet; what cannot leave now is as good as lost on the way."""
        try:
            self._socket(interface).sendto(data, (ipv4_text(destination), 0))
        except OSError as error:
            self.instance.count(f"not sent: {errno.errorcode.get(error.errno or 0, str(error))}")

    def hear_designated(self, interface: str, wanted: bool) -> None:
        """Join or leave AllDRouters."""
        option = socket.IP_ADD_MEMBERSHIP if wanted else socket.IP_DROP_MEMBERSHIP
        sock = self._socket(interface)
        try:
            sock.setsockopt(socket.IPPROTO_IP, option, self._membership(interface, ALL_DESIGNATED))
        except OSError as error:
            self.instance.count(f"membership: {error}")

    def _membership(self, interface: str, group: int) -> bytes:
        return struct.pack("!II", group, 0) + struct.pack("i", self.indexes[interface])

    def _socket(self, interface: str) -> socket.socket:
        sock = self.sockets.get(interface)
        if sock is None:
            sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, PROTOCOL)
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, interface.encode())
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, PRECEDENCE)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
            membership = self._membership(interface, ALL_ROUTERS)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
            self.sockets[interface] = sock
            self.names[sock.fileno()] = interface
            self.poller.register(sock.fileno(), select.EPOLLIN)
        return sock

    # The loop.

    def run(self) -> None:
        """Until the host goes down."""
        instance, alarms = self.instance, self.alarms
        instance.look_at_links()
        self._look_outside()
        while True:
            instance.flush()
            delay_ns = alarms.next_ns() - time.monotonic_ns()
            timeout = None if delay_ns > NEVER_NS // 2 else max(delay_ns, 0) / SECOND_NS
            ready = self.poller.poll(timeout)
            alarms.now = time.monotonic_ns()
            for number, _ in ready:
                self._receive(self.names[number])
            alarms.fire_due()

    def _receive(self, interface: str) -> None:
        sock = self.sockets[interface]
        while True:
            try:
                packet, (source, _) = sock.recvfrom(PACKET_BYTES_MAX)
            except BlockingIOError:
                return
            except OSError as error:
                self.instance.count(f"not received: {error}")
                continue
            data = packet[(packet[0] & 15) * 4 :]
            self.instance.receive(interface, int.from_bytes(socket.inet_aton(source), "big"), data)

    def _look_outside(self) -> None:
        """What is redistributed, looked at once in a hello interval."""
        options = self.options
        if not options.default_originate and not options.redistribute:
            return
        externals: dict[Prefix, int] = {}
        kinds = ["kernel" if each == "connected" else each for each in options.redistribute]
        for route in self.control.routes():
            key = (route.prefix, route.length)
            if key == _DEFAULT:
                if options.default_originate and route.protocol != "ospf":
                    externals[key] = DEFAULT_METRIC
            elif route.protocol in kinds:
                externals[key] = EXTERNAL_METRIC
        self.instance.originator.set_externals(externals)
        self.alarms.after(options.common.hello_s * SECOND_NS, self._look_outside)


def main(options: RoutingOptions) -> int:
    """Run ospfd; it ends with its host, or at once with 1 when there is no address to be known by."""
    daemon = Daemon(options)
    if not daemon.instance.router_id:
        print("ospfd: no interface has an IPv4 address, and no router-id is given", file=sys.stderr)
        return 1
    daemon.run()
    return 0
