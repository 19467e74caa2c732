"""The chat as real processes on the kernel's loopback: talk, kill -9 of the server, resume, thousands at once."""

from __future__ import annotations

import json
import os
import random
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from netarium.apps.framing import FrameReader, Message, encode

pytestmark = pytest.mark.kernel
Start = Callable[..., subprocess.Popen[str]]
CHAT = "netarium.apps.chat"


class Person:
    """A terminal client, piped; what it prints is read by a thread."""

    def __init__(self, start: Start, port: int, name: str, *options: object) -> None:
        self.process = start(CHAT, "join", f"127.0.0.1:{port}", "--name", name, *options)
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            for line in self.process.stdout:
                with self._news:
                    self.lines.append(line.rstrip("\n"))
                    self._news.notify()
        except ValueError:
            pass  # closed at the end of the test

    def type(self, *lines: str) -> None:
        self.process.stdin.write("".join(line + "\n" for line in lines))
        self.process.stdin.flush()

    def expect(self, pattern: str, timeout: float = 20) -> str:
        def found() -> str | None:
            return next((line for line in self.lines if re.search(pattern, line)), None)

        with self._news:
            assert self._news.wait_for(found, timeout), f"no {pattern!r} in {self.lines}"
            return found()

    def texts(self) -> list[str]:
        return [match.group(1) for line in self.lines if (match := re.match(r"\d\d:\d\d <\w+> (.*)", line))]

    def end(self) -> int:
        self.process.stdin.close()
        code = self.process.wait(20)
        self._thread.join(5)
        return code


def serve(
    start: Start, port_of: Callable, path: Path, port: int = 0, *options: object, **settings: object
) -> tuple[subprocess.Popen[str], int]:
    server = start(CHAT, "serve", "--port", port, "--db", path / "chat.db", *options, **settings)
    return server, port_of(server)


def test_two_people_talk_privately_too_and_leave(tmp_path: Path, start: Start, port_of: Callable) -> None:
    server, port = serve(start, port_of, tmp_path)
    ann, bob = Person(start, port, "ann"), Person(start, port, "bob")
    ann.expect("you are in #lobby")
    bob.expect("you are in #lobby")
    ann.type("hello \x1b[31mred")
    bob.expect(r"<ann> hello ␛\[31mred$")
    bob.type("/tell ann psst", "/who", "")
    ann.expect(r"\[bob to ann\] psst")
    bob.expect("in #lobby: ann, bob")
    bob.expect("nothing typed")
    bob.type("/quit")
    assert bob.end() == 0
    ann.expect(r"\* bob left #lobby")
    ann.type("//still here")
    ann.expect("<ann> /still here")
    assert ann.end() == 0
    server.terminate()
    assert server.wait(10) == 0


def test_piped_commands_take_effect_before_the_lines_after_them(
    tmp_path: Path, start: Start, port_of: Callable
) -> None:
    _, port = serve(start, port_of, tmp_path)
    listener = Person(start, port, "ann")
    listener.type("/join kitchen")
    listener.expect("you are in #kitchen")
    piper = Person(start, port, "piper")
    piper.type("/join Kitchen", "hi kitchen", "/leave", "hi lobby", "/name pip", "/join kitchen", "again")
    assert piper.end() == 0
    listener.expect("<piper> hi kitchen$")
    listener.expect("#lobby <piper> hi lobby$")
    listener.expect(" <pip> again$")
    assert listener.end() == 0


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        ((), ["/join no room"]),
        ((), ["x" * 3000]),
        ((), ["/leave", "to nobody"]),
        ((), ["/tell nobody hello"]),
        (("--room", "no room"), ["lost"]),
    ],
)
def test_piped_input_that_is_refused_is_exit_code_1(
    tmp_path: Path, start: Start, port_of: Callable, options: tuple[str, ...], lines: list[str]
) -> None:
    _, port = serve(start, port_of, tmp_path)
    piper = Person(start, port, "piper", *options)
    piper.type(*lines)
    assert piper.end() == 1
    assert any(line.startswith("! ") for line in piper.lines)


