"""A line that loses, repeats, delays and corrupts, two programs that use it, and segments made up at random."""

from __future__ import annotations

import heapq
from random import Random

from tests.stack.tcp.ends import CLIENT, MS, SECOND, SERVER, Line

from netarium.stack.failures import Failure
from netarium.stack.stack import Stack
from netarium.stack.tcp import states
from netarium.stack.tcp.connection import Connection
from netarium.stack.tcp.sequence import MASK
from netarium.stack.tcp.socket_options import SocketOptions
from netarium.wire.ethernet import ETHERTYPE_IPV4, Frame
from netarium.wire.ipv4 import PROTOCOL_TCP, Ipv4Header
from netarium.wire.tcp import ACK, TcpHeader
from netarium.wire.tcp_options import TcpOptions


class BadLine(Line):
    """Each frame: lost, repeated, delayed by up to `reorder_ns`, or one byte of it changed, as the rates say."""

    def __init__(
        self,
        random: Random,
        loss: float,
        duplicate: float,
        reorder_ns: int,
        corrupt: float,
        **settings: object,
    ) -> None:
        super().__init__(delay_ns=5 * MS, **settings)
        self.random = random
        self.loss = loss
        self.duplicate = duplicate
        self.reorder_ns = reorder_ns
        self.corrupt = corrupt

    def _carry(self, sender: str, to: Stack, frame: Frame) -> None:
        random = self.random
        if random.random() < self.loss:
            return
        for _ in range(2 if random.random() < self.duplicate else 1):
            carried = frame
            if random.random() < self.corrupt:
                data = bytearray(bytes(frame))
                data[random.randrange(len(data))] ^= 1 << random.randrange(8)
                carried = Frame.parse(bytes(data))
            self._sequence += 1
            at = self.now + self.delay_ns + (random.randrange(self.reorder_ns) if self.reorder_ns else 0)
            heapq.heappush(self._queue, (at, self._sequence, to, carried))


class Talker:
    """A program at one end: sends `text` in pieces, reads what comes, closes when it has sent and read all."""

    def __init__(self, line: Line, random: Random, text: bytes) -> None:
        self.line = line
        self.random = random
        self.text = text
        self.sent = 0
        self.got = bytearray()
        self.connection: Connection | None = None
        self.error: Failure | None = None
        self.ended = False
        self.shut = False

    def act(self) -> None:
        """Do a little of what can be done now."""
        c = self.connection
        if c is None or self.ended:
            return
        do, random = self.line.do, self.random
        if states.MAY_SEND_DATA[c.state]:
            if self.sent < len(self.text):
                piece = self.text[self.sent : self.sent + random.choice((1, 100, 1448, 5000, 20000))]
                self.sent += do(c, "send", piece)
            elif not self.shut:
                self.shut = True
                do(c, "shutdown_send")
        data = do(c, "receive", random.choice((1, 1000, 65536)))
        while data:
            self.got += data
            data = do(c, "receive", 65536)
        if c.state == states.CLOSED and c.error is not None:
            self.error = c.take_error()
            self.ended = True
        elif data == b"" and (self.shut or c.state == states.CLOSED):
            self.ended = True
            do(c, "close")


def converse(line: BadLine, one: Talker, other: Talker) -> None:
    """Let the client (`one`) and the server (`other`) talk until both have ended and the line is quiet.

    Both watch for silence: who waits for a peer that has given up is told so by SO_KEEPALIVE alone, as on any host.
    """
    options = SocketOptions()
    options.keepalive = True
    options.keepalive_idle_ns = 30 * SECOND
    options.nodelay = line.random.random() < 0.5
    listener = line.listen(options=options.copy())
    one.connection = line.connect(options=options)
    count = 0
    while True:
        if other.connection is None:
            other.connection = listener.accept()
        one.act()
        other.act()
        count += 1
        assert count < 300_000, "two stacks left alone do not go quiet"
        if not line.advance():
            return


