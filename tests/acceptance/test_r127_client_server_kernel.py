"""R127: a client program and a print server, two programs that know nothing of each other but address and protocol."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from tests.acceptance.kernel_programs import expect_line, launch

pytestmark = pytest.mark.kernel
PROGRAMS = Path(__file__).resolve().parents[2] / "examples" / "print_server"


def test_r127_a_client_prints_on_a_print_server_on_kernel_sockets(tmp_path: Path) -> None:
    with launch(tmp_path, PROGRAMS / "server.py", "127.0.0.1", "0") as server:
        port = int(expect_line(server, "print server on").rpartition(":")[2])
        with launch(tmp_path, PROGRAMS / "client.py", "127.0.0.1", port, "Hello, printer.") as client:
            assert client.communicate(timeout=20)[0] == "job 1: 1 lines printed\n"
        expect_line(server, "--- job 1 from 127.0.0.1")
        expect_line(server, "Hello, printer.")
        with socket.create_connection(
            ("127.0.0.1", port)
        ) as bad:  # bad input is told, and the server goes on
            bad.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert b"too large" in bad.recv(100)
        with launch(tmp_path, PROGRAMS / "client.py", "127.0.0.1", port) as client:
            assert client.communicate(timeout=20)[0] == "job 2: 2 lines printed\n"
