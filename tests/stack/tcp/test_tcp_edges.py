"""Where a connection meets the rest of its host: ICMP about it, ports that are taken, routes that are gone, limits."""

from __future__ import annotations

from tests.stack.tcp.ends import CLIENT, MS, SECOND, SERVER, Line

from netarium.journey import Drop
from netarium.stack.failures import Failure, NetworkError
from netarium.stack.tcp import states
from netarium.stack.tcp.connection import Connection
from netarium.stack.tcp.sequence import MASK
from netarium.stack.tcp.socket_options import SocketOptions
from netarium.wire.ethernet import ETHERTYPE_IPV4, Frame
from netarium.wire.ipv4 import PROTOCOL_TCP, Ipv4Header
from netarium.wire.tcp import ACK, RST, SYN, TcpHeader


def quoted(c: Connection, sequence: int) -> tuple[Ipv4Header, bytes]:
    """What an ICMP error quotes of a segment of `c`."""
    network = Ipv4Header(c.local_ip, c.remote_ip, PROTOCOL_TCP, 64)
    ports = c.local_port.to_bytes(2, "big") + c.remote_port.to_bytes(2, "big")
    return network, ports + (sequence & 0xFFFFFFFF).to_bytes(4, "big")


def tell(c: Connection, kind: NetworkError, sequence: int, info: int = 0) -> None:
    network, payload = quoted(c, sequence)
    c.stack.enter(c.stack.now)
    c.ip.tcp.receive_error(network, payload, kind, info)
    c.stack.settle()


def segment(c: Connection, header: TcpHeader) -> Frame:
    """A segment for `c`, as from its peer."""
    return Frame(
        SERVER, CLIENT, ETHERTYPE_IPV4, Ipv4Header(c.remote_ip, c.local_ip, PROTOCOL_TCP, 64), header, b""
    )


def test_an_error_that_quotes_too_little_or_a_stranger_or_what_is_not_in_flight_changes_nothing() -> None:
    line = Line()
    client, _ = line.open()
    network, payload = quoted(client, client.snd_una)
    client.ip.tcp.receive_error(network, payload[:7], NetworkError.HOST_UNREACHABLE, 0)
    stranger = Ipv4Header(CLIENT, 0x0A0000FF, PROTOCOL_TCP, 64)
    client.ip.tcp.receive_error(stranger, payload, NetworkError.HOST_UNREACHABLE, 0)
    tell(client, NetworkError.MESSAGE_TOO_LONG, client.snd_nxt + 5, 600)
    assert client.state == states.ESTABLISHED
    assert client.error is None
    assert client.mss == 1448


def test_no_error_ends_an_established_connection() -> None:
    line = Line()
    client, _ = line.open()
    for kind in NetworkError:
        if kind is not NetworkError.MESSAGE_TOO_LONG:
            tell(client, kind, client.snd_una)
    assert client.state == states.ESTABLISHED
    assert client.error is None


def test_an_error_about_the_syn_ack_frees_its_place_in_the_syn_queue() -> None:
    line = Line()
    line.judge = lambda sender, frame: [] if sender == "server" else [0]
    listener = line.listen()
    line.connect()
    line.run(5 * MS)
    (half_open,) = line.server.tcp.connections.values()
    assert (half_open.state, listener.half_open) == (states.SYN_RECEIVED, 1)
    tell(half_open, NetworkError.HOST_UNREACHABLE, half_open.iss)
    assert not line.server.tcp.connections
    assert listener.half_open == 0


def test_a_4_tuple_in_use_is_not_given_again() -> None:
    line = Line()
    line.open()
    tcp = line.client.tcp
    again = tcp.connect(line.client.ipv4, (CLIENT, 4000), (SERVER, 80), SocketOptions())
    assert again is Failure.ADDRESS_NOT_AVAILABLE


def test_connect_without_a_route_fails_and_leaves_nothing_behind() -> None:
    line = Line()
    tcp = line.client.tcp
    made = tcp.connect(line.client.ipv4, (CLIENT, 4000), (0x08080808, 80), SocketOptions())
    assert made is Failure.NETWORK_UNREACHABLE
    assert not tcp.connections