def test_a_killed_server_comes_back_with_its_history_and_clients_resume_by_themselves(
    tmp_path: Path, start: Start, port_of: Callable
) -> None:
    server, port = serve(start, port_of, tmp_path, 0, "--flood", "0")
    people = [Person(start, port, name) for name in ("ann", "bob")]
    for person in people:
        person.expect("you are in #lobby")
    said: list[list[str]] = [[], []]
    for turn in range(3):
        for index, person in enumerate(people):
            lines = [f"{index}-{turn}-{n}" for n in range(200)]
            said[index] += lines
            person.type(*lines)
        time.sleep(random.Random(turn).uniform(0, 0.1))
        server.kill()
        server.wait()
        for index, person in enumerate(people):
            said[index].append(f"{index}-{turn}-meanwhile")
            person.type(said[index][-1])
        server, port = serve(start, port_of, tmp_path, port, "--flood", "0")
    for person in people:
        for index in range(2):
            person.expect(f"> {index}-2-meanwhile$")
    late = Person(start, port, "late")
    late.expect("> [01]-2-meanwhile$")
    for person in people:
        texts = person.texts()
        assert len(texts) == len(set(texts)) == 2 * 603
        for index in range(2):
            assert [text for text in texts if text.startswith(f"{index}-")] == said[index]
    assert late.texts() == texts[-50:]
    assert [person.end() for person in (*people, late)] == [0, 0, 0]


def test_a_dead_peer_is_found_by_its_silence(tmp_path: Path, start: Start, port_of: Callable) -> None:
    _, port = serve(start, port_of, tmp_path, 0, "--heartbeat", "0.2", "--grace", "0")
    ann = Person(start, port, "ann")
    ann.expect("you are in #lobby")
    with Frames(port) as dead:
        dead.send(
            {"type": "hello", "protocol": "netarium-chat", "version": 1, "name": "dead"},
            {"type": "join", "room": "lobby"},
        )
        ann.expect("dead joined")
        ann.expect("dead left #lobby .connection lost")
    assert ann.process.poll() is None  # a peer that is only quiet answers and stays
    assert "connection lost;" not in "".join(ann.lines)
    assert ann.end() == 0


class Frames:
    """A client that speaks the protocol and does no more than it is told."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.settimeout(20)
        self.reader = FrameReader(1 << 20)

    def __enter__(self) -> Frames:
        return self

    def __exit__(self, *error: object) -> None:
        self.socket.close()

    def send(self, *messages: Message) -> None:
        self.socket.sendall(b"".join(encode(message) for message in messages))

    def expect(self, kind: str) -> Message:
        while True:
            while (message := self.reader.next()) is not None:
                if message["type"] == kind:
                    return message
            data = self.socket.recv(1 << 16)
            assert data, f"closed before {kind}"
            self.reader.feed(data)

    def rest(self) -> tuple[list[int], list[str]]:
        """The numbers of the messages and the codes of the byes until the server's end of the connection."""
        numbers, byes = [], []
        while True:
            while (message := self.reader.next()) is not None:
                if message["type"] == "message":
                    numbers.append(message["n"])
                elif message["type"] == "bye":
                    byes.append(message["code"])
            try:
                data = self.socket.recv(1 << 16)
            except ConnectionError:
                data = b""
            if not data:
                return numbers, byes
            self.reader.feed(data)


def hello(name: str) -> Message:
    return {"type": "hello", "protocol": "netarium-chat", "version": 1, "name": name}


