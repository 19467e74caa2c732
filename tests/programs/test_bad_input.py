"""A program that cannot start or cannot read tells it as under plain Python, and the rest of the lab goes on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

LAB = """
nodes:
  bad: {kind: host, address: 10.0.0.1/24}
  server: {kind: host, address: 10.0.0.2/24}
  client: {kind: host, address: 10.0.0.3/24}
  switch: {kind: switch}
links:
  - {between: [bad, switch]}
  - {between: [server, switch]}
  - {between: [client, switch]}
programs:
  - {on: bad, run: bad.py}
  - {on: server, run: server.py}
  - {on: client, run: client.py, at: 1s}
"""
SERVER = """
import socket
listener = socket.create_server(("", 8000))
while True:
    connection, _ = listener.accept()
    connection.send(b"fine")
    connection.close()
"""
CLIENT = (
    "import socket\nwith socket.create_connection(('server', 8000)) as c:\n    print(c.recv(9).decode())\n"
)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("print('never'\n", "SyntaxError: '(' was never closed"),
        ("if True:\nprint()\n", "IndentationError"),
        ("import no_such_module\n", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("from socket import no_such_name\n", "ImportError: cannot import name 'no_such_name'"),
        ("import broken_part\n", "SyntaxError"),
        ("open('missing.txt')\n", "FileNotFoundError: [Errno 2] No such file or directory: 'missing.txt'"),
        ("input()\n", "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff"),
        ("import sys\nsys.stdin.read()\n", "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff"),
        ("import threading\nraise SystemExit('no')\n", "no"),
        ("\udcff = 1\n", "SyntaxError"),
        ("x = 1\0\n", "source code string cannot contain null bytes"),
    ],
)
def test_bad_input_is_the_programs_own_error(tmp_path: Path, text: str, error: str) -> None:
    (tmp_path / "lab.yaml").write_text(LAB)
    (tmp_path / "bad.py").write_bytes(text.encode("utf-8", "surrogateescape"))
    (tmp_path / "broken_part.py").write_text("def (:\n")
    (tmp_path / "server.py").write_text(SERVER)
    (tmp_path / "client.py").write_text(CLIENT)
    (tmp_path / "typed").write_bytes(b"\xff\xfe line\n")
    from netarium import Net

    with Net.load(tmp_path / "lab.yaml", stdin={"bad": (tmp_path / "typed").read_bytes()}) as net:
        net.run()
        bad, server, client = (net.service(name) for name in ("bad", "server", "client"))
        assert bad.exit_code == 1 and error in bad.stderr, bad.stderr
        assert "netarium" not in bad.stderr.replace(str(tmp_path), ""), bad.stderr
        assert client.exit_code == 0 and client.stdout == "fine\n" and server.at_rest


def test_the_command_line_ends_with_1_and_prints_the_error(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(LAB)
    (tmp_path / "bad.py").write_text("for line in open(0):\n    print(line)\n")
    (tmp_path / "server.py").write_text(SERVER)
    (tmp_path / "client.py").write_text(CLIENT)
    (tmp_path / "typed").write_bytes(b"\xff\xfe line\n")
    done = subprocess.run(
        [sys.executable, "-m", "netarium", "run", "lab.yaml", "--stdin", "bad=typed"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1 and "UnicodeDecodeError" in done.stderr, done.stderr
    assert "client | fine" in done.stdout and "at rest, waiting for clients: server" in done.stderr


def test_epoll_of_a_number_that_is_not_open_is_ebadf(host) -> None:
    def program() -> int | None:
        import select

        try:
            select.epoll().register(9999)
        except OSError as error:
            return error.errno
        return 0

    assert host.call(program) == 9
