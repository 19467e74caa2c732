"""The parts of TCP that stand alone: sequence numbers, the transition table, the time-out, reassembly, congestion."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netarium.stack.tcp import states
from netarium.stack.tcp.congestion.cubic import Cubic
from netarium.stack.tcp.congestion.reno import Reno
from netarium.stack.tcp.reassembly import Reassembly
from netarium.stack.tcp.rtt import RTO_MAX_NS, RttEstimator
from netarium.stack.tcp.sequence import MASK, unwrap

MS = 1_000_000


@given(st.integers(0, 1 << 40), st.integers(-(1 << 31), (1 << 31) - 1))
def test_unwrap_finds_the_number_within_2_to_the_31_of_a_known_one(near: int, distance: int) -> None:
    number = near + distance
    assert unwrap(number & MASK, near) == number


def test_unwrap_passes_the_wrap() -> None:
    assert unwrap(5, 0xFFFFFFF0) == 0x100000005
    assert unwrap(0xFFFFFFF0, 0x100000005) == 0xFFFFFFF0


def test_the_transition_table_has_the_rows_of_rfc_9293_figure_5() -> None:
    names = {(states.NAMES[a], states.NAMES[b]) for a, b in states.TRANSITIONS}
    figure = {
        ("CLOSED", "SYN-SENT"), ("SYN-SENT", "SYN-RECEIVED"), ("SYN-SENT", "ESTABLISHED"),
        ("SYN-RECEIVED", "ESTABLISHED"), ("SYN-RECEIVED", "FIN-WAIT-1"), ("ESTABLISHED", "FIN-WAIT-1"),
        ("ESTABLISHED", "CLOSE-WAIT"), ("FIN-WAIT-1", "FIN-WAIT-2"), ("FIN-WAIT-1", "CLOSING"),
        ("FIN-WAIT-2", "TIME-WAIT"), ("CLOSE-WAIT", "LAST-ACK"), ("CLOSING", "TIME-WAIT"),
        ("LAST-ACK", "CLOSED"), ("TIME-WAIT", "CLOSED"),
    }  # fmt: skip
    assert figure <= names
    others = names - figure
    assert all(after == "CLOSED" or before == "CLOSED" for before, after in others), others


def test_every_state_but_listen_can_be_reached_and_left() -> None:
    reached = {after for _, after in states.TRANSITIONS}
    left = {before for before, _ in states.TRANSITIONS}
    everything = set(range(len(states.NAMES))) - {states.LISTEN}
    assert reached == left == everything


def test_rto_follows_rfc_6298_with_the_linux_minimum() -> None:
    rtt = RttEstimator()
    assert rtt.rto_ns == 1_000 * MS
    rtt.sample(100 * MS)
    assert (rtt.srtt_ns, rtt.rttvar_ns) == (100 * MS, 50 * MS)
    assert rtt.rto_ns == 100 * MS + 200 * MS
    rtt.sample(500 * MS)
    assert rtt.srtt_ns == 150 * MS
    assert rtt.rttvar_ns == 50 * MS + (400 - 50) * MS // 4
    assert rtt.rto_ns == rtt.srtt_ns + 4 * rtt.rttvar_ns


def test_back_off_doubles_up_to_two_minutes_and_is_forgotten_after_a_measurement() -> None:
    rtt = RttEstimator()
    seen = []
    for _ in range(10):
        rtt.back_off()
        seen.append(rtt.rto_ns // MS)
    assert seen[:7] == [2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 120_000]
    assert rtt.rto_ns == RTO_MAX_NS
    rtt.sample(100 * MS)
    assert (rtt.backoff, rtt.rto_ns) == (0, 300 * MS)


def test_a_handshake_without_a_measurement_leaves_three_seconds() -> None:
    rtt = RttEstimator()
    rtt.back_off()
    rtt.fall_back()
    assert (rtt.backoff, rtt.rto_ns) == (0, 3_000 * MS)


@given(st.data())
def test_reassembly_gives_every_byte_once_and_in_order(data: st.DataObject) -> None:
    text = bytes(range(200))
    start = data.draw(st.integers(0, 1 << 33))
    pieces = [(at, min(at + 20, 200)) for at in range(0, 200, 20)]
    extra = data.draw(st.lists(st.tuples(st.integers(0, 199), st.integers(1, 60)), max_size=10))
    pieces += [(left, min(left + size, 200)) for left, size in extra]
    order = data.draw(st.permutations(pieces))
    queue = Reassembly()
    got = b""
    following = start
    for left, right in order:
        if start + right <= following:
            continue
        queue.add(start + left, text[left:right])
        taken, following = queue.take(following)
        got += b"".join(taken)
        assert got == text[: following - start]
        assert queue.held_bytes == sum(len(piece) for piece in queue._pieces)
    assert got == text
    assert not queue
    assert queue.held_bytes == 0


def test_reassembly_tells_the_newest_block_first() -> None:
    queue = Reassembly()
    queue.add(100, bytes(10))
    queue.add(300, bytes(10))
    queue.add(200, bytes(10))
    assert queue.blocks == [[200, 210], [300, 310], [100, 110]]
    queue.add(110, bytes(90))
    assert queue.blocks == [[100, 210], [300, 310]]


def test_bytes_that_came_first_win_where_pieces_overlap() -> None:
    queue = Reassembly()
    queue.add(4, b"BBBB")
    queue.add(0, b"aaaaaaaaaa")
    taken, following = queue.take(0)
    assert b"".join(taken) == b"aaaaBBBBaa"
    assert following == 10


def test_reno_doubles_in_slow_start_and_adds_a_segment_per_window_after() -> None:
    reno = Reno(1000)
    assert reno.cwnd_bytes == 10_000
    reno.on_ack(10_000, 0, 1, 0, 0)
    assert reno.cwnd_bytes == 20_000
    reno.on_loss(20_000, 0)
    reno.cwnd_bytes = reno.ssthresh_bytes
    assert reno.cwnd_bytes == 10_000
    for _ in range(10):
        reno.on_ack(1000, 0, 1, 0, 0)
    assert reno.cwnd_bytes == 11_000


@pytest.mark.parametrize("algorithm", [Reno, Cubic])
def test_a_time_out_leaves_one_segment_and_never_less_than_two_as_threshold(algorithm: type[Reno]) -> None:
    congestion = algorithm(1000)
    congestion.cwnd_bytes = 1000
    congestion.on_timeout(1000, 5)
    assert congestion.cwnd_bytes == 1000
    assert congestion.ssthresh_bytes == 2000


def test_cubic_keeps_seven_tenths_and_comes_back_to_where_the_loss_was() -> None:
    cubic = Cubic(1000)
    cubic.cwnd_bytes = 100_000
    cubic.on_loss(100_000, 0)
    assert cubic.ssthresh_bytes == 70_000
    cubic.cwnd_bytes = cubic.ssthresh_bytes
    now = 0
    sizes = []
    for _ in range(100):  # 100 round trips of 100 ms: 10 s, K = cbrt(30 / 0.4) = 4.2 s
        cubic.on_ack(cubic.cwnd_bytes, now, 100 * MS, 0, 0)
        sizes.append(cubic.cwnd_bytes)
        now += 100 * MS
    assert all(before <= after for before, after in itertools.pairwise(sizes))
    at_k = sizes[42]
    assert 97_000 <= at_k <= 103_000
    assert sizes[99] > 120_000
