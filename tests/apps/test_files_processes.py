"""The file transfer as real processes: kill -9 at any moment and resume, a huge file, the command line."""

from __future__ import annotations

import hashlib
import random
import re
import resource
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.kernel
Start = Callable[..., subprocess.Popen[str]]
FILES = "netarium.apps.files"


def finish(process: subprocess.Popen[str], timeout: float = 60) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=timeout)
    return process.returncode, out, err


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def kill_and_resume(tmp_path: Path, start: Start, port_of: Callable, seed: int) -> str:
    """One transfer of 32 MB, one end killed at a random moment, then the same command again; what it said."""
    chance = random.Random(seed)
    base = tmp_path / str(seed)
    served, local = base / "served", base / "local"
    served.mkdir(parents=True)
    local.mkdir()
    command = chance.choice(("put", "get"))
    source = (local if command == "put" else served) / "data"
    source.write_bytes(chance.randbytes(1 << 16) * 500 + chance.randbytes(chance.randrange(1 << 16)))

    def serve() -> tuple[subprocess.Popen[str], int]:
        process = start(FILES, "serve", served, "--port", "0", "--write")
        return process, port_of(process)

    def transfer(port: int, limit: str, retries: int = 0) -> subprocess.Popen[str]:
        what = (source,) if command == "put" else ("data", local)
        return start(FILES, command, f"127.0.0.1:{port}", *what, "--limit", limit, "--retries", retries)

    server, port = serve()
    client = transfer(port, "60MB/s")  # half a second
    time.sleep(chance.uniform(0.05, 0.8))
    victim = chance.choice((server, client))
    victim.kill()
    finish(client)
    if victim is server:
        finish(server)
        server, port = serve()
    # The server may still be about to notice that its client is dead; that is waited for.
    code, _, said = finish(transfer(port, "1GB/s", 3))
    assert code == 0, said
    target = (served if command == "put" else local) / "data"
    assert sha256(target) == sha256(source)
    assert sorted(path.name for path in base.rglob("*")) == ["data", "data", "local", "served"]
    server.kill()
    finish(server)
    return said


@pytest.mark.parametrize("seed", range(3))
def test_after_kill_9_of_either_end_a_resume_makes_the_bytes_equal(
    tmp_path: Path, start: Start, port_of: Callable, seed: int
) -> None:
    kill_and_resume(tmp_path, start, port_of, seed)


@pytest.mark.soak
def test_after_fifty_kills_at_random_moments_every_resume_makes_the_bytes_equal(
    tmp_path: Path, start: Start, port_of: Callable
) -> None:
    said = [kill_and_resume(tmp_path, start, port_of, 1000 + seed) for seed in range(50)]
    resumed = sum("resumed" in line for line in said)
    print(f"{resumed} of 50 resumed, the others were done or had not begun")
    assert resumed >= 15


def peak_memory_kib(process: subprocess.Popen[str]) -> int:
    text = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", text).group(1))


