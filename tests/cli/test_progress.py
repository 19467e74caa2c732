"""How far a long run is: a line on a terminal's standard error that is gone at the end, and silence elsewhere."""

import io
import itertools
import os
import pty
import re
import subprocess
import sys
import threading
import time

import pytest
from rich.text import Text

from netarium.cli import status_line
from netarium.cli.progress import _Look, short_duration, waited_for
from netarium.engine.events import NEVER_NS
from netarium.lab.net import Net

SERVER = """
    import socket
    socket.create_server(("192.168.15.68", 8999)).accept()
"""


def on_terminal(words, folder, *, out=None, environment=None):
    """(exit code, what the terminal got) of a `netarium` whose standard error is a terminal; stdout goes to `out`."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "netarium.cli.main", *words],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=theirs if out is None else out,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "NO_COLOR": "1", **(environment or {})},
    )
    os.close(theirs)
    seen = b""
    try:
        while more := os.read(ours, 65536):
            seen += more
    except OSError:
        pass  # Linux: the end of a terminal whose other side is closed
    os.close(ours)
    return process.wait(60), seen.decode()


def shown(text):
    """Without what erased the line before, and without bold and dim."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text.rpartition("\x1b[2K")[2]).strip()


def screen(text):
    """The lines that stay on the terminal: what was erased again is gone."""
    lines = []
    for line in text.split("\r\n"):
        lines.append(line.rpartition("\r\x1b[2K")[2])
    return lines


@pytest.fixture
def long_run(script):
    """A run of some seconds of real time, whose virtual course is always the same."""
    script(
        "long.py",
        """
        import socket, time
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        print("begun")
        for number in range(26):
            sum(range(4_000_000))
            s.sendto(b"x", ("192.168.15.68", 9))
            time.sleep(0.5)
        print("over")
        """,
    )
    script("server.py", SERVER)
    return ["long.py", "server.py"]


def test_a_long_run_tells_virtual_time_pace_frames_and_who_is_waited_for_and_leaves_no_trace(
    long_run, tmp_path, netarium
):
    code, seen = on_terminal(["run", *long_run], tmp_path)
    assert code == 0
    drawn = [shown(part) for part in seen.split("\r") if "real time" in part]
    assert drawn
    assert all(
        re.search(r"netarium: [0-9.ms]+ virtual, [0-9.]+ x real time, [0-9]+ frames,", part) for part in drawn
    )
    assert any("; waits for long (" in part for part in drawn)
    assert all(len(part) < 100 for part in drawn), "it stays on one line"
    quiet = netarium("run", *long_run)
    stayed = screen(seen)
    assert stayed[:2] == ["long | begun", "long | over"]
    assert [line for line in stayed if "x real time" in line] == []
    assert "real time" not in quiet.stderr and "\r" not in quiet.stderr and "\x1b" not in quiet.stderr
    assert stayed[-2].rpartition("digest ")[2] == quiet.stderr.splitlines()[-1].rpartition("digest ")[2]


def test_the_programs_output_in_a_pipe_is_untouched(long_run, tmp_path):
    with open(tmp_path / "out", "w") as out:
        code, seen = on_terminal(["run", *long_run], tmp_path, out=out)
    assert code == 0 and "x real time" in seen
    assert (tmp_path / "out").read_text() == "long | begun\nlong | over\n"


@pytest.mark.parametrize(
    ("words", "environment"), [(["--quiet"], {}), ([], {"TERM": "dumb"})], ids=["quiet", "dumb"]
)
def test_quiet_and_terminals_that_cannot_erase_get_none(long_run, tmp_path, words, environment):
    _, seen = on_terminal(["run", *words, *long_run], tmp_path, environment=environment)
    assert "real time" not in seen and "\x1b" not in seen


def test_a_short_run_shows_none(tmp_path, script):
    script("short.py", "print('done')")
    _, seen = on_terminal(["run", "--quiet", "short.py"], tmp_path)
    assert seen == "short | done\r\n"


def test_frames_are_told_of_only_when_there_are_any():
    net = Net(seed=1, names=False)
    pc = net.host("pc", address="10.0.0.1/24", link=net.switch("wire"))
    look = _Look(net, NEVER_NS)
    pc.call(time.sleep, 1)
    assert "frames" not in look.words().plain and "x real time" in look.words().plain
    pc.run("ping -c 1 -W 1 10.0.0.9", stdin="").wait()
    assert re.search(r"x real time, [0-9]+ frames, [0-9,]+ a second", look.words().plain)


def test_a_look_that_fails_in_any_way_is_left_out_and_the_next_is_shown(monkeypatch):
    monkeypatch.setattr(status_line, "FIRST_S", 0.01)
    monkeypatch.setattr(status_line, "EVERY_S", 0.01)
    drawn = threading.Event()
    looks = itertools.count()

    def words():
        look = next(looks)
        if look in (1, 2):  # the first is drawn before the thread begins
            raise ZeroDivisionError
        if look > 2:
            drawn.set()
        return Text("far")

    line = status_line.StatusLine(io.StringIO(), words)
    line.start()
    try:
        assert drawn.wait(30), "the thread lives"
    finally:
        line.stop()


def test_who_is_waited_for():
    def sleeps():
        import time

        time.sleep(60)

    net = Net(seed=1)
    host = net.host("pc", address="10.0.0.1/24", link=net.switch("wire"))
    late = host.run(sleeps, at="1h", stdin="")
    assert waited_for(net) == f"{late.name} (to start)"
    net.run("1h1s")
    assert waited_for(net) == f"{late.name} (sleep for 59.0s more)"
    net.run()
    assert waited_for(net) == ""


@pytest.mark.parametrize(
    ("time_ns", "text"),
    [
        (0, "0ms"),
        (999_999_999, "999ms"),
        (12_340_000_000, "12.3s"),
        (59_990_000_000, "59.9s"),
        (245_000_000_000, "4m05s"),
        (3_720_000_000_000, "1h02m"),
        (7 * 86_400 * 10**9, "7d00h"),
    ],
)
def test_durations_are_short(time_ns, text):
    assert short_duration(time_ns) == text
