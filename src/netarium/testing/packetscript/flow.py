"""Numbers of the script and numbers of the wire, for one connection: sequence numbers, timestamps, ports, options.

In a script both ends begin at 0 and timestamps are what the writer likes. Our end's numbers are learnt from its first
SYN; the peer's begin at `remote_isn`.
"""

from __future__ import annotations

from struct import pack, unpack_from

from netarium.testing.packetscript.script import Option
from netarium.wire import tcp_options as wire
from netarium.wire.tcp import SYN, TcpHeader

MASK = 0xFFFFFFFF
PORT = 8080
"""The port of both ends where the script names none."""
_NAMES = {
    wire.MSS: ("mss", "!H"),
    wire.WINDOW_SCALE: ("wscale", "!B"),
    wire.SACK_PERMITTED: ("sackOK", "!"),
    wire.TIMESTAMPS: ("TS", "!II"),
}


class Flow:
    """One connection. `local_port` and `remote_port` as on the wire; `local_isn` -1 until our SYN was seen."""

    def __init__(self, local_port: int, remote_port: int, remote_isn: int) -> None:
        self.local_port = local_port
        self.remote_port = remote_port
        self.remote_isn = remote_isn
        self.local_isn = -1
        self.echoes: dict[int, int] = {}
        """Timestamps of ours: the script's number -> the wire's."""
        self.timestamp_offset = 0

    def note_outbound(self, header: TcpHeader, script_start: int) -> None:
        """A segment of ours has left; a SYN tells where our numbers begin."""
        if header.flags & SYN:
            self.local_isn = (header.sequence - script_start) & MASK

    def to_wire_local(self, number: int) -> int:
        """One of our sequence numbers, as on the wire."""
        return (number + max(self.local_isn, 0)) & MASK

    def to_wire_remote(self, number: int) -> int:
        """One of the peer's, as on the wire."""
        return (number + self.remote_isn) & MASK

    def to_script_local(self, number: int) -> int:
        """One of our sequence numbers, as in the script."""
        return (number - max(self.local_isn, 0)) & MASK

    def to_script_remote(self, number: int) -> int:
        """One of the peer's, as in the script."""
        return (number - self.remote_isn) & MASK

    def note_timestamp(self, script_value: int, wire_value: int) -> None:
        """The script calls this timestamp of ours so."""
        self.echoes[script_value] = wire_value
        self.timestamp_offset = wire_value - script_value

    def echo_to_wire(self, script_value: int) -> int:
        """The timestamp of ours that the script's peer echoes; 0 before we sent one."""
        if not self.echoes:
            return 0
        return self.echoes.get(script_value, script_value + self.timestamp_offset) & MASK

    def echo_to_script(self, wire_value: int) -> int:
        """The script's number of a timestamp of ours."""
        for script_value, known in self.echoes.items():
            if known == wire_value:
                return script_value
        return (wire_value - self.timestamp_offset) & MASK


def options_bytes(options: tuple[Option, ...], flow: Flow) -> bytes:
    """Inbound options in the script's order, padded with zeros to four bytes."""
    data = b""
    for each in options:
        if each.name == "nop":
            data += bytes((wire.NOP,))
        elif each.name == "eol":
            data += bytes((wire.END,))
        elif each.name == "sack":
            edges = [flow.to_wire_local(number) for number in each.numbers]
            data += bytes((wire.SACK, 2 + 4 * len(edges))) + pack(f"!{len(edges)}I", *edges)
        else:
            numbers = each.numbers
            if each.name == "TS":
                numbers = (numbers[0] & MASK, flow.echo_to_wire(numbers[1]))
            kind, layout = next((kind, form) for kind, (name, form) in _NAMES.items() if name == each.name)
            body = pack(layout, *numbers)
            data += bytes((kind, 2 + len(body))) + body
    return data + bytes(-len(data) % 4)


def options_of(header: TcpHeader, flow: Flow) -> tuple[Option, ...]:
    """The options of an outbound segment, in their order, SACK edges in the script's numbers."""
    if header.options is not None:
        data = header.options.emit(header.timestamp, header.echo)
    elif header.timestamp >= 0:
        data = wire.TcpOptions().emit(header.timestamp, header.echo)
    else:
        return ()
    found = []
    at = 0
    while at < len(data):
        kind = data[at]
        if kind in (wire.NOP, wire.END):
            found.append(Option("nop" if kind == wire.NOP else "eol"))
            at += 1
            continue
        length = data[at + 1]
        if kind == wire.SACK:
            edges = unpack_from(f"!{(length - 2) // 4}I", data, at + 2)
            found.append(Option("sack", tuple(flow.to_script_remote(edge) for edge in edges)))
        elif kind in _NAMES:
            name, layout = _NAMES[kind]
            found.append(Option(name, unpack_from(layout, data, at + 2)))
        else:
            found.append(Option(f"kind-{kind}"))
        at += length
    return tuple(found)
