"""The story of socket calls: where programs bind, how long they wait, the end of a stream, errors."""

from __future__ import annotations

import contextlib
import errno
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.story.both_languages import Told, told

from netarium import Net

PORT = 5000


def run(folder: Path, serve: Callable[[], object], ask: Callable[[], object] | None = None) -> Told:
    net = Net(seed=5)
    net.host("a", address="10.0.0.1/24")
    net.host("b", address="10.0.0.2/24")
    net.link("a", "b")
    net["b"].run(serve, name="server")
    if ask is not None:
        net["a"].run(ask, name="client")
    return told(net, folder, lambda: net.run(until="100s"))


def says(story: Told, what: str) -> list[str]:
    return [each.text for each in story.of("call") if each.values["what"] == what]


def quietly(call: Callable[[], object]) -> None:
    with contextlib.suppress(OSError):
        call()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "server binds its socket to port 5000 of all its host's addresses."),
        ("10.0.0.2", "server binds its socket to 10.0.0.2:5000: it is reached by this address alone."),
        (
            "127.0.0.1",
            "server binds its socket to 127.0.0.1:5000: only programs on its own host can reach it.",
        ),
    ],
)
def test_where_a_program_binds_says_who_can_reach_it(tmp_path: Path, address: str, words: str) -> None:
    def serve() -> None:
        with socket.socket() as sock:
            sock.bind((address, PORT))
            sock.listen(3)

    story = run(tmp_path, serve)
    assert says(story, "bound") == [words]
    assert says(story, "listens") == [
        "server listens (listen(3)): from now on the kernel takes connections for it."
    ]


def test_a_blocked_recv_that_ends_with_nothing_is_the_end_of_the_stream(tmp_path: Path) -> None:
    def serve() -> None:
        with socket.create_server(("", PORT)) as listener:
            connection, _ = listener.accept()
            time.sleep(60)
            connection.close()

    def ask() -> None:
        with socket.create_connection(("10.0.0.2", PORT)) as sock:
            sock.recv(10)
            sock.recv(10)

    story = run(tmp_path, serve, ask)
    assert says(story, "end") == [
        "client's recv returns b'': the other end has closed (it had waited for 60 s)",
        "client's recv returns b'': the other end has closed",
    ]
    assert sum(note.startswith("b'' is no empty message") for note in story.notes()) == 1


def test_a_call_that_was_blocked_for_long_says_how_long(tmp_path: Path) -> None:
    def serve() -> None:
        with socket.create_server(("", PORT)) as listener:
            listener.accept()[0].recv(10)

    def ask() -> None:
        time.sleep(3)
        with socket.create_connection(("10.0.0.2", PORT)) as sock:
            time.sleep(0.5)
            sock.sendall(b"x")
            time.sleep(1)

    assert says(run(tmp_path, serve, ask), "waited") == [
        "server's accept returns after 3 s: until then it was blocked."
    ]


@pytest.mark.parametrize(
    ("name", "call", "words"),
    [
        (
            "ECONNREFUSED",
            lambda: socket.create_connection(("10.0.0.1", 9)),
            "server's connect fails: ECONNREFUSED (refused: nobody listens there, or a firewall rejects it)",
        ),
        (
            "EADDRNOTAVAIL",
            lambda: socket.socket().bind(("10.0.0.9", 80)),
            "server's bind fails: EADDRNOTAVAIL (its host does not have this address)",
        ),
        (
            "EACCES",
            lambda: socket.socket().bind(("", 80)),
            "server's bind fails: EACCES (an ordinary user may not: ports below 1024 are the system's)",
        ),
        (
            "ENETUNREACH",
            lambda: socket.create_connection(("192.0.2.1", 9)),
            "server's connect fails: ENETUNREACH (no route leads there: the host itself has none, or an ICMP says so)",
        ),
        (
            "EMSGSIZE",
            lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(bytes(65508), ("10.0.0.1", 9)),
            "server's sendto fails: EMSGSIZE (too long for one datagram, or for a path on which it may not be cut)",
        ),
    ],
)
def test_an_error_is_named_and_explained(
    tmp_path: Path, name: str, call: Callable[[], object], words: str
) -> None:
    story = run(tmp_path, lambda: quietly(call))
    (step,) = [each for each in story.of("call") if each.values["what"] == "failed"]
    assert step.text == words
    assert step.values["errno"] == name and hasattr(errno, name)


