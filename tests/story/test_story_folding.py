"""What is told together has one course from beginning to end; what it carries and what programs print is never lost."""

from __future__ import annotations

import json
import re
import socket
import struct
import time
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
    assert any(re.search(r"\ba/ask-\d+, a/ask-\d+ print: one0 got 5$", line) for line in lines)
    chinese = [line.strip() for step in clients.of("alike", "", "chinese") for line in step.lines]
    assert any(re.search(r"a/ask-\d+、a/ask-\d+ 打印：one0 got 5$", line) for line in chinese)


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


def answer_or_break_off(many: int) -> None:
    with socket.create_server(("", 8000)) as listener:
        for number in range(many):
            connection, _ = listener.accept()
            with connection:
                connection.recv(100)
                if number % 2:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                else:
                    connection.sendall(b"done")


def ask_one_after_the_other(many: int) -> None:
    for _ in range(many):
        with socket.create_connection(("10.0.0.2", 8000)) as connection:
            connection.sendall(b"q")
            try:
                connection.recv(100)
            except ConnectionResetError:
                pass
        time.sleep(0.05)


def test_each_course_has_a_line_of_its_own_which_names_one_that_was_told(tmp_path: Path) -> None:
    net = pair()
    net["b"].run(answer_or_break_off, 16)
    net["a"].run(ask_one_after_the_other, 16)
    story = told(net, tmp_path, net.run)
    together = [step for step in story.of("alike") if step.values["count"]]
    broken_off = {
        step.values["destination"].rpartition(":")[2]
        for step in story.of("tcp", "b")
        if step.values["segment"] == "reset"
    }
    resets = {each["frame"] for each in story.records(event="sent", protocol="TCP") if "RST" in each["flags"]}
    likes = {step.values["like"].rpartition(":")[2] for step in together}
    assert len(likes) == 2 and len(likes & broken_off) == 1
    for step in together:
        frames = {number for first, last in step.frames for number in range(first, last + 1)}
        is_broken_off = step.values["like"].rpartition(":")[2] in broken_off
        assert len(frames & resets) == (step.values["count"] if is_broken_off else 0)
        assert f"like that of {step.values['like']} at " in step.text
    chinese = story.texts("alike", "", "chinese")
    assert f"与 {together[0].values['like']} 在 " in chinese[0]


def answer_each(many: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("", 9000))
        for _ in range(many):
            _, client = server.recvfrom(2000)
            server.sendto(b"pong", client)


def exchange(at_once: frozenset[int], short_lived: frozenset[int], other: frozenset[int]) -> None:
    """Eight exchanges of two datagrams each; some ask twice at once, with a TTL of 1, or end in another byte."""
    for number in range(8):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            if number in short_lived:
                client.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1)
            data = b"m" * 499 + (b"%d" % number if number in other else b"m")
            for _ in range(2):
                client.sendto(data, ("10.0.0.2", 9000))
                if number not in at_once:
                    client.recv(100)
            for _ in range(2 if number in at_once else 0):
                client.recv(100)
        time.sleep(0.05)


def exchanges(folder: Path, **odd: frozenset[int]) -> Told:
    net = pair()
    net["b"].run(answer_each, 16)
    none: frozenset[int] = frozenset()
    net["a"].run(exchange, *(odd.get(name, none) for name in ("at_once", "short_lived", "other")))
    return told(net, folder, net.run)


def exchanged(story: Told) -> set[str]:
    """The ends of the exchanges that are told by themselves."""
    return {step.values["source"] for step in story.of("udp", "a")}


@pytest.mark.parametrize("odd", ["at_once", "short_lived"])
def test_datagrams_in_another_order_or_with_another_ttl_are_told_by_themselves(
    tmp_path: Path, odd: str
) -> None:
    story = exchanges(tmp_path, **{odd: frozenset({6})})
    # Told are the first (with ARP), three of one course, the odd one, and the last (the program ends in it).
    assert sum(step.values["count"] for step in story.of("alike")) == 8 - 6
    assert len(exchanged(story)) == 6
    if odd == "short_lived":
        assert sum(step.values["ttl"] == 1 for step in story.of("udp", "a")) == 2


