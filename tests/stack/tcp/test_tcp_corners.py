"""Rules that a wrong line of code would break unseen elsewhere: urgent data, clamps, patience, the sums of TCP_INFO."""

from __future__ import annotations

import pytest
from tests.stack.tcp.ends import CLIENT, MS, SECOND, SERVER, Line, read_all

from netarium.sockets.tcp_info import connection_info
from netarium.stack.tcp import rack, recovery, states
from netarium.stack.tcp.congestion.cubic import Cubic
from netarium.stack.tcp.congestion.reno import Reno
from netarium.stack.tcp.socket_options import SocketOptions
from netarium.wire.ethernet import ETHERTYPE_IPV4, Frame
from netarium.wire.ipv4 import PROTOCOL_TCP, Ipv4Header
from netarium.wire.tcp import ACK, URG, TcpHeader


def test_nagle_holds_no_urgent_byte() -> None:
    line = Line(delay_ns=50 * MS)
    client, server = line.open()
    since = len(line.log)
    line.do(client, "send", b"first")
    line.do(client, "send", b"waits")
    assert line.sent("client", since) == ["P. 5"], "the second small segment waits for an acknowledgment"
    line.do(client, "send_urgent", b"!")
    assert line.sent("client", since) == ["P. 5", "P. 6"]
    line.run(SECOND)
    assert server.receive_urgent(peek=False) == b"!"
    assert read_all(server) == b"firstwaits"


@pytest.mark.pure("what is Final cannot be written")
def test_an_urgent_byte_that_lies_in_a_piece_already_queued_is_found() -> None:
    line = Line()
    client, server = line.open()
    for piece in (b"abc", b"def"):
        line.do(client, "send", piece)
        line.run(100 * MS)
    header = TcpHeader(
        client.local_port,
        80,
        client.snd_nxt & 0xFFFFFFFF,
        server.snd_nxt & 0xFFFFFFFF,
        ACK | URG,
        500,
        urgent=0,
    )
    header.sequence = (client.snd_nxt - 3) & 0xFFFFFFFF
    header.urgent = 6  # the third byte from here on, which has not come: the number 3 behind the last
    network = Ipv4Header(CLIENT, SERVER, PROTOCOL_TCP, 64)
    whole = Frame(SERVER, CLIENT, ETHERTYPE_IPV4, network, header, b"defghi")
    line.server.receive(line.server.interfaces["eth0"], whole, line.now)
    assert server.receive_urgent(peek=True) == b"i"
    assert server.receive(100) == b"abcdefgh", "reading stops at the mark"
    assert server.receive(100) is None


def test_a_window_clamp_bounds_every_window() -> None:
    chosen = SocketOptions()
    chosen.window_clamp_bytes = 5000
    line = Line()
    client, _ = line.open(server_options=chosen)
    line.do(client, "send", bytes(20_000))
    line.run(5 * SECOND)
    told = [header.window for _, name, header, _ in line.log if name == "server"]
    assert max(told) <= 5000
    assert client.snd_wnd <= 5000


def test_a_buffer_of_one_segment_opens_its_window_again_and_again() -> None:
    chosen = SocketOptions()
    chosen.receive_buffer_bytes = 2300
    line = Line(tcp_window_scaling=0)
    client, server = line.open(server_options=chosen)
    line.do(client, "send", bytes(10_000))
    got = 0
    for _ in range(400):
        line.run(10 * MS)
        got += len(line.do(server, "receive", 65536) or b"")
        if got == 10_000:
            break
    assert got == 10_000
    assert line.now < 2 * SECOND, "by window updates, not by probes"


def test_patience_with_reordering_grows_by_d_sacks_and_wears_off_after_sixteen_recoveries() -> None:
    line = Line()
    client, _ = line.open()
    client.rtt.min_ns, client.rtt.srtt_ns = 8 * MS, 10 * MS
    client.reordering_seen = True
    assert rack.reordering_window_ns(client) == 2 * MS
    client.snd_una += 1
    client.snd_nxt += 1000
    rack.note_duplicate_report(client)
    assert rack.reordering_window_ns(client) == 4 * MS
    rack.note_duplicate_report(client)
    assert rack.reordering_window_ns(client) == 4 * MS, "once a round trip"
    client.reordering_steps = 100
    assert rack.reordering_window_ns(client) == 10 * MS, "never more than the smoothed round trip"
    for _ in range(15):
        rack.note_recovery_over(client)
    assert client.reordering_steps == 100
    rack.note_recovery_over(client)
    assert client.reordering_steps == 1


