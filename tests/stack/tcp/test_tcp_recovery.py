"""Finding losses: RACK, tail loss probes, duplicates reported, the rate in recovery."""

from __future__ import annotations

from tests.stack.tcp.ends import MS, SECOND, Line, read_all
from tests.stack.tcp.test_tcp_data import MSS, lose_nth_data

from netarium.wire.ethernet import Frame


def data_times(line: Line, begin: int = 0) -> list[tuple[int, int]]:
    """(time, sequence) of the client's data segments."""
    return [
        (at, header.sequence)
        for at, name, header, payload in line.log[begin:]
        if name == "client" and payload
    ]


def test_two_lost_tail_segments_are_probed_after_two_round_trips() -> None:
    line = Line(delay_ns=10 * MS)
    client, server = line.open()
    line.judge = lose_nth_data(4, 5)
    began = line.now
    line.do(client, "send", bytes(5 * MSS))
    line.run(150 * MS)
    assert len(read_all(server)) == 5 * MSS
    times = [at - began for at, _ in data_times(line)]
    assert 2 * 20 * MS <= times[5] <= 3 * 20 * MS + 10 * MS  # the probe, long before 200 ms
    assert client.congestion.ssthresh_bytes < 10 * MSS


def test_without_early_retransmit_the_tail_waits_for_the_timer() -> None:
    line = Line(delay_ns=10 * MS, tcp_early_retrans=0)
    client, server = line.open()
    line.judge = lose_nth_data(4, 5)
    line.do(client, "send", bytes(5 * MSS))
    line.run(190 * MS)
    assert len(read_all(server)) == 3 * MSS


def test_a_retransmission_that_is_lost_too_is_found_without_the_timer() -> None:
    line = Line(delay_ns=10 * MS)
    client, server = line.open()
    line.judge = lose_nth_data(
        2, 11
    )  # the eleventh data segment on the line is the retransmission of the second
    line.do(client, "send", bytes(20 * MSS))
    line.run(130 * MS)
    assert len(read_all(server)) == 20 * MSS
    second = data_times(line)[1][1]
    assert [number for _, number in data_times(line)].count(second) == 3
    assert client.rtt.backoff == 0


def test_once_reordering_was_seen_a_segment_a_little_late_is_not_sent_again() -> None:
    line = Line(delay_ns=20 * MS)
    client, server = line.open()
    late = [0]

    def judge(sender: str, frame: Frame) -> list[int]:
        if sender == "client" and len(frame.payload):
            late[0] += 1
            return [5 * MS if late[0] % 10 == 8 else 0]
        return [0]

    line.judge = judge
    for _ in range(6):
        line.do(client, "send", bytes(10 * MSS))
        line.run(200 * MS)
        read_all(server)
        line.run(200 * MS)
    assert client.reordering_seen
    assert client.retransmissions <= 1


def test_a_duplicate_is_reported_by_the_first_sack_block() -> None:
    line = Line(delay_ns=10 * MS)
    client, _ = line.open()
    line.judge = lambda sender, frame: [0, MS] if sender == "client" and len(frame.payload) else [0]
    line.do(client, "send", b"twice")
    line.run(SECOND)
    reports = [header.options.sack for _, name, header, _ in line.log if name == "server" and header.options]
    start = (client.iss + 1) & 0xFFFFFFFF
    assert reports[-1] == ((start, start + 5),)
    assert client.reordering_steps == 2


def test_in_recovery_no_more_is_sent_than_the_reduced_rate_allows() -> None:
    line = Line(delay_ns=10 * MS)
    client, server = line.open()
    for _ in range(4):  # grow the window first
        line.do(client, "send", bytes(40 * MSS))
        line.run(60 * MS)
        read_all(server)
    flight_before = client.congestion.cwnd_bytes
    begin = len(line.log)
    line.judge = lose_nth_data(1)
    line.do(client, "send", bytes(60 * MSS))
    first_round = len(data_times(line, begin))
    line.run(35 * MS)
    sent_in_recovery = len(data_times(line, begin)) - first_round
    assert client.congestion.ssthresh_bytes < flight_before
    assert sent_in_recovery <= first_round * 0.7 + 2
    line.run(SECOND)
    got = len(read_all(server))
    while got < 60 * MSS:
        line.run(100 * MS)
        got += len(line.do(server, "receive", 1 << 20) or b"")
        assert line.now < 100 * SECOND
