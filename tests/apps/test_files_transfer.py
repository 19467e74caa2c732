"""The file transfer over the kernel's loopback: files go out and come back, broken off and resumed."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest
from tests.apps.files_site import DATA, Site, chunk, put_header

from netarium.apps import security
from netarium.apps.files.folder import Folder
from netarium.apps.files.protocol import PeerError
from netarium.apps.files.transfer import Options

pytestmark = pytest.mark.kernel


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
    channel.socket.sendall(chunk(DATA)[: 4 + cut])
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
        with pytest.raises(PeerError, match=r"wants TLS \(--tls\)"):  # a client without TLS
            site.client().list()
    finally:
        site.close()