def test_an_answer_sooner_than_the_least_round_trip_is_for_an_earlier_transmission() -> None:
    line = Line()
    client, _ = line.open()
    client.rtt.min_ns = 10 * MS
    line.do(client, "send", b"x")
    (segment,) = client.flight
    segment.transmissions, segment.sent_at_ns = 2, line.now - 5 * MS
    client.rack_sent_at = 0
    rack.note_delivered(client, segment, line.now)
    assert client.rack_sent_at == 0, "it tells nothing of the retransmission"
    segment.sent_at_ns = line.now - 10 * MS
    rack.note_delivered(client, segment, line.now)
    assert client.rack_sent_at == line.now - 10 * MS


def test_in_recovery_below_the_threshold_one_segment_more_than_was_delivered_goes_and_only_if_una_moved() -> (
    None
):
    line = Line()
    client, _ = line.open()
    mss = client.mss
    client.congestion.ssthresh_bytes = 20 * mss
    client.recovery_flight_bytes = 20 * mss
    client.recovering = True
    for advanced, more in ((False, 0), (True, mss)):
        client.prr_delivered_bytes, client.prr_out_bytes = 4 * mss, 4 * mss
        recovery.reduce_rate(client, 2 * mss, advanced)
        assert client.congestion.cwnd_bytes == client.pipe_bytes() + 2 * mss + more


def test_after_an_idle_time_the_threshold_remembers_three_quarters_of_the_window() -> None:
    reno = Reno(1000)
    reno.cwnd_bytes, reno.ssthresh_bytes = 80_000, 20_000
    reno.on_idle(2)
    assert (reno.cwnd_bytes, reno.ssthresh_bytes) == (20_000, 60_000)


def test_a_second_loss_below_the_last_peak_gives_way_to_others() -> None:
    """RFC 9438 section 4.7, fast convergence: the flow aims lower than where it lost."""
    aims = []
    for peaks in ([100_000], [140_000, 100_000]):
        cubic = Cubic(1000)
        for peak in peaks:
            cubic.cwnd_bytes = peak
            cubic.on_loss(peak, 0)
        cubic.cwnd_bytes = cubic.ssthresh_bytes
        for round_trip in range(11):  # 4.4 s, a little more than K of a window of 70 after 100
            cubic.on_ack(cubic.cwnd_bytes, round_trip * 400 * MS, 400 * MS, 0, 1)
        aims.append(cubic.cwnd_bytes)
    alone, with_others = aims
    assert 95_000 < alone < 105_000
    assert with_others < alone - 5000


def test_tcp_info_counts_segments_bytes_sent_again_and_what_came_early() -> None:
    line = Line()
    client, server = line.open()
    mss = client.mss
    lost: list[int] = []

    def judge(sender: str, frame: Frame) -> list[int]:
        if sender == "client" and frame.payload and not lost:
            lost.append(len(frame.payload))
            return []
        return [0]

    line.judge = judge
    since = len(line.log)
    line.do(client, "send", bytes(5 * mss))
    line.run(SECOND)
    assert read_all(server) == bytes(5 * mss)
    mine, theirs = connection_info(client), connection_info(server)
    assert (mine["tcpi_bytes_retrans"], mine["tcpi_bytes_sent"]) == (mss, 6 * mss)
    assert mine["tcpi_bytes_acked"] == 5 * mss + 1, "the SYN counts, as on Linux"
    assert mine["tcpi_data_segs_out"] == 6
    assert mine["tcpi_segs_out"] == len(line.sent("client"))
    assert mine["tcpi_segs_in"] == len(line.sent("server"))
    assert (theirs["tcpi_data_segs_in"], theirs["tcpi_rcv_ooopack"]) == (5, 4)
    assert theirs["tcpi_bytes_received"] == 5 * mss
    first = next(at for at, name, _, payload in line.log[since:] if name == "client" and payload)
    last = max(at for at, name, *_ in line.log if name == "server") + line.delay_ns
    assert mine["tcpi_busy_time"] == (last - first) // 1000
    line.do(client, "shutdown_send")
    line.run(SECOND)
    assert server.state == states.CLOSE_WAIT
    assert connection_info(server)["tcpi_bytes_received"] == 5 * mss + 1, "and so does the FIN"


