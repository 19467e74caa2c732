"""The chat against peers that mean harm: floods that are no requests, servers that send what no server sends."""

from __future__ import annotations

import json
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from netarium.apps import security
from netarium.apps.framing import FrameReader, Message, encode

Start = Callable[..., subprocess.Popen[str]]
CHAT = "netarium.apps.chat"
HANDSHAKE = (
    b"GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
HELLO = {"type": "hello", "protocol": "netarium-chat", "version": 1}


def frame(opcode: int, data: bytes = b"") -> bytes:
    """A client's frame (RFC 6455 5.2) of less than 126 bytes, mask zero."""
    return bytes((opcode, 0x80 | len(data))) + bytes(4) + data


def resident_kib(process: subprocess.Popen[str]) -> int:
    text = Path(f"/proc/{process.pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0])


@contextmanager
def flood(port: int, begin: bytes, again: bytes, seconds: float) -> Iterator[list[int]]:
    """Somebody who sends without reading; how many bytes he got rid of."""
    sent = [0]
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(begin)
        connection.settimeout(0.2)
        end = time.monotonic() + seconds

        def run() -> None:
            rest = b""
            while time.monotonic() < end:
                rest = rest or again
                try:
                    count = connection.send(rest)
                except TimeoutError:
                    continue
                except OSError:
                    return
                sent[0], rest = sent[0] + count, rest[count:]

        thread = threading.Thread(target=run)
        thread.start()
        yield sent
        thread.join()


PING = frame(0x89, b"p" * 125) * 2000
FRAGMENT = frame(0x00) * 20_000


@pytest.mark.kernel
@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize(("begin", "again"), [(b"", PING), (frame(0x01), FRAGMENT)])
def test_frames_that_are_no_message_take_neither_memory_nor_time(
    tmp_path: Path, start: Start, port_of: Callable, known: bool, begin: bytes, again: bytes
) -> None:
    pytest.importorskip("websockets")
    server = start(CHAT, "serve", "--port", "0", "--db", ":memory:", "--flood", "0")
    port = port_of(server)
    hello = frame(0x81, json.dumps({**HELLO, "name": "e"}).encode()) if known else b""
    with flood(port, HANDSHAKE + hello, b"", 0.1):
        pass  # what the web door needs is loaded
    before = resident_kib(server)
    with flood(port, HANDSHAKE + hello + begin, again, 2.0) as sent:
        reader = FrameReader()
        with socket.create_connection(("127.0.0.1", port)) as good:
            good.settimeout(20)
            good.sendall(encode({**HELLO, "name": "good"}))
            for _ in range(20):
                good.sendall(encode({"type": "ping"}))
                while (message := reader.next()) is None or message["type"] != "pong":
                    if message is None:
                        reader.feed(good.recv(65536))
                time.sleep(0.05)
    assert sent[0] < 30_000_000  # what the system's queues take
    assert resident_kib(server) - before < 8_000


@pytest.mark.kernel
def test_hellos_without_end_are_read_slowly(tmp_path: Path, start: Start, port_of: Callable) -> None:
    server = start(CHAT, "serve", "--port", "0", "--db", ":memory:", "--flood", "0")
    port = port_of(server)
    with socket.create_connection(("127.0.0.1", port)) as good:
        good.sendall(encode({**HELLO, "name": "good"}))
        good.recv(65536)
        with socket.create_connection(("127.0.0.1", port)) as stranger:
            stranger.settimeout(1.0)
            stranger.sendall(encode({**HELLO, "name": "good"}) * 1000)
            reader, answers, end = FrameReader(1 << 20), 0, time.monotonic() + 1.0
            while time.monotonic() < end:
                try:
                    reader.feed(stranger.recv(65536))
                except TimeoutError:
                    break
                while reader.next() is not None:
                    answers += 1
        assert 0 < answers < 200


WELCOME = {
    "type": "welcome",
    "session": "s",
    "resumed": False,
    "name": "x",
    "rooms": ["lobby"],
    "received": 0,
    "at": 0,
    "heartbeat": 15,
}


@pytest.mark.kernel
@pytest.mark.parametrize(
    "messages",
    [
        [{"type": "bye", "code": "token", "text": "\x1b]0;pwned\x07\x1b[31mred \u202eabc"}],
        [{"type": "error", "code": "name-taken", "text": "\x1b[2Jcleared"}],
        [{"type": "error", "text": "\x1b[2J"}],
        [WELCOME, {"type": "rooms", "rooms": [1]}],
        [WELCOME, {"type": "rooms", "rooms": 7}],
        [WELCOME, {"type": "who", "room": "lobby", "names": 5, "away": 3}],
        [WELCOME, {"type": "history", "room": "lobby", "messages": [None, 3]}],
        [WELCOME, {"type": "entered", "room": "lobby", "messages": [7], "at": 0}],
        [{**WELCOME, "heartbeat": "\x1b[2J"}],
        [{**WELCOME, "rooms": [[1]], "at": 1e300}],
    ],
)
def test_whatever_a_server_sends_no_control_character_and_no_traceback_is_shown(
    start: Start, messages: list[Message]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"".join(map(encode, messages)))
                connection.sendall(encode({"type": "bye", "code": "quit", "text": "goodbye"}))
                connection.settimeout(1)
                try:
                    connection.recv(1000)
                except OSError:
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        client = start(CHAT, "join", f"127.0.0.1:{listener.getsockname()[1]}", "--name", "x")
        out, err = client.communicate("/quit\n", timeout=30)
        thread.join()
    assert "Traceback" not in err
    assert not [c for c in out + err if (c < " " and c != "\n") or c == "\u202e"]


@pytest.mark.kernel
def test_piped_input_with_a_bad_byte_is_said_and_the_talk_ends(
    tmp_path: Path, start: Start, port_of: Callable
) -> None:
    server = start(CHAT, "serve", "--port", "0", "--db", ":memory:", "--no-web")
    environment = {"PATH": "/usr/bin", "PYTHONIOENCODING": "utf-8:strict", "PYTHONUTF8": "0"}
    client = start(CHAT, "join", f"127.0.0.1:{port_of(server)}", "--name", "x", text=False, env=environment)
    out, err = client.communicate(b"caf\xe9 here\nnext\n", timeout=30)
    assert client.returncode == 0, err
    assert b"caf\xef\xbf\xbd here" in out and b"> next" in out


@pytest.mark.kernel
def test_a_terminal_that_cannot_show_a_character_shows_the_rest(
    tmp_path: Path, start: Start, port_of: Callable
) -> None:
    server = start(CHAT, "serve", "--port", "0", "--db", ":memory:", "--no-web")
    environment = {"PATH": "/usr/bin", "PYTHONIOENCODING": "latin-1"}
    client = start(CHAT, "join", f"127.0.0.1:{port_of(server)}", "--name", "x", text=False, env=environment)
    out, err = client.communicate("/join raum\nschön\n".encode("latin-1"), timeout=30)
    assert client.returncode == 0 and "schön".encode("latin-1") in out, err


@pytest.mark.kernel
def test_a_beat_that_fails_is_told_and_the_next_one_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    from netarium.apps.chat.rules import Limits
    from netarium.apps.chat.server import ChatServer
    from netarium.apps.chat.store import Store

    lines: list[str] = []
    store = Store(tmp_path / "a.db")
    ticks: list[int] = []

    async def run() -> None:
        server = ChatServer(store, Limits(heartbeat=0.03), log=lines.append, web=False)
        await server.start("127.0.0.1", 0)
        hub = server.hub

        def tick() -> None:
            ticks.append(1)
            if len(ticks) == 1:
                store._database.set_authorizer(lambda *what: sqlite3.SQLITE_DENY)
                try:
                    store.prune(0, 0)
                finally:
                    store._database.set_authorizer(None)

        hub.tick = tick  # type: ignore[method-assign]
        asyncio.get_running_loop().call_later(0.3, server.stop)
        await server.serve()

    asyncio.run(run())
    assert len(ticks) > 2
    assert [line for line in lines if "old messages cannot be deleted" in line]


def test_a_certificate_made_by_several_at_once_fits_its_key(tmp_path: Path) -> None:
    barrier, errors = threading.Barrier(6), []

    def make() -> None:
        barrier.wait()
        try:
            security.server_context(*security.own_certificate(tmp_path / "state"))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    security.server_context(tmp_path / "state" / "server-cert.pem", tmp_path / "state" / "server-key.pem")


@pytest.mark.kernel
def test_a_client_with_piped_input_gives_up_when_the_server_is_gone_for_good() -> None:
    import asyncio

    from netarium.apps.chat.client import ChatClient, ChatError
    from netarium.apps.chat.conversation import Conversation
    from netarium.apps.chat.rules import Limits
    from netarium.apps.chat.server import ChatServer
    from netarium.apps.chat.store import Store

    async def run() -> None:
        server = ChatServer(Store(":memory:"), Limits(), log=lambda line: None, web=False)
        host, port = await server.start("127.0.0.1", 0)
        serving = asyncio.ensure_future(server.serve())
        conversation = Conversation("x", "lobby")
        client = ChatClient(conversation, host, port, lambda event: None)
        client.patience = 0.5
        talking = asyncio.ensure_future(client.run())
        while not conversation.connected:
            await asyncio.sleep(0.01)
        server.stop()
        await serving
        conversation.say("lobby", "too late")
        with pytest.raises(ChatError, match=r"gone for 0\.5 s; 1 of your messages"):
            await asyncio.wait_for(talking, 20)

    asyncio.run(run())
