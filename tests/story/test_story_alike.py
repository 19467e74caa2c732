"""Connections of one sort are told together after the first few, counted exactly; what differs is told by itself."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

import pytest
from tests.story.both_languages import Told, told

from netarium import Net
from netarium.story.language import Language
from netarium.story.printing import as_json, as_markdown, path_text
from netarium.story.telling import Choice, Story

CONNECTIONS = 20
ODD = 12
"""The number of the connection that the server breaks off."""


def serve(many: int) -> None:
    with socket.create_server(("", 8000)) as listener:
        for number in range(many):
            connection, _ = listener.accept()
            with connection:
                if number != ODD:
                    connection.sendall(connection.recv(100))


def ask(many: int) -> None:
    for _ in range(many):
        with socket.create_connection(("10.0.0.2", 8000)) as connection:
            connection.sendall(b"hello")
            try:
                connection.recv(100)
                connection.recv(100)
            except ConnectionResetError:
                pass


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Told:
    net = Net(seed=5)
    net.host("a", address="10.0.0.1/24")
    net.host("b", address="10.0.0.2/24")
    net.link("a", "b")
    net["b"].run(serve, CONNECTIONS)
    net["a"].run(ask, CONNECTIONS)
    return told(net, tmp_path_factory.mktemp("alike"), net.run)


def syns(story: Told, place: str = "a") -> list[str]:
    return [step.values["source"] for step in story.of("tcp", place) if step.values["segment"] == "syn"]


def test_those_told_singly_and_together_are_all_there_were(story: Told) -> None:
    together = [step.values["count"] for step in story.of("alike")]
    assert len(set(syns(story))) + sum(together) == CONNECTIONS
    assert sum(together) > CONNECTIONS / 2


def test_every_segment_is_in_the_frames_that_are_told(story: Told) -> None:
    numbers = {
        number for step in story.english for first, last in step.frames for number in range(first, last + 1)
    }
    sent = {each["frame"] for each in story.records(event="sent", protocol="TCP")}
    assert sent <= numbers
    assert all(step.exact for step in story.of("alike"))


def test_the_one_that_is_broken_off_is_told_by_itself(story: Told) -> None:
    resets = [step for step in story.of("tcp") if step.values["segment"] == "reset"]
    sent = [each for each in story.records(event="sent", protocol="TCP") if "RST" in each["flags"]]
    assert len(resets) == len(sent) > 0


def test_both_languages_and_json_say_how_many(story: Told) -> None:
    (first, *_) = story.of("alike")
    count = first.values["count"]
    like, like_s = first.values["like"], first.values["like_ns"] / 1e9
    assert like.removeprefix("a:") in {source.rpartition(":")[2] for source in syns(story)}
    assert first.text.startswith(
        f"{count} more connections like that of {like} at {like_s:.6f} s, from a to b (10.0.0.2), port 8000"
    )
    assert (
        f"还有 {count} 条与 {like} 在 {like_s:.6f} 秒的那一条过程相同的连接"
        in story.texts("alike", "", "chinese")[0]
    )
    language = Language.load("en")
    document = json.loads("".join(as_json(Story(story.trace, language).chapters(), language)))
    steps = [step for chapter in document["chapters"] for step in chapter["steps"] if step["kind"] == "alike"]
    assert steps[0]["values"]["count"] == count
    assert steps[0]["values"]["askers"] == ["a"]


def test_pings_of_many_hosts_to_one_target_are_told_together_and_their_askers_named(tmp_path: Path) -> None:
    many = 20
    net = Net(seed=7)
    switch = net.switch("s")
    net.host("target", address="10.0.0.1/24", link=switch)
    for number in range(many):
        net.host(f"h{number}", address=f"10.0.0.{10 + number}/24", link=switch)
        net[f"h{number}"].run("ping -c 1 10.0.0.1")
    story = told(net, tmp_path, net.run)
    (together,) = story.of("alike")
    singly = {step.place for step in story.of("ping") if step.place != "target"}
    assert len(singly) == many - together.values["count"] <= 5
    assert sorted([*singly, *together.values["askers"]]) == sorted(f"h{number}" for number in range(many))
    first = ", ".join(together.values["askers"][:3])
    count = together.values["count"]
    assert (
        f"{count} more pings like that of h0 at 0.000000 s, from {first} and {count - 3} others to target (10.0.0.1)"
        in together.text
    )
    assert (
        f"目标：target (10.0.0.1)，发起者：{first.replace(', ', '、')} 以及另外 {count - 3} 个节点；"
        in story.texts("alike", language="chinese")[0]
    )
    numbers = {
        number for step in story.english for first, last in step.frames for number in range(first, last + 1)
    }
    assert {each["frame"] for each in story.records(event="sent", protocol="ICMP")} <= numbers


def converse(pause_s: float) -> None:
    with socket.create_connection(("10.0.0.2", 8000)) as connection:
        connection.sendall(b"hello")
        time.sleep(pause_s)
        connection.recv(100)


def test_connections_told_together_are_counted_where_they_begin_and_their_segments_summed(
    tmp_path: Path,
) -> None:
    net = Net(seed=5)
    net.host("b", address="10.0.0.2/24", link=(switch := net.switch("s")))
    net["b"].run(serve, 8)
    for number in range(8):
        net.host(f"c{number}", address=f"10.0.0.{10 + number}/24", link=switch)
        net[f"c{number}"].run(converse, 20)
    net["b"].run(lambda: socket.create_server(("", 9000)).close(), at="10s")
    story = told(net, tmp_path, net.run)
    together = story.of("alike")
    assert len(set(syns(story, ""))) + sum(step.values["count"] for step in together) == 8
    assert all(step.values["count"] for step in together)
    askers = {asker for step in together for asker in step.values["askers"]}
    assert askers.isdisjoint(step.place for step in story.of("tcp"))  # none is told by halves
    assert sum(step.values["segments"].get("c5", 0) for step in together) == 1
    assert sum(step.values["bytes"].get("c5", 0) for step in together) == len(b"hello")


def test_in_markdown_the_frames_of_many_have_no_way(story: Told) -> None:
    language = Language.load("en")
    lines = list(as_markdown(Story(story.trace, language).chapters(), language))
    (first, *_) = (line for line in lines if "more connections like" in line)
    assert first.endswith(f"*(frames {story.of('alike')[0].numbers})*")


def test_who_follows_a_node_is_told_of_each(story: Told) -> None:
    unfolded = Told(story.trace, Choice(follow="a"))
    assert unfolded.of("alike") == []
    assert len(set(syns(unfolded))) == CONNECTIONS


def test_the_probes_of_a_traceroute_are_one_chapter_with_their_answers(tmp_path: Path) -> None:
    net = Net(seed=2)
    net.router("r", interfaces={"one": "10.0.1.1/24", "two": "10.0.2.1/24"})
    net.link(net.host("a", address="10.0.1.2/24", gateway="10.0.1.1"), "r:one")
    net.link(net.host("b", address="10.0.2.2/24", gateway="10.0.2.1"), "r:two")
    net["a"].run("traceroute -n 10.0.2.2")
    story = told(net, tmp_path, net.run)
    probes = story.of("udp", "a")
    assert len({step.values["destination"] for step in probes}) == len(probes) == 6
    for lang, title in (("en", "A route is traced: a to b"), ("zh", "追踪路由：从 a 到 b")):
        chapters = list(Story(story.trace, Language.load(lang)).chapters())
        assert [chapter.title for chapter in chapters] == [title]
    assert len(story.of("icmp-error")) == 6


def test_of_many_ends_of_a_broadcast_a_few_are_named() -> None:
    path = "a > s > " + ", ".join(f"h{number}" for number in range(199))
    assert path_text(path, Language.load("en")) == "a > s > h0, h1, h2, h3 and 195 others"
    assert path_text(path, Language.load("zh")) == "a > s > h0, h1, h2, h3 以及另外 195 个节点"
    assert path_text("a > s > b, c", Language.load("en")) == "a > s > b, c"
