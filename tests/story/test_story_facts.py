"""What is told of a run: which frames are one packet, what they say, and that nothing told is written down before."""

from __future__ import annotations

import json
import shutil
import socket
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netarium import Net
from netarium.cli.demo import labs
from netarium.errors import UsageError
from netarium.story.facts import RANGES_MAX, Flight, Numbers
from netarium.story.flights import FLIGHTS_MAX, Flights
from netarium.story.kinds import KINDS
from netarium.story.kinds.tcp import say_preview
from netarium.story.language import Language
from netarium.story.printing import as_json, as_text
from netarium.story.telling import Choice, Step, Story
from netarium.story.words import Words, preview


def record(net: Net, folder: Path) -> Path:
    """Begin a trace; it is whole when the net is closed."""
    path = folder / "story.jsonl"
    net.watching.trace_to(path)
    return path


def steps(path: Path, choice: Choice | None = None) -> list[Step]:
    story = Story(path, Language.load("en"), choice)
    return [step for chapter in story.chapters() for step in chapter.steps]


def story(path: Path) -> str:
    return " ".join(step.text for step in steps(path))


def saying(data: bytes, whole: bool = True) -> str:
    return say_preview(preview(data, whole), Words(Language.load("en"), lambda address: ""))


@given(st.lists(st.integers(1, 120), max_size=60))
def test_numbers_are_those_that_were_added(numbers):
    kept = Numbers()
    for number in numbers:
        kept.add(number)
    assert kept.exact
    assert kept.listed() == sorted(set(numbers))
    assert kept.count() == len(set(numbers))


@given(st.lists(st.integers(1, 10_000), min_size=200, max_size=400, unique=True))
def test_many_scattered_numbers_are_kept_in_few_ranges_that_have_them_all(numbers):
    kept = Numbers()
    for number in numbers:
        kept.add(number)
    assert len(kept.ranges) <= RANGES_MAX
    assert set(numbers) <= set(kept.listed())
    assert kept.exact or kept.count() > len(numbers)
    assert kept.ranges == sorted(kept.ranges)


def test_what_took_in_numbers_that_are_not_exact_is_not_exact_itself():
    many, one = Numbers(), Numbers()
    for number in range(1, 4 * RANGES_MAX, 2):
        many.add(number)
    one.add(1)
    one.merge(many)
    assert not many.exact and not one.exact


@pytest.mark.parametrize(("lang", "among"), [("en", "[among frames "), ("zh", "[在帧 ")])
def test_frames_that_are_too_many_to_list_are_said_to_be_among_the_ranges(net, tmp_path, lang, among):
    switch = net.switch("s")
    for number in range(1, 5):
        net.host(f"h{number}", address=f"10.0.0.{number}/24", link=switch)
    path = record(net, tmp_path)

    def send(to: str) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for _ in range(300):
                sock.sendto(b"x", (to, 9999))
                time.sleep(0.01)

    net["h1"].run(send, "10.0.0.2")
    net["h3"].run(send, "10.0.0.4")
    net.run()
    net.close()
    lines = "\n".join(as_text(Story(path, Language.load(lang)).chapters(), Language.load(lang)))
    assert lines.count(among) >= 2
    document = json.loads("".join(as_json(Story(path, Language.load(lang)).chapters(), Language.load(lang))))
    more = [step for chapter in document["chapters"] for step in chapter["steps"] if step["kind"] == "more"]
    datagrams = [step for step in more if step["values"]["of"] == "udp"]
    assert [step["exact"] for step in datagrams] == [False] * 2
    assert "exact" not in document["chapters"][0]["steps"][0]


def test_numbers_are_read_as_ranges():
    kept = Numbers()
    for number in (1, 2, 3, 9, 4):
        kept.add(number)
    assert str(kept) == "1-4, 9"


def test_the_path_of_a_broadcast_names_all_its_ends():
    flight = Flight("a", nodes=["a", "switch", "b", "c"], senders=["a", "switch"])
    assert flight.path() == "a > switch > b, c"


def test_flights_that_are_long_over_are_forgotten():
    flights = Flights()
    packet = {"protocol": "UDP", "ttl": 64, "source": "10.0.0.1", "destination": "10.0.0.2", "crc": 7}
    first = {**packet, "identification": 1, "frame": 1}
    flights.sent(first, "a")
    assert flights.received({**first, "frame": 2}, "b") is not None
    for number in range(2, FLIGHTS_MAX + 2):
        flights.sent({**packet, "identification": number}, "a")
    assert flights.received({**first, "frame": 3}, "b") is None


def test_what_is_sent_is_shown_as_text_or_as_bytes():
    assert saying(b"hello") == "'hello'"
    assert saying(b"GET / HTTP/1.1\r\nHost: x\r\nAccept: y\r\n\r\n") == "GET / HTTP/1.1, Host: x"
    assert saying(b"\x01\x00") == "the bytes 01 00, which are no text"
    assert saying(b"one\ntwo") == "'one' ..."
    assert saying(b"\n") == "'\\n'"
    assert saying("你好".encode()) == "'你好'"


