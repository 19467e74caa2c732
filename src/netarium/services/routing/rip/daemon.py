"""ripd: RIP as a program on a router: a UDP socket on port 520 for each interface, the clock, the host's table.

`main(options)` runs until its host goes down. It needs root for the port and for the routes.
"""

from __future__ import annotations

import socket

from netarium.services.routing.alarms import SECOND_NS
from netarium.services.routing.options import RoutingOptions
from netarium.services.routing.rip.instance import UPDATE_S, Instance
from netarium.services.routing.runner import Runner
from netarium.wire.rip import GROUP, PORT


class Daemon(Runner):
    """RIP with its sockets; it is the `Transport` of its instance."""

    def __init__(self, options: RoutingOptions) -> None:
        super().__init__(options)
        self.core = self.instance = Instance(
            options, self.alarms, self.random, self, self.installer.install, self.links
        )

    def open_socket(self) -> socket.socket:
        """A UDP socket on port 520 of one interface; the others have theirs."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("", PORT))
        return sock

    def groups(self) -> tuple[int, ...]:
        """All RIP version 2 routers."""
        return (GROUP,)

    def send(self, interface: str, destination: int, port: int, data: bytes) -> None:
        """One RIP message."""
        self.send_to(interface, destination, data, port)

    def look_outside(self) -> None:
        """What is brought in from outside is looked at once in an update interval."""
        if self.options.default_originate or self.options.redistribute:
            self.instance.outside = self.outside_routes()
            self.instance.look_at_links()
            self.alarms.after(UPDATE_S * SECOND_NS, self.look_outside)


def main(options: RoutingOptions) -> None:
    """Run ripd; it ends with its host."""
    daemon = Daemon(options)
    daemon.look_outside()
    daemon.run()
