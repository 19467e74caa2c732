"""R085 to R093: how TCP ends, defends itself, queues, waits, loses, repeats and gathers, on running programs."""

from __future__ import annotations

import errno
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.conversations import PORT, converse, receive_all, two_hosts

from netarium import Net
from netarium.capture.windows import Windows
from netarium.journey import Drop
from netarium.stack.tcp.connection import Connection

SECOND = 1_000_000_000
MS = 1_000_000


def states_of(net: Net, host: str) -> list[str]:
    """The TCP states one end went through, in order."""
    steps = [
        event for event in net.trace.select(event="state", at=host) if event["subject"].startswith("tcp")
    ]
    return [steps[0]["before"], *(step["after"] for step in steps)]


def connection_of(net: Net, host: str) -> Connection:
    """The one connection a host has."""
    (found,) = net[host].node.stack.tcp.connections.values()
    return found  # type: ignore[no-any-return]


def data_lengths(net: Net, host: str) -> list[int]:
    """Payload bytes of the segments with data that a host has put on its cable."""
    return [
        event["length"] for event in net.trace.select(event="sent", at=f"{host}:eth0") if event.get("length")
    ]


def test_r085_the_states_of_both_ends_and_data_through_the_half_closed_connection(net: Net) -> None:
    two_hosts(net, delay="1ms")
    net.trace  # noqa: B018  (recording begins)

    def passive(connection: socket.socket) -> bytes:
        got = receive_all(connection)
        time.sleep(1)
        connection.sendall(b"still arrives")
        return got

    def active(connection: socket.socket) -> bytes:
        connection.sendall(b"hello")
        connection.shutdown(socket.SHUT_WR)
        return receive_all(connection)

    server, client = converse(net, passive, active)
    net.run()
    assert (server.result, client.result) == (b"hello", b"still arrives")
    assert states_of(net, "b") == [
        "CLOSED",
        "SYN-SENT",
        "ESTABLISHED",
        "FIN-WAIT-1",
        "FIN-WAIT-2",
        "TIME-WAIT",
    ]
    assert states_of(net, "a") == [
        "CLOSED",
        "SYN-RECEIVED",
        "ESTABLISHED",
        "CLOSE-WAIT",
        "LAST-ACK",
        "CLOSED",
    ]
    assert not net["a"].node.stack.tcp.connections, "the passive side is CLOSED while the other waits"
    waits_since = next(e["t"] for e in net.trace.select(event="state", at="b") if e["after"] == "TIME-WAIT")
    net["b"].call(time.sleep, 61)
    closed = net.trace.select(event="state", at="b")[-1]
    assert (closed["before"], closed["after"]) == ("TIME-WAIT", "CLOSED")
    assert closed["t"] - waits_since == 60 * SECOND


@pytest.mark.parametrize("cookies", [0, 1])
def test_r086_a_syn_flood_shuts_out_an_honest_client_only_without_cookies(net: Net, cookies: int) -> None:
    # 198.51.100.0/24 lies behind a host that does not forward: what is sent there vanishes without an answer.
    net.router(
        "router",
        interfaces={"in": "10.0.0.254/24", "out": "203.0.113.1/24"},
        routes=[{"to": "198.51.100.0/24", "via": "203.0.113.77"}],
    )
    sink = net.host("sink", address="203.0.113.77/24")
    settings = {"net.ipv4.tcp_syncookies": cookies}
    server = net.host("server", address="10.0.0.1/24", gateway="10.0.0.254", settings=settings)
    honest = net.host("honest", address="203.0.113.2/24", gateway="203.0.113.1")
    attacker = net.host("attacker", address="203.0.113.66/24", gateway="203.0.113.1")
    outside = net.switch("outside")
    net.link(server, "router:in")
    net.link("router:out", outside)
    net.link(honest, outside)
    net.link(attacker, outside)
    net.link(sink, outside)

    def serve() -> None:
        listener = socket.create_server(("", 80), backlog=128)
        while True:
            listener.accept()[0].close()

    def flood() -> None:
        from netarium.wire.ipv4 import PROTOCOL_TCP, Ipv4Header
        from netarium.wire.packet import packet_bytes
        from netarium.wire.tcp import SYN, TcpHeader

        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        for number in range(1000):
            source = 0xC6336400 + number % 250 + 1  # 198.51.100.x: nobody there answers
            header = Ipv4Header(source, 0x0A000001, PROTOCOL_TCP, 64)
            syn = TcpHeader(1024 + number, 80, number * 7919, 0, SYN, 64240)
            raw.sendto(packet_bytes(header, syn, b""), ("10.0.0.1", 0))

    def visit() -> str:
        try:
            with socket.create_connection(("10.0.0.1", 80), timeout=10):
                return "served"
        except TimeoutError:
            return "timed out"

    server.run(serve, root=True, daemon=True)
    attacker.run(flood, root=True, at="1s")
    visitor = honest.run(visit, at="2s")
    net.run_until(visitor)
    assert visitor.result == ("served" if cookies else "timed out")
    dropped = server.node.stack.drops.get(Drop.TCP_SYN_QUEUE_FULL, 0)
    assert (dropped == 0) if cookies else (dropped >= 1000 - 128)