def test_a_reader_that_does_not_read_is_dropped_slows_nobody_and_gets_the_rest_later(
    tmp_path: Path, start: Start, port_of: Callable
) -> None:
    with (tmp_path / "log").open("w") as log:
        _, port = serve(start, port_of, tmp_path, 0, "--flood", "0", "--queue", "200000", stderr=log)
    with Frames(port) as slow, Frames(port) as loud:
        slow.send(hello("slow"), {"type": "join", "room": "lobby"})
        session = slow.expect("welcome")["session"]
        slow.expect("entered")
        loud.send(hello("loud"), {"type": "join", "room": "lobby"})
        loud.expect("entered")
        for number in range(1, 10001):  # 20 MB: more than the kernel's buffers on both ends
            loud.send({"type": "say", "id": number, "room": "lobby", "text": "x" * 2000})
            if number % 20 == 0:
                while loud.expect("message")["n"] < number:
                    pass
        # It reads what waited. Whether that was within the linger, so that a `bye` came, is the machine's affair.
        got, byes = slow.rest()
        assert got == list(range(1, len(got) + 1)) and len(got) < 10_000
        assert byes in ([], ["slow"])
    assert "slow was disconnected: slow: you read too slowly" in (tmp_path / "log").read_text()
    with Frames(port) as again:
        again.send({**hello("slow"), "session": session, "after": len(got)})
        assert again.expect("welcome")["resumed"]
        assert [again.expect("message")["n"] for _ in range(10_000 - len(got))] == list(
            range(len(got) + 1, 10_001)
        )


def test_flooding_is_slowed_and_nothing_is_lost(tmp_path: Path, start: Start, port_of: Callable) -> None:
    _, port = serve(start, port_of, tmp_path, 0, "--flood", "100")
    with Frames(port) as loud:
        loud.send(hello("loud"), {"type": "join", "room": "lobby"})
        begin = time.monotonic()
        loud.send(*[{"type": "say", "id": n, "room": "lobby", "text": str(n)} for n in range(1, 351)])
        assert [loud.expect("message")["text"] for _ in range(350)] == [str(n) for n in range(1, 351)]
        assert time.monotonic() - begin > 0.4  # 350 at 100 a second, after a burst of 300


def test_tls_and_token_and_a_wrong_one(tmp_path: Path, start: Start, port_of: Callable) -> None:
    server, port = serve(start, port_of, tmp_path, 0, "--tls", "--token", "opensesame")
    fingerprint = server.stdout.readline().split()[-1]
    stranger = start(
        CHAT, "join", f"127.0.0.1:{port}", "--name", "eve", "--fingerprint", fingerprint, "--token", "guess"
    )
    assert stranger.wait(20) == 1 and "the token is wrong" in stranger.stderr.read()
    impostor = start(
        CHAT, "join", f"127.0.0.1:{port}", "--fingerprint", "SHA256:" + "0" * 64, "--token", "opensesame"
    )
    assert impostor.wait(20) == 1 and "not connected" in impostor.stderr.read()
    ann = Person(start, port, "ann", "--tls", "--token", "opensesame")  # pinned by the first
    ann.expect("you are in #lobby")
    assert ann.end() == 0
    server.terminate()
    server.wait(10)
    log = server.stderr.read()
    assert "token" in log and "guess" not in log and "opensesame" not in log


def test_a_client_says_what_it_met_instead_of_a_chat_server(
    start: Start, port_of: Callable, tmp_path: Path
) -> None:
    (tmp_path / "d").mkdir()
    files = start("netarium.apps.files", "serve", tmp_path / "d", "--port", "0")
    client = start(CHAT, "join", f"127.0.0.1:{port_of(files)}")
    assert client.wait(20) == 1 and "this server speaks netarium-files" in client.stderr.read()
    nobody = start(CHAT, "join", "127.0.0.1:1")
    assert nobody.wait(20) == 1 and "cannot connect to 127.0.0.1:1" in nobody.stderr.read()