def test_bytes_that_are_no_utf8_are_said_to_be_none_with_the_place_and_what_they_may_be():
    said = saying("你好，世界".encode("gbk"))
    assert said == (
        "c4 e3 ba c3 a3 ac ca c0 ...: these bytes are no UTF-8, byte 1 is the first that does not fit; "
        "read as GB 18030 they say 你好，世界"
    )
    assert (
        saying("caf\xe9".encode("latin-1"))
        == "... 61 66 e9: these bytes are no UTF-8, byte 4 is the first that does not fit"
    )


def test_what_is_no_text_is_shown_from_its_first_byte():
    hello = bytes.fromhex("16 03 01 02 00 01 00 01 fc 03 03 aa")
    assert saying(hello) == "the bytes 16 03 01 02 00 01 00 01 ..., which are no text"
    assert saying(b"abc\n\xff\0\x01") == "the bytes 61 62 63 0a ff 00 01, which are no text"
    assert saying(b"ab\0", whole=False) == "the bytes 61 62 00 ..., which are no text"
    assert saying(b"ab\xff\0", whole=False) == "the bytes 61 62 ff 00 ..., which are no text"


def test_text_that_the_trace_kept_only_the_beginning_of_is_not_blamed_for_the_cut():
    data = "世".encode() * 20
    assert saying(data[:59], whole=False).startswith("'世")
    assert "no UTF-8" in saying(data[:59])


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
    path = record(net, tmp_path)
    net.run(check=True)
    net.close()
    words = story(path)
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
    path = record(net, tmp_path)

    def refused() -> None:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("10.0.0.2", 9))

    net["a"].call(refused)
    net.close()
    words = story(path)
    assert "10.0.0.2 AND 255.255.255.0 = 10.0.0.0: equal" in words
    assert "b refuses the connection: RST" in words
    chapters = list(Story(path, Language.load("en")).chapters())
    assert [chapter.key for chapter in chapters if chapter.key in ("open", "close")] == ["open"]


def test_a_packet_through_two_switches_is_one_flight_and_a_retransmission_another(net, tmp_path):
    one, two = net.switch("one"), net.switch("two")
    net.host("a", address="10.0.0.1/24", link=one)
    net.host("b", address="10.0.0.2/24", link=two)
    cable = net.link(one, two)
    path = record(net, tmp_path)
    net.at("1s", cable.cut)
    net.at("4s", cable.heal)

    def wait_and_talk() -> None:
        listener = socket.create_server(("10.0.0.1", 5000))
        connection, _ = listener.accept()
        time.sleep(2)
        connection.sendall(b"through the gap")
        connection.close()

    def answer() -> bytes:
        with socket.create_connection(("10.0.0.1", 5000)) as connection:
            return connection.recv(100)

    net["a"].run(wait_and_talk, daemon=True)
    assert net["b"].call(answer) == b"through the gap"
    net.close()
    told = steps(path)
    sent = [step for step in told if step.kind == "tcp" and step.values["segment"] == "data"]
    assert len(sent) > 1
    assert [step.values["again"] for step in sent] == [False] + [True] * (len(sent) - 1)
    assert sent[0].path == "a > one"
    assert sent[-1].path == "a > one > two > b"
    assert sent[-1].text == "a sends 15 bytes, from number 1 on: 'through the gap' (sent again)"
    assert any(step.kind == "drop" and step.values["reason"] == "SWITCH_NO_PORT" for step in told)
    assert "is cut." in story(path) and "is whole again." in story(path)


def test_two_at_once_are_kept_apart_and_an_answer_belongs_to_who_asked(net, tmp_path):
    switch = net.switch("s")
    net.host("server", address="10.0.0.1/24", link=switch)
    for number in (2, 3):
        net.host(f"c{number}", address=f"10.0.0.{number}/24", link=switch)

    def serve() -> None:
        listener = socket.create_server(("10.0.0.1", 5000))
        while True:
            connection, _ = listener.accept()
            connection.sendall(connection.recv(100))
            connection.close()

    def ask(name: str) -> None:
        with socket.create_connection(("10.0.0.1", 5000)) as connection:
            connection.sendall(name.encode())
            connection.recv(100)

    path = record(net, tmp_path)
    net["server"].run(serve, daemon=True)
    for name in ("c2", "c3"):
        net[name].run(ask, name)
    net.run(check=True)
    net.close()
    chapters = list(Story(path, Language.load("en")).chapters())
    opened = [chapter for chapter in chapters if chapter.key == "open"]
    assert [chapter.title.split()[3].partition(":")[0] for chapter in opened] == ["c2", "c3"]
    for chapter, own, other in zip(opened, ("c2", "c3"), ("c3", "c2"), strict=True):
        places = {step.place for step in chapter.steps}
        assert own in places and other not in places
        answers = [s for s in chapter.steps if s.kind == "arp" and s.values["operation"] == "reply"]
        assert [answer.path for answer in answers][:1] == [f"server > s > {own}"]


