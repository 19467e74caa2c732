"""What is said after the last chapter: why the run was over, who waits where, how many frames, where to see them."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from netarium import Net
from netarium.cli.explain import ending
from netarium.errors import DeadlockError
from netarium.story.language import Language
from netarium.story.telling import Story


def pair() -> Net:
    net = Net(seed=3)
    net.host("a", address="10.0.0.1/24")
    net.host("b", address="10.0.0.2/24")
    net.link("a", "b")
    return net


def said(net: Net, folder: Path, run: Callable[[], object], lang: str = "en") -> list[str]:
    path = folder / f"{lang}.jsonl"
    net.watching.trace_to(path)
    try:
        run()
    finally:
        net.close()
    story = Story(path, Language.load(lang))
    list(story.chapters())
    return [line for line in ending(story, Language.load(lang), Path("x.pcapng")) if line]


def wait_for_nothing() -> None:
    socket.create_connection(("10.0.0.2", 8000)).recv(10)


def serve_nothing() -> None:
    connection, _ = socket.create_server(("10.0.0.2", 8000)).accept()
    connection.recv(10)


@pytest.mark.parametrize(("lang", "head"), [("en", "The run ended in a deadlock"), ("zh", "运行以死锁告终")])
def test_a_deadlock_says_who_waits_where(tmp_path: Path, lang: str, head: str) -> None:
    net = pair()
    net["b"].run(serve_nothing, name="server")
    net["a"].run(wait_for_nothing, name="client")

    def run() -> None:
        with pytest.raises(DeadlockError):
            net.run()

    lines = said(net, tmp_path, run, lang)
    assert lines[0].startswith(head)
    assert [line.split()[0] for line in lines[1:3]] == ["server", "client"]
    line_of = wait_for_nothing.__code__.co_firstlineno + 1
    assert all("recv()" in line for line in lines[1:3])
    assert str(line_of) in lines[2] and Path(__file__).name in lines[2]
    assert ("recv() from 10.0.0.2:8000" if lang == "en" else "recv()（来自 10.0.0.2:8000）") in lines[2]


@pytest.mark.parametrize(("lang", "same"), [("en", "the same every time"), ("zh", "每次运行都一样")])
def test_an_interrupted_run_is_not_said_to_be_the_same_every_time(
    tmp_path: Path, lang: str, same: str
) -> None:
    def interrupt(net: Net) -> None:
        net.at("2s", lambda: setattr(net.lifecycle, "stop", True))
        net["a"].run(lambda: time.sleep(10))
        net.run()

    net = pair()
    lines = said(net, tmp_path, lambda: interrupt(net), lang)
    assert lines[0] == Language.load(lang).text("explain.reason.interrupted")
    assert not any(same in line for line in lines)


def test_a_run_to_its_limit_says_so_and_one_that_is_done_says_nothing(tmp_path: Path) -> None:
    net = pair()
    net["a"].run(lambda: time.sleep(10))
    lines = said(net, tmp_path, lambda: net.run(until="3s"))
    assert lines[0].startswith("The run was ended at its limit of virtual time")
    assert any("the same every time" in line for line in lines)
    done = pair()
    done["a"].run(lambda: time.sleep(1))
    assert said(done, tmp_path, done.run)[0].startswith(
        "0 frames in the capture, 0 sent, 1s of virtual time;"
    )


def test_frames_of_a_loopback_are_captured_once_and_the_filter_names_a_port_that_was_used(
    tmp_path: Path,
) -> None:
    def talk_to_oneself() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("127.0.0.1", 9999))
            sock.sendto(b"x", ("127.0.0.1", 9999))

    net = pair()
    net["b"].run(talk_to_oneself)
    lines = said(net, tmp_path, net.run)
    assert lines[0].startswith("1 frame in the capture, 1 sent, ")
    assert "(b:lo)" in lines[1] and "eth0" not in lines[1]


@pytest.mark.parametrize(
    ("lang", "line"),
    [
        ("en", "late waits to start after somebody listening at b:8000, which has not come about."),
        ("zh", "late 要等到以下条件才启动，而条件始终没有成立：有程序在 b:8000 监听。"),
    ],
)
def test_a_start_that_never_comes_says_what_for_in_the_storys_language(
    tmp_path: Path, lang: str, line: str
) -> None:
    net = pair()
    net["a"].run(wait_for_nothing, name="late", after={"listening": "b:8000"})

    def run() -> None:
        with pytest.raises(DeadlockError):
            net.run()

    assert line in [each.strip() for each in said(net, tmp_path, run, lang)]


def test_a_run_without_frames_has_no_filter_for_its_capture(tmp_path: Path) -> None:
    net = pair()
    lines = said(net, tmp_path, net.run)
    assert lines[0] == "Nothing happened in this run."
    assert len(lines) == 2 and lines[1].startswith("0 frames in the capture")
