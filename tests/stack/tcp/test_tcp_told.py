"""What TCP tells those who watch its steps: what holds bytes back and what lets them go, and why it sends again."""

from __future__ import annotations

from tests.stack.tcp.ends import MS, SECOND, Line

from netarium.journey import Stop
from netarium.stack.tcp.socket_options import SocketOptions
from netarium.wire.tcp import TcpHeader


class Steps:
    """Keeps every step that is told."""

    def __init__(self, line: Line) -> None:
        self.all: list[tuple[str, Stop, dict[str, object]]] = []
        line.watch.add(self)

    def step(self, now: int, place: str, stop: Stop, subject: str, details: dict[str, object]) -> None:
        self.all.append((place, stop, dict(details)))

    def of(self, place: str, stop: Stop, key: str) -> list[object]:
        """The values of `key` in the steps at this stop, in order."""
        return [each[key] for where, at, each in self.all if where == place and at is stop and key in each]


def test_nagle_holds_and_an_acknowledgment_releases() -> None:
    line = Line(delay_ns=10 * MS)
    steps = Steps(line)
    client, server = line.open()
    line.do(client, "send", b"a")
    line.do(client, "send", b"bc")
    line.run(SECOND)
    assert steps.of("client", Stop.SEND_BUFFER, "by") == ["Nagle"]
    assert steps.of("client", Stop.SEGMENT, "released_by") == ["everything before it is acknowledged"]
    assert line.do(server, "receive", 10) == b"abc"
    assert steps.of("server", Stop.RECEIVE_BUFFER, "read") == [3]


def test_a_cork_holds_until_it_is_out() -> None:
    line = Line()
    steps = Steps(line)
    options = SocketOptions()
    options.cork = True
    client, _ = line.open(options)
    line.do(client, "send", b"abc")
    options.cork = False
    line.do(client, "options_changed")
    assert steps.of("client", Stop.SEND_BUFFER, "by") == ["cork"]
    assert steps.of("client", Stop.SEGMENT, "released_by") == ["the cork is out"]


def test_a_shut_window_holds_is_probed_and_opens() -> None:
    line = Line()
    steps = Steps(line)
    options = SocketOptions()
    options.receive_buffer_bytes = 8000
    client, server = line.open(server_options=options)
    line.do(client, "send", bytes(20_000))
    line.run(5 * SECOND)
    assert "ZERO_WINDOW_PROBE" in steps.of("client", Stop.RETRANSMIT, "cause")
    while line.do(server, "receive", 8000):
        line.run(SECOND)
    assert "window" in steps.of("client", Stop.SEND_BUFFER, "by")
    assert "the window has opened" in steps.of("client", Stop.SEGMENT, "released_by")


def test_what_is_sent_again_is_told_with_its_cause() -> None:
    line = Line(delay_ns=10 * MS)
    steps = Steps(line)
    client, server = line.open()
    seen = 0

    def judge(sender: str, frame: object) -> list[int]:
        nonlocal seen
        header: TcpHeader = frame.transport  # type: ignore[attr-defined]
        if sender == "client" and frame.payload:  # type: ignore[attr-defined]
            seen += 1
            if seen == 3:
                return []
        assert header is not None
        return [0]

    line.judge = judge
    line.do(client, "send", bytes(14_480))
    line.run(SECOND)
    assert line.do(server, "receive", 20_000) == bytes(14_480)
    assert steps.of("client", Stop.RETRANSMIT, "cause") == ["RACK"]
    assert steps.of("client", Stop.RETRANSMIT, "sequence") == [1 + 2 * 1448]
    assert any(steps.of("server", Stop.RECEIVE_BUFFER, "had_come_early"))


def test_a_lost_tail_is_told_as_a_probe_and_a_silent_peer_as_a_time_out() -> None:
    line = Line(delay_ns=10 * MS)
    steps = Steps(line)
    client, _ = line.open()
    line.judge = lambda sender, frame: []
    line.do(client, "send", bytes(1000))
    line.run(2 * SECOND)
    causes = steps.of("client", Stop.RETRANSMIT, "cause")
    assert causes[:2] == ["TAIL_LOSS_PROBE", "TIMEOUT"]


def released(line: Line, *verbs: tuple[str, object]) -> list[object]:
    """What released the bytes of a client that sends one byte, then does `verbs`, before any acknowledgment."""
    steps = Steps(line)
    client, _ = line.open()
    line.do(client, "send", b"a")
    for verb, argument in verbs:
        if verb == "nodelay":
            client.options.nodelay = True
            line.do(client, "options_changed")
        elif argument is None:
            line.do(client, verb)
        else:
            line.do(client, verb, argument)
    return steps.of("client", Stop.SEGMENT, "released_by")


def test_a_full_segment_the_end_and_nodelay_release_what_nagle_holds() -> None:
    held = ("send", b"bc")
    assert released(Line(), held, ("send", bytes(1446))) == ["a full segment"]
    assert released(Line(), held, ("shutdown_send", None)) == ["the program has closed"]
    assert released(Line(), held, ("nodelay", None)) == ["TCP_NODELAY"]


def test_what_the_congestion_window_holds_goes_with_acknowledgments() -> None:
    line = Line(delay_ns=10 * MS)
    steps = Steps(line)
    client, _ = line.open()
    line.do(client, "send", bytes(40_000))
    line.run(SECOND)
    assert steps.of("client", Stop.SEND_BUFFER, "by")[0] == "congestion window"
    assert steps.of("client", Stop.SEGMENT, "released_by")[0] == "acknowledgments"
