"""What is told together has one course from beginning to end; what it carries and what programs print is never lost."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from tests.story.both_languages import Told, told

from netarium import Net
from netarium.story.asked import programs_of
from netarium.story.records import TraceFile

ODD = b"launch the rocket"
ASKED = (b"ping", b"ping", b"ping", b"ping", ODD, b"ping", b"ping")
CLIENTS = 9


def answer_datagrams(many: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("", 9000))
        for _ in range(many):
            data, client = server.recvfrom(2000)
            server.sendto(b"refused" if data == ODD else b"okay", client)


def ask_by_datagrams() -> None:
    for data in ASKED:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(data, ("10.0.0.2", 9000))
            client.recvfrom(2000)


def answer(many: int, last: bytes) -> None:
    with socket.create_server(("", 8000)) as listener:
        for _ in range(many):
            connection, _ = listener.accept()
            with connection:
                if connection.recv(100) == last:
                    connection.sendall(bytes(3000))
                else:
                    connection.sendall(b"hello")


def ask(word: bytes) -> None:
    with socket.create_connection(("10.0.0.2", 8000)) as connection:
        connection.sendall(word)
        got = 0
        while data := connection.recv(100):
            got += len(data)
        print(f"{word.decode()} got {got}")


def pair() -> Net:
    net = Net(seed=5)
    net.link(net.host("a", address="10.0.0.1/24"), net.host("b", address="10.0.0.2/24"))
    return net


def contents(story: Told) -> list[dict[str, object]]:
    return [each for step in story.of("alike") for each in step.values["contents"]]


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Clients one after the other; the last is answered with more."""
    net = pair()
    net["b"].run(answer, CLIENTS, b"last")
    for number in range(CLIENTS):
        net["a"].run(ask, b"last" if number == CLIENTS - 1 else b"one%d" % (number % 2), at=f"{1 + number}s")
    return told(net, tmp_path_factory.mktemp("folding"), net.run)


def test_a_datagram_that_says_something_else_is_told_with_its_answer(tmp_path: Path) -> None:
    net = pair()
    net["b"].run(answer_datagrams, len(ASKED))
    net["a"].run(ask_by_datagrams)
    story = told(net, tmp_path, net.run)
    shown = [each for step in story.english for each in (step.text, *step.lines)]
    assert any("'launch the rocket'" in each for each in shown)
    assert any("'refused'" in each for each in shown)
    counts = [step.values["count"] for step in story.of("alike")]
    assert counts and all(counts)
    assert sum(counts) + len(story.of("udp", "a")) == len(ASKED)
    assert sum(each["count"] for each in contents(story)) == sum(counts)
    (odd,) = (each for each in contents(story) if "rocket" in str(each["said"]))
    assert odd["count"] == 1
    assert any(
        "b 发送 7 字节：'refused'" in line for step in story.of("alike", "", "chinese") for line in step.lines
    )


def test_what_programs_print_is_told_or_listed(clients: Told) -> None:
    printed = [line for step in clients.of("printed", "a") for line in step.values["lines"]]
    for each in contents(clients):
        printed += [
            line
            for said in each["said"]
            if said["what"] == "prints"
            for line in said["lines"] * each["count"]
        ]
    words = [f"one{number % 2} got 5" for number in range(CLIENTS - 1)] + ["last got 3000"]
    assert sorted(printed) == sorted(words)
    lines = [line.strip() for step in clients.of("alike") for line in step.lines]
    assert "a prints: one1 got 5" in lines
    chinese = [line.strip() for step in clients.of("alike", "", "chinese") for line in step.lines]
    assert "a 打印：one1 got 5" in chinese


