"""Data on an open connection: segments, windows, Nagle, acknowledgments, loss, probes, keepalive."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from tests.stack.tcp.ends import MS, SECOND, Line, read_all

from netarium.journey import Drop
from netarium.stack.failures import Failure
from netarium.stack.tcp import states
from netarium.stack.tcp.connection import Connection
from netarium.stack.tcp.initial_numbers import InitialNumbers
from netarium.stack.tcp.socket_options import SocketOptions
from netarium.wire.ethernet import Frame
from netarium.wire.tcp import FIN, SYN

MSS = 1448


def lose_nth_data(*numbers: int) -> Callable[[str, Frame], list[int]]:
    """Lose the client's data segments with these numbers, counted from 1, retransmissions included."""
    count = 0

    def judge(sender: str, frame: Frame) -> list[int]:
        nonlocal count
        if sender == "client" and len(frame.payload):
            count += 1
            if count in numbers:
                return []
        return [0]

    return judge


def test_full_segments_carry_the_mss_less_the_timestamps() -> None:
    line = Line()
    client, server = line.open()
    begin = len(line.log)
    line.do(client, "send", bytes(3 * MSS + 10))
    line.run(50 * MS)
    assert line.sent("client", begin) == [". 1448", ". 1448", ". 1448", "P. 10"]
    assert len(read_all(server)) == 3 * MSS + 10


def test_nagle_sends_one_byte_and_then_the_nine_together_on_the_ack() -> None:
    line = Line(delay_ns=25 * MS)
    client, _ = line.open()
    begin = len(line.log)
    for _ in range(10):
        line.do(client, "send", b"x")
    line.run(SECOND)
    assert line.sent("client", begin) == ["P. 1", "P. 9"]
    first, second = [at for at, name, _, payload in line.log[begin:] if name == "client" and payload]
    assert second - first == 50 * MS


def test_nodelay_sends_each_at_once() -> None:
    line = Line(delay_ns=25 * MS)
    options = SocketOptions()
    options.nodelay = True
    client, _ = line.open(options=options)
    begin = len(line.log)
    for _ in range(10):
        line.do(client, "send", b"x")
    assert line.sent("client", begin) == ["P. 1"] * 10


def test_cork_holds_small_segments_until_it_is_taken_out() -> None:
    line = Line()
    client, _ = line.open()
    begin = len(line.log)
    client.options.cork = True
    line.do(client, "send", bytes(MSS + 100))
    assert line.sent("client", begin) == [". 1448"]
    client.options.cork = False
    line.do(client, "options_changed")
    assert line.sent("client", begin) == [". 1448", "P. 100"]


def test_a_fin_takes_the_last_bytes_with_it_when_nagle_held_them() -> None:
    line = Line(delay_ns=25 * MS)
    client, _ = line.open()
    begin = len(line.log)
    line.do(client, "send", b"x")
    line.do(client, "send", b"yz")
    line.do(client, "close")
    assert line.sent("client", begin) == ["P. 1", "FP. 2"]


def test_acknowledgments_are_quick_at_first_and_delayed_by_40_ms_once_the_program_answers() -> None:
    line = Line()
    client, server = line.open()
    begin = len(line.log)
    line.do(client, "send", b"question")
    line.run(2 * MS)
    assert line.sent("server", begin) == ["."]
    line.do(server, "receive", 100)
    line.do(server, "send", b"answer")
    line.run(50 * MS)
    line.do(client, "receive", 100)
    begin = len(line.log)
    began = line.now
    line.do(client, "send", b"second")
    line.run(200 * MS)
    acks = [at for at, name, _, _ in line.log[begin:] if name == "server"]
    assert acks == [began + MS + 40 * MS]


def test_every_second_full_segment_is_acknowledged_at_once() -> None:
    line = Line()
    client, server = line.open()
    server.quick_acks = 0
    server.ack_timeout_ns = 40 * MS
    begin = len(line.log)
    line.do(client, "send", bytes(4 * MSS))
    line.run(3 * MS)
    assert line.sent("server", begin) == [".", "."]


def test_the_receiver_shuts_the_window_and_opens_it_when_the_program_reads() -> None:
    line = Line()
    client, server = line.open()
    text = bytes(range(256)) * 1024
    taken = line.do(client, "send", text)
    line.run(300 * MS)
    assert client.snd_wnd == 0 or client.snd_wnd < client.mss
    held = server.rcv_queued_bytes
    assert (
        held <= 65536 + 60 * 127
    )  # a scaled window is rounded up, so each ACK may offer up to 127 bytes more
    got = line.do(server, "receive", held)
    line.run(300 * MS)
    while len(got) < taken:
        data = line.do(server, "receive", 65536)
        assert data
        got += data
        line.run(300 * MS)
    assert got == text[:taken]


