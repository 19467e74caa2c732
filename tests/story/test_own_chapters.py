"""What belongs to what: each fact stands in the chapter of what it is about, not of what came shortly before."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

import pytest
from tests.story.both_languages import told

from netarium import Net
from netarium.story.language import LANGUAGES, Language
from netarium.story.telling import Story, ToldChapter


def chapters(folder: Path, net: Net, language: str) -> list[ToldChapter]:
    """The chapters of a run of ten seconds; both languages must agree."""
    path = folder / "run.jsonl"
    if not path.exists():
        told(net, folder, lambda: net.drive(10 * 10**9, lambda: False))
    return list(Story(path, Language.load(language)).chapters())


def chapter_of(found: list[ToldChapter], kind: str, **values: object) -> list[str]:
    """The phases of the chapters that have such a step."""
    return [
        chapter.key
        for chapter in found
        for step in chapter.steps
        if step.kind == kind and values.items() <= step.values.items()
    ]


def pair(**more: object) -> Net:
    net = Net(seed=4)
    for number, name in enumerate("ab", 1):
        net.host(name, address=f"10.0.0.{number}/24", **more)  # type: ignore[arg-type]
    net.link("a", "b")
    return net


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_program_that_starts_soon_after_another_stands_with_what_it_does(
    tmp_path: Path, language: str
) -> None:
    net = pair()

    def ask() -> None:
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(("10.0.0.2", 80))

    net["a"].run(ask)
    net["a"].run("ping -c 1 10.0.0.2", at="1s")
    net["a"].run("dig -p 5353 @10.0.0.2 +tries=1 +time=1 x.y", at="2s")
    found = chapters(tmp_path, net, language)
    assert chapter_of(found, "program-started", command="ping -c 1 10.0.0.2") == ["ping"]
    assert set(chapter_of(found, "printed", program="a/ping")) == {"ping"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_asked_again_stands_with_the_first_question(tmp_path: Path, language: str) -> None:
    """Though another host's broadcasts have come in between."""
    net = Net(seed=4)
    switch = net.switch("s")
    net.host("a", address="10.0.0.1/24", link=switch)
    net.host("pc", address="dhcp", link=switch)

    def ask() -> None:
        with contextlib.suppress(OSError):
            socket.create_connection(("10.0.0.77", 80))

    net["a"].run(ask)
    found = chapters(tmp_path, net, language)
    phases = chapter_of(found, "arp", target="10.0.0.77")
    assert len(phases) == 3 and set(phases) == {"open"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_switch_decides_about_the_frame_that_has_come(tmp_path: Path, language: str) -> None:
    """Its sender has gone on to something else by then."""
    net = Net(seed=4)
    switch = net.switch("s")
    for number, name in enumerate("abc", 1):
        net.host(name, address=f"10.0.0.{number}/24", gateway="10.0.0.254", link=switch)

    def shout() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sock.sendto(b"group", ("239.1.2.3", 5000))
            sock.sendto(b"all", ("10.0.0.255", 5000))

    net["a"].run(shout)
    for chapter in chapters(tmp_path, net, language):
        sent = [each.values["destination"] for each in chapter.steps if each.kind == "udp"]
        shapes = [each.values["shape"] for each in chapter.steps if each.kind == "switched"]
        assert (sent, shapes) in (
            (["239.1.2.3:5000"], ["multicast"]),
            (["10.0.0.255:5000"], ["broadcast"]),
        )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_advertisement_that_a_host_joins_by_stands_with_its_joining(
    tmp_path: Path, language: str
) -> None:
    net = Net(seed=0)
    net.router("r", interfaces={"lan": "2001:db8:1::1/64"}, advertise={"lan": {}})
    switch = net.switch("s")
    net.link("r:lan", switch)
    net.host("h", address="10.0.0.2/24", ipv6=True, link=switch)
    found = chapters(tmp_path, net, language)
    first = chapter_of(found, "nd", message="router")
    assert first[0] == "join" and set(first[1:]) <= {"advertise"}
    joins = next(chapter for chapter in found if chapter_of([chapter], "nd", message="router"))
    kinds = [each.kind for each in joins.steps]
    assert kinds.index("nd", kinds.index("nd")) < kinds.index("configured")