def test_a_port_in_use_corrects_the_belief_that_another_program_runs(tmp_path: Path) -> None:
    def serve() -> None:
        first = socket.create_server(("", PORT))
        quietly(lambda: socket.socket().bind(("", PORT)))
        first.close()

    story = run(tmp_path, serve)
    assert says(story, "failed") == ["server's bind fails: EADDRINUSE (the address and port are in use)"]
    assert sum("a connection in TIME-WAIT holds the port too" in note for note in story.notes()) == 1


def test_what_never_blocks_asks_again_in_silence(tmp_path: Path) -> None:
    def serve() -> None:
        with socket.create_server(("", PORT)) as listener:
            listener.setblocking(False)
            for _ in range(10):
                quietly(listener.accept)
                time.sleep(0.1)

    assert says(run(tmp_path, serve), "failed") == []


def test_a_send_that_takes_a_part_says_how_much(tmp_path: Path) -> None:
    def serve() -> None:
        with socket.create_server(("", PORT)) as listener:
            listener.accept()
            time.sleep(5)

    def ask() -> None:
        with socket.create_connection(("10.0.0.2", PORT)) as sock:
            sock.setblocking(False)
            sock.send(bytes(10_000_000))

    (step,) = [each for each in run(tmp_path, serve, ask).of("call") if each.values["what"] == "partly"]
    assert 0 < step.values["taken"] < 10_000_000
    assert step.text.startswith(f"client's send takes only {step.values['taken']:,} of 10,000,000 bytes")


def test_a_time_out_of_its_own_is_no_fault(tmp_path: Path) -> None:
    def serve() -> None:
        with socket.create_server(("", PORT)) as listener:
            listener.settimeout(2)
            quietly(listener.accept)

    story = run(tmp_path, serve)
    assert says(story, "nothing") == [
        "server's accept has waited for 2 s, and nothing came: its own time-out is over."
    ]
    assert says(story, "failed") == []


def test_how_a_tool_polls_is_no_news(tmp_path: Path) -> None:
    net = Net(seed=5)
    net.host("a", address="10.0.0.1/24")
    net.host("b", address="10.0.0.2/24")
    net.link("a", "b")
    net["a"].run("ping -c 3 10.0.0.2")
    story = told(net, tmp_path, net.run)
    assert len(story.of("ping", "a")) == 3
    assert not story.of("call")


@pytest.mark.parametrize(("address", "other"), [("10.0.0.2", "10.0.0.1:"), ("2001:db8::2", "[2001:db8::1]:")])
def test_what_a_read_of_a_datagram_has_no_room_for_is_lost(tmp_path: Path, address: str, other: str) -> None:
    net = Net(seed=5)
    net.host("a", address=["10.0.0.1/24", "2001:db8::1/64"])
    net.host("b", address=["10.0.0.2/24", "2001:db8::2/64"])
    net.link("a", "b")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET

    def serve() -> None:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.bind((address, PORT))
            sock.recvfrom(10)
            sock.recvfrom(100)

    def ask() -> None:
        time.sleep(3)
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            for _ in range(2):
                sock.sendto(bytes(100), (address, PORT))

    net["b"].run(serve)
    net["a"].run(ask)
    story = told(net, tmp_path, net.run)
    (step,) = story.of("datagram-cut", "b")
    assert step.text.startswith("b reads only 10 bytes of the datagram from " + other)
    assert step.text.endswith("; the rest (90 bytes) is lost.")
    assert sum("the next recvfrom gets the rest" in note for note in story.notes()) == 1


def test_a_broadcast_without_leave_is_not_blamed_on_the_port(tmp_path: Path) -> None:
    def shout() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, pytest.raises(PermissionError):
            sock.sendto(b"x", ("10.0.0.255", 9999))

    net = Net(seed=2)
    net.host("a", address="10.0.0.1/24")
    net.host("b", address="10.0.0.2/24")
    net.link("a", "b")
    net["a"].run(shout)
    story = told(net, tmp_path, net.run)
    assert [each.text for each in story.of("call") if each.values["errno"]] == ["a's sendto fails: EACCES"]
