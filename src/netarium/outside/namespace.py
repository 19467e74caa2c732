"""A fresh Linux network namespace (network_namespaces(7)): lo, and what is put into it. It ends with `close`."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from netarium.errors import UsageError

CLONE_NEWNET = 0x40000000
OWN = Path("/proc/self/ns/net")


def why_not() -> str:
    """What this machine lacks for namespaces and TAP devices, in words; empty when it lacks nothing."""
    if os.geteuid() != 0:
        return "needs root: a network namespace and a TAP device are made"
    if not Path("/dev/net/tun").exists():
        return "needs /dev/net/tun"
    tried = subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False)
    if tried.returncode:
        return f"needs to make network namespaces: {tried.stderr.decode().strip()}"
    return ""


class Namespace:
    """A network namespace held by a sleeping process. A context manager; commands run in it with `run` and `start`."""

    def __init__(self) -> None:
        lacks = why_not()
        if lacks:
            raise UsageError(f"no network namespace: {lacks}")
        self._holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo made; exec sleep infinity"], stdout=subprocess.PIPE
        )
        assert self._holder.stdout is not None
        self._holder.stdout.readline()
        self.path = Path(f"/proc/{self._holder.pid}/ns/net")
        if self.path.stat().st_ino == OWN.stat().st_ino:
            self.close()
            raise UsageError("the namespace is the machine's own; nothing is done in it")
        self.run("ip", "link", "set", "lo", "up")

    def __enter__(self) -> Namespace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _argv(self, command: Sequence[str]) -> list[str]:
        return ["nsenter", f"--net={self.path}", *command]

    def run(self, *command: str, check: bool = True) -> str:
        """Run a command in the namespace and wait for it; its output. Raises UsageError when it fails."""
        done = subprocess.run(self._argv(command), capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise UsageError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def start(self, *command: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start a command in the namespace; both its outputs are `stdout`."""
        return subprocess.Popen(
            self._argv(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=None if env is None else {**os.environ, **env},
        )

    def sysctl(self, name: str, value: object) -> None:
        """Set a sysctl of the namespace."""
        self.run("sysctl", "-q", "-w", f"{name}={value}")

    @contextmanager
    def entered(self) -> Iterator[None]:
        """This thread is in the namespace meanwhile: for opening a device there."""
        library = ctypes.CDLL(None, use_errno=True)
        back = os.open(OWN, os.O_RDONLY)
        there = os.open(self.path, os.O_RDONLY)
        try:
            if library.setns(there, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
            try:
                yield
            finally:
                if library.setns(back, CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
        finally:
            os.close(there)
            os.close(back)

    def close(self) -> None:
        """End the holder, and with it the namespace and all in it."""
        self._holder.kill()
        self._holder.wait()
        if self._holder.stdout is not None:
            self._holder.stdout.close()
