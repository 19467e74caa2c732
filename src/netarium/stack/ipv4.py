"""IPv4 of one host, put together: routes, input, output, forward, fragments, under one name.

Transports hold this object as `ip`: `ip.send_packet(...)` and `ip.route_for(...)` are the output's own methods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netarium.addresses import ipv4_text
from netarium.stack.fragments import Reassembler
from netarium.stack.ip_forward import Ipv4Forward
from netarium.stack.ip_input import Ipv4Input
from netarium.stack.ip_output import Ipv4Output
from netarium.stack.path_mtu import Paths
from netarium.stack.tcp.protocol import Tcp

if TYPE_CHECKING:
    from netarium.stack.interface import Interface
    from netarium.stack.neighbors import Neighbors
    from netarium.stack.stack import Stack


class Ipv4:
    """The IPv4 modules of one stack."""

    __slots__ = (
        "_stack",
        "forward",
        "fragments",
        "header_bytes",
        "input",
        "output",
        "paths",
        "route_for",
        "routes",
        "send_packet",
        "tcp",
        "version",
    )

    def __init__(self, stack: Stack) -> None:
        self._stack: Final = stack
        self.version: Final = 4
        self.header_bytes: Final = 20
        self.routes: Final = stack.routes
        self.paths: Final = Paths(stack, stack.routes)
        self.output: Final = Ipv4Output(stack)
        self.fragments: Final = Reassembler(stack)
        self.forward: Final = Ipv4Forward(stack, self.output)
        self.input: Final = Ipv4Input(stack, self.fragments, self.forward)
        self.send_packet: Final = self.output.send_packet
        self.route_for: Final = self.output.route_for
        self.tcp: Final = Tcp(stack, self)

    def neighbors_of(self, interface: Interface) -> Neighbors:
        """The neighbour table of an interface for this family."""
        return interface.neighbors

    def is_local(self, address: int) -> bool:
        """Whether a socket may bind to `address`."""
        return self._stack.is_local(address)

    def format_address(self, address: int) -> str:
        """An address of this family as text."""
        return ipv4_text(address)
