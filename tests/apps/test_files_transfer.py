"""The file transfer over the kernel's loopback: server in a thread, client here, at times a peer that misbehaves."""

from __future__ import annotations

import hashlib
import json
import os
import random
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from netarium.apps import security
from netarium.apps.files import digest, transfer
from netarium.apps.files.channel import Channel
from netarium.apps.files.client import FileClient, Server
from netarium.apps.files.folder import Folder
from netarium.apps.files.protocol import PROTOCOL, Broken, PeerError, Refused
from netarium.apps.files.server import FileServer
from netarium.apps.files.transfer import Options
from netarium.apps.framing import LENGTH, Message, encode

pytestmark = pytest.mark.kernel
DATA = random.Random(1).randbytes(3_000_000)


class Site:
    """A server on a directory, and clients of it."""

    def __init__(self, root: Path, **options: object) -> None:
        self.root, self.local = root / "served", root / "local"
        self.root.mkdir()
        self.local.mkdir()
        self.lines: list[str] = []
        arguments = {"writable": True, "stall": 3.0, "log": self.lines.append, **options}
        self.server = FileServer(Folder(self.root), **arguments)  # type: ignore[arg-type]
        self.port = self.server.listen("127.0.0.1", 0)[1]
        self.thread = threading.Thread(target=self.server.serve)
        self.thread.start()

    def client(
        self, algorithm: str = "sha256", options: Options | None = None, **server: object
    ) -> FileClient:
        arguments = {"retries": 0, "stall": 3.0, "say": self.lines.append, **server}
        return FileClient(Server("127.0.0.1", self.port, **arguments), options or Options(), algorithm)  # type: ignore[arg-type]

    def raw(self, hello: bool = True) -> Channel:
        channel = Channel(socket.create_connection(("127.0.0.1", self.port)), 3.0)
        if hello:
            channel.send({"type": "hello", "protocol": PROTOCOL, "version": 1})
            assert channel.receive()["type"] == "welcome"
        return channel

    def partials(self) -> list[str]:
        return [
            path.name
            for path in [*self.root.rglob("*"), *self.local.rglob("*")]
            if "netarium-part" in path.name
        ]

    def close(self) -> None:
        self.server.stop()
        self.thread.join()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.close()


def put_header(**fields: object) -> Message:
    return {
        "type": "put",
        "name": "x",
        "size": 10,
        "mtime_ns": 0,
        "mode": 0o644,
        "algorithm": "sha256",
        **fields,
    }


@pytest.mark.parametrize("algorithm", ["sha256", "md5", "none"])
def test_a_file_goes_out_and_comes_back_with_mode_and_time(site: Site, algorithm: str) -> None:
    (site.local / "a").write_bytes(DATA)
    os.chmod(site.local / "a", 0o751)
    os.utime(site.local / "a", ns=(0, 1_234_567_890_123_456_789))
    client = site.client(algorithm)
    local = Folder(site.local)
    assert client.put(local, "a", "deep/er/b") == "sent"
    assert client.get("deep/er/b", local, "c") == "received"
    client.close()
    for path in (site.root / "deep/er/b", site.local / "c"):
        assert path.read_bytes() == DATA
        assert path.stat().st_mode & 0o777 == 0o751 and path.stat().st_mtime_ns == 1_234_567_890_123_456_789
    assert site.partials() == []


def test_an_empty_file_and_one_byte(site: Site) -> None:
    client, local = site.client(), Folder(site.local)
    for name, data in (("empty", b""), ("one", b"1")):
        (site.local / name).write_bytes(data)
        client.put(local, name, name)
        client.get(name, local, name + "2")
        assert (site.local / (name + "2")).read_bytes() == data
    client.close()


def test_what_is_there_already_is_not_sent_again_but_compared_by_digest(site: Site) -> None:
    client, local = site.client(), Folder(site.local)
    (site.local / "a").write_bytes(DATA)
    assert client.put(local, "a", "a") == "sent"
    assert client.put(local, "a", "a") == "same"
    times = (site.root / "a").stat().st_mtime_ns
    (site.root / "a").write_bytes(DATA[:-1] + b"!")  # same size, same time, other bytes
    os.utime(site.root / "a", ns=(times, times))
    assert client.put(local, "a", "a") == "sent"
    assert (site.root / "a").read_bytes() == DATA
    client.close()
    assert site.partials() == []


