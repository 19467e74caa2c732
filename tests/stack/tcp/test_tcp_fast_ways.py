"""Header prediction is a short cut and nothing more: with it and without it a connection comes to the same state.

The same stream of segments, in order and plain for the most part, is played to two connections: to one as it is, to the
other with every segment sent the long way (RFC 9293 section 3.10.7.4, step by step). After each segment all fields of
both control blocks are equal, and so is all that was sent.
"""

from __future__ import annotations

from enum import Enum
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.stack.tcp.ends import CLIENT, MS, SERVER, Line

from netarium.stack.tcp import receiver, states
from netarium.stack.tcp.connection import Connection
from netarium.stack.tcp.sequence import MASK
from netarium.stack.tcp.socket_options import SocketOptions
from netarium.wire.ethernet import ETHERTYPE_IPV4, Frame
from netarium.wire.ipv4 import PROTOCOL_TCP, Ipv4Header
from netarium.wire.tcp import ACK, FIN, PSH, RST, SYN, URG, TcpHeader
from netarium.wire.tcp_options import TcpOptions

NOT_STATE = {"stack", "ip", "route", "listener", "on_change", "urgent", "peer_syn", "_owner"}
"""Links to other objects; and the urgent byte, which the long way takes when it comes and the short way when asked."""
IN_SIMPLE_FORM = (int, float, str, bytes, type(None), Enum)


def simple(value: Any) -> Any:
    """A value as nested tuples that can be compared."""
    if isinstance(value, IN_SIMPLE_FORM):
        return value
    if isinstance(value, memoryview):
        return bytes(value)
    if isinstance(value, dict):
        return tuple((simple(key), simple(each)) for key, each in value.items())
    if hasattr(value, "__iter__"):
        return tuple(simple(each) for each in value)
    names = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    assert names, f"{value!r} has no slots"
    return (type(value).__name__, *((name, simple(getattr(value, name, None))) for name in sorted(names)))


def fields(c: Connection) -> dict[str, Any]:
    """Every field of the control block."""
    names = {name for kind in type(c).__mro__ for name in getattr(kind, "__slots__", ())}
    assert {"rcv_nxt", "snd_wl1", "snd_wl2", "last_heard_at", "ts_recent", "deadline_ns"} <= names
    return {name: simple(getattr(c, name, None)) for name in sorted(names - NOT_STATE)}


class Stream:
    """Segments for one connection: each mostly what header prediction is for, with one thing changed at times."""

    def __init__(self, seed: int, **settings: int) -> None:
        self.random = Random(seed)
        self.line = Line(delay_ns=5 * MS, **settings)
        self.line.judge = lambda sender, frame: [0] if self.connected else []
        self.connected = True
        options = SocketOptions()
        options.keepalive = True
        self.c, _ = self.line.open(server_options=options)
        self.c.options.keepalive_idle_ns = 3_000 * MS
        self.connected = False  # from now on what the client sends is lost, and what it gets is made up here
        self.window = 500
        self.clock = self.c.ts_recent

    def step(self) -> None:
        """A program's act, some time, or a segment."""
        random, c = self.random, self.c
        act = random.random()
        if act < 0.15:
            if states.MAY_SEND_DATA[c.state]:
                self.line.do(c, "send", bytes(random.choice((1, 500, 1448, 6000, 30000))))
        elif act < 0.25:
            self.line.do(c, "receive", random.choice((1, 3000, 1 << 20)))
        elif act < 0.4:
            self.line.run(random.choice((1, 1, 5, 20, 45, 210, 1000)) * MS)
        else:
            self.deliver()

    def deliver(self) -> None:
        random, c = self.random, self.c
        self.clock += random.choice((0, 0, 1, 1, 5, 40, -1, -3) if random.random() < 0.5 else (0, 1))
        change = random.choice(CHANGES) if random.random() < 0.35 else ""
        payload = random.randbytes(random.choice((0, 1, 100, 600, 1448, 1448)))
        sequence, acknowledgment, flags, options = c.rcv_nxt, c.snd_una, ACK, None
        if random.random() < 0.3:
            flags |= PSH
        if change == "sequence":
            sequence += random.choice((-1448, -100, -1, 1, 100, 1448, 40_000, c.rcv_adv - c.rcv_nxt - 10))
        elif change == "acknowledgment":
            edges = [each.end for each in c.flight[c.flight_head :]]
            acknowledgment = random.choice((*edges, c.snd_nxt, c.snd_una - 1, c.snd_una + 1, c.snd_nxt + 1))
        elif change == "window":
            self.window = random.choice((0, 1, 10, 100, 500, 1000))
        elif change == "sack" and c.flight[c.flight_head + 1 :]:
            some = random.choice(c.flight[c.flight_head + 1 :])
            options = TcpOptions(sack=((some.start & MASK, some.end & MASK),))
        elif change == "flags":
            flags = random.choice((ACK | URG, ACK | FIN, ACK | SYN, RST, 0, SYN, ACK | RST))
            if flags & (FIN | RST) and random.random() < 0.8:
                flags = ACK
        stamp = self.clock & MASK if c.timestamps_ok and change != "unstamped" else -1
        echo = (self.line.now // MS + c.ts_offset - random.choice((0, 5, 60))) & MASK
        header = TcpHeader(
            c.remote_port,
            c.local_port,
            sequence & MASK,
            acknowledgment & MASK,
            flags,
            self.window,
            stamp,
            echo,
            options,
            len(payload) if flags & URG else 0,
        )
        network = Ipv4Header(SERVER, CLIENT, PROTOCOL_TCP, 64)
        frame = Frame(CLIENT, SERVER, ETHERTYPE_IPV4, network, header, payload)
        c.stack.receive(c.stack.interfaces["eth0"], frame, self.line.now)

    def told(self) -> tuple[dict[str, Any], list[Any]]:
        """All that can be seen of the connection, and what it has sent since the last look."""
        sent = [(at, simple(header), payload) for at, _, header, payload in self.line.log]
        self.line.log.clear()
        return fields(self.c), [sent, [str(each) for each in self.line.drops]]


CHANGES = ("sequence", "acknowledgment", "acknowledgment", "window", "sack", "flags", "unstamped")


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1 << 32),
    tcp_sack=st.integers(0, 1),
    tcp_timestamps=st.integers(0, 1),
    tcp_recovery=st.integers(0, 1),
)
def test_the_short_way_leaves_what_the_long_way_leaves(seed: int, **more: int) -> None:
    short, long = Stream(seed, **more), Stream(seed, **more)
    for _ in range(150):
        short.step()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(receiver, "PLAIN", -1)  # no segment has these flags: all take the long way
            long.step()
        one, other = short.told(), long.told()
        assert {
            name: (value, other[0][name]) for name, value in one[0].items() if value != other[0][name]
        } == {}
        assert one[1] == other[1]


def test_the_stream_takes_the_short_way_often(monkeypatch: pytest.MonkeyPatch) -> None:
    slowly = receiver._receive_slowly
    count = 0

    def counted(*arguments: Any) -> Any:
        nonlocal count
        count += 1
        return slowly(*arguments)

    monkeypatch.setattr(receiver, "_receive_slowly", counted)
    stream = Stream(1, tcp_sack=1, tcp_timestamps=1)
    before = stream.c.segments_in & MASK
    for _ in range(150):
        stream.step()
    assert (stream.c.segments_in & MASK) - before > 2 * count > 0
