"""The firewall: rules in order, the first that fits decides, else the chain's policy. Every rule counts.

Read first: RFC 2979 (what a firewall owes the hosts behind it). States are netfilter's: `new` is the first packets of a
connection until an answer was seen, `established` all others of it, `related` an ICMP error about it, `invalid` what
belongs to none and can begin none. A reject answers TCP by RST (nft's `reject with tcp reset`) and all else by port
unreachable of ICMP or ICMPv6; a plain `reject` of nft is port unreachable for TCP too. The rules are of both families,
as those of nftables' `inet`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netarium.stack.filter.telling import packet_size
from netarium.wire.icmp import IcmpHeader
from netarium.wire.icmpv6 import Icmpv6Header
from netarium.wire.ipv4 import OFFSET_MASK, Ipv4Header
from netarium.wire.tcp import TcpHeader
from netarium.wire.udp import UdpHeader

if TYPE_CHECKING:
    from netarium.stack.interface import Interface
    from netarium.wire.ethernet import Frame
    from netarium.wire.ipv6 import Ipv6Header

ACCEPT: Final = "accept"
DROP: Final = "drop"
REJECT: Final = "reject"
ACTIONS: Final = (ACCEPT, DROP, REJECT)

CHAINS: Final = ("input", "forward", "output")

NEW: Final = 1
ESTABLISHED: Final = 2
RELATED: Final = 4
INVALID: Final = 8
UNTRACKED: Final = 16
STATES: Final = {
    "new": NEW, "established": ESTABLISHED, "related": RELATED, "invalid": INVALID, "untracked": UNTRACKED,
}  # fmt: skip
"""Their bits; a rule has a mask of them."""

PortRanges = tuple[tuple[int, int], ...]


class Rule:
    """One rule. What is 0, empty or -1 fits everything; prefixes are (network, mask); ports are inclusive ranges.

    `family` is that of its prefixes, 4 or 6; a rule without any speaks of both.
    """

    __slots__ = (
        "action", "bytes", "destination", "destination_ports", "family", "icmp_type", "interface_in", "interface_out",
        "packets", "protocol", "source", "source_ports", "states", "text",
    )  # fmt: skip

    def __init__(
        self,
        action: str,
        *,
        interface_in: str = "",
        interface_out: str = "",
        source: tuple[int, int] = (0, 0),
        destination: tuple[int, int] = (0, 0),
        protocol: int = -1,
        source_ports: PortRanges = (),
        destination_ports: PortRanges = (),
        icmp_type: int = -1,
        states: int = 0,
        family: int = 0,
        text: str = "",
    ) -> None:
        self.action: Final = action
        self.interface_in: Final = interface_in
        self.interface_out: Final = interface_out
        self.source: Final = source
        self.destination: Final = destination
        self.protocol: Final = protocol
        self.source_ports: Final = source_ports
        self.destination_ports: Final = destination_ports
        self.icmp_type: Final = icmp_type
        self.states: Final = states
        self.family: Final = family
        self.text: Final = text
        """How it was written, for lists and drop reports."""
        self.packets = 0
        self.bytes = 0

    def fits(
        self, frame: Frame, header: Ipv4Header | Ipv6Header, state: int, in_name: str, out_name: str
    ) -> bool:
        """Whether the packet in `frame` is one of those it speaks of."""
        if self.protocol >= 0 and header.protocol != self.protocol:
            return False
        if self.states and not self.states & state:
            return False
        if self.interface_in and self.interface_in != in_name:
            return False
        if self.interface_out and self.interface_out != out_name:
            return False
        if self.family and (self.family == 4) != (type(header) is Ipv4Header):
            return False
        network, mask = self.source
        if header.source & mask != network:
            return False
        network, mask = self.destination
        if header.destination & mask != network:
            return False
        if self.source_ports or self.destination_ports or self.icmp_type >= 0:
            return self._fits_transport(frame, header)
        return True

    def _fits_transport(self, frame: Frame, header: Ipv4Header | Ipv6Header) -> bool:
        transport = frame.transport
        if transport is None:
            return self._fits_bytes(frame, header)
        if type(transport) is IcmpHeader or type(transport) is Icmpv6Header:
            return self.icmp_type == transport.type
        if type(transport) is not TcpHeader and type(transport) is not UdpHeader:
            return False
        if self.icmp_type >= 0:
            return False
        return _within(self.source_ports, transport.source_port) and _within(
            self.destination_ports, transport.destination_port
        )

    def _fits_bytes(self, frame: Frame, header: Ipv4Header | Ipv6Header) -> bool:
        """The same where the transport header is broken, such as by its checksum: netfilter reads what stands there."""
        later = header.fragment & OFFSET_MASK if type(header) is Ipv4Header else header.offset_bytes
        if later:
            return False
        data = bytes(frame.payload[:4])
        if self.icmp_type >= 0:
            return data[:1] == bytes([self.icmp_type])
        return _within_bytes(self.source_ports, data[:2]) and _within_bytes(self.destination_ports, data[2:])

    def copy(self) -> Rule:
        """The same with counters at zero."""
        return Rule(
            self.action,
            interface_in=self.interface_in,
            interface_out=self.interface_out,
            source=self.source,
            destination=self.destination,
            protocol=self.protocol,
            source_ports=self.source_ports,
            destination_ports=self.destination_ports,
            icmp_type=self.icmp_type,
            states=self.states,
            family=self.family,
            text=self.text,
        )


class RuleChain:
    """The rules of one place. `policy` decides where none fits; it counts too."""

    __slots__ = ("bytes", "name", "packets", "policy", "rules")

    def __init__(self, name: str, policy: str = ACCEPT) -> None:
        self.name: Final = name
        self.policy = policy
        self.rules: list[Rule] = []
        self.packets = 0
        self.bytes = 0

    def judge(
        self,
        frame: Frame,
        header: Ipv4Header | Ipv6Header,
        state: int,
        interface_in: Interface | None,
        out: Interface | None,
    ) -> tuple[str, int]:
        """(action, number of the rule from 1 on, or 0 for the policy) for the packet in `frame`."""
        in_name = "" if interface_in is None else interface_in.name
        out_name = "" if out is None else out.name
        size = packet_size(frame)
        for number, rule in enumerate(self.rules, 1):
            if rule.fits(frame, header, state, in_name, out_name):
                rule.packets += 1
                rule.bytes += size
                return rule.action, number
        self.packets += 1
        self.bytes += size
        return self.policy, 0

    def told(self, number: int) -> str:
        """The rule of this number in words: `rule 3: deny tcp dport 23`, or the policy."""
        if number == 0:
            return f"policy of {self.name}: {self.policy}"
        return f"rule {number} of {self.name}: {self.rules[number - 1].text}"


class Firewall:
    """The three chains of one host."""

    __slots__ = ("chains",)

    def __init__(self) -> None:
        self.chains: Final[dict[str, RuleChain]] = {name: RuleChain(name) for name in CHAINS}

    def is_needed(self, name: str) -> bool:
        """Whether packets must be shown to this chain."""
        chain = self.chains[name]
        return bool(chain.rules) or chain.policy != ACCEPT


def _within(ranges: PortRanges, port: int) -> bool:
    return not ranges or any(low <= port <= high for low, high in ranges)


def _within_bytes(ranges: PortRanges, field: bytes) -> bool:
    return not ranges or (len(field) == 2 and _within(ranges, int.from_bytes(field, "big")))
