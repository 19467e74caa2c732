"""The story of a stream: sends, segments, reads; bytes held and released; what is sent again; the two queues."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.story.both_languages import Told, told

from netarium import Net

PORT = 5000


def pair(**cable: Any) -> Net:
    net = Net(seed=5)
    net.host("a", address="10.0.0.1/24")
    net.host("b", address="10.0.0.2/24")
    net.link("a", "b", **(cable or {"delay": "25ms"}))
    return net


def talk(
    folder: Path,
    speak: Callable[[socket.socket], object],
    serve: Callable[[socket.socket], object],
    net: Net | None = None,
) -> Told:
    """`a` connects and speaks, `b` accepts and serves."""
    net = net or pair()

    def server() -> None:
        with socket.create_server(("10.0.0.2", PORT)) as listener:
            connection, _ = listener.accept()
            serve(connection)
            connection.close()

    def client() -> None:
        with socket.create_connection(("10.0.0.2", PORT)) as sock:
            speak(sock)
            time.sleep(3)

    net["b"].run(server)
    net["a"].run(client)
    return told(net, folder, net.run)


def send_all(*parts: bytes, between: float = 0.1) -> Callable[[socket.socket], object]:
    def speak(sock: socket.socket) -> None:
        for part in parts:
            sock.send(part)
            time.sleep(between)

    return speak


def read(*counts: int, after: float = 1.0) -> Callable[[socket.socket], object]:
    def serve(connection: socket.socket) -> None:
        time.sleep(after)
        for count in counts:
            connection.recv(count)

    return serve


def test_two_sends_read_at_once_are_shown_with_their_segments_and_frames(tmp_path: Path) -> None:
    story = talk(tmp_path, send_all(b"hello", b"world"), read(1024))
    (step,) = story.of("read", "b")
    assert step.text == (
        "b reads 10 bytes at once: 'helloworld'. They are 2 sends of a (number 1, 2), stuck together."
    )
    assert step.lines[:2] == ("send 1   bytes 1-5   'hello'", "send 2   bytes 6-10   'world'")
    assert step.lines[4] == "recv     bytes 1-10   'helloworld'"
    sent = [each["frame"] for each in story.records(event="sent", at="a:eth0", length=5)]
    shown = [int(re.search(r"\[frames (\d+)", line)[1]) for line in step.lines[2:4]]  # type: ignore[index]
    assert shown == sent
    (chinese,) = story.texts("read", "b", "chinese")
    assert chinese == "b 一次读出 10 字节：'helloworld'。这是 a 的 2 次 send（第 1、2 次）粘在了一起。"
    assert sum(note.startswith("One send is not one recv") for note in story.notes()) == 1


def test_a_remainder_is_cut_from_one_send_and_mixed_with_the_next(tmp_path: Path) -> None:
    story = talk(tmp_path, send_all(bytes(1500), b"y" * 1500), read(1024, 1024, 4096))
    cut, mixed, rest = story.of("read", "b")
    assert cut.values["shape"] == "cut" and cut.values["left"] == 3000 - 1024
    assert "That is only a part of one send of a (number 1)." in cut.text
    assert "1,976 bytes more wait in the receive buffer." in cut.text
    assert mixed.values["shape"] == "mixed" and [each["number"] for each in mixed.values["sends"]] == [1, 2]
    assert rest.values["shape"] == "cut" and rest.values["read"] == 952


def test_one_send_that_is_one_read_needs_no_words(tmp_path: Path) -> None:
    story = talk(tmp_path, send_all(b"hello"), read(1024))
    assert not story.of("read") and not story.of("stream-sums")


def test_the_sums_of_a_connection_equal_the_records(tmp_path: Path) -> None:
    story = talk(tmp_path, send_all(*[b"x" * 1024] * 6, between=0.0), read(2048, 2048, 2048))
    (step,) = story.of("stream-sums")
    segments = story.records(event="step", stop="SEGMENT", at="a")
    assert step.text == f"In all from a to b: 6,144 bytes in 6 sends, {len(segments)} segments and 3 reads."


def test_the_sums_name_both_ends_and_count_one_as_one_when_nobody_reads(tmp_path: Path) -> None:
    story = talk(tmp_path, send_all(b"hello"), lambda connection: time.sleep(1))
    assert story.texts("stream-sums") == ["In all from a to b: 5 bytes in 1 send, 1 segment and 0 reads."]
    assert story.texts("stream-sums", language="chinese") == [
        "从 a 到 b 总计：5 字节，1 次 send，1 个报文段，0 次读取。"
    ]


def test_what_is_sent_again_is_in_the_sums_and_the_way_is_that_of_all(tmp_path: Path) -> None:
    net = Net(seed=11)
    net.host("a", address="10.0.0.1/24")
    net.host("b", address="10.0.0.2/24")
    net.link("a", "b", delay="25ms", loss="5%")
    story = talk(tmp_path, lambda sock: sock.sendall(bytes(200_000)), read(*[1 << 16] * 60, after=0), net)
    (sums,) = story.of("stream-sums")
    carried = [each["length"] for each in story.records(event="sent", at="a:eth0") if each.get("length")]
    assert (sums.values["segments"], sums.values["segment_bytes"]) == (len(carried), sum(carried))
    assert sums.values["segment_bytes"] > sums.values["bytes"] == 200_000
    assert f"({sums.values['again']} of them sent again; together {sum(carried):,} bytes)" in sums.text
    single = [each for each in story.of("tcp", "a") if each.values["segment"] == "data"]
    bulk = story.of("bulk", "a")
    assert sum(each.values["bytes"] for each in (*single, *bulk)) == sum(carried)
    assert {each.path for each in bulk} == {"a > b"}


def test_nagle_holds_and_the_acknowledgment_releases(tmp_path: Path) -> None:
    story = talk(tmp_path, send_all(*[b"x"] * 10, between=0.0), read(64, 64, after=0))
    (held,) = story.of("held", "a")
    assert held.text == (
        "a holds 1 byte back (Nagle's algorithm): that is less than a full segment of 1,448, and what was sent before "
        "(1 byte) is not acknowledged yet."
    )
    (released,) = story.of("released", "a")
    assert released.text == (
        "a lets what it held go: everything before it is acknowledged now. One segment with 9 bytes leaves, "
        "50 ms later. They are of 9 sends."
    )
    assert released.values["waited_ns"] == released.time_ns - held.time_ns
    assert sum("no 200 ms timer" in note for note in story.notes()) == 1


def test_without_delay_nothing_is_held(tmp_path: Path) -> None:
    def speak(sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        send_all(*[b"x"] * 10, between=0.0)(sock)

    assert not talk(tmp_path, speak, read(64, 64)).of("held")


def test_a_cork_holds_until_it_is_out(tmp_path: Path) -> None:
    def speak(sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        sock.send(b"x")
        time.sleep(0.1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)

    story = talk(tmp_path, speak, read(64))
    assert "the program has corked the socket" in story.texts("held", "a")[0]
    assert story.texts("released", "a")[0].startswith(
        "a lets what it held go: the program has taken the cork out."
    )


def test_a_full_window_stops_the_sender_and_is_probed_until_it_opens(tmp_path: Path) -> None:
    story = talk(tmp_path, lambda sock: sock.sendall(bytes(400_000)), read(*[1 << 20] * 3, after=5.0))
    held = next(each for each in story.of("held", "a") if each.values["by"] == "window")
    assert f"{held.values['held']:,} bytes" in held.text
    assert f"the receiver's window is {held.values['window']:,}" in held.text
    closed, opened = story.of("window", "b")[:2]
    assert "it says window 0" in closed.text and "has room again" in opened.text
    assert closed.time_ns < 1_000_000_000 < 5_000_000_000 <= opened.time_ns
    probes = [each for each in story.of("sent-again", "a") if each.values["probe"] == "window"]
    assert 1 <= len(probes) <= 3
    assert probes[0].text.startswith("a still hears of window 0, so it probes now and then")


def test_a_silent_connection_is_probed_when_the_program_asked_for_it(tmp_path: Path) -> None:
    def speak(sock: socket.socket) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5)
        time.sleep(7)

    story = talk(tmp_path, speak, read(10))
    (probe,) = story.of("sent-again", "a")
    assert probe.text == (
        "Nothing has come for a while, so a probes whether the other end is still there (keepalive)."
    )
    assert any("A silent TCP connection is not checked" in note for note in story.notes())


def test_a_lost_syn_and_a_lost_answer_are_sent_again_with_the_reason(tmp_path: Path) -> None:
    net = pair(delay="5ms")
    cable = net.link("a", "b")
    cable.cut()

    def mends() -> None:
        time.sleep(0.5)
        cable.heal()

    net["b"].run(mends)
    story = talk(tmp_path, send_all(b"x"), read(10), net)
    again = story.of("sent-again", "a")[0]
    assert (
        again.text
        == ("a has no answer to its SYN and sends it again (try 1): the retransmission timer ran out.")
        and again.time_ns >= 1_000_000_000
    )


def test_lost_data_is_sent_again_and_the_window_shrinks(tmp_path: Path) -> None:
    net = pair(delay="5ms", rate="10Mbps")
    net.link("a", "b").loss = 0.05
    story = talk(
        tmp_path,
        lambda sock: sock.sendall(bytes(300_000)),
        lambda c: [c.recv(1 << 20) for _ in range(40)],
        net,
    )
    steps = [each for each in story.of("sent-again", "a") if each.values["bytes"]]
    recorded = story.records(event="step", stop="RETRANSMIT", at="a")
    assert steps and len(recorded) >= len(steps)
    for step in steps:
        first, last = step.values["from"], step.values["from"] + step.values["bytes"] - 1
        assert f"sends bytes {first}-{last} again: " in step.text
        assert f"congestion window is {step.values['cwnd']:,} bytes now." in step.text
    assert sum("Nobody tells the sender of a loss" in note for note in story.notes()) == 1


def test_a_connection_passes_both_queues_before_the_program_takes_it(tmp_path: Path) -> None:
    story = talk(tmp_path, send_all(b"x"), read(10))
    syn, complete, accepted = story.of("listener-queue", "b")
    client = syn.values["client"]
    assert syn.text == (
        f"b notes {client} in the SYN queue of port 5000 (SYN queue 1, accept queue 0 of at most 128 + 1)."
    )
    assert complete.text.startswith(f"{client} is connected, and goes on from the SYN queue of b's port 5000")
    assert "(now 0 and 1, of at most 128 + 1)" in complete.text
    assert accepted.text.startswith(
        f"The program on b takes {client} out of the accept queue of port 5000; 0 of"
    )
    assert any("accept does not move the client to another port" in note for note in story.notes())


def test_a_second_client_of_the_same_port_corrects_what_a_connection_is(tmp_path: Path) -> None:
    net = pair()

    def server() -> None:
        with socket.create_server(("10.0.0.2", PORT)) as listener:
            time.sleep(1)
            for _ in range(2):
                listener.accept()[0].close()

    def client() -> None:
        both = [socket.create_connection(("10.0.0.2", PORT)) for _ in range(2)]
        for each in both:
            each.recv(1)
            each.close()

    net["b"].run(server)
    net["a"].run(client)
    story = told(net, tmp_path, net.run)
    waiting = [
        each.values["accept_queue"] for each in story.of("listener-queue") if each.values["what"] == "accept"
    ]
    assert waiting == [1, 2]
    assert sum("four values" in note for note in story.notes()) == 1


def test_what_the_syns_agree_on_is_said(tmp_path: Path) -> None:
    net = pair()
    net["b"].node.stack.settings.set("net.ipv4.tcp_sack", 0)
    story = talk(tmp_path, send_all(b"x"), read(10), net)
    (step,) = story.of("tcp-options")
    assert step.text == (
        "In their SYNs both have agreed on: segments of at most 1,460 bytes of data (MSS), window numbers to be "
        "multiplied by 128 (client) and 128 (server), timestamps."
    )


@pytest.mark.parametrize("language", ["english", "chinese"])
def test_ends_on_one_host_are_told_apart(tmp_path: Path, language: str) -> None:
    net = Net(seed=1)
    net.host("h", address="10.0.0.1/24")

    def both() -> None:
        with socket.create_server(("127.0.0.1", PORT)) as listener:
            sock = socket.create_connection(("127.0.0.1", PORT))
            sock.sendall(b"one")
            sock.sendall(b"two")
            connection, _ = listener.accept()
            connection.recv(100)

    net["h"].run(both)
    story = told(net, tmp_path, net.run)
    (step,) = story.of("read", "h", language)
    assert f"h:{PORT}" in step.text
    assert step.values["sender"].startswith("h:") and step.values["sender"] != step.values["who"]
