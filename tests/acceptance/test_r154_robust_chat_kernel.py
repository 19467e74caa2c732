"""R154: empty input asks again on both sides; `exit` leaves; when a client leaves, the server listens on."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.acceptance.kernel_programs import Running, expect_line, launch

pytestmark = pytest.mark.kernel


def type_line(person: Running, line: str) -> None:
    person.stdin.write(line + "\n")
    person.stdin.flush()


def test_r154_the_chat_survives_empty_input_and_leaving_on_kernel_sockets(tmp_path: Path) -> None:
    with launch(tmp_path, "netarium.apps.chat", "serve", "--port", "0", "--db", "chat.db") as server:
        port = expect_line(server, "listening on").split("127.0.0.1:")[1].split(";")[0]
        command = ("netarium.apps.chat", "join", f"127.0.0.1:{port}", "--name")
        with launch(tmp_path, *command, "ann") as ann, launch(tmp_path, *command, "bob") as bob:
            expect_line(ann, "you are in #lobby")
            expect_line(bob, "you are in #lobby")
            for person, other, name in ((ann, bob, "ann"), (bob, ann, "bob")):
                type_line(person, "")
                expect_line(person, "nothing typed")  # asked again, nothing sent ...
                type_line(person, f"from {name}")
                expect_line(other, f"<{name}> from {name}")
            type_line(bob, "exit")
            assert bob.wait(20) == 0
            expect_line(ann, "bob left #lobby")
            with launch(tmp_path, *command, "eve") as eve:  # the server listens on
                expect_line(eve, "you are in #lobby with ann, eve")
                type_line(eve, "hello")
                expect_line(ann, "<eve> hello")
                type_line(eve, "exit")
                assert eve.wait(20) == 0
        assert server.poll() is None
