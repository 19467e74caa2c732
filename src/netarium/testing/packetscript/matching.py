"""Is what left what the script wants? Data segments that follow each other may be merged or split, as offload does."""

from __future__ import annotations

from dataclasses import dataclass, replace

from netarium.testing.packetscript.flow import Flow, options_of
from netarium.testing.packetscript.packets import FLAGS
from netarium.testing.packetscript.script import Option, Packet
from netarium.wire.ipv4 import Ipv4Header
from netarium.wire.ipv6 import Ipv6Header
from netarium.wire.tcp import ACK, FIN, PSH, SYN, TcpHeader

LATE_FLAGS = PSH | FIN
"""Flags that stand on the last piece alone when a segment is split."""


@dataclass(frozen=True)
class Sent:
    """A segment that left: when, in ns, and what; `start`, `size` are those of what is still to be matched."""

    at_ns: int
    network: Ipv4Header | Ipv6Header
    header: TcpHeader
    start: int
    size: int

    @property
    def flags(self) -> int:
        """The eight flags."""
        return self.header.flags & 0xFF

    def without(self, size: int) -> Sent:
        """What is left when `size` bytes are matched."""
        return replace(self, start=(self.start + size) & 0xFFFFFFFF, size=self.size - size)


def flags_text(flags: int) -> str:
    """`S.`, `P.`: the letters of the notation."""
    return "".join(letter for letter, bit in FLAGS.items() if flags & bit and letter != ".") + (
        "." if flags & ACK else "" if flags else "-"
    )


def text_of(sent: Sent, flow: Flow) -> str:
    """A segment that left, in the notation."""
    start = flow.to_script_local(sent.start) if flow.local_isn >= 0 else 0
    text = f"{flags_text(sent.flags)} {start}:{start + sent.size}({sent.size})"
    if sent.flags & ACK:
        text += f" ack {flow.to_script_remote(sent.header.acknowledgment)}"
    text += f" win {sent.header.window}"
    options = ",".join(map(str, options_of(sent.header, flow)))
    return f"{text} <{options}>" if options else text


def difference(want: Packet, sent: Sent, flow: Flow, *, first: bool, last: bool, whole: bool) -> str:
    """What is wrong with one piece of the wanted packet; "" when nothing is. Options are looked at in the first.

    `whole`: it is no piece but all. Where PSH stands depends on how segments were merged, so it counts only there.
    """
    ignored = 0 if whole else PSH if last else LATE_FLAGS
    if (sent.flags ^ want.flags) & ~ignored:
        return f"flags {flags_text(sent.flags)} instead of {flags_text(want.flags)}"
    if want.flags & ACK and flow.to_script_remote(sent.header.acknowledgment) != want.acknowledgment:
        return f"ack {flow.to_script_remote(sent.header.acknowledgment)} instead of {want.acknowledgment}"
    if want.window >= 0 and sent.header.window != want.window:
        return f"win {sent.header.window} instead of {want.window}"
    if want.urgent and sent.header.urgent != want.urgent:
        return f"urg {sent.header.urgent} instead of {want.urgent}"
    if want.ecn >= 0 and sent.network.tos & 3 != want.ecn:
        return f"ECN bits {sent.network.tos & 3} instead of {want.ecn}"
    return _options_difference(want.options, sent.header, flow) if first else ""


def _options_difference(want: tuple[Option, ...] | None, header: TcpHeader, flow: Flow) -> str:
    if want is None:
        return ""
    got = options_of(header, flow)
    if [each.name for each in want] != [each.name for each in got]:
        return f"options <{','.join(map(str, got))}> instead of <{','.join(map(str, want))}>"
    for wanted, found in zip(want, got, strict=True):
        if wanted.name == "TS":
            # The value is ours to choose; what it echoes is not.
            if wanted.numbers[1] != found.numbers[1] and not (header.flags & SYN and not header.flags & ACK):
                return f"TS ecr {found.numbers[1]} instead of {wanted.numbers[1]}"
            flow.note_timestamp(wanted.numbers[0], found.numbers[0])
        elif wanted != found:
            return f"option `{found}` instead of `{wanted}`"
    return ""