def test_r087_the_syn_queue_and_the_accept_queue(net: Net) -> None:
    two_hosts(net, delay="100ms")

    def serve() -> float:
        listener = socket.create_server(("", PORT))
        time.sleep(1)
        listener.accept()
        accepted_at = time.monotonic()
        time.sleep(1)  # the listener stays, for its counters to be seen
        return accepted_at

    def connect() -> float:
        kept.append(socket.create_connection(("a", PORT)))
        return time.monotonic()

    kept: list[Any] = []
    server = net["a"].run(serve)
    client = net["b"].run(connect)
    counts = []

    def look() -> None:
        (listener,) = net["a"].node.stack.tcp.listeners[(0, PORT)]
        counts.append((listener.half_open, len(listener.accept_queue)))

    # Two ARP trips, then the SYN arrives at 300 ms, the ACK at 500 ms, accept comes at 1 s.
    for at in ("350ms", "550ms", "1100ms"):
        net.run(until=at)
        look()
    net.run()
    assert counts == [(1, 0), (0, 1), (0, 0)]
    assert client.result < server.result, "connect succeeds before accept is called"


def test_r088_the_backlog_bounds_the_accept_queue_and_the_syn_queue_has_its_own_bound(net: Net) -> None:
    two_hosts(net, delay="1ms")
    net["a"].run(lambda: _listen_and_sleep(2, 30))
    for number in range(6):
        net["b"].run(lambda: _try_connect(5), name=f"client{number}")
    net.run(until="8s")
    (listener,) = net["a"].node.stack.tcp.listeners[(0, PORT)]
    assert (listener.backlog, len(listener.accept_queue)) == (2, 3)
    assert net["a"].node.stack.drops[Drop.TCP_ACCEPT_QUEUE_FULL] > 0


@pytest.mark.parametrize(
    ("backlog", "max_syn_backlog", "bound"),
    [(4, 1024, 4), (100, 8, 7)],  # Linux: the backlog bounds it, and a quarter of the host's limit stays free
)
def test_r088_half_open_connections_are_bounded_while_the_accept_queue_is_empty(
    net: Net, backlog: int, max_syn_backlog: int, bound: int
) -> None:
    settings = {"net.ipv4.tcp_syncookies": 0, "net.ipv4.tcp_max_syn_backlog": max_syn_backlog}
    net.host("a", address="10.0.0.1/24", settings=settings)
    net.host("b", address="10.0.0.2/24")
    net.link("a", "b", delay="1ms")

    def half_open() -> None:
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        for number in range(bound + 5):
            raw.sendto(_syn_from_nobody(number), ("10.0.0.1", 0))

    net["a"].run(lambda: _listen_and_sleep(backlog, 30))
    net["b"].run(half_open, root=True, at="100ms")
    net.run(until="500ms")
    (listener,) = net["a"].node.stack.tcp.listeners[(0, PORT)]
    assert (listener.half_open, len(listener.accept_queue)) == (bound, 0)
    assert net["a"].node.stack.drops[Drop.TCP_SYN_QUEUE_FULL] == 5


