"""A story that is stopped, or has no room, says so in a line; and nobody waits for it without a sign."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.test_progress import on_terminal

from netarium import Net
from netarium.cli.explain import tell
from netarium.cli.explain_arguments import parse
from netarium.story.language import Language
from netarium.story.telling import Story, ToldChapter

PINGS = 60


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stopped") / "run.jsonl"
    net = Net(seed=1)
    net.link(net.host("a", address="10.0.0.1/24"), net.host("b", address="10.0.0.2/24"))
    for number in range(PINGS):
        net["a"].run("ping -c 1 10.0.0.2", at=f"{10 * number}ms")
    net.watching.trace_to(path)
    net.run()
    net.close()
    return path


def command(trace: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "netarium.cli.main", "explain", str(trace), "--lang", "en", *words]


def test_a_story_that_is_interrupted_says_so_and_exits_with_130(trace: Path) -> None:
    # Bytes make it longer than what a pipe holds: it cannot be over before it is interrupted.
    told = subprocess.Popen(
        command(trace, "--bytes", "--layers", "7"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert told.stdout is not None
    assert os.read(told.stdout.fileno(), 1)
    told.send_signal(signal.SIGINT)
    _, said = told.communicate(timeout=60)
    assert told.returncode == 130
    assert said.decode() == "netarium: interrupted; the story ends here\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full is Linux's")
@pytest.mark.parametrize("words", [(), ("--json",), ("--only", "icmp")], ids=["text", "json", "usage"])
def test_a_story_for_which_there_is_no_room_says_so_in_a_line(trace: Path, words: tuple[str, ...]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command(trace, *words), stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
        )
    said = done.stderr.splitlines()
    if "icmp" in words:  # what is wrong is still said
        assert done.returncode == 2 and "there is no such kind" in said[0]
    else:
        assert done.returncode == 1
        assert said[-1] == "netarium: the story cannot be written: No space left on device; it ends here"
    assert "Traceback" not in done.stderr


def test_on_a_terminal_a_bar_is_shown_until_the_first_chapter(trace: Path) -> None:
    code, seen = on_terminal(["explain", str(trace), "--lang", "en"], trace.parent)
    assert code == 0
    legend, bar, first = seen.find("Every line below happened"), seen.find("telling "), seen.find("\n1. ")
    assert 0 <= legend < bar < first
    assert seen.rfind("telling ") < first


def test_the_legend_does_not_wait_for_the_first_chapter(
    trace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    printed: list[str] = []

    def chapters(story: object) -> Iterator[ToldChapter]:
        printed.append(capsys.readouterr().out)
        yield from ()

    monkeypatch.setattr(Story, "chapters", chapters)
    tell(trace, parse([str(trace)]), Language.load("en"))
    assert printed[0].startswith("Every line below happened")