def test_a_shut_window_is_probed_ever_more_slowly_and_for_ever_while_the_peer_answers() -> None:
    line = Line()
    options = SocketOptions()
    options.receive_buffer_bytes = 8000
    client, _ = line.open(server_options=options)
    line.do(client, "send", bytes(20_000))
    line.run(SECOND)
    begin = len(line.log)
    line.run(600 * SECOND)
    probes = [at for at, name, _, _ in line.log[begin:] if name == "client"]
    gaps = [(after - before) // MS for before, after in itertools.pairwise(probes)]
    assert len(probes) >= 8
    assert all(before <= after for before, after in itertools.pairwise(gaps))
    assert max(gaps) <= 120_000
    assert client.state == states.ESTABLISHED
    assert not client.is_foreground()


def test_a_lost_window_update_does_not_stop_the_transfer_for_ever() -> None:
    line = Line()
    options = SocketOptions()
    options.receive_buffer_bytes = 8000
    client, server = line.open(server_options=options)
    line.do(client, "send", bytes(20_000))
    line.run(300 * MS)
    line.judge = lambda sender, frame: [] if sender == "server" else [0]
    got = len(line.do(server, "receive", 65536))
    line.run(5 * MS)
    line.judge = lambda sender, frame: [0]
    for _ in range(60):
        line.run(SECOND)
        got += len(line.do(server, "receive", 65536) or b"")
    assert got == 20_000


@pytest.mark.parametrize("sack", [1, 0])
def test_three_duplicates_bring_a_lost_segment_back_within_two_round_trips(sack: int) -> None:
    line = Line(delay_ns=10 * MS, tcp_sack=sack)
    client, server = line.open()
    line.judge = lose_nth_data(2)
    began = line.now
    line.do(client, "send", bytes(8 * MSS))
    line.run(45 * MS)
    assert len(read_all(server)) == 8 * MSS
    assert client.retransmissions == 1
    assert line.now - began <= 45 * MS
    assert client.congestion.ssthresh_bytes < 10 * MSS


def lose_the_tail(**settings: object) -> tuple[int, Connection]:
    """Three segments, the last lost once: (ns until it is sent again, the sender)."""
    line = Line(delay_ns=10 * MS, **settings)
    client, server = line.open()
    line.judge = lose_nth_data(3)
    began = line.now
    line.do(client, "send", bytes(3 * MSS))
    line.run(SECOND)
    assert len(read_all(server)) == 3 * MSS
    again = [at for at, name, header, payload in line.log if name == "client" and payload][3]
    line.do(client, "send", b"more")
    line.run(SECOND)
    return again - began, client


def test_a_lost_tail_waits_for_the_timer_and_the_window_begins_again_at_one_segment() -> None:
    waited_ns, client = lose_the_tail(tcp_early_retrans=0)
    assert 200 * MS <= waited_ns <= 300 * MS
    assert client.congestion.ssthresh_bytes == 7 * MSS
    assert client.congestion.cwnd_bytes < 5 * MSS


def test_a_single_lost_segment_is_probed_when_the_timer_would_run_out_and_counts_as_a_loss() -> None:
    waited_ns, client = lose_the_tail()
    assert 200 * MS <= waited_ns <= 300 * MS
    assert client.congestion.ssthresh_bytes == client.congestion.cwnd_bytes == 7 * MSS


def test_a_peer_that_is_gone_times_the_connection_out_after_15_minutes() -> None:
    line = Line()
    client, _ = line.open()
    line.judge = lambda sender, frame: []
    began = line.now
    line.do(client, "send", b"hello?")
    line.run()
    assert client.take_error() is Failure.TIMED_OUT
    ended = next(at for at, place, _, after, _ in line.changes if place == "client" and after == "CLOSED")
    assert 920 * SECOND <= ended - began <= 1050 * SECOND


def test_user_timeout_gives_up_earlier() -> None:
    line = Line()
    options = SocketOptions()
    options.user_timeout_ns = 5 * SECOND
    client, _ = line.open(options=options)
    line.judge = lambda sender, frame: []
    line.do(client, "send", b"hello?")
    line.run(10 * SECOND)
    assert client.take_error() is Failure.TIMED_OUT


def test_keepalive_probes_a_silent_peer_and_gives_up_after_the_count() -> None:
    line = Line()
    options = SocketOptions()
    options.keepalive = True
    options.keepalive_idle_ns = 10 * SECOND
    options.keepalive_interval_ns = 2 * SECOND
    options.keepalive_count = 3
    client, _ = line.open(options=options)
    began = line.now
    line.run(35 * SECOND)
    assert client.state == states.ESTABLISHED
    line.judge = lambda sender, frame: []
    line.run(60 * SECOND)
    assert client.take_error() is Failure.TIMED_OUT
    ended = next(at for at, place, _, after, _ in line.changes if place == "client" and after == "CLOSED")
    assert ended - began <= 60 * SECOND


def test_an_old_duplicate_is_acknowledged_and_not_delivered_twice() -> None:
    line = Line()
    client, server = line.open()
    line.judge = lambda sender, frame: [0, 2 * MS] if sender == "client" and frame.payload else [0]
    line.do(client, "send", b"once")
    line.run(50 * MS)
    assert read_all(server) == b"once"
    assert line.drops[-1][2] is Drop.TCP_OLD_DUPLICATE
    assert len(line.sent("server")) == 3


@pytest.mark.pure("a method of a compiled class cannot be replaced")
def test_sequence_numbers_pass_the_wrap(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line()
    monkeypatch.setattr(InitialNumbers, "sequence", lambda numbers, connection: 0xFFFFFF00)
    client, server = line.open()
    text = bytes(range(250)) * 40
    line.do(client, "send", text)
    line.run(100 * MS)
    assert read_all(server) == text
    assert any(
        header.sequence < 10_000 for _, name, header, payload in line.log if name == "client" and payload
    )
    line.do(client, "close")
    line.do(server, "close")
    line.run()
    assert not line.client.tcp.connections


def test_the_send_buffer_holds_bytes_until_they_are_acknowledged() -> None:
    line = Line()
    client, _ = line.open()
    line.do(client, "send", b"kept")
    assert client.statistics().send_queue_bytes == 4
    line.run(5 * MS)
    assert client.statistics().send_queue_bytes == 0


def test_a_full_send_buffer_takes_no_more_and_the_writer_is_woken_at_a_third_free() -> None:
    line = Line()
    client, server = line.open()
    taken = 0
    while count := line.do(client, "send", bytes(10_000)):
        taken += count
    assert taken == client.send_buffer_bytes
    assert not client.is_writable()
    woken: list[int] = []
    client.on_change = lambda: woken.append(client.send_room())
    for _ in range(100):
        line.run(10 * MS)
        line.do(server, "receive", 1 << 20)
    assert woken and 3 * woken[0] >= client.send_buffer_bytes
    assert taken == client.bytes_acked


@pytest.mark.parametrize("seed", range(6))
def test_everything_arrives_in_order_through_loss_reordering_and_duplication(seed: int) -> None:
    from random import Random

    line = Line(delay_ns=5 * MS)
    client, server = line.open()
    luck = Random(seed)

    def judge(sender: str, frame: Frame) -> list[int]:
        copies = 0 if luck.random() < 0.2 else 2 if luck.random() < 0.1 else 1
        return [luck.randrange(10 * MS) if luck.random() < 0.2 else 0 for _ in range(copies)]

    line.judge = judge
    text = Random(seed).randbytes(100_000)
    got = push_through(line, client, server, text)
    assert got == text


def push_through(line: Line, client: Connection, server: Connection, text: bytes) -> bytes:
    """Send `text` as fast as the buffer takes it, read it as it comes, close both ends, and let all end."""
    sent = 0
    got = bytearray()
    while len(got) < len(text) or server.state not in (states.CLOSED, states.LAST_ACK):
        if sent < len(text):
            sent += line.do(client, "send", text[sent : sent + 20_000])
            if sent == len(text):
                line.do(client, "close")
        if server.rcv_queue:
            got += line.do(server, "receive", 65536)
        elif server.state == states.CLOSE_WAIT:
            line.do(server, "close")
        assert line.advance(), "nothing left to happen and not all has arrived"
    line.run()
    assert not line.client.tcp.connections and not line.server.tcp.connections
    return bytes(got)


def test_flags_of_the_harness_are_those_of_the_wire() -> None:
    line = Line()
    client, _ = line.open()
    line.do(client, "close")
    assert line.log[0][2].flags == SYN
    assert line.log[-1][2].flags & FIN
