"""Frames and state changes in plain words, in the order of the run, for `netarium demo`.

One frame value travels unchanged over several cables; it is told once, with all its numbers in the capture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from netarium.addresses import ipv4_text, mac_text
from netarium.journey import PortLike, Stop
from netarium.wire.arp import ArpPacket
from netarium.wire.tcp import ACK, FIN, RST, SYN, TcpHeader

if TYPE_CHECKING:
    from netarium.lab.net import Net
    from netarium.lab.service import Service
    from netarium.wire.ethernet import Frame

_SECTIONS = ("Who has that address? (ARP)", "The handshake (TCP)", "The conversation", "The teardown")
_ARP, _HANDSHAKE, _DATA, _TEARDOWN = range(4)


def span(first: int, last: int) -> str:
    """`frame 7` or `frames 1-4`."""
    return f"frame {first}" if first == last else f"frames {first}-{last}"


@dataclass
class _Told:
    """One thing that happened; `numbers` are a frame's, empty for everything else."""

    time_ns: int
    place: str
    words: str
    section: int = -1
    numbers: list[int] = field(default_factory=list)
    path: list[str] = field(default_factory=list)


class Teller:
    """Tells a net's tape and its programs' output."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.frames = 0
        self._printed: list[tuple[int, int, str, str]] = []
        self._begun: dict[str, str] = {}
        self._initial: dict[tuple[int, int], int] = {}
        """(source address, source port) -> its initial sequence number: numbers are told from it."""
        self._ends: dict[tuple[int, int], int] = {}
        """The same -> the number after its FIN, counted from the initial one."""

    def wrote(self, service: Service, stream: str, text: str) -> None:
        """A program has written (a listener of Service): whole lines are told."""
        *lines, rest = (self._begun.get(service.name, "") + text).split("\n")
        self._begun[service.name] = rest
        tape = self.net.watching.tape
        at = len(tape.kept) if tape is not None else 0
        self._printed += [(at, self.net.now_ns, service.name, line) for line in lines]

    def told(self) -> Iterator[str]:
        """The story, line by line."""
        section = -1
        happenings = self._happenings()
        begun = next((each.section for each in happenings if each.section >= 0), -1)
        for each in happenings:
            each.section = max(each.section, begun)
            if each.section > section:
                section = each.section
                yield f"\n{section + 1}. {_SECTIONS[section]}"
            where = ""
            if each.numbers:
                where = f"  [{_numbers(each.numbers)}: {' > '.join(each.path)}]"
            yield f"  {each.time_ns / 1e6:10.3f} ms  {each.words}{where}"

    def _happenings(self) -> list[_Told]:
        tape = self.net.watching.tape
        assert tape is not None
        found: list[_Told] = []
        by_frame: dict[int, _Told] = {}
        printed = list(self._printed)
        for index, (hook, arguments) in enumerate(tape.kept):
            while printed and printed[0][0] <= index:
                found.append(_line(printed.pop(0)))
            if hook == "frame":
                self._frame(found, by_frame, *arguments)
            elif hook == "state" and arguments[2].startswith("tcp "):
                now, host, _, before, after, _ = arguments
                found.append(_Told(now, host, f"  {host}: {before} -> {after}"))
        return found + [_line(each) for each in printed]

    def _frame(
        self,
        found: list[_Told],
        by_frame: dict[int, _Told],
        now: int,
        port: PortLike,
        stop: Stop,
        frame: Frame,
    ) -> None:
        self.frames += 1
        told = by_frame.get(id(frame))  # the tape holds every frame, so ids do not come twice
        if told is None:
            words, section = self._words(port.name.partition(":")[0], frame)
            told = by_frame[id(frame)] = _Told(now, port.name, words, section)
            found.append(told)
        told.numbers.append(self.frames)
        node = port.name.partition(":")[0]
        if not told.path or told.path[-1] != node:
            told.path.append(node)

    def _words(self, sender: str, frame: Frame) -> tuple[str, int]:
        network, transport = frame.network, frame.transport
        if isinstance(network, ArpPacket):
            if network.operation == 1:
                return f"{sender} asks everybody: who has {ipv4_text(network.target_ip)}?", _ARP
            return (
                f"{sender} answers: {ipv4_text(network.sender_ip)} is at {mac_text(network.sender_mac)}",
                _ARP,
            )
        if isinstance(transport, TcpHeader) and network is not None:
            ends = (
                (network.source, transport.source_port),
                (network.destination, transport.destination_port),
            )
            return self._segment(sender, ends, transport, bytes(frame.payload))
        return f"{sender} sends {frame.size_bytes} bytes", -1

    def _segment(
        self, sender: str, ends: tuple[tuple[int, int], tuple[int, int]], header: TcpHeader, data: bytes
    ) -> tuple[str, int]:
        mine, its = ends
        flags = header.flags
        if flags & SYN:
            self._initial[mine] = header.sequence
        acknowledged = (header.acknowledgment - self._initial.get(its, 0)) & 0xFFFFFFFF
        if flags & RST:
            return f"{sender} breaks the connection off: RST", _TEARDOWN
        if flags & SYN and not flags & ACK:
            return (
                f"{sender} asks for a connection to port {its[1]}: SYN, its numbers begin at {header.sequence}",
                _HANDSHAKE,
            )
        if flags & SYN:
            return f"{sender} agrees: SYN+ACK, its own numbers begin at {header.sequence}", _HANDSHAKE
        if flags & FIN:
            self._ends[mine] = (header.sequence + len(data) + 1 - self._initial.get(mine, 0)) & 0xFFFFFFFF
            return f"{sender} has nothing more to send: FIN", _TEARDOWN
        if data:
            text = data.decode("utf-8", "replace")
            return f"{sender} sends {len(data)} byte{'s' * (len(data) > 1)}: {text!r}", _DATA
        if acknowledged == 1:
            return f"{sender} acknowledges: the connection stands", _HANDSHAKE
        if acknowledged == self._ends.get(its):
            return f"{sender} acknowledges the other's FIN", -1
        return f"{sender} acknowledges everything up to byte {acknowledged - 1}", -1


def _line(printed: tuple[int, int, str, str]) -> _Told:
    _, now, name, line = printed
    return _Told(now, name, f"  {name} prints: {line}")


def _numbers(numbers: list[int]) -> str:
    parts: list[list[int]] = []
    for number in numbers:
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    texts = [str(first) if first == last else f"{first}-{last}" for first, last in parts]
    return f"{'frame' if len(numbers) == 1 else 'frames'} {', '.join(texts)}"