def test_a_connection_is_told_whole_or_not_at_all(clients: Told) -> None:
    opened = {step.values["source"] for step in clients.of("tcp", "a") if step.values["segment"] == "syn"}
    closed = {step.values["source"] for step in clients.of("tcp", "a") if step.values["fin"]}
    spoken = {step.values["source"] for step in clients.of("tcp", "a")}
    assert opened == closed == spoken
    counts = [step.values["count"] for step in clients.of("alike")]
    assert counts and len(opened) + sum(counts) == CLIENTS
    assert "0 more" not in " ".join(step.text for step in clients.english)


def test_one_that_is_answered_with_more_is_told_by_itself(clients: Told) -> None:
    assert any("'last'" in step.text for step in clients.of("tcp", "a"))
    assert sum(step.values["bytes"] for step in clients.of("tcp", "b")) >= 3000


def test_what_comes_of_those_told_together_after_their_end_is_no_connection_more(tmp_path: Path) -> None:
    net = pair()
    many = 8
    net["b"].run(answer, many, b"none")
    for number in range(many):
        net["a"].run(ask, b"word", at=f"{1 + number}ms")
    net["a"].run(socket.create_server, ("", 9000), at="200s")
    story = told(net, tmp_path, net.run)
    opened = {step.values["source"] for step in story.of("tcp", "a") if step.values["segment"] == "syn"}
    together = story.of("alike")
    counts = [step.values["count"] for step in together]
    assert len(opened) + sum(counts) == many
    waited = [step for step in together if not step.values["count"]]
    assert waited and sum(step.values["waits"] for step in waited) == sum(counts)
    assert "ends have waited long enough in TIME-WAIT and are closed" in waited[0].text


def test_of_what_is_lost_each_has_its_frame_or_was_never_on_a_cable(recorded) -> None:
    steps = [step for chapter in recorded("faults").chapters() for step in chapter.steps]
    lost = [step for step in steps if step.kind == "more" and step.values["reason"]]
    assert any(step.values["unsent"] for step in lost)
    for step in lost:
        frames = sum(last - first + 1 for first, last in step.frames)
        assert not step.exact or frames + step.values["unsent"] == step.values["count"]
        if step.values["unsent"] > 1:
            assert step.text.endswith(
                f"; {step.values['unsent']} of them were never on a cable, and no frame shows them."
            )


def test_a_program_that_is_followed_by_its_name_is_that_one_alone(tmp_path: Path) -> None:
    net = pair()
    for _ in range(2):
        net["a"].run("ping -c 1 10.0.0.2")
    trace = told(net, tmp_path, net.run).trace
    names = list(programs_of(TraceFile(trace), "a/ping"))
    started = [each["program"] for each in programs(trace)]
    assert started[0] == "a/ping" and started[1] != "a/ping"
    assert names == ["a/ping"]
    assert list(programs_of(TraceFile(trace), started[1])) == [started[1]]


def programs(trace: Path) -> list[dict[str, str]]:
    records = [json.loads(line) for line in trace.read_text().splitlines()]
    return [each for each in records if each.get("event") == "program" and each["what"] == "started"]


def download(many: int, odd: int) -> None:
    with socket.create_server(("", 8000)) as listener:
        for number in range(many):
            connection, _ = listener.accept()
            with connection:
                connection.recv(100)
                connection.sendall((b"y" if number == odd else b"x") * 20_000)


def take(many: int) -> None:
    for _ in range(many):
        with socket.create_connection(("10.0.0.2", 8000)) as connection:
            connection.sendall(b"GET")
            while connection.recv(65536):
                pass


def test_bulk_of_other_bytes_is_told_by_itself_though_there_are_as_many(tmp_path: Path) -> None:
    net = pair()
    net["b"].run(download, 9, 6)
    net["a"].run(take, 9)
    story = told(net, tmp_path, net.run)
    # Told are the first (with ARP), three of one course, the odd one, and the last (the program ends in it).
    assert sum(step.values["count"] for step in story.of("alike")) == 9 - 6
    shown = [step.text for step in story.of("tcp", "b") if step.values["segment"] == "data"]
    assert any("yyy" in text for text in shown)
