"""A file server in a thread on the kernel's loopback, and clients of it."""

from __future__ import annotations

import random
import socket
import threading
from pathlib import Path

from netarium.apps.files.channel import Channel
from netarium.apps.files.client import FileClient, Server
from netarium.apps.files.folder import Folder
from netarium.apps.files.protocol import PROTOCOL, VERSION
from netarium.apps.files.server import FileServer
from netarium.apps.files.transfer import Options
from netarium.apps.framing import LENGTH, Message

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

    def raw(self, hello: bool = True, client: str = "") -> Channel:
        channel = Channel(socket.create_connection(("127.0.0.1", self.port)), 3.0)
        if hello:
            channel.send({"type": "hello", "protocol": PROTOCOL, "version": VERSION, "client": client})
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


def chunk(data: bytes) -> bytes:
    """A piece of a file's data as it goes on the wire."""
    return LENGTH.pack(len(data)) + data


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