@pytest.mark.parametrize("size", [1, 2, 4095, 1_048_576, 2_999_999, 3_000_000])
@pytest.mark.parametrize("direction", ["put", "get"])
def test_a_resume_goes_on_at_any_byte(site: Site, direction: str, size: int) -> None:
    here, there = (site.local, site.root) if direction == "put" else (site.root, site.local)
    (here / "a").write_bytes(DATA)
    (there / ".a.netarium-part").write_bytes(DATA[:size])
    moved: list[int] = []
    client = site.client(options=Options(moved=moved.append))
    if direction == "put":
        assert client.put(Folder(site.local), "a", "a") == "resumed"
    else:
        assert client.get("a", Folder(site.local), "a") == "resumed"
    client.close()
    assert moved[0] == size
    assert (there / "a").read_bytes() == DATA and site.partials() == []


@pytest.mark.parametrize("left", [b"not what it begins with", DATA + b"more", b""])
def test_a_resume_is_verified_and_not_assumed(site: Site, left: bytes) -> None:
    (site.root / "a").write_bytes(DATA)
    (site.local / ".a.netarium-part").write_bytes(left)
    client = site.client()
    assert client.get("a", Folder(site.local), "a") == "received"
    client.close()
    assert (site.local / "a").read_bytes() == DATA and site.partials() == []


@pytest.mark.parametrize("cut", [1, 100_000, 2_999_999])
def test_a_put_cut_in_the_midst_is_kept_and_resumed(site: Site, cut: int) -> None:
    channel = site.raw()
    channel.send(put_header(name="a", size=len(DATA)))
    channel.expect("go")
    channel.send({**put_header(name="a", size=len(DATA), offset=0), "type": "file"})
    channel.socket.sendall(DATA[:cut])
    channel.close()
    partial = site.root / ".a.netarium-part"
    for _ in range(300):
        if any("put" in line or "closed" in line for line in site.lines):
            break
        time.sleep(0.01)
    assert partial.stat().st_size == cut and not (site.root / "a").exists()
    (site.local / "a").write_bytes(DATA)
    client = site.client()
    assert client.put(Folder(site.local), "a", "a") == "resumed"
    client.close()
    assert (site.root / "a").read_bytes() == DATA and site.partials() == []


def test_a_broken_connection_is_made_anew_and_the_transfer_goes_on(site: Site) -> None:
    (site.local / "a").write_bytes(DATA * 5)
    client = site.client(retries=2)
    cuts, told = [1, 1], []

    def moved(count: int) -> None:
        told.append(count)
        if cuts and count > 0:
            cuts.pop()
            client._channel.socket.shutdown(socket.SHUT_RDWR)

    client.report = moved
    client.options.rate = 100_000_000
    assert client.put(Folder(site.local), "a", "a") in ("resumed", "sent")
    client.close()
    assert (site.root / "a").read_bytes() == DATA * 5 and not cuts
    assert sum(told) == len(DATA) * 5  # what a break undid was taken back
    assert sum("trying again" in line for line in site.lines) == 2


def test_a_wrong_digest_is_refused_on_both_ends_and_leaves_nothing(site: Site) -> None:
    channel = site.raw()
    channel.send(put_header(name="a", size=5))
    channel.expect("go")
    channel.send({**put_header(name="a", size=5, offset=0), "type": "file"})
    channel.socket.sendall(b"hello")
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


def test_one_connection_too_many_is_told_and_gets_no_thread(tmp_path: Path) -> None:
    site = Site(tmp_path, connections=1)
    try:
        guest = site.raw()
        before = threading.active_count()
        strangers = [site.raw(hello=False) for _ in range(20)]
        for stranger in strangers:
            with pytest.raises(PeerError, match="busy"):
                stranger.receive()
            stranger.close()
        assert threading.active_count() == before
        guest.send({"type": "list", "name": "", "recursive": False})
        guest.expect("entries")
        guest.close()
    finally:
        site.close()


@pytest.mark.parametrize(
    "error", [OSError(24, "Too many open files"), RuntimeError("can't start new thread")]
)
def test_a_server_out_of_resources_waits_says_so_once_and_goes_on(
    site: Site, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    take, tries, waits = site.server._take, [], []

    def scarce() -> None:
        tries.append(1)
        if 1 < len(tries) <= 9:
            raise error
        take()

    wait = site.server._stopping.wait
    monkeypatch.setattr(site.server, "_take", scarce)
    monkeypatch.setattr(site.server._stopping, "wait", lambda seconds: waits.append(seconds) or wait(0))
    for _ in range(2):  # the first wakes the server, which is in the real method still
        client = site.client()
        assert client.list() == []
        client.close()
    client = site.client()
    assert client.list() == []
    client.close()
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0, 1.0]
    assert sum("cannot take a connection" in line for line in site.lines) == 1


def test_a_thread_that_cannot_start_gives_its_place_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(tmp_path, connections=1)
    try:
        start, failed = threading.Thread.start, []

        def fail_once(thread: threading.Thread) -> None:
            if not failed:
                failed.append(thread)
                raise RuntimeError("can't start new thread")
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", fail_once)
        with pytest.raises(Broken):
            site.client().list()
        client = site.client()
        assert client.list() == []
        client.close()
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
        channel.socket.sendall(b"x" * 40)
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