def test_tcp_info_counts_d_sacks_and_tells_the_rate_at_which_linux_would_pace() -> None:
    line = Line()
    client, _ = line.open()
    line.judge = lambda sender, frame: [0, 3 * MS] if frame.payload else [0]
    line.do(client, "send", bytes(1000))
    line.run(SECOND)
    info = connection_info(client)
    assert info["tcpi_dsack_dups"] == 1
    assert info["tcpi_pacing_rate"] == 2 * client.congestion.cwnd_bytes * SECOND // client.rtt.srtt_ns
    client.congestion.ssthresh_bytes = client.congestion.cwnd_bytes
    rate = connection_info(client)["tcpi_pacing_rate"]
    assert rate == client.congestion.cwnd_bytes * 12 * SECOND // 10 // client.rtt.srtt_ns


def test_after_a_silence_longer_than_the_time_out_the_next_segments_are_acknowledged_at_once() -> None:
    line = Line()
    client, server = line.open()
    server.rtt.rto_ns = 200 * MS
    for wait, at_once in ((150 * MS, False), (300 * MS, True)):
        line.run(SECOND)
        line.do(client, "send", b"a")
        line.run(wait)
        server.quick_acks, server.pingpong, server.ack_timeout_ns = 0, False, 40 * MS
        since = len(line.log)
        line.do(client, "send", b"b")
        line.run(3 * MS)
        assert bool(line.sent("server", since)) is at_once, wait


def test_the_peers_full_segment_is_as_large_as_the_largest_seen() -> None:
    line = Line()
    client, server = line.open()
    server.rcv_mss = 500
    line.do(client, "send", bytes(900))
    line.run(SECOND)
    assert server.rcv_mss == 900
    line.do(client, "send", bytes(100))
    line.run(SECOND)
    assert server.rcv_mss == 900


def test_a_window_that_opened_and_shuts_again_is_probed_from_the_first_interval_on() -> None:
    line = Line()
    client, server = line.open()
    line.do(client, "send", bytes(3_000_000))
    line.run(20 * SECOND)
    assert client.snd_wnd == 0 and client.persist_backoff > 2
    while line.do(server, "receive", 1 << 20):
        pass
    line.run(20 * MS)
    assert client.persist_backoff == 0
    assert connection_info(client)["tcpi_backoff"] == 0


def test_what_a_peer_takes_back_of_its_window_is_not_sent_into_by_retransmissions_but_the_first() -> None:
    line = Line()
    client, _ = line.open()
    mss = client.mss
    line.judge = lambda sender, frame: []
    line.do(client, "send", bytes(6 * mss))
    client.snd_wnd = 2 * mss
    line.run(150 * MS)
    since = len(line.log)
    for index, segment in enumerate(client.flight):
        recovery.mark_lost(client, segment, index)
    client.stack.enter(line.now)
    recovery.resend_lost(client)
    client.stack.settle()
    starts = [(header.sequence - client.iss - 1) & 0xFFFFFFFF for _, _, header, _ in line.log[since:]]
    assert starts == [0, mss]
    client.snd_wnd = 0
    client.resend_from = 0
    recovery.mark_lost(client, client.flight[0], 0)
    client.stack.enter(line.now)
    recovery.resend_lost(client)
    client.stack.settle()
    starts = [(header.sequence - client.iss - 1) & 0xFFFFFFFF for _, _, header, _ in line.log[since:]]
    assert starts == [0, mss, 0], "the first goes, as a probe"
