"""What the file transfer refuses, over the kernel's loopback: peers that misbehave, names that lead out, full disks."""

from __future__ import annotations

import hashlib
import json
import os
import random
import socket
import stat
import threading
from pathlib import Path

import pytest
from tests.apps.files_site import DATA, Site, chunk, put_header

from netarium.apps import security
from netarium.apps.files.folder import Folder
from netarium.apps.files.protocol import PROTOCOL, VERSION, Broken, PeerError, Refused
from netarium.apps.framing import LENGTH, Message, encode

pytestmark = pytest.mark.kernel


def test_a_wrong_digest_is_refused_on_both_ends_and_leaves_nothing(site: Site) -> None:
    channel = site.raw()
    channel.send(put_header(name="a", size=5))
    channel.expect("go")
    channel.send({**put_header(name="a", size=5, offset=0), "type": "file"})
    channel.socket.sendall(chunk(b"hello"))
    channel.send({"type": "digest", "digest": hashlib.sha256(b"other").hexdigest()})
    with pytest.raises(PeerError, match="digest does not fit"):
        channel.receive()
    channel.close()
    assert list(site.root.iterdir()) == []
    assert any("digest does not fit" in line for line in site.lines)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (put_header(name="../a"), "'..'"),
        (put_header(name="/tmp/a"), "absolute"),
        (put_header(name="a\0"), "NUL"),
        (put_header(name="a" * 5000), "4096"),
        (put_header(size=-1), "from 0"),
        (put_header(size=1 << 62), "no room"),
        (put_header(size=True), "whole number"),
        ({"type": "get", "name": "../a"}, "'..'"),
        ({"type": "get", "name": "no"}, "no such file"),
        ({"type": "get", "name": "a", "algorithm": "rot13"}, "algorithm"),
        ({"type": "mkdir", "name": "../a"}, "'..'"),
        ({"type": "list", "name": ".."}, "'..'"),
        ({"type": "delete"}, "no request"),
        ({"type": ["get"]}, "no request"),
        ({}, "no request"),
    ],
)
def test_what_is_refused_is_told_and_nothing_is_written(site: Site, message: Message, words: str) -> None:
    channel = site.raw()
    channel.send(message)
    with pytest.raises(PeerError, match=words):
        channel.receive()
    channel.close()
    assert list(site.root.iterdir()) == []
    assert any("refused" in line for line in site.lines)


def test_a_header_over_64_kib_is_refused_before_it_is_read(site: Site) -> None:
    channel = site.raw()
    channel.socket.sendall(LENGTH.pack(65537))
    with pytest.raises(PeerError, match="65537 bytes; at most 65536"):
        channel.receive()
    channel.close()


def test_another_protocol_is_named_on_both_ends(site: Site) -> None:
    with socket.create_connection(("127.0.0.1", site.port)) as web:
        web.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        web.settimeout(3)
        assert b"it looks like HTTP" in web.recv(4096)
    assert any("looks like HTTP" in line for line in site.lines)
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        connection, _ = listener.accept()
        connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
        connection.recv(1000)
        connection.close()

    thread = threading.Thread(target=answer)
    thread.start()
    client = site.client()
    client.server.port = listener.getsockname()[1]
    with pytest.raises(PeerError, match=r"is no file server.*SSH"):
        client.list()
    thread.join()
    listener.close()


def test_without_the_token_nothing_is_served_and_it_is_never_logged(tmp_path: Path) -> None:
    site = Site(tmp_path, token="opensesame")
    try:
        for token in ("", "Opensesame", "opensesame "):
            with pytest.raises(PeerError, match="token"):
                site.client(token=token).list()
        client = site.client(token="opensesame")
        assert client.list() == []
        client.close()
        assert not any("opensesame" in line.lower() for line in site.lines)
    finally:
        site.close()


def test_who_has_not_shown_the_token_gains_no_time_by_wait(tmp_path: Path) -> None:
    site = Site(tmp_path, token="opensesame", connections=1)
    try:
        stranger = site.raw(hello=False)
        stranger.send({"type": "wait"})
        with pytest.raises(PeerError, match="hello was expected, not 'wait'"):
            stranger.receive()
        stranger.close()
    finally:
        site.close()


def test_a_server_without_write_takes_nothing(tmp_path: Path) -> None:
    site = Site(tmp_path, writable=False)
    try:
        (site.local / "a").write_bytes(b"x")
        with pytest.raises(PeerError, match="read-only"):
            site.client().put(Folder(site.local), "a", "a")
        with pytest.raises(PeerError, match="read-only"):
            site.client().make_directory("d")
        assert list(site.root.iterdir()) == []
    finally:
        site.close()


def test_a_peer_that_stalls_is_let_go_and_its_bytes_are_kept(tmp_path: Path) -> None:
    site = Site(tmp_path, stall=0.3)
    try:
        channel = site.raw()
        channel.send(put_header(name="a", size=100))
        channel.expect("go")
        channel.send({**put_header(name="a", size=100, offset=0), "type": "file"})
        channel.socket.sendall(chunk(b"x" * 100)[:44])
        assert channel.socket.recv(10) == b""
        channel.close()
        assert (site.root / ".a.netarium-part").read_bytes() == b"x" * 40
        assert any("stalls" in line for line in site.lines)
    finally:
        site.close()


