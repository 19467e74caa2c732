"""1 GiB over loopback in one run: `netarium files` beside what else is there.

Programs take turns, so that a busy machine slows all of them alike; the medians are compared. Beside the seconds on the
clock stand the CPU seconds of both ends together: they depend less on what else the machine does. Files lie on
the temporary directory's disk; BENCH_FILES_DIR chooses another place (/dev/shm measures without a disk). Our programs
start from bytecode, as they do where they are installed; `BENCH_FILES_ONLY="sha256,curl"` runs those with such a name.
"""

from __future__ import annotations

import hashlib
import math
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SIZE = int(os.environ.get("BENCH_FILES_BYTES", 1 << 30))
ROUNDS = int(os.environ.get("BENCH_FILES_ROUNDS", 5))
PYTHON = sys.executable
ONLY = [word for word in os.environ.get("BENCH_FILES_ONLY", "").split(",") if word]
QUIET: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}

SENDFILE_SERVER = """
import os, socket, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    connection, _ = listener.accept()
    with open("big", "rb") as file:
        offset, size = 0, os.fstat(file.fileno()).st_size
        while offset < size:
            offset += os.sendfile(connection.fileno(), file.fileno(), offset, 1 << 24)
    connection.close()
"""
SENDFILE_CLIENT = """
import socket, sys
connection, buffer = socket.create_connection(("127.0.0.1", int(sys.argv[1]))), bytearray(1 << 20)
view = memoryview(buffer)
with open(sys.argv[2], "wb", buffering=0) as file:
    while count := connection.recv_into(buffer):
        file.write(view[:count])
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextmanager
def server(command: list[str], folder: Path, port: int) -> Iterator[int]:
    process = subprocess.Popen(command, cwd=folder, **QUIET)
    try:
        # nc and the plain loop would take a trial connection for their client, so the kernel's table is asked.
        for _ in range(500):
            if any(
                f":{port:04X} " in line and " 0A " in line
                for line in Path("/proc/net/tcp").read_text().splitlines()
            ):
                break
            time.sleep(0.01)
        yield process.pid
    finally:
        process.kill()
        process.wait()


def files(digest: str) -> Callable[[Path, Path, int], tuple[list[str], list[str]]]:
    def commands(served: Path, target: Path, port: int) -> tuple[list[str], list[str]]:
        program = [PYTHON, "-m", "netarium.apps.files"]
        serve = [*program, "serve", str(served), "--port", str(port)]
        return serve, [*program, "get", f"127.0.0.1:{port}", "big", str(target), "--digest", digest, "-q"]

    return commands


def curl(served: Path, target: Path, port: int) -> tuple[list[str], list[str]]:
    serve = [PYTHON, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    return serve, ["curl", "-s", "-o", str(target), f"http://127.0.0.1:{port}/big"]


def sendfile(served: Path, target: Path, port: int) -> tuple[list[str], list[str]]:
    return [PYTHON, "-c", SENDFILE_SERVER, str(port)], [PYTHON, "-c", SENDFILE_CLIENT, str(port), str(target)]


def netcat(served: Path, target: Path, port: int) -> tuple[list[str], list[str]]:
    return ["sh", "-c", f"exec nc -lN 127.0.0.1 {port} < big"], [
        "sh",
        "-c",
        f"exec nc -d 127.0.0.1 {port} > '{target}'",
    ]


def rsync(served: Path, target: Path, port: int) -> tuple[list[str], list[str]]:
    config = served / "rsyncd.conf"
    owner = (
        "uid = 0\ngid = 0\n" if os.geteuid() == 0 else ""
    )  # as root it would become nobody, who may not read here
    config.write_text(f"use chroot = no\n{owner}[d]\npath = {served}\nread only = yes\n")
    serve = [
        "rsync",
        "--daemon",
        "--no-detach",
        "--address=127.0.0.1",
        f"--port={port}",
        f"--config={config}",
    ]
    return serve, ["rsync", "-W", f"rsync://127.0.0.1:{port}/d/big", str(target)]


def scp(served: Path, target: Path, port: int) -> tuple[list[str], list[str]]:
    key, host, config = served / "key", served / "host", served / "sshd.conf"
    for path in (key, host):
        if not path.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    config.write_text(
        f"AuthorizedKeysFile {key}.pub\nStrictModes no\nUsePAM no\nSubsystem sftp internal-sftp\n"
    )
    Path("/run/sshd").mkdir(exist_ok=True)
    serve = [
        "/usr/sbin/sshd",
        "-D",
        "-f",
        str(config),
        "-h",
        str(host),
        "-p",
        str(port),
        "-o",
        "ListenAddress=127.0.0.1",
    ]
    options = [
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        "UserKnownHostsFile=/dev/null",
        "-o",
        "IdentitiesOnly=yes",
    ]
    return serve, [
        "scp",
        "-q",
        *options,
        "-i",
        str(key),
        "-P",
        str(port),
        f"127.0.0.1:{served}/big",
        str(target),
    ]


PROGRAMS: dict[str, tuple[Callable, str | None, bool]] = {
    "netarium files, sha256": (files("sha256"), None, False),
    "netarium files, sha256, fetched before": (files("sha256"), None, True),
    "netarium files, no digest": (files("none"), None, False),
    "http.server + curl, nothing verified": (curl, "curl", False),
    "plain sendfile -> recv_into -> file": (sendfile, None, False),
    "nc": (netcat, "nc", False),
    "rsync daemon, whole file": (rsync, "rsync", False),
    "scp": (scp, "/usr/sbin/sshd", False),
}
"""Name -> (commands, the tool it needs, whether the file is fetched once before)."""


def cpu_seconds(pid: int) -> float:
    """Of a process and the children it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def measure(commands: Callable, warm: bool, served: Path, target: Path, expected: str) -> tuple[float, float]:
    """(seconds of the client from start to end, CPU seconds of both ends together)."""
    port = free_port()
    serve, fetch = commands(served, target, port)
    os.sync()  # what the run before left for the disk is not this one's burden
    with server(serve, served, port) as pid:
        if warm:
            subprocess.run(fetch, check=True, **QUIET)
            target.unlink()
        before, served_before = resource.getrusage(resource.RUSAGE_CHILDREN), cpu_seconds(pid)
        begin = time.perf_counter()
        subprocess.run(fetch, check=True, **QUIET)
        seconds = time.perf_counter() - begin
        time.sleep(0.05)  # let the server end its part
        after, used = resource.getrusage(resource.RUSAGE_CHILDREN), cpu_seconds(pid) - served_before
    with target.open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == expected, "the bytes differ"
    target.unlink()
    return seconds, used + after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def with_bytecode(folder: Path) -> None:
    """Have every program started from now on keep and find its bytecode, and ours have it already."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(folder)
    for module in ("server", "client", "command", "intake"):
        subprocess.run([PYTHON, "-c", f"import netarium.apps.files.{module}, http.server"], check=True)


def run() -> list[str]:
    """The rows to print."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FILES_DIR")) as folder:
        served = Path(folder)
        block = os.urandom(1 << 20)
        with (served / "big").open("wb") as file:
            for _ in range(SIZE >> 20):
                file.write(block)
        with (served / "big").open("rb") as file:
            expected = hashlib.file_digest(file, "sha256").hexdigest()
        results: dict[str, list[tuple[float, float]]] = {}
        present = {name: item for name, item in PROGRAMS.items() if item[1] is None or shutil.which(item[1])}
        chosen = {name: item for name, item in present.items() if not ONLY or any(w in name for w in ONLY)}
        with_bytecode(served / "bytecode")
        time.sleep(2.1)  # a file this fresh is hashed at every fetch
        for _ in range(ROUNDS):
            for name, (commands, _tool, warm) in chosen.items():
                pair = measure(commands, warm, served, served / "got", expected)
                results.setdefault(name, []).append(pair)
    rows = [
        f"files: {SIZE >> 20} MiB over loopback, whole client processes, medians of {ROUNDS}, each in turn"
    ]
    rivals = results.get("http.server + curl, nothing verified", [(math.nan, 0.0)])
    base = statistics.median(seconds for seconds, _ in rivals)
    for name, pairs in results.items():
        seconds, cpu = (statistics.median(column) for column in zip(*pairs, strict=True))
        low = min(second for second, _ in pairs)
        speed = f"{seconds:6.2f} s (best {low:5.2f})  {SIZE / seconds / 1e6:6.0f} MB/s"
        rows.append(f"  {name:38} {speed}  CPU {cpu:5.2f} s  x{base / seconds:.2f} of curl")
    rows += [f"  {name}: not installed here" for name in PROGRAMS if name not in present]
    return rows


if __name__ == "__main__":
    print("\n".join(run()))