def test_a_syn_from_where_no_route_leads_back_is_dropped() -> None:
    line = Line()
    listener = line.listen()
    line.server.enter(line.now)
    reason = listener.receive_syn(SERVER, 0x08080808, TcpHeader(4000, 80, 1, 0, SYN, 1000))
    assert reason is Drop.NO_ROUTE
    assert not line.server.tcp.connections


def test_the_host_sends_no_more_challenge_acks_a_second_than_the_sysctl_says() -> None:
    line = Line(tcp_challenge_ack_limit=1, tcp_invalid_ratelimit=0)
    listener = line.listen()
    for port in (4000, 4001):
        line.connect(own_port=port)
    line.run(10 * MS)
    accepted = [listener.accept(), listener.accept()]
    begin = len(line.log)

    def provoke() -> None:
        for c in accepted:
            assert c is not None
            header = TcpHeader(c.remote_port, c.local_port, (c.rcv_nxt + 10) & 0xFFFFFFFF, 0, RST, 0)
            c.stack.receive(c.stack.interfaces["eth0"], segment(c, header), line.now)

    provoke()
    provoke()
    assert line.sent("server", begin) == ["."]
    line.run(SECOND)
    provoke()
    assert line.sent("server", begin) == [".", "."]
    assert line.server.tcp.counters["challenge_acks"] == 2


def test_a_segment_without_an_ack_flag_is_of_no_use_in_a_connection() -> None:
    line = Line(tcp_timestamps=0)
    _, server = line.open()
    header = TcpHeader(server.remote_port, server.local_port, server.rcv_nxt & 0xFFFFFFFF, 0, 0, 1000)
    server.stack.receive(server.stack.interfaces["eth0"], segment(server, header), line.now)
    assert line.drops[-1][2] is Drop.TCP_NOT_ACCEPTED


def test_the_time_wait_limit_and_the_orphan_limit_are_of_the_whole_host() -> None:
    line = Line(tcp_max_tw_buckets=2)
    listener = line.listen()
    clients = [line.connect(own_port=4000 + number) for number in range(4)]
    line.run(10 * MS)
    servers = [listener.accept() for _ in clients]
    for client in clients:
        line.do(client, "close")
    line.run(10 * MS)
    for server in servers:
        line.do(server, "close")
    line.run(SECOND)
    tcp = line.client.tcp
    assert [c.state for c in tcp.connections.values()] == [states.TIME_WAIT] * 2
    assert (tcp.time_waits, tcp.counters["time_wait_overflows"]) == (2, 2)
    line.run()
    assert (tcp.time_waits, len(tcp.orphans), tcp.connections) == (0, 0, {})


def test_closed_connections_count_as_orphans_until_the_peer_has_closed_too() -> None:
    line = Line()
    client, server = line.open()
    line.judge = lambda sender, frame: []
    line.do(client, "send", bytes(100))
    line.do(client, "close")
    assert line.client.tcp.orphans == {client}
    line.judge = lambda sender, frame: [0]
    line.run(SECOND)
    assert client.state == states.FIN_WAIT_2
    assert not line.client.tcp.orphans, "in FIN-WAIT-2 it is small, as on Linux"
    line.do(server, "receive", 100)
    line.do(server, "close")
    line.run()
    assert not line.client.tcp.connections


def test_what_a_listener_and_a_segment_tell_of_themselves() -> None:
    line = Line()
    listener = line.listen()
    client = line.connect()
    line.run(10 * MS)
    assert listener.is_readable()
    assert repr(listener) == "<Listener 10.0.0.2:80 1 waiting>"
    assert repr(client) == "<Connection tcp 10.0.0.1:4000-10.0.0.2:80 ESTABLISHED>"
    line.do(client, "send", b"x")
    assert repr(client.flight[-1]).endswith(">")
    assert "ESTABLISHED" in repr(client.statistics())
    assert client.flight[-1].flags & ACK


def test_a_connection_whose_route_goes_away_waits_and_goes_on_when_it_is_back() -> None:
    line = Line()
    client, server = line.open()
    route = client.route
    assert line.client.routes.remove(route)
    begin = len(line.log)
    line.do(client, "send", b"hello")
    line.run(SECOND)
    assert line.sent("client", begin) == []
    assert line.client.routes.add(route)
    line.run(5 * SECOND)
    assert line.do(server, "receive", 100) == b"hello"
    assert client.state == states.ESTABLISHED


