"""Connections of one sort are told together after the first few, counted exactly; what differs is told by itself."""

from __future__ import annotations

import json
import socket

import pytest
from tests.story.both_languages import Told, told

from netarium import Net
from netarium.story.language import Language
from netarium.story.printing import as_json
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


def syns(story: Told) -> list[str]:
    return [step.values["source"] for step in story.of("tcp", "a") if step.values["segment"] == "syn"]


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
    assert (
        f"{count} more connections like those before them, from a (10.0.0.1) to b (10.0.0.2), port 8000"
        in first.text
    )
    assert f"还有 {count} 条与前面相同的连接" in story.texts("alike", language="chinese")[0]
    language = Language.load("en")
    document = json.loads("".join(as_json(Story(story.trace, language).chapters(), language)))
    steps = [step for chapter in document["chapters"] for step in chapter["steps"] if step["kind"] == "alike"]
    assert steps[0]["values"]["count"] == count
    assert steps[0]["values"]["client"] == "10.0.0.1"


def test_who_follows_a_node_is_told_of_each(story: Told) -> None:
    unfolded = Told(story.trace, Choice(follow="a"))
    assert unfolded.of("alike") == []
    assert len(set(syns(unfolded))) == CONNECTIONS
