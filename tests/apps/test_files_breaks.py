"""Lines that die without a word: a client that comes back is not refused by its own past, and waits for another's."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from tests.apps.files_site import DATA, Site, chunk, put_header

from netarium.apps.files.channel import Channel
from netarium.apps.files.folder import Folder
from netarium.apps.files.protocol import PeerError

pytestmark = pytest.mark.kernel


def half_a_put(site: Site, client: str = "") -> Channel:
    """A put whose line is dead after half of it: the server hears nothing more."""
    channel = site.raw(client=client)
    channel.send(put_header(name="a", size=len(DATA)))
    channel.expect("go")
    channel.send({**put_header(name="a", size=len(DATA), offset=0), "type": "file"})
    channel.socket.sendall(chunk(DATA)[: 4 + 1_500_000])
    partial = site.root / ".a.netarium-part"
    while not partial.exists() or partial.stat().st_size < 1_500_000:
        time.sleep(0.01)
    return channel


def test_who_comes_back_ends_what_is_left_of_his_own_transfer_and_resumes(tmp_path: Path) -> None:
    site = Site(tmp_path, stall=600.0)
    try:
        (site.local / "a").write_bytes(DATA)
        client = site.client()
        dead = half_a_put(site, client._name)
        assert client.put(Folder(site.local), "a", "a") == "resumed"
        client.close()
        dead.close()
        assert (site.root / "a").read_bytes() == DATA and site.partials() == []
    finally:
        site.close()


def test_anothers_transfer_is_not_ended_but_waited_for(site: Site) -> None:
    (site.local / "a").write_bytes(DATA)
    dead = half_a_put(site, "somebody else")
    timer = threading.Timer(1.0, dead.close)
    timer.start()
    client = site.client(retries=1)
    assert client.put(Folder(site.local), "a", "a") == "resumed"
    client.close()
    timer.join()
    assert any("another transfer of a is under way; waiting" in line for line in site.lines)
    assert (site.root / "a").read_bytes() == DATA


def test_without_retries_busy_is_an_answer(site: Site) -> None:
    (site.local / "a").write_bytes(DATA)
    dead = half_a_put(site, "somebody else")
    with pytest.raises(PeerError, match="another transfer of a is under way") as refused:
        site.client().put(Folder(site.local), "a", "a")
    dead.close()
    assert refused.value.code == "busy"