def test_a_connection_without_a_route_can_still_be_let_go() -> None:
    line = Line()
    client, _ = line.open()
    line.client.routes.remove(client.route)
    begin = len(line.log)
    line.do(client, "abort")
    assert client.state == states.CLOSED
    assert line.sent("client", begin) == []


def test_another_congestion_control_takes_over_the_window_there_is() -> None:
    line = Line()
    client, _ = line.open()
    line.do(client, "send", bytes(50_000))
    line.run(SECOND)
    before = client.congestion
    client.options.congestion = "reno"
    line.do(client, "options_changed")
    assert (before.name, client.congestion.name) == ("cubic", "reno")
    assert client.congestion.cwnd_bytes == before.cwnd_bytes
    assert client.congestion.ssthresh_bytes == before.ssthresh_bytes


def test_pushing_sends_a_delayed_acknowledgment_and_nothing_when_none_is_due() -> None:
    line = Line()
    options = SocketOptions()
    options.quickack = False
    client, server = line.open(server_options=options)
    line.do(client, "send", b"x")
    line.run(5 * MS)
    begin = len(line.log)
    line.do(server, "push")
    line.do(server, "push")
    assert line.sent("server", begin) == ["."]


def test_the_receive_buffer_stays_as_it_is_when_it_is_not_to_be_tuned() -> None:
    for moderate in (0, 1):
        line = Line(delay_ns=10 * MS, tcp_moderate_rcvbuf=moderate)
        client, server = line.open()
        before = server.rcv_buffer_bytes
        for _ in range(100):
            line.do(client, "send", bytes(100_000))
            line.run(20 * MS)
            line.do(server, "receive", 1_000_000)
        assert (server.rcv_buffer_bytes > before) == bool(moderate)


def test_into_a_shut_window_no_data_goes_but_the_acknowledgment_beside_it_counts() -> None:
    line = Line(tcp_timestamps=0)
    options = SocketOptions()
    options.receive_buffer_bytes = 8000
    client, server = line.open(server_options=options)
    line.do(client, "send", bytes(20_000))
    line.run(5 * SECOND)
    line.judge = lambda sender, frame: []
    line.do(server, "send", b"answer")
    assert server.rcv_adv == server.rcv_nxt, "the window is shut"
    queued = server.rcv_queued_bytes
    header = TcpHeader(
        server.remote_port,
        server.local_port,
        server.rcv_nxt & 0xFFFFFFFF,
        server.snd_nxt & 0xFFFFFFFF,
        ACK,
        1000,
    )
    frame = Frame(
        SERVER, CLIENT, ETHERTYPE_IPV4, Ipv4Header(CLIENT, SERVER, PROTOCOL_TCP, 64), header, b"probe"
    )
    server.stack.receive(server.stack.interfaces["eth0"], frame, line.now)
    assert line.drops[-1][2] is Drop.TCP_OUT_OF_WINDOW
    assert server.rcv_queued_bytes == queued
    assert server.snd_una == server.snd_nxt


def test_a_probe_of_a_shut_window_is_answered_with_its_own_timestamp() -> None:
    line = Line()
    options = SocketOptions()
    options.receive_buffer_bytes = 8000
    client, server = line.open(server_options=options)
    line.do(client, "send", bytes(20_000))
    line.run(5 * SECOND)
    line.judge = lambda sender, frame: []
    assert server.rcv_adv == server.rcv_nxt, "the window is shut"
    recent = server.ts_recent
    for acknowledgment, newer_by, expected in ((server.snd_nxt + 1, 9000, 0), (server.snd_nxt, 70, 70)):
        header = TcpHeader(
            server.remote_port,
            server.local_port,
            server.rcv_nxt & MASK,
            acknowledgment & MASK,
            ACK,
            1000,
            recent + newer_by & MASK,
        )
        network = Ipv4Header(CLIENT, SERVER, PROTOCOL_TCP, 64)
        frame = Frame(SERVER, CLIENT, ETHERTYPE_IPV4, network, header, b"probe")
        server.stack.receive(server.stack.interfaces["eth0"], frame, line.now)
        assert (line.log[-1][2].echo - recent) & MASK == expected
