"""R126, R127 and R154 through `Net`: the programs of the kernel's rows, unchanged, on hosts of a virtual net."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from netarium import Net

PROGRAMS = Path(__file__).resolve().parents[2] / "examples" / "print_server"
CHAT = "python -m netarium.apps.chat"
SERVER = "10.0.0.1:8765"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[tuple[Net, Any, Any]]:
    """(net, switch, server)"""
    with Net(seed=4, directory=tmp_path) as net:
        switch = net.switch("switch")
        yield net, switch, net.host("server", address="10.0.0.1/24", link=switch)


def person(net: Net, switch: Any, number: int, name: str) -> Any:
    """Somebody at a computer of their own who joins the chat."""
    host = net.host(name, address=f"10.0.0.{number}/24", link=switch, delay="1ms")
    return host.run(f"{CHAT} join {SERVER} --name {name}")


def test_r126_ten_clients_at_once_are_served(office: tuple[Net, Any, Any]) -> None:
    net, switch, server = office
    service = server.run(f"{CHAT} serve --host 0.0.0.0 --db chat.db --no-web")
    service.expect("listening on")
    people = [person(net, switch, 10 + index, f"c{index}") for index in range(10)]
    for each in people:
        each.expect("you are in #lobby")
    for index, each in enumerate(people):  # all ten are connected now, and each speaks
        each.type(f"I am {index}")
    net.run_until(
        lambda: all(f"<c{index}> I am {index}" in each.stdout for each in people for index in range(10))
    )
    assert len([one for one in server.sockets if "ESTAB" in str(one)]) == 10
    for each in people:
        assert not each.ended
        each.type("exit")
        assert each.wait() == 0
    net.run(until="5min")
    assert not service.ended and service.at_rest


def test_r127_a_client_prints_on_a_print_server(office: tuple[Net, Any, Any]) -> None:
    net, switch, server = office
    client = net.host("client", address="10.0.0.2/24", link=switch)
    service = server.run(f"{PROGRAMS / 'server.py'} 10.0.0.1")
    service.expect(r"print server on 10\.0\.0\.1:9100")
    first = client.run([str(PROGRAMS / "client.py"), "10.0.0.1", "9100", "Hello, printer."])
    assert first.wait() == 0 and first.stdout == "job 1: 1 lines printed\n"
    service.expect(r"--- job 1 from 10\.0\.0\.2\nHello, printer\.")

    def bad() -> bytes:
        import socket

        with socket.create_connection(("10.0.0.1", 9100)) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
            return sock.recv(100)

    assert b"too large" in client.call(bad)  # bad input is told, and the server goes on
    second = client.run([str(PROGRAMS / "client.py"), "10.0.0.1", "9100"])
    assert second.wait() == 0 and second.stdout == "job 2: 2 lines printed\n"
    net.run()
    assert service.at_rest


def test_r154_the_chat_survives_empty_input_and_leaving(office: tuple[Net, Any, Any]) -> None:
    net, switch, server = office
    service = server.run(f"{CHAT} serve --host 0.0.0.0 --db chat.db --no-web")
    service.expect("listening on")
    ann, bob = person(net, switch, 2, "ann"), person(net, switch, 3, "bob")
    ann.expect("you are in #lobby")
    bob.expect("you are in #lobby")
    for one, other, name in ((ann, bob, "ann"), (bob, ann, "bob")):
        one.type("")
        one.expect("nothing typed")  # asked again, nothing sent ...
        one.type(f"from {name}")
        other.expect(f"<{name}> from {name}")
    bob.type("exit")
    assert bob.wait() == 0
    ann.expect("bob left #lobby")
    eve = person(net, switch, 4, "eve")  # the server listens on
    eve.expect("you are in #lobby with ann, eve")
    eve.type("hello")
    ann.expect("<eve> hello")
    eve.type("exit")
    assert eve.wait() == 0
    assert not service.ended
