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

if TYPE_CHECKING:
    from netarium.stack.stack import Stack


class Ipv4:
    """The IPv4 modules of one stack."""

    __slots__ = (
        "forward",
        "fragments",
        "header_bytes",
        "input",
        "output",
        "route_for",
        "routes",
        "send_packet",
        "version",
    )

    def __init__(self, stack: Stack) -> None:
        self.version: Final = 4
        self.header_bytes: Final = 20
        self.routes: Final = stack.routes
        self.output: Final = Ipv4Output(stack)
        self.fragments: Final = Reassembler(stack)
        self.forward: Final = Ipv4Forward(stack, self.output)
        self.input: Final = Ipv4Input(stack, self.fragments, self.forward)
        self.send_packet: Final = self.output.send_packet
        self.route_for: Final = self.output.route_for

    def format_address(self, address: int) -> str:
        """An address of this family as text."""
        return ipv4_text(address)