def constant_memory(tmp_path: Path, start: Start, port_of: Callable, size: int) -> tuple[int, int]:
    """Put a sparse file of `size` bytes; the peak memory of server and client in KiB."""
    served = tmp_path / "served"
    served.mkdir()
    source = tmp_path / "sparse"
    with source.open("wb") as file:
        file.truncate(size)
        file.seek(size // 2)
        file.write(b"in the middle")
    server = start(FILES, "serve", served, "--port", "0", "--write")
    client = start(FILES, "put", f"127.0.0.1:{port_of(server)}", source)
    peak = 0
    while client.poll() is None:
        try:
            peak = max(peak, peak_memory_kib(client))
        except (AttributeError, OSError):
            break
        time.sleep(0.02)
    code, _, said = finish(client, 600)
    assert code == 0, said
    assert (served / "sparse").stat().st_size == size
    with (served / "sparse").open("rb") as file:
        file.seek(size // 2)
        assert file.read(14) == b"in the middle\0"
    return peak_memory_kib(server), peak


def test_a_file_of_200_mb_takes_no_more_memory_than_a_small_one(
    tmp_path: Path, start: Start, port_of: Callable
) -> None:
    for peak in constant_memory(tmp_path, start, port_of, 200_000_000):
        assert peak < 80_000, f"{peak} KiB"


@pytest.mark.soak
def test_a_sparse_file_of_5_gb_goes_through_in_constant_memory(
    tmp_path: Path, start: Start, port_of: Callable
) -> None:
    server, client = constant_memory(tmp_path, start, port_of, 5_000_000_000)
    print(f"peak memory: server {server} KiB, client {client} KiB")
    assert server < 80_000 and client < 80_000
    (tmp_path / "served" / "sparse").unlink()


def test_directories_go_out_and_come_back(tmp_path: Path, start: Start, port_of: Callable) -> None:
    tree = tmp_path / "tree"
    (tree / "empty").mkdir(parents=True)
    (tree / "a b" / "ü").mkdir(parents=True)
    (tree / "a b" / "ü" / "file\nname").write_text("odd")
    (tree / "plain").write_bytes(b"x" * 100_000)
    (tree / "link").symlink_to("/etc/passwd")
    served, back = tmp_path / "served", tmp_path / "back"
    served.mkdir()
    back.mkdir()
    server = start(FILES, "serve", served, "--port", "0", "--write")
    where = f"127.0.0.1:{port_of(server)}"
    code, _, said = finish(start(FILES, "put", where, tree, "--into", "deep/er"))
    assert code == 0 and "2 sent" in said and "link is no regular file" in said
    code, listing, _ = finish(start(FILES, "ls", where, "-r"))
    assert code == 0 and "deep/er/tree/a b/ü/file␊name" in listing and "-rw" in listing
    code, _, said = finish(start(FILES, "get", where, "deep/er/tree", f"{back}/copy"))
    assert code == 0, said
    names = sorted(str(path.relative_to(back / "copy")) for path in (back / "copy").rglob("*"))
    assert names == ["a b", "a b/ü", "a b/ü/file\nname", "empty", "plain"]
    assert (back / "copy" / "plain").read_bytes() == b"x" * 100_000
    code, _, said = finish(start(FILES, "get", where, "deep/er/tree", f"{back}/copy"))
    assert code == 0 and "2 same" in said


def test_more_paths_than_descriptors_are_put(tmp_path: Path, start: Start, port_of: Callable) -> None:
    (tmp_path / "served").mkdir()
    paths = []
    for number in range(80):
        paths.append(tmp_path / "many" / str(number) / f"file{number}")
        paths[-1].parent.mkdir(parents=True)
        paths[-1].write_text(str(number))
    server = start(FILES, "serve", tmp_path / "served", "--port", "0", "--write")
    where = f"127.0.0.1:{port_of(server)}"

    def few_descriptors() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))

    code, _, said = finish(start(FILES, "put", where, *paths, preexec_fn=few_descriptors))
    assert code == 0 and "80 sent" in said, said
    assert len(list((tmp_path / "served").iterdir())) == 80


def test_tls_with_a_certificate_made_at_first_start_and_pinned(
    tmp_path: Path, start: Start, port_of: Callable
) -> None:
    (tmp_path / "served").mkdir()
    (tmp_path / "token").write_text("opensesame\n")
    common = ("--tls", "--token-file", tmp_path / "token")
    server = start(FILES, "serve", tmp_path / "served", "--port", "0", *common)
    where = f"127.0.0.1:{port_of(server)}"
    fingerprint = server.stdout.readline().split()[-1]
    code, _, said = finish(start(FILES, "ls", where, *common))
    assert code == 1 and fingerprint in said and "not known yet" in said
    code, _, said = finish(start(FILES, "ls", where, *common, "--fingerprint", fingerprint))
    assert code == 0, said
    code, _, said = finish(start(FILES, "ls", where, *common))
    assert code == 0, said
    code, _, said = finish(start(FILES, "ls", where, "--tls"))
    assert code == 1 and "wants a token" in said


def test_bad_usage_is_exit_code_2(start: Start) -> None:
    assert finish(start(FILES, "serve"))[0] == 2
    assert finish(start(FILES, "get", "x", "y", "--limit", "fast"))[0] == 2
    assert finish(start(FILES, "serve", "/does/not/exist"))[0] == 1