def test_the_web_door_refuses_strangers_and_serves_the_page(
    tmp_path: Path, start: Start, port_of: Callable
) -> None:
    _, port = serve(start, port_of, tmp_path)

    def ask(path: str, *headers: str) -> bytes:
        with socket.create_connection(("127.0.0.1", port)) as web:
            web.sendall("\r\n".join((f"GET {path} HTTP/1.1", *headers, "", "")).encode())
            web.settimeout(5)
            answer = b""
            while b"\r\n\r\n" not in answer and (piece := web.recv(65536)):
                answer += piece
            return answer

    upgrade = (
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: " + "a" * 22 + "==",
    )
    here = f"Host: 127.0.0.1:{port}"
    page = ask("/", here)
    assert page.startswith(b"HTTP/1.1 200") and b"script-src 'sha256-" in page and b"'unsafe" not in page
    assert ask("/", "Host: evil.example").startswith(b"HTTP/1.1 403")  # a name pointed at us
    assert ask("/../etc/passwd", here).startswith(b"HTTP/1.1 404")
    assert ask("/chat", here, *upgrade, "Origin: http://evil.example").startswith(b"HTTP/1.1 403")
    assert ask("/chat", here, *upgrade, f"Origin: http://127.0.0.1:{port}").startswith(b"HTTP/1.1 101")
    assert ask("/chat", here).startswith(b"HTTP/1.1 426")


def fuzz(start: Start, port_of: Callable, path: Path, count: int) -> None:
    with (path / "log").open(
        "w"
    ) as log:  # a file: a pipe nobody reads would hold the server up when it is full
        server, port = serve(
            start, port_of, path, 0, "--flood", "0", "--queue", "100000000", "--heartbeat", "600", stderr=log
        )
    chance = random.Random(11)
    good = Frames(port)
    good.send(hello("good"), {"type": "join", "room": "lobby"})
    for turn in range(count):
        stream = bytearray(encode(hello(f"n{turn}")) + encode({"type": "join", "room": "lobby"}))
        for _ in range(chance.randrange(4)):
            message = {
                "type": chance.choice(["say", "tell", "who", "name", "quit", "x"]),
                "id": chance.choice([1, 2, -1, "1"]),
            }
            message[chance.choice(["room", "to", "name", "text"])] = chance.choice(
                [None, 5, "lobby", "\x1b", "x" * 9000]
            )
            stream += encode(message)
        match chance.randrange(5):
            case 0:
                stream[chance.randrange(len(stream))] = chance.randrange(256)
            case 1:
                stream = bytearray(chance.randbytes(chance.randrange(1, 200)))
            case 2:
                del stream[chance.randrange(len(stream)) :]
            case 3:
                stream = bytearray(
                    b"GET /chat HTTP/1.1\r\n" + chance.randbytes(chance.randrange(300)) + b"\r\n\r\n"
                )
        with socket.create_connection(("127.0.0.1", port)) as peer:
            try:
                peer.sendall(stream)
            except ConnectionError:
                pass
    good.send({"type": "say", "id": 1, "room": "lobby", "text": "still there"})
    assert any(good.expect("message")["text"] == "still there" for _ in range(count * 8))
    good.socket.close()
    server.terminate()
    assert server.wait(10) == 0
    assert "Traceback" not in (path / "log").read_text()


def test_fuzzed_streams_and_the_server_still_serves(tmp_path: Path, start: Start, port_of: Callable) -> None:
    fuzz(start, port_of, tmp_path, 200)


@pytest.mark.soak
def test_ten_thousand_fuzzed_streams_and_the_server_still_serves(
    tmp_path: Path, start: Start, port_of: Callable
) -> None:
    fuzz(start, port_of, tmp_path, 10_000)


