"""Real processes of the apps on the kernel's loopback, ended with the test that started them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.apps.files_site import Site


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts `python -m netarium.apps.PROGRAM ARGS`, with a state folder of the test's own."""
    processes: list[subprocess.Popen[str]] = []
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state"), "PYTHONUNBUFFERED": "1"}
    environment.pop("NETARIUM_TOKEN", None)

    def run(*arguments: object, **options: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", *map(str, arguments)]
        pipe = subprocess.PIPE
        settings = {
            "stdin": pipe,
            "stdout": pipe,
            "stderr": pipe,
            "text": True,
            "env": environment,
            **options,
        }
        process = subprocess.Popen(command, cwd=tmp_path, **settings)
        processes.append(process)
        return process

    yield run
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError, ValueError):
                    stream.close()


def listening_port(server: subprocess.Popen[str]) -> int:
    """The port in a server's first line, `...: listening on HOST:PORT...`."""
    line = server.stdout.readline()
    assert "listening on" in line, line + server.stderr.read()
    return int(line.split("listening on ")[1].split(";")[0].split()[0].rpartition(":")[2])


@pytest.fixture(name="port_of")
def port_of_fixture() -> Callable[[subprocess.Popen[str]], int]:
    return listening_port


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.close()
