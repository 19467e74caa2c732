"""Beliefs that the story corrects: each where it comes up, once a story, at most one to a step, in both languages."""

from __future__ import annotations

import socket
import time
from collections import Counter
from pathlib import Path

import pytest
from tests.story.both_languages import told

from netarium import Net
from netarium.story.beliefs import CORRECTED, beliefs_of
from netarium.story.facts import Fact
from netarium.story.kinds import KINDS
from netarium.story.language import Language

KEYS = sorted({key for rows in CORRECTED.values() for _, key in rows})


def test_every_kind_that_corrects_is_one_there_is() -> None:
    assert [name for name in CORRECTED if name not in KINDS] == []


def test_every_key_of_a_catalogue_is_attached_to_a_kind() -> None:
    folder = Path(__file__).parents[2] / "src/netarium/story/locale"
    for language in ("en", "zh"):
        written = (folder / language / "LC_MESSAGES/beliefs.po").read_text(encoding="utf-8")
        keys = {line[7:-1] for line in written.splitlines() if line.startswith('msgid "belief.')}
        assert keys == set(KEYS)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_two_beliefs_have_the_same_words(language: str) -> None:
    texts = Counter(Language.load(language).text(key) for key in KEYS)
    assert [text for text, count in texts.items() if count > 1] == []


def corrected(kind: str, **values: object) -> list[str]:
    return [key.removeprefix("belief.") for key in beliefs_of(Fact(0, kind, "a", dict(values)))]


def test_what_is_corrected_follows_from_the_fact() -> None:
    assert corrected("tcp-state", after="TIME-WAIT") == ["time_wait_at_closer"]
    assert corrected("tcp-state", after="CLOSED") == []
    assert corrected("drop", reason="TCP_NO_SOCKET") == ["closed_port_answers"]
    assert corrected("drop", reason="RULE_LOSS") == []
    assert corrected("arp", operation="request") == ["broadcast_is_rare"]
    assert corrected("nat-entry", before="10.0.0.1:5 -> 1.1.1.1:80", after="2.2.2.2:6 -> 1.1.1.1:80")[0] == (
        "nat_needs_ports"
    )
    assert "nat_needs_ports" not in corrected(
        "nat-entry", before="10.0.0.1:5 -> 1.1.1.1:80", after="2.2.2.2:5 -> 1.1.1.1:80"
    )
    assert corrected("dns", response=True, answer=["1.1.1.1", "1.1.1.2"])[0] == "name_many_addresses"
    assert "four_can_be_three" in corrected("tcp", segment="ack", acknowledges_fin=True)
    assert "four_can_be_three" not in corrected("tcp", segment="data", acknowledges_fin=True, bytes=5)
    assert corrected("nothing of the sort") == []


def test_in_a_story_each_comes_once_and_never_two_to_a_step(tmp_path: Path) -> None:
    net = Net(seed=4)
    net.router("r", interfaces={"one": "10.0.1.1/24", "two": "10.0.2.1/24"})
    hosts = {"a": "10.0.1.2", "b": "10.0.1.3", "c": "10.0.2.2"}
    switch = net.switch("s")
    for name, address in hosts.items():
        gateway = address.rpartition(".")[0] + ".1"
        box = net.host(name, address=f"{address}/24", gateway=gateway)
        net.link(box, "r:two" if name == "c" else switch)
    net.link(switch, "r:one")

    def serve() -> None:
        with socket.create_server(("", 80)) as listener:
            for _ in range(2):
                connection, _ = listener.accept()
                time.sleep(0.2)
                connection.recv(100)
                connection.close()

    def ask() -> None:
        with socket.create_connection(("10.0.2.2", 80)) as sock:
            sock.sendall(b"one")
            sock.sendall(b"two")
            sock.recv(1)
        try:
            socket.create_connection(("10.0.2.2", 81))
        except ConnectionRefusedError:
            pass

    net["c"].run(serve, root=True)
    for name in "ab":
        net[name].run(ask)
    story = told(net, tmp_path, net.run)
    for language in ("english", "chinese"):
        counts = Counter(story.notes(language))
        assert len(counts) > 12 and set(counts.values()) == {1}
        assert max(len(step.notes) for step in getattr(story, language)) == 1
    assert any(note.startswith("A closed port is not silent") for note in story.notes())
    assert any(note.startswith("TTL, time to live, is no time") for note in story.notes())


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_kind_has_a_name_to_be_counted_by(language: str) -> None:
    words = Language.load(language)
    assert [name for name in KINDS if not words.has(f"kind.{name}")] == []
