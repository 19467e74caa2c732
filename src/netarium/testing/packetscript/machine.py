"""One host and its clock; plays the events of a script.

The host has a way to one peer, whose segments the script writes (`family` tells the addresses). Time is virtual: the
events' times are kept exactly, and what leaves must leave within `--tolerance_usecs` (4000) of its time.
"""

from __future__ import annotations

import re
from collections import deque
from pathlib import Path
from random import Random
from typing import Any

from netarium.engine.events import Engine
from netarium.errors import UsageError
from netarium.journey import Watch
from netarium.sockets.base import Credentials, Socket
from netarium.stack.settings import Settings
from netarium.stack.stack import Stack
from netarium.testing.packetscript.calls import Blocked, Calls
from netarium.testing.packetscript.family import (
    INTERFACE,
    OWN_MAC,
    Family,
    Family4,
    Family6,
)
from netarium.testing.packetscript.flow import PORT, Flow, options_bytes
from netarium.testing.packetscript.matching import Sent, difference, text_of
from netarium.testing.packetscript.script import (
    Call,
    Code,
    Command,
    Event,
    IcmpError,
    NotRun,
    Packet,
    Script,
    ScriptError,
    ScriptFailure,
    When,
)
from netarium.wire.ethernet import Frame
from netarium.wire.ipv4 import Ipv4Header
from netarium.wire.ipv6 import Ipv6Header
from netarium.wire.tcp import ACK, SYN, TcpHeader
from netarium.wire.tcp_options import parse_options

TOLERANCE_USECS = 4000
OPTIONS = frozenset(
    ("tolerance_usecs", "remote_isn", "mtu", "ip_version", "no_extra_packets", "local_ip", "seed")
)
MASK = 0xFFFFFFFF
FAMILIES: dict[str, type[Family]] = {"ipv4": Family4, "ipv6": Family6}


