"""Facts of a run: which frames are one packet, what is told of them, and that nothing told is written down before."""

from __future__ import annotations

import shutil
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from netarium import Net
from netarium.cli.demo import labs
from netarium.story.chapters import divide, told
from netarium.story.facts import Flight, Kind, numbers_text
from netarium.story.sentences import preview
from netarium.story.watcher import Watcher


def watch(net: Net, folder: Path) -> Watcher:
    return Watcher(net, net.watching.capture(folder / "story.pcapng", []))


def story(watcher: Watcher) -> str:
    return " ".join("\n".join(told(watcher.facts, watcher.owners())).split())


@given(st.sets(st.integers(1, 200), min_size=1))
def test_numbers_are_read_back_from_their_text(numbers):
    text = numbers_text(sorted(numbers)).partition(" ")[2]
    back = []
    for part in text.split(", "):
        first, _, last = part.partition("-")
        back += range(int(first), int(last or first) + 1)
    assert back == sorted(numbers)


def test_the_path_of_a_broadcast_names_all_its_ends():
    flight = Flight("a", nodes=["a", "switch", "b", "c"], senders=["a", "switch"])
    assert flight.path() == "a > switch > b, c"


def test_what_is_sent_is_shown_as_text_or_as_bytes():
    assert preview(b"hello") == "'hello'"
    assert preview(b"GET / HTTP/1.1\r\nHost: x\r\nAccept: y\r\n\r\n") == "GET / HTTP/1.1, Host: x"
    assert preview(b"\xff\x00") == "ff 00 ..."
    assert preview(b"one\ntwo") == "'one' ..."
    assert preview(b"\n") == "'\\n'"


def test_other_addresses_in_the_lab_are_other_addresses_in_the_story(tmp_path):
    shutil.copytree(labs() / "www", tmp_path / "www")
    text = (labs() / "whole-flow.yaml").read_text()
    for old, new in (
        ("192.168.1.", "10.9.8."),
        ("zdns", "abcd"),
        ("202.20.66.53", "202.20.66.7"),
        ("600 IN", "77 IN"),
    ):
        text = text.replace(old, new)
    (tmp_path / "flow.yaml").write_text(text)
    net = Net.load(tmp_path / "flow.yaml")
    watcher = watch(net, tmp_path)
    net.run(check=True)
    net.close()
    words = story(watcher)
    for wanted in (
        "DHCPOFFER, 10.9.8.1 -> 10.9.8.100",
        "10.9.8.100 AND 255.255.255.0 = 10.9.8.0; 202.20.66.7 AND 255.255.255.0 = 202.20.66.0",
        'pc asks isp-dns (202.20.66.7): "www.abcd.cn, type A? Please find out."',
        "You may keep that for 77 s.",
        "Host: www.abcd.cn",
    ):
        assert wanted in words
    for unwanted in ("192.168.1.", "zdns", "202.20.66.53", "for 600 s"):
        assert unwanted not in words


def test_a_local_destination_needs_no_gateway_and_a_refusal_is_told(net, tmp_path):
    switch = net.switch("s")
    net.host("a", address="10.0.0.1/24", link=switch)
    net.host("b", address="10.0.0.2/24", link=switch)
    watcher = watch(net, tmp_path)

    def refused() -> None:
        import socket

        try:
            socket.create_connection(("10.0.0.2", 9))
        except ConnectionRefusedError:
            return
        raise AssertionError("there is no server")

    net["a"].call(refused)
    net.close()
    words = story(watcher)
    assert "10.0.0.2 AND 255.255.255.0 = 10.0.0.0; equal: it is local, no router needed." in words
    assert "b breaks the connection off: RST" in words


def test_a_packet_through_two_switches_is_one_flight_and_a_retransmission_another(net, tmp_path):
    one, two = net.switch("one"), net.switch("two")
    net.host("a", address="10.0.0.1/24", link=one)
    net.host("b", address="10.0.0.2/24", link=two)
    cable = net.link(one, two)
    watcher = watch(net, tmp_path)
    net.at("1s", cable.cut)
    net.at("4s", cable.heal)

    def wait_and_talk() -> None:
        import socket
        import time

        listener = socket.create_server(("10.0.0.1", 5000))
        connection, _ = listener.accept()
        time.sleep(2)
        connection.sendall(b"through the gap")
        connection.close()

    def answer() -> bytes:
        import socket

        with socket.create_connection(("10.0.0.1", 5000)) as connection:
            return connection.recv(100)

    net["a"].run(wait_and_talk, daemon=True)
    assert net["b"].call(answer) == b"through the gap"
    net.close()
    sent = [fact for fact in watcher.facts if fact.kind is Kind.TCP and fact.values["data"]]
    assert len(sent) > 1
    paths = [fact.flight.path() for fact in sent if fact.flight is not None]
    assert [fact.values["again"] for fact in sent] == [False] + [True] * (len(sent) - 1)
    assert "a sends 15 bytes: 'through the gap' (sent again) [frame" in story(watcher)
    assert paths[0] == "a > one"
    assert paths[-1] == "a > one > two > b"


def test_facts_are_as_their_kind_says_stay_where_they_happened_and_watching_changes_nothing(tmp_path):
    unwatched = Net.load(labs() / "whole-flow.yaml")
    unwatched.run(check=True)
    net = Net.load(labs() / "whole-flow.yaml")
    watcher = watch(net, tmp_path)
    net.run(check=True)
    net.close()
    assert net.digest == unwatched.digest
    for fact in watcher.facts:
        assert sorted(fact.values) == sorted(fact.kind.value.partition(":")[0].split()), fact.kind
    assert {fact.kind for fact in watcher.facts} == set(Kind)
    unwatched.close()
    chapters = divide(watcher.facts)
    assert [each.number for each in chapters] == list(range(1, len(chapters) + 1))
    for chapter in chapters:
        times = [fact.time_ns for fact in chapter.facts]
        assert times == sorted(times)
    assert sum(len(each.facts) + len(each.background) for each in chapters) == len(watcher.facts)