def _syn_from_nobody(number: int, port: int = PORT) -> bytes:
    """A SYN to 10.0.0.1 from an address of its own network that nobody has: the SYN+ACK finds no way."""
    from netarium.wire.ipv4 import PROTOCOL_TCP, Ipv4Header
    from netarium.wire.packet import packet_bytes
    from netarium.wire.tcp import SYN, TcpHeader

    header = Ipv4Header(0x0A000064, 0x0A000001, PROTOCOL_TCP, 64)
    return packet_bytes(header, TcpHeader(1024 + number, port, number * 7919, 0, SYN, 64240), b"")


def _listen_and_sleep(backlog: int, seconds: float, accept_at: tuple[float, ...] = ()) -> None:
    listener = socket.socket()
    listener.bind(("", PORT))
    listener.listen(backlog)
    kept = []
    for moment in accept_at:
        time.sleep(moment - time.monotonic())
        kept.append(listener.accept())
    time.sleep(seconds)


def _try_connect(timeout: float) -> bool:
    sock = socket.socket()
    sock.settimeout(timeout)
    try:
        sock.connect(("a", PORT))
    except TimeoutError:
        return False
    time.sleep(60)
    return True


@pytest.mark.parametrize(("backlog", "complete"), [(0, 1), (3, 4), (5, 6)])
def test_r089_listen_completes_one_more_than_it_says_and_one_more_for_each_accepted(
    net: Net, backlog: int, complete: int
) -> None:
    two_hosts(net, delay="1ms")

    def connects(count: int) -> int:
        done = 0
        for _ in range(count):
            sock = socket.socket()
            sock.settimeout(3)
            try:
                sock.connect(("a", PORT))
            except TimeoutError:
                return done
            kept.append(sock)
            done += 1
        return done

    kept: list[Any] = []
    net["a"].run(lambda: _listen_and_sleep(backlog, 100, accept_at=(20.0,)))
    net.run(until="1s")
    assert net["b"].call(connects, complete + 1) == complete
    assert net["a"].node.stack.drops[Drop.TCP_ACCEPT_QUEUE_FULL] >= 1
    net.run(until="21s")
    assert net["b"].call(connects, 2) == 1


def test_r090_a_slow_reader_shuts_the_window_and_opens_it_again(net: Net) -> None:
    two_hosts(net, delay="1ms")
    trace = net.trace

    def slow(connection: socket.socket) -> int:
        time.sleep(5)
        return len(receive_all(connection))

    server, _ = converse(net, slow, lambda connection: connection.sendall(bytes(1_000_000)))
    net.run()
    assert server.result == 1_000_000
    windows = [(e["t"], e["window"]) for e in trace.select(event="sent", at="a:eth0") if e.get("flags")]
    shut_at = next(at for at, window in windows if window == 0)
    assert shut_at < 5 * SECOND
    sent = [e["t"] for e in trace.select(event="sent", at="b:eth0") if e.get("length")]
    quiet = [at for at in sent if shut_at + 100 * MS < at < 5 * SECOND]
    assert not quiet, "nothing is sent into a shut window"
    assert sent[-1] > 5 * SECOND


