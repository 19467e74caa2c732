"""Data in chunks: an end before the end is told with its reason, and a slow line is not taken for a dead one."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.apps.files_site import DATA, Site, chunk, put_header

from netarium.apps import security
from netarium.apps.files import channel as channel_module
from netarium.apps.files.channel import Channel
from netarium.apps.files.folder import Folder
from netarium.apps.files.pace import Pace
from netarium.apps.files.protocol import Broken, PeerError, Refused
from netarium.apps.files.transfer import Options

pytestmark = pytest.mark.kernel


def tls_of(tmp_path: Path) -> tuple[object, security.Pins, str]:
    certificate, key = security.own_certificate(tmp_path / "state")
    pins = security.Pins(tmp_path / "known")
    return security.server_context(certificate, key), pins, security.certificate_fingerprint(certificate)


def until(truth: Callable[[], bool]) -> bool:
    end = time.monotonic() + 20
    while not truth() and time.monotonic() < end:
        time.sleep(0.01)
    return truth()


@pytest.fixture(params=["plain", "tls"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Site, dict[str, object]]]:
    """A site, and how its clients meet it."""
    if request.param == "plain":
        site, meet = Site(tmp_path), {}
    else:
        context, pins, seen = tls_of(tmp_path)
        site, meet = Site(tmp_path, tls=context), {"pins": pins, "fingerprint": seen}
    yield site, meet
    site.close()


@pytest.mark.parametrize("direction", ["put", "get"])
def test_a_source_that_shrinks_is_told_on_both_ends_and_only_its_own_bytes_are_kept(
    place: tuple[Site, dict[str, object]], direction: str
) -> None:
    site, meet = place
    here, there = (site.local, site.root) if direction == "put" else (site.root, site.local)
    (here / "a").write_bytes(DATA)
    shrunk: list[int] = []

    def shrink(count: int) -> None:
        if count and not shrunk:
            shrunk.append(1)
            os.truncate(here / "a", 2_000_000)

    site.server.options.rate = 4_000_000
    client = site.client(options=Options(rate=4_000_000, moved=shrink), **meet)
    with pytest.raises((Refused, PeerError), match="a has become shorter while it was sent"):
        if direction == "put":
            client.put(Folder(site.local), "a", "a")
        else:
            client.get("a", Folder(site.local), "a")
    client.close()
    assert until(lambda: any("has become shorter" in line for line in site.lines))
    partial = there / ".a.netarium-part"
    assert until(lambda: partial.exists() and partial.stat().st_size == 2_000_000)
    assert partial.read_bytes() == DATA[:2_000_000]


def test_a_source_that_cannot_be_read_on_is_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    (site.local / "a").write_bytes(DATA)
    real = os.sendfile

    def sendfile(target: int, source: int, offset: int, count: int) -> int:
        if offset >= 1_000_000:
            raise OSError(5, "Input/output error")
        return real(target, source, offset, min(count, 1_000_000 - offset))

    monkeypatch.setattr(os, "sendfile", sendfile)
    with pytest.raises(Refused, match="a cannot be read: input/output error"):
        site.client().put(Folder(site.local), "a", "a")
    assert until(lambda: any("cannot be read" in line for line in site.lines))
    assert (site.root / ".a.netarium-part").read_bytes() == DATA[:1_000_000]


@pytest.mark.parametrize("change", ["tail", "grown"])
def test_a_source_that_changes_while_it_is_sent_is_said_and_sent_again(site: Site, change: str) -> None:
    (site.local / "a").write_bytes(DATA)
    seen: list[int] = []

    def alter(count: int) -> None:
        if count and not seen:
            seen.append(1)
            with (site.local / "a").open("r+b") as file:
                file.seek(-1 if change == "tail" else 0, os.SEEK_END)
                file.write(b"!")

    client = site.client(options=Options(rate=20_000_000, moved=alter), retries=3)
    client.put(Folder(site.local), "a", "a")
    client.close()
    assert (site.root / "a").read_bytes() == (site.local / "a").read_bytes() != DATA
    assert any("a was changed while it was sent; trying again" in line for line in site.lines)
    assert site.partials() == []


@pytest.mark.parametrize(
    ("length", "words"), [(0, "ended early without"), (11, "11 bytes where 10 are left")]
)
def test_a_chunk_that_cannot_be_is_refused(site: Site, length: int, words: str) -> None:
    channel = site.raw()
    channel.send(put_header(name="a"))
    channel.expect("go")
    channel.send({**put_header(name="a", offset=0), "type": "file"})
    channel.socket.sendall(chunk(b"x" * length)[:4])
    channel.send({"type": "done"})
    with pytest.raises(PeerError, match=words):
        channel.receive()
    channel.close()


@contextlib.contextmanager
def two_ends(tls: bool, tmp_path: Path) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A connection over loopback; with `tls` the handshake is done."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours: socket.socket = socket.create_connection(listener.getsockname())
        theirs: socket.socket = listener.accept()[0]
    if tls:
        context, raw, made = tls_of(tmp_path)[0], theirs, []
        thread = threading.Thread(target=lambda: made.append(context.wrap_socket(raw, server_side=True)))
        thread.start()
        ours = security.client_context().wrap_socket(ours)
        thread.join()
        theirs = made[0]
    try:
        yield ours, theirs
    finally:
        ours.close()
        theirs.close()


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("alive", [False, True])
def test_who_takes_nothing_for_long_but_says_wait_is_not_stalling(
    tmp_path: Path, tls: bool, alive: bool
) -> None:
    size = 40_000_000  # more than the system's queues hold
    with two_ends(tls, tmp_path) as (ours, theirs):
        peer = Channel(theirs, 20.0)

        def take() -> None:
            for _ in range(20):
                time.sleep(0.1)
                if alive:
                    peer.send({"type": "wait"})
            left, view = size, memoryview(bytearray(1 << 20))
            with contextlib.suppress(Broken):
                while left:
                    left -= peer.receive_into(view)

        thread = threading.Thread(target=take)
        thread.start()
        channel = Channel(ours, 1.0)
        if alive:
            channel.send_bytes(memoryview(bytes(size)))
        else:
            with pytest.raises(Broken, match="stalls"):
                channel.send_bytes(memoryview(bytes(size)))
        ours.close()
        thread.join()


def test_a_receiver_that_is_slow_says_so(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel_module, "WAIT_EVERY_SECONDS", 0.05)
    site.server.options.rate = 3_000_000
    (site.local / "a").write_bytes(DATA)
    heard: list[int] = []
    hear = Channel.hear
    monkeypatch.setattr(Channel, "hear", lambda self: heard.append(1) or hear(self))
    client = site.client(options=Options(rate=6_000_000))
    client.put(Folder(site.local), "a", "a")
    client.close()
    assert heard


@pytest.mark.parametrize(
    ("rate", "step"), [(0, 1 << 20), (100, 100), (4000, 4000), (30_000, 4096), (5_000_000, 500_000)]
)
def test_a_limited_transfer_moves_something_every_second(rate: int, step: int) -> None:
    assert Pace(rate).step(1 << 20) == step
