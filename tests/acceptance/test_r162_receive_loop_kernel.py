"""R162: a 5 MB file arrives with equal SHA-256; a program with a single recv(file_size) is cut short."""

from __future__ import annotations

import hashlib
import random
import socket
import threading
from pathlib import Path

import pytest
from tests.acceptance.kernel_programs import expect_line, launch

pytestmark = pytest.mark.kernel
SIZE = 5_000_000


def test_r162_a_5_mb_file_arrives_with_equal_sha256_on_kernel_sockets(tmp_path: Path) -> None:
    (tmp_path / "served").mkdir()
    data = random.Random(162).randbytes(SIZE)
    (tmp_path / "served" / "file").write_bytes(data)
    with launch(tmp_path, "netarium.apps.files", "serve", "served", "--port", "0") as server:
        port = expect_line(server, "listening on").split("127.0.0.1:")[1].split(";")[0]
        with launch(tmp_path, "netarium.apps.files", "get", f"127.0.0.1:{port}", "file", "arrived") as client:
            said, _ = client.communicate(timeout=30)
            assert client.returncode == 0 and "sha256 verified" in said
    arrived = (tmp_path / "arrived").read_bytes()
    assert hashlib.sha256(arrived).digest() == hashlib.sha256(data).digest()


def test_r162_a_single_recv_of_the_file_size_is_cut_short_on_kernel_sockets() -> None:
    data = random.Random(162).randbytes(SIZE)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def send() -> None:
            with socket.create_connection(listener.getsockname()) as connection:
                try:
                    connection.sendall(data)
                except ConnectionError:
                    pass  # the receiver has gone with the file half received: what this row is about

        thread = threading.Thread(target=send)
        thread.start()
        connection, _ = listener.accept()
        with connection:
            once = connection.recv(SIZE)
        thread.join()
    assert 0 < len(once) < SIZE
    assert data.startswith(once)