class Fuzzer:
    """A connection that is sent segments made up at random, near what it expects."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.fed = 0
        self._open()

    def _open(self) -> None:
        random = self.random
        settings = {
            name: random.randrange(2)
            for name in (
                "tcp_sack",
                "tcp_timestamps",
                "tcp_window_scaling",
                "tcp_dsack",
                "tcp_recovery",
                "tcp_frto",
            )
        }
        self.line = Line(delay_ns=MS, **settings, tcp_syncookies=random.randrange(3))
        self.listener = self.line.listen()
        self.client = self.line.connect()
        if random.random() < 0.9:
            self.line.run(10 * MS)
        self.server = self.listener.accept()
        self.left = random.randrange(20, 400)

    def feed(self, count: int) -> None:
        """Feed that many segments."""
        for _ in range(count):
            self.fed += 1
            self.left -= 1
            if self.left <= 0 or (self.client.state == states.CLOSED and self.random.random() < 0.3):
                self._open()
            c = self._target()
            self._deliver(c)
            if self.random.random() < 0.2:
                self._program(c)
            if self.random.random() < 0.1:
                self.line.run(self.random.choice((1, MS, 50 * MS, 1000 * MS)))
            check_sums(c)

    def _target(self) -> Connection:
        if self.server is None:
            self.server = self.listener.accept()
        return self.server if self.server is not None and self.random.random() < 0.5 else self.client

    def _near(self, *numbers: int) -> int:
        random = self.random
        number = random.choice(numbers) + random.choice((0, 0, 0, 1, -1, 1448, -1448, 5000, 1 << 16, 1 << 31))
        return number & MASK if random.random() < 0.95 else random.getrandbits(32)

    def _options(self, c: Connection) -> TcpOptions | None:
        random = self.random
        if random.random() < 0.5:
            return None
        edges = tuple(
            (self._near(c.snd_una, c.snd_nxt), self._near(c.snd_una, c.snd_nxt))
            for _ in range(random.randrange(4))
        )
        if edges:
            return TcpOptions(sack=edges)
        return TcpOptions(
            random.choice((-1, 0, 1, 536, 65535)), random.choice((-1, 0, 7, 255)), random.random() < 0.5
        )

    def _deliver(self, c: Connection) -> None:
        random = self.random
        payload = random.randbytes(random.choice((0, 0, 1, 100, 1448)))
        stamped = random.random() < (0.9 if c.timestamps_ok else 0.1)
        header = TcpHeader(
            c.remote_port,
            c.local_port,
            self._near(c.rcv_nxt, c.rcv_nxt, c.rcv_adv, c.irs),
            self._near(c.snd_una, c.snd_nxt, c.iss),
            ACK if random.random() < 0.6 else random.getrandbits(8),
            random.choice((0, 1, 100, 5000, 65535)),
            self._near(c.ts_recent) if stamped else -1,
            random.getrandbits(32) if random.random() < 0.5 else c.ts_offset & MASK,
            self._options(c),
            random.choice((0, 0, 0, 1, 65535)),
        )
        own, other = (CLIENT, SERVER) if c.stack is self.line.client else (SERVER, CLIENT)
        network = Ipv4Header(other, own, PROTOCOL_TCP, 64)
        frame = Frame(own, other, ETHERTYPE_IPV4, network, header, payload)
        if random.random() < 0.1:
            data = bytearray(bytes(frame))
            for _ in range(random.randrange(1, 4)):
                data[random.randrange(len(data))] = random.getrandbits(8)
            frame = Frame.parse(bytes(data))
        c.stack.receive(c.stack.interfaces["eth0"], frame, self.line.now)
        assert c.stack.next_deadline() is None or c.deadline_ns >= self.line.now

    def _program(self, c: Connection) -> None:
        random = self.random
        verb = random.choice(
            ("send", "send", "send", "receive", "receive", "peek", "shutdown_send", "close", "abort")
        )
        if verb in ("close", "abort", "shutdown_send") and random.random() < 0.8:
            return
        if verb == "send":
            if states.MAY_SEND_DATA[c.state]:
                self.line.do(c, "send", bytes(random.choice((1, 100, 1448, 30000))))
        elif verb in ("receive", "peek"):
            self.line.do(c, verb, random.choice((1, 100, 100000)))
        else:
            self.line.do(c, verb)


def check_sums(c: Connection) -> None:
    """The running sums of a connection are what its queues hold."""
    assert c.rcv_queued_bytes == sum(map(len, c.rcv_queue))
    assert c.unsent_bytes == sum(map(len, c.send_chunks)) - c.send_cursor or not c.send_chunks
    assert c.snd_una <= c.snd_nxt
    if c.state in (states.CLOSED, states.SYN_SENT, states.SYN_RECEIVED):
        return
    live = c.flight[c.flight_head :]
    assert c.congestion.cwnd_bytes >= c.mss
    if c.sack_ok:
        assert c.sacked_bytes == sum(each.end - each.start for each in live if each.sacked)
    assert c.lost_bytes == sum(each.end - each.start for each in live if each.lost)
    assert c.retransmit_bytes == sum(each.end - each.start for each in live if each.retransmitted)
    assert c.lost_pending == sum(each.lost and not each.retransmitted for each in live)