def test_r090_after_one_loss_the_congestion_window_shrinks_and_slow_start_comes_before_avoidance(
    net: Net, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    two_hosts(net, delay="10ms", rate="100Mbps")
    # Reno, whose slow start ends with a loss and not before.
    net["b"].node.stack.settings.set("net.ipv4.tcp_congestion_control", "reno")
    link = net.links_between(net["a"], net["b"])[0]
    plotted = Windows()
    net.watch.add(plotted)
    server, _ = converse(net, lambda c: len(receive_all(c)), lambda c: c.sendall(bytes(20_000_000)))
    net.run(until="200ms")
    link.loss = 0.02
    net.run(until="205ms")
    link.loss = 0.0
    net.run()
    assert server.result == 20_000_000
    (key,) = [key for key in plotted.samples if key[0] == "b"]
    samples = plotted.samples[key]
    lost_at = next(at for at, _, threshold, _ in samples if threshold >= 0)
    before = [(at, cwnd) for at, cwnd, _, _ in samples if at < lost_at]
    after = [(at, cwnd) for at, cwnd, _, _ in samples if at >= lost_at]
    assert 200 * MS < lost_at < 300 * MS, "no threshold before the loss: slow start"
    peak = before[-1][1]
    assert peak >= 4 * before[0][1], "slow start has doubled the window more than once"
    assert min(cwnd for at, cwnd in after if at <= lost_at + 100 * MS) <= 0.75 * peak, "the loss cut it"
    assert plotted.resent[key]
    later = [sample for sample in after if sample[0] >= lost_at + 500 * MS]
    (begin, first), (end, last) = later[0], later[-1]
    round_trips = (end - begin) / (20 * MS)
    assert round_trips > 10
    assert 0 < last - first <= 1448 * round_trips, "congestion avoidance: at most a segment a round trip"
    (file,) = plotted.draw(tmp_path)
    assert file.read_bytes().startswith(b"\x89PNG")


def test_r091_a_corrupt_segment_is_dropped_and_resent_and_an_unknown_port_gets_a_rst(net: Net) -> None:
    two_hosts(net, delay="1ms")
    cable = net.links_between(net["a"], net["b"])[0].cable
    cable.corrupt_after_fcs = True
    net.links_between(net["a"], net["b"])[0].corrupt = 0.05
    text = bytes(range(256)) * 1000
    sent = net.trace
    server, _ = converse(net, receive_all, lambda connection: connection.sendall(text))
    net.run()
    assert server.result == text
    drops = net["a"].node.stack.drops
    corrupt = drops.get(Drop.TCP_CHECKSUM, 0) + drops.get(Drop.IP_CHECKSUM, 0)
    assert corrupt > 0
    numbers = [e["seq"] for e in sent.select(event="sent", at="b:eth0") if e.get("length")]
    assert len(numbers) > len(set(numbers)), "what was dropped has been sent again"

    def knock() -> int | None:
        try:
            socket.create_connection(("a", 4242))
        except OSError as error:
            return error.errno
        return None

    net.links_between(net["a"], net["b"])[0].corrupt = 0.0
    assert net["b"].call(knock) == errno.ECONNREFUSED
    resets = [e for e in net.trace.select(event="sent", at="a:eth0") if "RST" in str(e.get("flags"))]
    assert resets or net["a"].node.stack.tcp.counters["resets_out"] >= 1


def test_r092_bytes_stay_in_the_send_buffer_until_they_are_acknowledged(net: Net) -> None:
    two_hosts(net, delay="100ms")
    converse(net, lambda c: time.sleep(5), lambda c: (c.sendall(bytes(5000)), time.sleep(5)))
    net.run_until(
        lambda: bool(net["b"].node.stack.tcp.connections) and connection_of(net, "b").flight_bytes() == 5000
    )
    sent_at = net.now_ns
    net.run(until=f"{sent_at // MS + 150}ms")
    assert connection_of(net, "b").statistics().send_queue_bytes == 5000, "arrived, but not yet acknowledged"
    net.run(until=f"{sent_at // MS + 250}ms")
    assert connection_of(net, "b").statistics().send_queue_bytes == 0


@pytest.mark.parametrize(("nodelay", "segments"), [(0, [1, 9]), (1, [1] * 10)])
def test_r093_nagle_gathers_nine_bytes_while_the_first_is_unacknowledged(
    net: Net, nodelay: int, segments: list[int]
) -> None:
    two_hosts(net, delay="25ms")
    net.trace  # noqa: B018  (recording begins)

    def client(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, nodelay)
        for _ in range(10):
            connection.send(b"x")

    server, _ = converse(net, receive_all, client)
    net.run()
    assert server.result == b"x" * 10
    assert data_lengths(net, "b") == segments