def crowd(start: Start, port_of: Callable, path: Path, clients: int, inside: int, messages: int) -> None:
    """So many clients, some of them in one room: each of these gets every message once, each sender's in order."""
    _, port = serve(start, port_of, path)
    people = []
    for index in range(clients):
        person = Frames(port)
        person.send(
            hello(f"c{index}"), {"type": "join", "room": "crowd" if index < inside else f"r{index % 20}"}
        )
        people.append(person)
    for person in people:
        person.expect("entered")
    each = messages // inside
    for index, person in enumerate(people[:inside]):
        person.send(
            *[
                {"type": "say", "id": n + 1, "room": "crowd", "text": f"{index:05d}-{n:03d} " + "x" * 90}
                for n in range(each)
            ]
        )
    for person in people[:inside]:
        texts = [person.expect("message")["text"] for _ in range(each * inside)]
        assert len(set(texts)) == each * inside
        assert sorted(texts) == sorted(
            texts, key=lambda text: text[:5]
        )  # stable: each sender's own are in order
    for person in people:
        person.socket.close()


def test_a_hundred_clients_and_fifty_in_one_room_get_everything_in_order(
    tmp_path: Path, start: Start, port_of: Callable
) -> None:
    crowd(start, port_of, tmp_path, 120, 50, 200)


@pytest.mark.soak
def test_two_thousand_clients_five_hundred_in_one_room(
    tmp_path: Path, start: Start, port_of: Callable
) -> None:
    crowd(start, port_of, tmp_path, 2000, 500, 2000)


def test_bad_usage_is_exit_code_2_and_a_used_file_is_told(
    tmp_path: Path, start: Start, port_of: Callable
) -> None:
    assert start(CHAT, "serve", "--port", "70000").wait(20) == 2
    serve(start, port_of, tmp_path)
    second = start(CHAT, "serve", "--port", "0", "--db", tmp_path / "chat.db")
    assert second.wait(20) == 1 and "another server" in second.stderr.read()


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminals here")
def test_in_a_terminal_what_arrives_does_not_break_the_line_being_typed(
    tmp_path: Path, start: Start, port_of: Callable
) -> None:
    pytest.importorskip("prompt_toolkit")
    _, port = serve(start, port_of, tmp_path)
    ours, theirs = os.openpty()
    environment = {**os.environ, "PROMPT_TOOLKIT_NO_CPR": "1"}  # nobody here tells where the cursor is
    settings = {"stdin": theirs, "stdout": theirs, "stderr": theirs, "env": environment}
    process = start(CHAT, "join", f"127.0.0.1:{port}", "--name", "ann", **settings)
    os.close(theirs)
    screen = bytearray()

    def until(text: bytes) -> None:
        deadline = time.monotonic() + 20
        while text not in screen:
            assert time.monotonic() < deadline, bytes(screen)
            screen.extend(os.read(ours, 65536))

    try:
        until(b"you are in #lobby")
        os.write(ours, b"half a li")
        until(b"half a li")
        bob = Person(start, port, "bob")
        bob.expect("you are in")
        bob.type("hello ann")
        until(b"<bob> hello ann")
        screen.clear()
        os.write(ours, b"ne\r")
        bob.expect("<ann> half a line$")
        bob.end()
        os.write(ours, b"/quit\r")
        until(b"goodbye")
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_messages_of_a_session_are_json_of_the_documented_shape(
    tmp_path: Path, start: Start, port_of: Callable
) -> None:
    _, port = serve(start, port_of, tmp_path)
    with Frames(port) as ann:
        ann.send(
            hello("ann"),
            {"type": "join", "room": "lobby"},
            {"type": "say", "id": 1, "room": "lobby", "text": "hi"},
        )
        assert set(ann.expect("welcome")) == {
            "type",
            "session",
            "resumed",
            "name",
            "rooms",
            "received",
            "at",
            "heartbeat",
        }
        assert set(ann.expect("entered")) == {
            "type",
            "room",
            "messages",
            "more",
            "at",
            "until",
            "people",
            "names",
            "away",
        }
        message = ann.expect("message")
        assert set(message) == {"type", "n", "room", "from", "text", "time"} and json.dumps(message)
        assert ann.expect("ack") == {"type": "ack", "id": 1}
