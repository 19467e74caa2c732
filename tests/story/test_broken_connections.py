"""The story of connections that meet trouble: a path too narrow, a server that was switched off, nobody there."""

from __future__ import annotations

import re
import socket
import time
from contextlib import suppress
from pathlib import Path

import pytest
from tests.story.both_languages import told

from netarium import Net
from netarium.story.language import Language
from netarium.story.telling import Story

PORT = 5000
NARROW_BYTES = 900


def titles(trace: Path, language: str = "en") -> list[str]:
    """The titles, without the port of the client, which is any."""
    told = Story(trace, Language.load(language)).chapters()
    return [re.sub(r"\ba:\d+", "a", chapter.title) for chapter in told]


def serve() -> None:
    with socket.create_server(("", PORT)) as listener:
        connection, _ = listener.accept()
        while connection.recv(100_000):
            pass
        connection.close()


def narrow() -> Net:
    """a - r - s - b, of which r - s carries NARROW_BYTES."""
    net = Net(seed=4)
    for name, near, far, other in (
        ("r", "10.0.1.254", "10.0.2.1", "3"),
        ("s", "10.0.3.254", "10.0.2.2", "1"),
    ):
        via = "10.0.2.2" if name == "r" else "10.0.2.1"
        net.router(
            name,
            interfaces={"near": f"{near}/24", "far": f"{far}/24"},
            routes=[{"to": f"10.0.{other}.0/24", "via": via}],
        )
    for name, number, router in (("a", 1, "r"), ("b", 3, "s")):
        net.host(name, address=f"10.0.{number}.1/24", gateway=f"10.0.{number}.254")
        net.link(name, f"{router}:near")
    net.link("r:far", "s:far", mtu=NARROW_BYTES)
    return net


def test_what_a_narrow_path_makes_too_big_names_the_icmp_that_said_so(tmp_path: Path) -> None:
    net = narrow()

    def speak() -> None:
        with socket.create_connection(("10.0.3.1", PORT)) as sock:
            sock.sendall(bytes(5000))

    net["b"].run(serve)
    net["a"].run(speak, at="1s")
    story = told(net, tmp_path, net.run)
    first = story.of("sent-again", "a")[0]
    said = story.of("icmp-error", "r")[0]
    assert first.values["cause"] == "PATH_MTU" and first.values["mtu"] == NARROW_BYTES
    assert first.text == (
        f"a sends bytes 1-848 again, in smaller pieces: an ICMP of r [frames {said.numbers}] said that packets of "
        "more than 900 bytes do not pass. Nothing was lost for want of room, so it need not slow down."
    )
    *data, fin = story.of("sent-again", "a")
    assert {each.values["cause"] for each in data} == {"PATH_MTU"} and len(data) == 3
    assert fin.text == "a sends its FIN again: a later segment was acknowledged long enough ago."
    assert not any("Nobody tells the sender of a loss" in note for each in data for note in each.notes)


def test_after_a_reboot_the_server_knows_of_no_such_connection(tmp_path: Path) -> None:
    net = Net(seed=4)
    net.host("a", address="10.0.0.1/24")
    net.host("b", address="10.0.0.2/24")
    net.link("a", "b")

    def speak() -> None:
        with socket.create_connection(("10.0.0.2", PORT)) as sock:
            time.sleep(5)
            sock.sendall(b"hello")
            with suppress(ConnectionResetError):
                sock.recv(10)

    net["b"].run(serve, daemon=True)
    net["a"].run(speak, at="1s")
    net.at("2s", net["b"].crash)
    net.at("3s", net["b"].boot)
    story = told(net, tmp_path, net.run)
    (drop,) = [each for each in story.of("drop", "b") if each.values["reason"].startswith("TCP")]
    assert drop.text.endswith("there is no such connection, or none any more.")
    assert "A closed port is not silent" not in " ".join(story.notes())
    (reset,) = [each for each in story.of("tcp", "b") if each.values["segment"] == "reset"]
    assert reset.text == "b answers with RST: nobody takes that here (any more)"
    assert titles(story.trace)[-1] == f"The connection is broken off: a and b, port {PORT}"


@pytest.mark.parametrize(
    ("there", "title"),
    [
        (True, f"A connection is refused: a to b, port {PORT}"),
        (False, f"A connection is tried in vain: a to b, port {PORT}"),
    ],
)
def test_a_connection_that_never_stands_has_a_title_of_its_own(
    tmp_path: Path, there: bool, title: str
) -> None:
    net = Net(seed=4)
    net.host("a", address="10.0.0.1/24")
    net.host("b", address="10.0.0.2/24", firewall={"policy": "accept" if there else "deny"})
    net.link("a", "b")

    def tries() -> None:
        with suppress(OSError):
            socket.create_connection(("10.0.0.2", PORT), timeout=2)

    net["a"].run(tries)
    story = told(net, tmp_path, net.run)
    assert titles(story.trace) == [title]
    refused = [each.text for each in story.of("tcp", "b")]
    assert refused == (["b refuses the connection: RST"] if there else [])
    assert len(titles(story.trace, "zh")) == 1
