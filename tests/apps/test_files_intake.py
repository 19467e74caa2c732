"""From the socket to the disk and under the hash: every way the bytes can take gives the same file and digest."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netarium.apps.files import digest
from netarium.apps.files.channel import Channel
from netarium.apps.files.digest import FileHasher
from netarium.apps.files.intake import BATCH_BYTES, Intake
from netarium.apps.files.protocol import Broken, NoDigest

DATA = random.Random(5).randbytes(3 * BATCH_BYTES + 12_345)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
    with ours, theirs:
        yield ours, theirs


@pytest.fixture(params=["splice", "none here", "not to this file", "not from this socket"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    splice = os.splice

    def refuse(source: int, target: int, count: int) -> int:
        to_file = stat.S_ISREG(os.fstat(target).st_mode)
        if to_file == (request.param == "not to this file"):
            raise OSError(errno.EINVAL, "Invalid argument")
        return splice(source, target, count)

    if request.param == "none here":
        monkeypatch.delattr(os, "splice")
    elif request.param != "splice":
        monkeypatch.setattr(os, "splice", refuse)
    return str(request.param)


def take_all(intake: Intake, size: int) -> None:
    got = 0
    while got < size:
        got += intake.take(size - got)


def open_file(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT)


@pytest.mark.kernel
@pytest.mark.parametrize("size", [1, BATCH_BYTES, BATCH_BYTES + 1, len(DATA)])
def test_every_way_writes_the_same_bytes_and_leaves_what_follows(
    ends: tuple[socket.socket, socket.socket], tmp_path: Path, way: str, size: int
) -> None:
    ours, theirs = ends
    channel, handle = Channel(ours, 5.0), open_file(tmp_path / "a")
    sender = threading.Thread(target=theirs.sendall, args=(DATA[:size] + b"next",))
    sender.start()
    with Intake(channel, handle, size) as intake:
        take_all(intake, size)
    sender.join()
    os.close(handle)
    assert (tmp_path / "a").read_bytes() == DATA[:size]
    assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT) == 1
    assert ours.recv(100) == b"next"


@pytest.mark.kernel
def test_bytes_that_trickle_are_taken_as_they_come(
    ends: tuple[socket.socket, socket.socket], tmp_path: Path
) -> None:
    ours, theirs = ends
    channel, handle = Channel(ours, 5.0), open_file(tmp_path / "a")
    with Intake(channel, handle, len(DATA)) as intake:
        for number in range(5):
            theirs.sendall(DATA[number : number + 1])
            assert intake.take(len(DATA)) == 1
    os.close(handle)
    assert (tmp_path / "a").read_bytes() == DATA[:5]


@pytest.mark.kernel
def test_a_peer_that_closes_or_stalls_in_the_midst_is_told_from_each_other(
    ends: tuple[socket.socket, socket.socket], tmp_path: Path, way: str
) -> None:
    ours, theirs = ends
    channel, handle = Channel(ours, 0.2), open_file(tmp_path / "a")
    with Intake(channel, handle, len(DATA)) as intake, pytest.raises(Broken, match="stalls"):
        intake.take(len(DATA))
    theirs.close()
    with Intake(channel, handle, len(DATA)) as intake, pytest.raises(Broken, match="closed the connection"):
        intake.take(len(DATA))
    os.close(handle)


@pytest.mark.kernel
def test_no_descriptor_is_left_over(
    ends: tuple[socket.socket, socket.socket], tmp_path: Path, way: str
) -> None:
    ours, theirs = ends
    handle, before = open_file(tmp_path / "a"), len(os.listdir("/proc/self/fd"))
    theirs.sendall(DATA[:1000])
    with Intake(Channel(ours, 5.0), handle, len(DATA)) as intake:
        intake.take(1000)
    assert len(os.listdir("/proc/self/fd")) == before
    os.close(handle)


def waits_until(truth: Callable[[], bool]) -> bool:
    end = time.monotonic() + 20
    while not truth() and time.monotonic() < end:
        time.sleep(0.005)
    return truth()


@settings(deadline=None, max_examples=60)
@given(
    start=st.integers(0, 70),
    pieces=st.lists(st.integers(1, 90), max_size=30),
    block=st.integers(1, 100),
    lag=st.integers(100, 300),
)
def test_a_hash_that_follows_the_file_is_that_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, start: int, pieces: list[int], block: int, lag: int
) -> None:
    data = random.Random(7).randbytes(start + sum(pieces))
    path = tmp_path_factory.getbasetemp() / "followed"
    handle, found = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC), hashlib.sha256(data[:start])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digest, "BLOCK_BYTES", block)
        patch.setattr(digest, "LAG_BYTES_MAX", lag)
        os.write(handle, data[:start])
        with FileHasher(found, handle, start, start) as hasher:
            for piece in pieces:
                os.write(handle, data[start : start + piece])
                start += piece
                hasher.reach(start)
                assert hasher._thread is None or start - hasher._hashed <= lag + block
            assert hasher.finish() == hashlib.sha256(data).hexdigest()
    os.close(handle)


def test_a_small_file_and_one_without_digest_need_no_thread(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 4_000_000)
    handle, threads = os.open(tmp_path / "a", os.O_RDONLY), threading.active_count()
    with (
        FileHasher(NoDigest(), handle, 0, 4_000_000) as none,
        FileHasher(hashlib.md5(), handle, 0, 9) as small,
    ):
        none.reach(4_000_000)
        assert threading.active_count() == threads
        assert none.finish() == "" and small.finish() == hashlib.md5(b"x" * 9).hexdigest()
    os.close(handle)


def test_a_file_that_shrinks_under_the_hash_holds_nobody(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 2_000_000)
    handle = os.open(tmp_path / "a", os.O_RDONLY)
    with FileHasher(hashlib.sha256(), handle, 0, 400_000_000) as hasher:
        assert waits_until(lambda: not hasher._thread.is_alive())
        hasher.reach(500_000_000)
        assert hasher.finish() == hashlib.sha256(b"x" * 2_000_000).hexdigest()
    os.close(handle)


def test_a_transfer_that_fails_stops_the_hash(tmp_path: Path) -> None:
    with (tmp_path / "a").open("wb") as file:
        file.truncate(1 << 40)
    handle = os.open(tmp_path / "a", os.O_RDONLY)
    with pytest.raises(Broken), FileHasher(hashlib.sha256(), handle, 0, 1 << 40) as hasher:
        raise Broken("it broke")
    assert not hasher._thread.is_alive()
    os.close(handle)
