"""ospfd: OSPF as a program on a router: a raw socket of protocol 89 for each interface, the clock, the host's table.

`main(options)` runs until its host goes down. It needs root: CAP_NET_RAW for the sockets, CAP_NET_ADMIN for the routes.
"""

from __future__ import annotations

import socket
import sys
import time

from netarium import control
from netarium.addresses import ipv4_text
from netarium.journey import Cause
from netarium.services.routing.alarms import SECOND_NS
from netarium.services.routing.links import LinkView, read_links
from netarium.services.routing.options import RoutingOptions
from netarium.services.routing.ospf import views
from netarium.services.routing.ospf.constants import (
    DEFAULT_METRIC,
    DOWN,
    EXTERNAL_METRIC,
    N_DOWN,
    PRECEDENCE,
    STATE_NAMES,
)
from netarium.services.routing.ospf.instance import Instance
from netarium.services.routing.ospf.neighbor import Neighbor
from netarium.services.routing.ospf.refusals import Refusal
from netarium.services.routing.runner import Runner
from netarium.wire.ospf import ALL_DESIGNATED, ALL_ROUTERS, PROTOCOL


def choose_router_id(links: list[LinkView]) -> int:
    """The largest address of lo, else the largest of all (as FRR does); 0 without any address."""
    addresses = [each.address for each in links if each.name == "lo"] or [each.address for each in links]
    return max(addresses, default=0)


class Daemon(Runner):
    """OSPF with its sockets; it is the `Transport` of its instance."""

    def __init__(self, options: RoutingOptions) -> None:
        super().__init__(options)
        router_id = options.router_id or choose_router_id(self.links())
        self.core = self.instance = Instance(
            options, router_id, self.alarms, self.random, self, self.installer.install, self.links
        )
        self.instance.on_neighbor = self.tell_neighbor
        self.instance.refusals.tell = self.tell_refusal
        self.control.daemons["ospfd"] = lambda: views.neighbors_of(self.instance, time.monotonic_ns())

    def tell_neighbor(self, neighbor: Neighbor, old: int) -> None:
        """For the trace: a neighbor's state has changed."""
        cause = Cause.NEIGHBOR_ROUTER
        if neighbor.state == N_DOWN:
            cause = Cause.OPERATOR if neighbor.interface.state == DOWN else Cause.AGED
        subject = f"ospf {neighbor.interface.name} neighbor {ipv4_text(neighbor.router_id)}"
        self.control.tell_state(subject, STATE_NAMES[old], STATE_NAMES[neighbor.state], cause)

    def tell_refusal(self, refusal: Refusal) -> None:
        """To the log: standard error."""
        print(refusal, file=sys.stderr, flush=True)

    def open_socket(self) -> socket.socket:
        """A raw socket of protocol 89; packets have TTL 1 and the precedence of routing (RFC 2328 4.3)."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, PROTOCOL)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, PRECEDENCE)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1)
        return sock

    def groups(self) -> tuple[int, ...]:
        """AllSPFRouters."""
        return (ALL_ROUTERS,)

    def payload(self, packet: bytes) -> bytes:
        """A raw socket gives the IP header too."""
        return packet[(packet[0] & 15) * 4 :]

    def send(self, interface: str, destination: int, data: bytes) -> None:
        """One OSPF packet."""
        self.send_to(interface, destination, data)

    def hear_designated(self, interface: str, wanted: bool) -> None:
        """Join or leave AllDRouters."""
        self.hear(interface, ALL_DESIGNATED, wanted)

    def look_outside(self) -> None:
        """What is brought in from outside is looked at once in a hello interval."""
        options = self.options
        if options.default_originate or options.redistribute:
            found = self.outside_routes()
            metrics = {key: DEFAULT_METRIC if key == (0, 0) else EXTERNAL_METRIC for key in found}
            self.instance.originator.set_externals(metrics)
            self.alarms.after(options.common.hello_s * SECOND_NS, self.look_outside)


def main(options: RoutingOptions) -> None:
    """Run ospfd; it ends with its host. Without an address to be known by it waits until there is one (DHCP)."""
    door = control.here()
    while not options.router_id and not read_links(door):
        time.sleep(1)
    daemon = Daemon(options)
    daemon.look_outside()
    daemon.run()
