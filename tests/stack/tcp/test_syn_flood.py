"""Too many SYNs: the SYN queue's bound, cookies, and listeners that share a port."""

from __future__ import annotations

import pytest
from tests.stack.tcp.ends import CLIENT, MS, SECOND, SERVER, Line, read_all

from netarium.journey import Drop
from netarium.stack.tcp import states
from netarium.stack.tcp.socket_options import SocketOptions
from netarium.wire.ethernet import ETHERTYPE_IPV4, Frame
from netarium.wire.ipv4 import PROTOCOL_TCP, Ipv4Header
from netarium.wire.tcp import ACK, SYN, TcpHeader


def flood(line: Line, count: int) -> None:
    """SYNs from hosts that do not exist on the link."""
    line.server.neighbors["eth0"].add_permanent(0x0A000063, 99)
    for number in range(count):
        header = TcpHeader(10_000 + number, 80, number, 0, SYN, 1000)
        network = Ipv4Header(0x0A000063, SERVER, PROTOCOL_TCP, 64)
        line.server.receive(
            line.server.interfaces["eth0"], Frame(SERVER, 99, ETHERTYPE_IPV4, network, header, b""), line.now
        )


def quiet(line: Line) -> None:
    """Let what goes to the flooders vanish."""
    line.judge = lambda sender, frame: (
        [] if sender == "server" and frame.network.destination != CLIENT else [0]
    )  # type: ignore[union-attr]


@pytest.mark.parametrize("cookies", [0, 1])
def test_a_flood_shuts_an_honest_client_out_without_cookies_and_not_with_them(cookies: int) -> None:
    line = Line(tcp_syncookies=cookies)
    quiet(line)
    listener = line.listen(backlog=128)
    flood(line, 1000)
    assert listener.half_open <= 128
    client = line.connect()
    line.run(SECOND // 2)
    assert client.state == (states.ESTABLISHED if cookies else states.SYN_SENT)
    full = sum(reason is Drop.TCP_SYN_QUEUE_FULL for _, _, reason in line.drops)
    assert (full == 0) if cookies else (full == 1000 - 128 + 1)


def test_a_cookie_brings_back_mss_scale_sack_and_timestamps() -> None:
    line = Line(tcp_syncookies=2)
    client, server = line.open()
    assert (server.mss, server.snd_scale, server.sack_ok, server.timestamps_ok) == (1448, 7, True, True)
    assert line.server.tcp.counters["cookies_received"] == 1
    assert line.do(client, "send", bytes(50_000)) == 50_000
    line.run(300 * MS)
    assert read_all(server) == bytes(50_000)


def test_without_timestamps_a_cookie_forgets_scale_and_sack_but_not_the_mss() -> None:
    line = Line(tcp_syncookies=2, tcp_timestamps=0)
    _, server = line.open()
    assert (server.mss, server.snd_scale, server.sack_ok) == (1460, 0, False)


def test_a_guessed_ack_is_no_cookie() -> None:
    line = Line(tcp_syncookies=1)
    listener = line.listen(backlog=1)
    quiet(line)
    flood(line, 3)
    header = TcpHeader(5000, 80, 77, 12345, ACK, 1000)
    network = Ipv4Header(CLIENT, SERVER, PROTOCOL_TCP, 64)
    line.server.receive(
        line.server.interfaces["eth0"], Frame(SERVER, CLIENT, ETHERTYPE_IPV4, network, header, b""), line.now
    )
    assert line.drops[-1][2] is Drop.TCP_NO_CONNECTION
    assert not listener.accept_queue


def test_a_cookie_is_good_for_two_minutes_and_no_longer() -> None:
    for wait_s, works in ((100, True), (300, False)):
        line = Line(tcp_syncookies=2)
        line.listen()
        held: list[Frame] = []

        def judge(sender: str, frame: Frame, held: list[Frame] = held) -> list[int]:
            if sender == "client" and frame.transport.flags == ACK:  # type: ignore[union-attr]
                held.append(frame)
                return []
            return [0]

        line.judge = judge
        line.connect()
        line.run(wait_s * SECOND)
        line.server.receive(line.server.interfaces["eth0"], held[0], line.now)
        assert bool(line.server.tcp.connections) is works


def test_listeners_that_share_a_port_share_the_clients_and_one_client_always_gets_the_same() -> None:
    line = Line()
    first = line.listen()
    second = line.server.tcp.listen(line.server.ipv4, (SERVER, 80), 50, SocketOptions())
    first.set_backlog(50)
    for port in range(4000, 4040):
        line.connect(own_port=port)
    line.run(50 * MS)
    counts = len(first.accept_queue), len(second.accept_queue)
    assert sum(counts) == 40
    assert min(counts) >= 8
    tcp = line.server.tcp
    assert tcp.find_listener(SERVER, 80, CLIENT, 4000) is tcp.find_listener(SERVER, 80, CLIENT, 4000)
