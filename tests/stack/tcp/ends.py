"""Two stacks and a line between them that tests can bend: delay, loss, changes; no engine, no sockets, no programs."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from random import Random
from typing import Any

from netarium.journey import Cause, Drop, Watch
from netarium.stack.settings import Settings
from netarium.stack.stack import Stack
from netarium.stack.tcp import states
from netarium.stack.tcp.connection import Connection
from netarium.stack.tcp.listener import Listener
from netarium.stack.tcp.socket_options import SocketOptions
from netarium.wire.ethernet import Frame
from netarium.wire.tcp import ACK, FIN, PSH, RST, SYN, TcpHeader

MS = 1_000_000
SECOND = 1_000_000_000
CLIENT = 0x0A000001
SERVER = 0x0A000002
FLAG_LETTERS = ((SYN, "S"), (FIN, "F"), (RST, "R"), (PSH, "P"), (ACK, "."))


class Line:
    """Client 10.0.0.1 and server 10.0.0.2, `delay_ns` apart. `judge(sender, frame)` gives the delays of its copies."""

    def __init__(self, delay_ns: int = MS, **settings: object) -> None:
        self.delay_ns = delay_ns
        self.now = 0
        self.watch = Watch()
        self.watch.add(self)
        self.changes: list[tuple[int, str, str, str, Cause]] = []
        self.drops: list[tuple[int, str, Drop]] = []
        self.log: list[tuple[int, str, TcpHeader, bytes]] = []
        self.judge: Callable[[str, Frame], list[int]] = lambda sender, frame: [0]
        self._queue: list[tuple[int, int, Stack, Frame]] = []
        self._sequence = 0
        values = {"net.ipv4." + key: value for key, value in settings.items()}
        self.client = self._stack("client", CLIENT, SERVER, values)
        self.server = self._stack("server", SERVER, CLIENT, values)
        self.client.interfaces["eth0"].transmit = lambda frame: self._carry("client", self.server, frame)
        self.server.interfaces["eth0"].transmit = lambda frame: self._carry("server", self.client, frame)

    def _stack(self, name: str, own: int, other: int, values: dict[str, Any]) -> Stack:
        stack = Stack(name, Settings(values), Random(name), self.watch)
        stack.add_interface("eth0", own)
        stack.add_address("eth0", own, 24)
        stack.neighbors["eth0"].add_permanent(other, other)
        return stack

    def state(self, now: int, place: str, subject: str, before: str, after: str, cause: Cause) -> None:
        if subject.startswith("tcp"):
            self.changes.append((now, place, before, after, cause))

    def drop(self, now: int, place: str, reason: Drop, frame: Any, detail: str) -> None:
        self.drops.append((now, place, reason))

    def _carry(self, sender: str, to: Stack, frame: Frame) -> None:
        header = frame.transport
        if isinstance(header, TcpHeader):  # a mutated packet may be answered by ICMP
            self.log.append((self.now, sender, header, bytes(frame.payload)))
        for extra_ns in self.judge(sender, frame):
            self._sequence += 1
            heapq.heappush(self._queue, (self.now + self.delay_ns + extra_ns, self._sequence, to, frame))

    # -- time -------------------------------------------------------------------------------------------------------

    def advance(self, until_ns: int = 1 << 62) -> bool:
        """Let the next thing happen, if it does by `until_ns`."""
        times = [stack.next_deadline() for stack in (self.client, self.server)]
        if self._queue:
            times.append(self._queue[0][0])
        at = min((each for each in times if each is not None), default=1 << 62)
        if at > until_ns or at == 1 << 62:
            return False
        assert at >= self.now, "a deadline in the past"
        self.now = at
        if self._queue and self._queue[0][0] == at:
            _, _, to, frame = heapq.heappop(self._queue)
            to.receive(to.interfaces["eth0"], frame, at)
        else:
            self.client.poll(at)
            self.server.poll(at)
        return True

    def run(self, for_ns: int | None = None) -> None:
        """Let things happen for so long; without a time until nothing is left, TIME-WAIT included."""
        until_ns = 1 << 62 if for_ns is None else self.now + for_ns
        count = 0
        while self.advance(until_ns):
            count += 1
            assert count < 2_000_000, "two stacks left alone do not go quiet"
        if for_ns is not None:
            self.now = until_ns

    # -- verbs ------------------------------------------------------------------------------------------

    def listen(self, port: int = 80, backlog: int = 5, options: SocketOptions | None = None) -> Listener:
        self.server.enter(self.now)
        return self.server.tcp.listen(self.server.ipv4, (SERVER, port), backlog, options or SocketOptions())

    def connect(
        self, port: int = 80, own_port: int = 4000, options: SocketOptions | None = None
    ) -> Connection:
        self.client.enter(self.now)
        tcp = self.client.tcp
        made = tcp.connect(self.client.ipv4, (CLIENT, own_port), (SERVER, port), options or SocketOptions())
        self.client.settle()
        assert isinstance(made, Connection), made
        return made

    def do(self, connection: Connection, verb: str, *arguments: Any) -> Any:
        """Call a verb of a connection as sockets do: bracketed, at the time it is."""
        connection.stack.enter(self.now)
        result = getattr(connection, verb)(*arguments)
        connection.stack.settle()
        return result

    def open(self, options: SocketOptions | None = None, **more: Any) -> tuple[Connection, Connection]:
        """A connection that both ends have: (the client's, the server's)."""
        listener = self.listen(options=more.get("server_options"))
        client = self.connect(options=options)
        self.run(10 * self.delay_ns)
        server = listener.accept()
        assert server is not None
        assert (client.state, server.state) == (states.ESTABLISHED, states.ESTABLISHED)
        return client, server

    # -- reading ------------------------------------------------------------------------------------------------------

    def sent(self, sender: str, since: int = 0) -> list[str]:
        """What an end put on the line, like tcpdump: `S`, `P. 5`, `.`; `since` counts entries of the log."""
        lines = []
        for _, name, header, payload in self.log[since:]:
            if name == sender:
                letters = "".join(letter for flag, letter in FLAG_LETTERS if header.flags & flag)
                lines.append(f"{letters} {len(payload)}" if payload else letters)
        return lines

    def path(self, place: str) -> list[str]:
        """The states an end went through."""
        steps = [(before, after) for _, name, before, after, _ in self.changes if name == place]
        return [steps[0][0], *(after for _, after in steps)] if steps else []


def read_all(connection: Connection) -> bytes:
    """Everything that can be read now."""
    got = b""
    while data := connection.receive(65536):
        got += data
    return got
