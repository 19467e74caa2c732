"""Opening, closing and refusing, as RFC 9293 draws it: which segments, which states, when."""

from __future__ import annotations

from tests.stack.tcp.ends import CLIENT, MS, SECOND, SERVER, Line, read_all

from netarium.journey import Cause, Drop
from netarium.stack.failures import Failure
from netarium.stack.tcp import states
from netarium.stack.tcp.socket_options import SocketOptions
from netarium.wire.ethernet import ETHERTYPE_IPV4, Frame
from netarium.wire.ipv4 import PROTOCOL_TCP, Ipv4Header
from netarium.wire.tcp import ACK, FIN, RST, SYN, TcpHeader


def segment(
    line: Line, flags: int, sequence: int = 0, acknowledgment: int = 0, payload: bytes = b"", **more: int
) -> None:
    """Hand the server a segment made by hand, from 10.0.0.1:4000 to port 80."""
    header = TcpHeader(more.get("source", 4000), 80, sequence, acknowledgment, flags, 1000)
    frame = Frame(
        SERVER, CLIENT, ETHERTYPE_IPV4, Ipv4Header(CLIENT, SERVER, PROTOCOL_TCP, 64), header, payload
    )
    line.server.receive(line.server.interfaces["eth0"], frame, line.now)


def test_three_segments_open_a_connection_and_each_acknowledges_the_number_after_the_syn() -> None:
    line = Line()
    line.open()
    (_, _, syn, _), (_, _, syn_ack, _), (_, _, ack, _) = line.log
    assert (syn.flags, syn_ack.flags, ack.flags) == (SYN, SYN | ACK, ACK)
    assert syn_ack.acknowledgment == (syn.sequence + 1) & 0xFFFFFFFF
    assert ack.acknowledgment == (syn_ack.sequence + 1) & 0xFFFFFFFF
    assert ack.sequence == (syn.sequence + 1) & 0xFFFFFFFF
    assert line.path("client") == ["CLOSED", "SYN-SENT", "ESTABLISHED"]
    assert line.path("server") == ["CLOSED", "SYN-RECEIVED", "ESTABLISHED"]


def test_syns_offer_what_linux_offers() -> None:
    line = Line()
    line.open()
    syn, syn_ack = line.log[0][2], line.log[1][2]
    assert syn.window == 64240
    assert syn.options is not None and syn_ack.options is not None
    assert (syn.options.mss, syn.options.sack_permitted, syn.options.window_scale) == (1460, True, 7)
    assert syn.timestamp >= 0 and syn_ack.echo == syn.timestamp


def test_what_one_end_does_not_offer_neither_uses() -> None:
    line = Line()
    for name in ("tcp_window_scaling", "tcp_timestamps", "tcp_sack"):
        line.server.settings.set("net.ipv4." + name, 0)
    client, server = line.open()
    for end in (client, server):
        assert not end.sack_ok and not end.timestamps_ok
        assert end.snd_scale == end.rcv_scale == 0
        assert end.mss == 1460