def test_a_full_disk_is_told_and_what_came_is_kept(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    (site.local / "a").write_bytes(DATA)
    write, written = os.write, [0]

    def full(handle: int, view: memoryview) -> int:
        if written[0] >= 1_000_000:
            raise OSError(28, "No space left on device")
        count = write(handle, view[: 1_000_000 - written[0]])
        written[0] += count
        return count

    monkeypatch.setattr(transfer.os, "write", full)
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
        connection.sendall(encode({"type": "welcome", "protocol": PROTOCOL, "version": 1}))
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


def test_a_server_hashes_a_settled_file_once_and_anew_when_it_changed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: list[bool] = []
    cache, path, put = site.server.options.cache, site.root / "a", digest.DigestCache.put

    def watch(self: digest.DigestCache, key: tuple, handle: int, found: str) -> None:
        known.append(self.get(key) == found)
        put(self, key, handle, found)

    monkeypatch.setattr(digest.DigestCache, "put", watch)
    client, local = site.client(), Folder(site.local)

    def fetch(name: str) -> bytes:
        client.get("a", local, name)
        client.list()  # answered when the request before is done with
        return (site.local / name).read_bytes()

    try:
        path.write_bytes(DATA)
        assert fetch("b") == DATA and fetch("c") == DATA
        assert known == [False, False]  # too fresh: a change within the same tick would not be seen
        os.utime(path, ns=(0, 0))
        clock = time.time
        monkeypatch.setattr(digest.time, "time", lambda: clock() + 10)
        assert fetch("d") == DATA and fetch("e") == DATA
        assert known == [False, False, False, True]
        path.write_bytes(DATA[::-1])
        assert fetch("f") == DATA[::-1]
        assert known[-1] is False and cache is not None
    finally:
        client.close()


def test_a_remembered_digest_that_does_not_fit_is_forgotten(site: Site) -> None:
    (site.root / "a").write_bytes(DATA)
    handle = os.open(site.root / "a", os.O_RDONLY)
    cache = site.server.options.cache
    key = cache.key(handle, "sha256")
    os.close(handle)
    cache._digests[key] = "0" * 64
    with pytest.raises(Refused, match="digest does not fit"):
        site.client().get("a", Folder(site.local), "a")
    for _ in range(300):
        if not cache.get(key):
            break
        time.sleep(0.01)
    client = site.client()
    assert client.get("a", Folder(site.local), "a") == "received"
    client.close()


def test_a_rate_is_kept(site: Site) -> None:
    (site.local / "a").write_bytes(DATA)
    client = site.client(options=Options(rate=6_000_000))
    start = time.monotonic()
    client.put(Folder(site.local), "a", "a")
    client.close()
    assert time.monotonic() - start > 0.4  # half a second less one step


def test_over_tls_with_a_pinned_certificate(tmp_path: Path) -> None:
    certificate, key = security.own_certificate(tmp_path / "state")
    assert security.own_certificate(tmp_path / "state") == (certificate, key)
    assert key.stat().st_mode & 0o777 == 0o600
    site = Site(tmp_path, tls=security.server_context(certificate, key))
    pins = security.Pins(tmp_path / "known")
    seen = security.certificate_fingerprint(certificate)
    try:
        (site.local / "a").write_bytes(DATA)
        with pytest.raises(security.PinError, match=f"not known yet.*{seen}"):
            site.client(pins=pins).list()
        client, local = site.client(pins=pins, fingerprint=seen), Folder(site.local)
        assert client.put(local, "a", "a") == "sent" and client.get("a", local, "b") == "received"
        assert (site.local / "b").read_bytes() == DATA
        client.close()
        again = site.client(pins=pins)  # pinned now
        assert len(again.list()) == 1
        again.close()
        pins.pin(f"127.0.0.1:{site.port}", "SHA256:" + "0" * 64)
        with pytest.raises(security.PinError, match="ANOTHER CERTIFICATE"):
            site.client(pins=pins).list()
        with pytest.raises((PeerError, Broken)):  # a client without TLS
            site.client().list()
    finally:
        site.close()


def test_tls_to_a_server_without_it_is_said(site: Site, tmp_path: Path) -> None:
    with pytest.raises(PeerError, match="does not speak TLS"):
        site.client(pins=security.Pins(tmp_path / "known")).list()


def fuzz_streams(site: Site, count: int) -> None:
    """So many bad streams, each on a connection of its own; then the server must serve."""
    chance = random.Random(9)
    hello = encode({"type": "hello", "protocol": PROTOCOL, "version": 1})
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