def test_a_client_is_not_kept_waiting_by_a_silent_server(site: Site) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    client = site.client(stall=0.2)
    client.server.port = listener.getsockname()[1]
    with pytest.raises(Broken, match="stalls"):
        client.list()
    listener.close()


@pytest.mark.parametrize("way", ["splice", "write"])
def test_a_full_disk_is_told_and_what_came_is_kept(
    site: Site, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    (site.local / "a").write_bytes(DATA)
    write, splice, written = os.write, os.splice, [0]

    def room() -> int:
        if written[0] >= 1_000_000:
            raise OSError(28, "No space left on device")
        return 1_000_000 - written[0]

    def full_write(handle: int, view: memoryview) -> int:
        count = write(handle, view[: room()])
        written[0] += count
        return count

    def full_splice(source: int, target: int, count: int) -> int:
        if not stat.S_ISREG(os.fstat(target).st_mode):
            return splice(source, target, count)
        count = splice(source, target, min(count, room()))
        written[0] += count
        return count

    monkeypatch.setattr(os, "write", full_write)
    if way == "splice":
        monkeypatch.setattr(os, "splice", full_splice)
    else:
        monkeypatch.delattr(os, "splice")
    with pytest.raises(PeerError, match="the disk is full; what came is kept"):
        site.client().put(Folder(site.local), "a", "a")
    monkeypatch.undo()
    assert (site.root / ".a.netarium-part").stat().st_size == 1_000_000
    client = site.client()
    assert client.put(Folder(site.local), "a", "a") == "resumed"
    client.close()
    assert (site.root / "a").read_bytes() == DATA and site.partials() == []


def test_a_server_cannot_make_a_client_write_elsewhere(site: Site) -> None:
    client = site.client()
    with pytest.raises(Refused):
        client.get("a", Folder(site.local), "../a")
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        connection, _ = listener.accept()
        connection.recv(1000)
        connection.sendall(encode({"type": "welcome", "protocol": PROTOCOL, "version": VERSION}))
        connection.recv(1000)
        bad = {"name": "../../evil", "kind": "file", "size": 1, "mtime_ns": 0, "mode": 0}
        connection.sendall(encode({"type": "entries", "entries": [bad]}))
        connection.recv(1000)
        connection.close()

    thread = threading.Thread(target=answer)
    thread.start()
    client.server.port = listener.getsockname()[1]
    with pytest.raises(Refused, match=r"'\.\.'"):
        client.list()
    thread.join()
    listener.close()


def test_two_puts_of_one_name_do_not_mix(site: Site) -> None:
    channel = site.raw()
    channel.send(put_header(name="a"))
    channel.expect("go")
    (site.local / "a").write_bytes(b"x" * 10)
    with pytest.raises(PeerError, match="another transfer of a is under way"):
        site.client().put(Folder(site.local), "a", "a")
    channel.close()


def test_tls_to_a_server_without_it_is_said(site: Site, tmp_path: Path) -> None:
    with pytest.raises(PeerError, match="does not speak TLS"):
        site.client(pins=security.Pins(tmp_path / "known")).list()


def fuzz_streams(site: Site, count: int) -> None:
    """So many bad streams, each on a connection of its own; then the server must serve."""
    chance = random.Random(9)
    hello = encode({"type": "hello", "protocol": PROTOCOL, "version": VERSION})
    values = [None, True, -1, 0, 7, 1 << 70, 1e308, "", "a", "../a", "\ud800", "x" * 70000, [], {}, [[1]]]
    for _turn in range(count):
        parts = []
        for _ in range(chance.randrange(1, 4)):
            message = put_header()
            message["type"] = chance.choice(
                ["put", "get", "list", "mkdir", "file", "skip", "digest", "done", "hello", None]
            )
            for name in chance.sample(list(message), chance.randrange(3)):
                message[name] = chance.choice(values)
            body = bytearray(json.dumps(message).encode())
            if chance.random() < 0.3:
                body[chance.randrange(len(body))] = chance.randrange(256)
            parts.append(LENGTH.pack(len(body) + chance.choice((0, 0, 0, 5, 1 << 20))) + body)
        stream = (hello if chance.random() < 0.9 else chance.randbytes(30)) + b"".join(parts)
        connection = socket.create_connection(("127.0.0.1", site.port))
        try:
            connection.sendall(stream)
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(10)
            while connection.recv(65536):
                pass
        except ConnectionError:
            pass
        finally:
            connection.close()
    (site.local / "good").write_bytes(DATA)
    client = site.client()
    client.put(Folder(site.local), "good", "good")
    client.close()
    assert (site.root / "good").read_bytes() == DATA
    assert not [path for path in site.root.parent.iterdir() if path.name not in ("served", "local")]


def test_fuzzed_streams_and_the_server_still_serves(site: Site) -> None:
    fuzz_streams(site, 250)


@pytest.mark.soak
def test_ten_thousand_fuzzed_streams_and_the_server_still_serves(site: Site) -> None:
    fuzz_streams(site, 10_000)