def test_close_goes_through_the_states_of_figure_5_and_time_wait_lasts_60_s() -> None:
    line = Line()
    client, server = line.open()
    line.do(client, "close")
    line.run(10 * MS)
    assert (client.state, server.state) == (states.FIN_WAIT_2, states.CLOSE_WAIT)
    assert line.do(server, "receive", 10) == b""
    line.do(server, "close")
    line.run(10 * MS)
    closed_at = line.now
    assert (client.state, server.state) == (states.TIME_WAIT, states.CLOSED)
    line.run()
    assert line.path("client")[2:] == ["ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "CLOSED"]
    assert line.path("server")[2:] == ["ESTABLISHED", "CLOSE-WAIT", "LAST-ACK", "CLOSED"]
    over_at = line.changes[-1][0]
    assert 60 * SECOND - 10 * MS <= over_at - closed_at <= 60 * SECOND
    assert line.changes[-1][4] is Cause.TIME_WAIT_OVER
    assert not line.client.tcp.connections and not line.server.tcp.connections


def test_half_closed_connections_still_carry_data_the_other_way() -> None:
    line = Line()
    client, server = line.open()
    line.do(client, "send", b"question")
    line.do(client, "shutdown_send")
    line.run(5 * MS)
    assert line.do(server, "receive", 100) == b"question"
    assert line.do(server, "receive", 100) == b""
    line.do(server, "send", b"a long answer")
    line.run(5 * MS)
    assert line.do(client, "receive", 100) == b"a long answer"
    line.do(server, "close")
    line.run(5 * MS)
    assert client.state == states.TIME_WAIT


def test_both_ends_closing_at_once_go_through_closing() -> None:
    line = Line()
    client, server = line.open()
    line.do(client, "close")
    line.do(server, "close")
    line.run(10 * MS)
    assert line.path("client")[3:] == ["FIN-WAIT-1", "CLOSING", "TIME-WAIT"]
    assert line.path("server")[3:] == ["FIN-WAIT-1", "CLOSING", "TIME-WAIT"]


def test_syns_that_cross_open_one_connection() -> None:
    line = Line()
    client = line.connect(port=5000, own_port=4000)
    line.server.enter(line.now)
    other = line.server.tcp.connect(line.server.ipv4, (SERVER, 5000), (CLIENT, 4000), SocketOptions())
    line.server.settle()
    line.run(20 * MS)
    assert line.path("client") == ["CLOSED", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED"]
    assert line.path("server") == ["CLOSED", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED"]
    line.do(client, "send", b"hello")
    line.run(5 * MS)
    assert line.do(other, "receive", 9) == b"hello"


def test_nobody_at_the_port_answers_rst_and_the_connect_is_refused() -> None:
    line = Line()
    client = line.connect(port=81)
    line.run(5 * MS)
    assert line.sent("server") == ["R."]
    assert client.error is Failure.CONNECTION_REFUSED
    assert client.state == states.CLOSED
    assert line.drops == [(MS, "server", Drop.TCP_NO_SOCKET)]


def test_a_rst_never_gets_a_rst() -> None:
    line = Line()
    segment(line, RST)
    segment(line, RST | ACK)
    assert line.log == []


def test_a_reset_for_nobodys_segment_carries_the_number_the_sender_expects() -> None:
    line = Line()
    segment(line, ACK, sequence=500, acknowledgment=777)
    segment(line, SYN | FIN, sequence=500, payload=b"abc")
    (_, _, first, _), (_, _, second, _) = line.log
    assert (first.flags, first.sequence) == (RST, 777)
    assert (second.flags, second.sequence, second.acknowledgment) == (RST | ACK, 0, 505)


def test_a_rst_inside_the_window_is_challenged_and_only_the_exact_one_resets() -> None:
    line = Line()
    _, server = line.open()
    expected = server.rcv_nxt & 0xFFFFFFFF
    segment(line, RST, sequence=expected + 10)
    assert line.sent("server")[-1] == "."
    assert line.drops[-1][2] is Drop.TCP_BAD_RST
    assert server.state == states.ESTABLISHED
    segment(line, RST, sequence=expected)
    assert server.state == states.CLOSED
    assert server.take_error() is Failure.CONNECTION_RESET


def test_another_syn_in_syn_received_gets_a_rst_and_the_one_after_it_an_answer() -> None:
    line = Line()
    line.judge = lambda sender, frame: []
    listener = line.listen()
    segment(line, SYN, sequence=0)
    assert listener.half_open == 1
    segment(line, SYN, sequence=1000)
    assert line.sent("server") == ["S.", "R."]
    reset = line.log[-1][2]
    assert (reset.sequence, reset.acknowledgment) == (0, 1001), "it answers no ACK (RFC 9293 section 3.5.2)"
    assert (listener.half_open, line.server.tcp.connections) == (0, {})
    segment(line, SYN, sequence=5000)
    assert (line.sent("server")[-1], line.log[-1][2].acknowledgment) == ("S.", 5001)
    assert listener.half_open == 1


def test_a_syn_nobody_answers_is_sent_seven_times_and_times_out_after_127_s() -> None:
    line = Line()
    line.judge = lambda sender, frame: []
    client = line.connect()
    line.run()
    times = [at // SECOND for at, _, _, _ in line.log]
    assert times == [0, 1, 3, 7, 15, 31, 63]
    assert line.changes[-1][0] == 127 * SECOND
    assert client.error is Failure.TIMED_OUT


def test_a_lost_syn_ack_comes_again() -> None:
    line = Line()
    lost: list[object] = []

    def judge(sender: str, frame: Frame) -> list[int]:
        if sender == "server" and not lost:
            lost.append(frame)
            return []
        return [0]

    line.judge = judge
    listener = line.listen()
    client = line.connect()
    line.run(2 * SECOND)
    assert client.state == states.ESTABLISHED
    assert listener.accept() is not None


def test_the_accept_queue_holds_one_more_than_the_backlog() -> None:
    for backlog, complete in ((0, 1), (3, 4), (5, 6)):
        line = Line()
        listener = line.listen(backlog=backlog)
        for number in range(complete):
            line.connect(own_port=4000 + number)
            line.run(5 * MS)
        assert len(listener.accept_queue) == complete
        one_more = line.connect(own_port=5000)
        line.run(5 * MS)
        assert one_more.state == states.SYN_SENT
        assert line.drops[-1][2] is Drop.TCP_ACCEPT_QUEUE_FULL
        assert listener.accept() is not None
        line.run(2 * SECOND)
        assert one_more.state == states.ESTABLISHED


def test_closing_with_bytes_unread_resets() -> None:
    line = Line()
    client, server = line.open()
    line.do(client, "send", b"never read")
    line.run(5 * MS)
    line.do(server, "close")
    line.run(5 * MS)
    assert line.sent("server")[-1] == "R."
    assert client.take_error() is Failure.CONNECTION_RESET


def test_data_for_a_program_that_is_gone_resets() -> None:
    line = Line()
    client, server = line.open()
    line.do(server, "close")
    line.run(5 * MS)
    line.do(client, "send", b"anybody?")
    line.run(5 * MS)
    assert client.take_error() is Failure.BROKEN_PIPE
    assert not line.server.tcp.connections


def test_linger_zero_resets_on_close() -> None:
    line = Line()
    options = SocketOptions()
    options.linger_s = 0
    client, server = line.open(options=options)
    line.do(client, "close")
    line.run(5 * MS)
    assert line.sent("client")[-1] == "R."
    assert server.take_error() is Failure.CONNECTION_RESET


def test_a_fin_that_comes_early_waits_for_the_bytes_before_it() -> None:
    line = Line()
    client, server = line.open()
    held: list[Frame] = []

    def judge(sender: str, frame: Frame) -> list[int]:
        if sender == "client" and frame.payload and not held:
            held.append(frame)
            return [3 * MS]
        return [0]

    line.judge = judge
    line.do(client, "send", bytes(1000))
    line.do(client, "close")
    line.run(2 * MS)
    assert server.state == states.ESTABLISHED
    line.run(10 * MS)
    assert len(read_all(server)) == 1000
    assert server.state == states.CLOSE_WAIT


def test_a_new_syn_may_take_the_place_of_time_wait() -> None:
    line = Line()
    client, server = line.open()
    line.do(server, "close")
    line.run(5 * MS)
    line.do(client, "close")
    line.run(10 * MS)
    assert server.state == states.TIME_WAIT
    again = line.connect()
    line.run(10 * MS)
    assert again.state == states.ESTABLISHED


def test_a_fin_that_comes_again_in_time_wait_is_acknowledged_again() -> None:
    line = Line()
    client, server = line.open()
    lose_acks = [False]
    line.judge = lambda sender, frame: [] if lose_acks[0] and sender == "client" else [0]
    line.do(client, "close")
    line.run(5 * MS)
    lose_acks[0] = True
    line.do(server, "close")
    line.run(5 * MS)
    assert (client.state, server.state) == (states.TIME_WAIT, states.LAST_ACK)
    lose_acks[0] = False
    line.run(SECOND)
    assert server.state == states.CLOSED
    assert line.sent("server").count("F.") == 2


def test_a_packet_of_protocol_6_without_a_header_is_a_named_drop() -> None:
    line = Line()
    network = Ipv4Header(CLIENT, SERVER, PROTOCOL_TCP, 64)
    frame = Frame(SERVER, CLIENT, ETHERTYPE_IPV4, network, None, b"no header")
    line.server.receive(line.server.interfaces["eth0"], frame, line.now)
    assert line.drops == [(0, "server", Drop.TCP_MALFORMED)]
