"""R126: ten clients at once are served by a server that stays."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.acceptance.kernel_programs import expect_line, launch

pytestmark = pytest.mark.kernel


def test_r126_ten_clients_at_once_are_served_on_kernel_sockets(tmp_path: Path) -> None:
    with launch(tmp_path, "netarium.apps.chat", "serve", "--port", "0", "--db", "chat.db") as server:
        port = expect_line(server, "listening on").split("127.0.0.1:")[1].split(";")[0]
        clients: list[subprocess.Popen[str]] = []
        for index in range(10):
            clients.append(
                launch(tmp_path, "netarium.apps.chat", "join", f"127.0.0.1:{port}", "--name", f"c{index}")
            )
        for client in clients:
            expect_line(client, "you are in #lobby")
        for index, client in enumerate(clients):  # all ten are connected now, and each speaks
            client.stdin.write(f"I am {index}\n")
            client.stdin.flush()
        for client in clients:
            wanted = {f"<c{index}> I am {index}" for index in range(10)}
            while wanted:
                line = client.stdout.readline()
                assert line, f"the client ended without {wanted}"
                wanted -= {entry for entry in wanted if entry in line}
        for client in clients:
            assert client.poll() is None
            client.communicate("exit\n", timeout=20)
            assert client.returncode == 0
        assert server.poll() is None
        server.kill()
