"""The file server under strain: places, threads and descriptors that run out, and the digests it remembers."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from tests.apps.files_site import DATA, Site

from netarium.apps.files import digest
from netarium.apps.files.folder import Folder
from netarium.apps.files.protocol import Broken, PeerError, Refused

pytestmark = pytest.mark.kernel


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