def test_payload_that_differs_behind_what_is_shown_is_said_to_differ(tmp_path: Path) -> None:
    story = exchanges(tmp_path, other=frozenset({5, 6}))
    sent = [said for each in contents(story) for said in each["said"] if said["place"] == "a"]  # type: ignore[attr-defined]
    assert [said["differs"] for said in sent] == [False, False, True, True, True, True]
    for language, words in (("english", "(differs further on)"), ("chinese", "（后面的字节不同）")):
        lines = [line for step in story.of("alike", "", language) for line in step.lines]
        assert sum(words in line for line in lines) == 4


def ask_two_things(many: int) -> None:
    for number in range(many):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(b"even" if number % 2 else b"odds", ("10.0.0.2", 9000))
            client.recv(100)


def test_what_is_said_is_listed_unless_all_said_what_the_first_did(tmp_path: Path) -> None:
    net = pair()
    net["b"].run(answer_datagrams, 12)
    net["a"].run(ask_two_things, 12)
    story = told(net, tmp_path, net.run)
    (together,) = story.of("alike")
    assert {each["said"][0]["preview"]["text"] for each in together.values["contents"]} == {
        "'odds'",
        "'even'",
    }
    assert any("'even'" in line for line in together.lines)


def speak_first_or_second(many: int) -> None:
    with socket.create_server(("", 8000)) as listener:
        for number in range(many):
            connection, _ = listener.accept()
            with connection:
                if number != 6:
                    connection.recv(100)
                connection.sendall(b"hello")
                connection.recv(100)


def speak_second_at_the_seventh(many: int) -> None:
    for number in range(many):
        with socket.create_connection(("10.0.0.2", 8000)) as connection:
            if number == 6:
                connection.recv(100)
            time.sleep(0.1)  # so that what is acknowledged by itself is the same in all
            connection.sendall(b"hello")
            if number != 6:
                connection.recv(100)
            time.sleep(0.1)


def test_a_connection_in_which_the_other_end_speaks_first_is_told_by_itself(tmp_path: Path) -> None:
    net = pair()
    net["b"].run(speak_first_or_second, 9)
    net["a"].run(speak_second_at_the_seventh, 9)
    story = told(net, tmp_path, net.run)
    assert sum(step.values["count"] for step in story.of("alike")) == 9 - 6


def answer_until_the_end(many: int) -> None:
    with socket.create_server(("", 8000)) as listener:
        for _ in range(many):
            connection, _ = listener.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b"done")
                connection.recv(100)


def ask_and_shut(many: int, fails: frozenset[int]) -> None:
    for number in range(many):
        with socket.create_connection(("10.0.1.2", 8000)) as connection:
            connection.sendall(b"q")
            connection.recv(100)
            connection.shutdown(socket.SHUT_WR)
            if number in fails:
                with pytest.raises(BrokenPipeError):
                    connection.send(b"lost words")
        time.sleep(1)


def test_a_call_that_fails_and_another_way_make_another_course(tmp_path: Path) -> None:
    many, fails = 20, frozenset({1, 6, 8})
    net = Net(seed=5)
    inside, outside = net.switch("s"), net.switch("t")
    net.host("a", address="10.0.0.1/24", gateway="10.0.0.251", link=inside)
    net.host("b", address="10.0.1.2/24", gateway="10.0.1.251", link=outside)
    for number in (1, 2):
        addresses = {"x": f"10.0.0.25{number}/24", "y": f"10.0.1.25{number}/24"}
        net.router(f"r{number}", interfaces=addresses)
        net.link(f"r{number}:x", inside)
        net.link(f"r{number}:y", outside)
    net["b"].run(answer_until_the_end, many)
    net["a"].run(ask_and_shut, many, fails)
    net["a"].run("ip route replace default via 10.0.0.252", at="10.5s", root=True)
    story = told(net, tmp_path, net.run)
    failed = [step for step in story.of("call", "a") if step.values["errno"] == "EPIPE"]
    assert len(failed) == len(fails)
    by_second = [
        step for step in story.of("tcp", "a") if "r2" in step.path and step.values["segment"] == "syn"
    ]
    together = story.of("alike")
    passed_on = {
        name: {each["frame"] for each in story.records(event="sent", protocol="TCP", at=f"{name}:y")}
        for name in ("r1", "r2")
    }
    assert by_second and together
    for step in together:
        frames = {number for first, last in step.frames for number in range(first, last + 1)}
        assert not (frames & passed_on["r1"] and frames & passed_on["r2"])
    assert any(step.time_ns > 11_000_000_000 for step in together)