class Machine:
    """The host of one script, and where its play has come to."""

    def __init__(self, script: Script, folder: Path | None = None) -> None:
        self.script = script
        self.folder = folder
        unknown = [name for name in script.options if name not in OPTIONS]
        if unknown:
            raise NotRun(1, f"the option --{unknown[0]}")
        self.tolerance_ns = self._number("tolerance_usecs", TOLERANCE_USECS, 0) * 1000
        self.strict = "no_extra_packets" in script.options
        version = script.options.get("ip_version", "ipv4")
        if version not in FAMILIES:
            raise NotRun(1, f"the IP version {version}")
        self.family: Family = FAMILIES[version]()
        self.engine = Engine()
        self.stack = self._build(self._number("mtu", 1500, 576), self._number("seed", 1, 0))
        self.sent: deque[Sent] = deque()
        self.flows: dict[int, Flow] = {}
        self.flow: Flow | None = None
        self.last_ns = 0
        self.last_sent_ns = 0
        self.calls = Calls(self)
        self.blocked: list[tuple[Event, Blocked, int]] = []

    def _number(self, option: str, default: int, least: int) -> int:
        """The value of an option of the script's head."""
        text = self.script.options.get(option, str(default))
        try:
            value = int(text, 0)
        except ValueError:
            value = least - 1
        if value < least:
            raise ScriptError(1, f"--{option}={text} where a number from {least} up should stand")
        return value

    def _build(self, mtu: int, seed: int) -> Stack:
        stack = Stack("machine", Settings(), Random(seed), Watch())
        interface = stack.add_interface(INTERFACE, OWN_MAC, mtu)
        self.family.connect(stack)
        interface.transmit = self._left
        return stack

    def _left(self, frame: Frame) -> None:
        header, network = frame.transport, frame.network
        if isinstance(header, TcpHeader) and isinstance(network, Ipv4Header | Ipv6Header):
            self.sent.append(Sent(self.engine.now, network, header, header.sequence, len(frame.payload)))

    def socket(self, kind: int, protocol: int) -> Socket:
        """A new socket of the program under test, which is root."""
        from netarium.sockets.factory import open_socket

        family = self.family.socket_family
        return open_socket(Credentials(root=True), self.stack, self.engine, family, kind, protocol)

    # -- time ---------------------------------------------------------------------------------------------------

    def _step(self, until_ns: int) -> bool:
        """Let the next timer up to `until_ns` run out; False when there is none."""
        deadline = self.stack.next_deadline()
        if deadline is None or deadline > until_ns:
            return False
        self.engine.now = max(deadline, self.engine.now)
        self.stack.poll(self.engine.now)
        self._wake()
        return True

    def _advance(self, until_ns: int) -> None:
        while self._step(until_ns):
            pass
        self.engine.now = max(self.engine.now, until_ns)

    def _wake(self) -> None:
        """Ask the blocked calls again."""
        for _, call, _ in self.blocked:
            call.ask(self.engine.now)

    # -- events ---------------------------------------------------------------------------------------------------

    def play(self) -> None:
        """Play all events. Raises ScriptFailure, ScriptError or NotRun."""
        for event in self.script.events:
            start_ns = self._start_of(event)
            if isinstance(event.what, Packet) and event.what.outbound:
                self._expect(event, event.what, start_ns)
                continue
            self._advance(start_ns)
            self.last_ns = start_ns
            self._do(event, start_ns)
            self._wake()
            self._check_blocked(start_ns)
        for event, call, end_ns in list(self.blocked):
            self._advance(end_ns + self.tolerance_ns)
            self._returned(event, call, end_ns)
        if self.strict and self.sent:
            raise ScriptFailure(self._last_line(), f"also sent: {self._text(self.sent[0])}")

    def _last_line(self) -> int:
        return self.script.events[-1].line if self.script.events else 1

    def _start_of(self, event: Event) -> int:
        when = event.when
        start_ns = when.start_ns + (self.last_ns if when.relative else 0)
        if start_ns < self.last_ns:
            raise ScriptFailure(event.line, "its time lies before that of the event before it")
        return start_ns

    def _do(self, event: Event, start_ns: int) -> None:
        what = event.what
        if isinstance(what, Packet):
            self._deliver(event, what)
        elif isinstance(what, IcmpError):
            self._deliver_error(event, what)
        elif isinstance(what, Command):
            self._command(event, what.text)
        elif isinstance(what, Code):
            self._code(event, what.text)
        elif isinstance(what, Call):
            self._call(event, what, start_ns)

    # -- packets ------------------------------------------------------------------------------------------------

    def _flow_of_packet(self, event: Event, packet: Packet) -> Flow:
        """Whose packet: the port says, else it is the connection of the packet before."""
        if packet.ports is not None:
            local, remote = packet.ports if packet.outbound else packet.ports[::-1]
            if remote not in self.flows:
                self.flows[remote] = self._new_flow(local, remote)
            self.flow = self.flows[remote]
        elif self.flow is None:
            self.flow = self._new_flow(PORT, PORT)
            self.flows[PORT] = self.flow
        return self.flow

    def _new_flow(self, local: int, remote: int) -> Flow:
        return Flow(local, remote, self._number("remote_isn", 0, 0) & MASK)

    def _deliver(self, event: Event, packet: Packet) -> None:
        flow = self._flow_of_packet(event, packet)
        timestamp, echo, options = parse_options(options_bytes(packet.options or (), flow))
        header = TcpHeader(
            flow.remote_port,
            flow.local_port,
            flow.to_wire_remote(packet.start),
            flow.to_wire_local(packet.acknowledgment) if packet.acknowledgment >= 0 else 0,
            packet.flags,
            max(packet.window, 0),
            timestamp,
            echo,
            options,
            packet.urgent,
        )
        self._receive(self.family.frame(header, bytes(packet.size), max(packet.ecn, 0)))

    def _receive(self, data: bytes) -> None:
        """From bytes, so that the stack meets what a wire would bring."""
        self.stack.receive(self.stack.interfaces[INTERFACE], Frame.parse(data), self.engine.now)

    def _deliver_error(self, event: Event, error: IcmpError) -> None:
        flow = self.flow
        if flow is None:
            raise ScriptFailure(event.line, "an ICMP error before any packet that it could quote")
        quoted = TcpHeader(flow.local_port, flow.remote_port, flow.to_wire_local(error.start), 0, ACK, 0)
        self._receive(self.family.error(error, quoted))

    def _next_sent(self, until_ns: int) -> Sent | None:
        while not self.sent:
            if not self._step(until_ns):
                return None
        return self.sent.popleft()

    def _text(self, sent: Sent) -> str:
        flow = self.flow or self._new_flow(sent.header.source_port, sent.header.destination_port)
        return f"{text_of(sent, flow)} at {sent.at_ns / 1e9:.6f}"

    def _expect(self, event: Event, want: Packet, start_ns: int) -> None:
        when = event.when
        low_ns, high_ns = self._bounds(when, start_ns)
        if not when.anytime:
            self._advance(max(min(start_ns, high_ns), self.engine.now))
        sent = self._next_sent(high_ns)
        if sent is None:
            self._advance(min(high_ns, 1 << 62) if not when.anytime else self.engine.now)
            raise ScriptFailure(event.line, "nothing was sent")
        flow = self._flow_of_sent(event, want, sent)
        at_ns = sent.at_ns
        if not low_ns <= at_ns <= high_ns:
            raise ScriptFailure(
                event.line,
                f"sent at {at_ns / 1e9:.6f} s instead of {start_ns / 1e9:.6f} s: {self._text(sent)}",
            )
        self._match(event, want, sent, flow, high_ns)
        self.last_ns = max(at_ns if when.anytime or when.end_ns >= 0 else start_ns, self.last_ns)

    def _bounds(self, when: When, start_ns: int) -> tuple[int, int]:
        if when.anytime:
            return 0, 1 << 62
        end_ns = start_ns
        if when.end_ns >= 0:
            end_ns = when.end_ns + (self.last_ns if when.relative else 0)
        return start_ns - self.tolerance_ns, end_ns + self.tolerance_ns

    def _flow_of_sent(self, event: Event, want: Packet, sent: Sent) -> Flow:
        """The flow of a packet that left; our first SYN shows the ports and where our numbers begin."""
        header = sent.header
        if want.ports is not None:
            flow = self._flow_of_packet(event, want)
            if (header.source_port, header.destination_port) != want.ports:
                raise ScriptFailure(
                    event.line, f"ports {header.source_port} > {header.destination_port}: {self._text(sent)}"
                )
        elif header.flags & (SYN | ACK) == SYN and (
            self.flow is None or self.flow.local_port != header.source_port
        ):
            flow = self.flow = self._new_flow(header.source_port, header.destination_port)
            self.flows[header.destination_port] = flow
        else:
            flow = self._flow_of_packet(event, want)
        flow.note_outbound(header, want.start)
        return flow

    def _match(self, event: Event, want: Packet, sent: Sent, flow: Flow, high_ns: int) -> None:
        left = want.size
        whole = sent.size == left
        first = True
        start = want.start
        while True:
            if flow.to_script_local(sent.start) != start & MASK:
                raise ScriptFailure(
                    event.line,
                    f"sequence number {flow.to_script_local(sent.start)} instead of "
                    f"{start}: {self._text(sent)}",
                )
            if sent.size > left and left:
                rest = sent.without(left)  # it left as one: its first part is what is wanted here
                wrong = difference(want, sent, flow, first=first, last=False, whole=False)
                self.sent.appendleft(rest)
                left = 0
            else:
                if sent.size > left or (not sent.size and left):
                    raise ScriptFailure(
                        event.line, f"{sent.size} bytes instead of {left}: {self._text(sent)}"
                    )
                left -= sent.size
                start += sent.size
                wrong = difference(want, sent, flow, first=first, last=not left, whole=whole)
            if wrong:
                raise ScriptFailure(event.line, f"{wrong}: {self._text(sent)}")
            if not left:
                return
            first = False
            following = self._next_sent(high_ns)
            if following is None:
                raise ScriptFailure(event.line, f"the last {left} bytes were not sent")
            sent = following

    # -- calls, commands, code --------------------------------------------------------------------------------------

    def _call(self, event: Event, call: Call, start_ns: int) -> None:
        when = event.when
        blocked = self.calls.begin(event.line, call)
        blocked.ask(self.engine.now)
        if when.until_end:
            end_ns = when.end_ns + (start_ns - when.start_ns if when.relative else 0)
            self.blocked.append((event, blocked, end_ns))
        elif blocked.at_ns < 0:
            raise ScriptFailure(event.line, f"{call.name}() blocks")
        else:
            blocked.check()

    def _check_blocked(self, now: int) -> None:
        for event, call, end_ns in list(self.blocked):
            if now > end_ns + self.tolerance_ns or call.at_ns >= 0:
                self._returned(event, call, end_ns)

    def _returned(self, event: Event, call: Blocked, end_ns: int) -> None:
        self.blocked = [each for each in self.blocked if each[1] is not call]
        if call.at_ns < 0:
            raise ScriptFailure(
                event.line, f"{call.call.name}() still blocks at {self.engine.now / 1e9:.6f} s"
            )
        if abs(call.at_ns - end_ns) > self.tolerance_ns:
            raise ScriptFailure(
                event.line,
                f"{call.call.name}() returned at {call.at_ns / 1e9:.6f} s instead of {end_ns / 1e9:.6f} s",
            )
        call.check()

    def _command(self, event: Event, text: str) -> None:
        for line in re.split(r"[\n;]|&&", text):
            self._run_line(event, line.strip(), self.folder)

    def _run_line(self, event: Event, line: str, folder: Path | None, *, lenient: bool = False) -> None:
        words = line.split()
        if not words or words[0].startswith("#"):
            return
        if words[0].endswith(".sh") and folder is not None and (folder / words[0]).is_file():
            path = folder / words[0]
            for each in path.read_text(encoding="utf-8").splitlines():
                self._run_line(event, each.strip(), path.parent, lenient=True)
            return
        if words[0] not in ("sysctl", "/sbin/sysctl"):
            if lenient:
                return  # scripts of settings also set up the machine they were written for
            raise NotRun(event.line, f"the command `{line}`")
        self._sysctl(event, line.split(None, 1)[1], lenient)

    def _sysctl(self, event: Event, text: str, lenient: bool) -> None:
        for name, quoted, plain in re.findall(r"([\w./-]+)\s*=\s*(?:[\"']([^\"']*)[\"']|(\S+))", text):
            try:
                self.stack.settings.set(name, quoted or plain)
            except UsageError as error:
                if not lenient:
                    raise NotRun(event.line, str(error)) from None

    def _code(self, event: Event, text: str) -> None:
        names: dict[str, Any] = self.calls.info()
        lines = text.strip("\n").splitlines()
        indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
        source = "\n".join(line[indent:] for line in lines).strip()
        try:
            exec(compile(source, "script", "exec"), names)
        except AssertionError as error:
            raise ScriptFailure(event.line, f"assertion: {source.strip()} ({error})") from None
        except Exception as error:
            raise ScriptFailure(event.line, f"{type(error).__name__} in code: {error}") from None
