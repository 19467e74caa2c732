"""What holds whatever the network does: the bytes sent arrive or an error tells, stacks go quiet, nothing raises."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.stack.tcp.adversary import BadLine, Fuzzer, Talker, converse
from tests.stack.tcp.ends import MS, SECOND, Line

from netarium.stack.failures import Failure
from netarium.stack.tcp import states

ERRORS = (Failure.TIMED_OUT, Failure.CONNECTION_RESET, Failure.BROKEN_PIPE)
RATE = st.sampled_from((0.0, 0.02, 0.1, 0.2, 0.3))


def talk(seed: int, loss: float, duplicate: float, reorder_ms: int, corrupt: float, **more: object) -> None:
    random = Random(seed)
    line = BadLine(random, loss, duplicate, reorder_ms * MS, corrupt, **more)
    one = Talker(line, random, random.randbytes(random.choice((0, 1, 3000, 40_000))))
    other = Talker(line, random, random.randbytes(random.choice((0, 1, 3000, 40_000))))
    converse(line, one, other)
    for end, peer in ((one, other), (other, one)):
        if end.connection is None:
            assert loss or corrupt, "nobody came to accept"
            continue
        if end.error is not None:
            assert end.error in ERRORS
            assert loss or corrupt, f"{end.error} on a line that loses nothing"
            assert bytes(end.got) == peer.text[: len(end.got)]
        else:
            assert end.ended
            assert bytes(end.got) == peer.text
    for stack in (line.client, line.server):
        assert not stack.tcp.connections
        assert stack.next_deadline() is None


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 1 << 32),
    loss=RATE,
    duplicate=RATE,
    reorder_ms=st.sampled_from((0, 1, 10, 100)),
    corrupt=RATE,
    tcp_sack=st.integers(0, 1),
    tcp_timestamps=st.integers(0, 1),
    tcp_recovery=st.integers(0, 1),
    tcp_frto=st.integers(0, 2),
)
def test_any_interleaving_delivers_exactly_the_bytes_sent_or_an_error(
    seed: int, loss: float, duplicate: float, reorder_ms: int, corrupt: float, **more: int
) -> None:
    talk(seed, loss, duplicate, reorder_ms, corrupt, **more)


@pytest.mark.soak
def test_twenty_thousand_interleavings() -> None:
    random = Random(1)
    rates = (0.0, 0.02, 0.1, 0.2, 0.3)
    for seed in range(20_000):
        more = {
            name: random.randrange(2) for name in ("tcp_sack", "tcp_timestamps", "tcp_recovery", "tcp_frto")
        }
        loss, duplicate, corrupt = (random.choice(rates) for _ in range(3))
        talk(seed, loss, duplicate, random.choice((0, 1, 10, 100)), corrupt, **more)


@given(st.integers(0, 1 << 32))
@settings(max_examples=20, deadline=None)
def test_made_up_and_mutated_segments_never_raise(seed: int) -> None:
    Fuzzer(seed).feed(300)


@pytest.mark.soak
@pytest.mark.parametrize("part", range(10))
def test_ten_million_made_up_segments_never_raise(part: int) -> None:
    for seed in range(100 * part, 100 * (part + 1)):
        Fuzzer(seed).feed(10_000)


def test_two_ends_that_disagree_about_their_numbers_do_not_answer_each_other_for_ever() -> None:
    line = Line(tcp_sack=0)
    client, server = line.open()
    client.snd_nxt += 1_000_000
    client.snd_una += 1_000_000
    server.snd_nxt += 1_000_000
    server.snd_una += 1_000_000
    begin = len(line.log)
    line.do(client, "send", b"x")
    line.run(10 * SECOND)
    assert len(line.log) - begin < 100


def test_an_open_connection_left_alone_sends_nothing() -> None:
    line = Line()
    client, server = line.open()
    line.do(client, "send", bytes(100_000))
    line.run(5 * SECOND)
    line.do(server, "receive", 1_000_000)
    line.run(SECOND)
    begin = len(line.log)
    line.run(3600 * SECOND)
    assert len(line.log) == begin
    assert client.state == server.state == states.ESTABLISHED