def test_a_connection_between_the_same_ends_is_another_one(net, tmp_path):
    switch = net.switch("s")
    net.host("a", address="10.0.0.1/24", link=switch)
    net.host("b", address="10.0.0.2/24", link=switch)

    def serve() -> None:
        listener = socket.create_server(("10.0.0.1", 5000))
        while True:
            connection, _ = listener.accept()
            connection.close()

    def twice() -> None:
        for _ in range(2):
            with socket.socket() as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                connection.bind(("10.0.0.2", 6000))
                connection.connect(("10.0.0.1", 5000))
                connection.recv(10)
            time.sleep(70)

    path = record(net, tmp_path)
    net["a"].run(serve, daemon=True)
    net["b"].call(twice)
    net.close()
    synced = [step for step in steps(path) if step.kind == "tcp" and step.values["segment"] == "syn"]
    assert len(synced) == 2
    assert not any(step.values["again"] for step in synced)


def test_the_story_is_of_one_node_one_program_one_conversation_or_some_kinds(recorded):
    nat = recorded("nat-example")
    whole = [step for chapter in nat.chapters() for step in chapter.steps]
    followed = nat.chapters(choice=Choice(follow="a"))
    titles = {chapter.title for chapter in followed if chapter.steps}
    assert titles < {chapter.title for chapter in nat.chapters()}
    assert all("b to server" not in chapter.title for chapter in followed)
    left_out = [chapter.background for chapter in followed if chapter.background is not None]
    assert sum(sum(each.counts.values()) for each in left_out) > 10
    syn = next(step for step in whole if step.kind == "tcp" and step.values["segment"] == "syn")
    ends = f"{syn.values['source']}-{syn.values['destination']}"
    one = [step for chapter in nat.chapters(choice=Choice(conversation=ends)) for step in chapter.steps]
    assert one and len(one) < len(whole)
    outside = ends.replace("192.168.1.2", "202.20.65.5")
    turned = "-".join(reversed(outside.split("-")))
    for words in (outside, turned):
        assert [s.text for c in nat.chapters(choice=Choice(conversation=words)) for s in c.steps] == [
            s.text for s in one
        ]
    only = [step for chapter in nat.chapters(choice=Choice(only=("arp",))) for step in chapter.steps]
    assert "arp" in {step.kind for step in only}
    assert sorted(step.text for step in only) == sorted(
        step.text for step in whole if KINDS[step.kind].only == "arp"
    )


def test_a_program_is_followed_by_its_file_and_one_there_is_not_is_refused_with_those_there_are(recorded):
    run = recorded("chat_lan")

    def told(follow: str) -> list[str]:
        return [s.text for c in run.chapters(choice=Choice(follow=follow)) for s in c.steps]

    assert told("client/client") and told("client/client") == told("client/client.py")
    with pytest.raises(UsageError, match=r"client has no program 'other'; it has client/client"):
        run.story("en", Choice(follow="client/other"))


@pytest.mark.parametrize("name", ["whole-flow", "faults", "vlan", "chat_local"])
@pytest.mark.parametrize("word", ["arp", "dns", "dhcp", "tcp", "drops", "ping", "programs"])
def test_what_only_reads_is_what_the_whole_story_has(recorded, name, word):
    wanted = {kind.name for kind in KINDS.values() if kind.only == word} | {"more"}

    def frames(told):
        return sorted(
            {
                (s.kind, s.time_ns, s.place, s.frames)
                for c in told
                for s in c.steps
                if s.kind in wanted and s.kind not in ("bulk", "more")
            }
        )

    whole = frames(recorded(name).chapters())
    assert set(whole) <= set(frames(recorded(name).chapters(choice=Choice(only=(word,)))))


def test_facts_have_just_the_keys_of_their_kind_and_watching_changes_nothing(recorded, tmp_path):
    kinds = set()
    for name in ("whole-flow", "faults", "vlan", "chat_lan"):
        for chapter in recorded(name).chapters():
            for step in chapter.steps:
                assert set(step.values) == KINDS[step.kind].keys, step.kind
                kinds.add(step.kind)
    assert {
        "boot",
        "dhcp",
        "configured",
        "name-stage",
        "dns",
        "arp",
        "nat-entry",
        "nat-reply",
        "route",
    } <= kinds
    assert {"tcp", "tcp-state", "printed", "bulk", "drop", "more", "ping", "cable"} <= kinds
    unwatched = Net.load(labs() / "whole-flow.yaml")
    unwatched.run(check=True)
    trace = recorded("whole-flow").story("en")
    list(trace.chapters())
    assert trace.ending.record is not None and trace.ending.record["digest"] == unwatched.digest
    unwatched.close()
