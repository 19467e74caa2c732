"""`netarium shell`: a prompt on a host, lines piped into it; and the terminal by a pseudo-terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

LAB = Path(__file__).parents[2] / "examples" / "labs" / "vlan.yaml"
COMMAND = [sys.executable, "-m", "netarium", "shell"]


def shell(*arguments: str, lines: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], input=lines, capture_output=True, text=True, timeout=180, cwd=cwd, check=False
    )


def test_tools_run_on_the_host_and_time_passes_only_while_they_do() -> None:
    done = shell(str(LAB), "a", lines="time\nping -c 2 10.0.20.2\ntime\nsleep 5s\ntime\nexit\nhostname\n")
    lines = done.stdout.splitlines()
    times = [line for line in lines if line.endswith("s") and " " not in line]
    assert "2 packets transmitted, 2 received, 0% packet loss, time 1000ms" in done.stdout
    assert len(times) == 3
    assert lines[-1] == times[-1], "nothing after exit is run"
    assert done.returncode == 0, done.stderr


def test_other_nodes_background_jobs_and_the_list_of_nodes() -> None:
    lines = "on b nc -l 4000 &\njobs\nnc -z -v 10.0.20.2 4000\nnodes\nhelp\n"
    done = shell(str(LAB), "a", lines=lines)
    assert "[b] started" in done.stdout or "started" in done.stdout
    assert "at rest" in done.stdout
    assert "Connection to 10.0.20.2 4000 port [tcp/*] succeeded!" in done.stderr
    assert "floor1: switch" in done.stdout and "b: host 10.0.20.2/24" in done.stdout
    assert "tcpdump" in done.stdout


def test_mistakes_are_told_and_the_shell_goes_on() -> None:
    done = shell(
        str(LAB), "a", lines="pnig 10.0.20.2\nsleep\non nowhere ping\n'unpaired\nkill nobody\nhostname\n"
    )
    assert done.stderr.count("netarium: ") >= 6
    assert "pnig" in done.stderr
    assert (
        "how long?" in done.stderr and "there is no node 'nowhere'" in done.stderr and "quotes" in done.stderr
    )
    assert done.stdout.endswith("a\n")


def test_a_duration_that_is_none_and_what_other_shells_have_are_told_as_what_they_are() -> None:
    done = shell(
        str(LAB),
        "a",
        lines="sleep forever\nhostname | head\nhostname >x\nhostname; time\ncurl 'http://b/|x'\n",
    )
    told = [line for line in done.stderr.splitlines() if line.startswith("netarium: ")]
    assert "quotes" not in told[1] and "forever" in told[1]
    assert ["not understood here" in line for line in told[1:]] == [False, True, True, True]
    assert "a\n" not in done.stdout, "none was run"
    assert "curl: (7)" in done.stderr, "what is quoted is the program's"


def test_a_server_in_front_that_nobody_calls_goes_on_in_the_background() -> None:
    lines = "nc -l 4000\njobs\non b nc -N -z 10.0.10.2 4000\nsleep 1s\njobs\n"
    done = shell(str(LAB), "a", lines=lines)
    assert "still runs" in done.stderr and "`&` behind a command" in done.stderr
    assert done.stdout.count("at rest") == 1, "it was called, and ended"


def test_a_node_that_runs_no_programs_one_there_is_not_and_no_lab_are_errors_with_exit_2(
    tmp_path: Path,
) -> None:
    (tmp_path / "lab.yaml").write_text(
        "nodes: {hub: {kind: hub}, pc: {kind: host, address: 10.0.0.1/24}}\nlinks: [[pc, hub]]\n"
    )
    hub = shell("lab.yaml", "hub", lines="", cwd=tmp_path)
    misspelt = shell("lab.yaml", "pd", lines="", cwd=tmp_path)
    missing = shell("nothing.yaml", "a", lines="", cwd=tmp_path)
    assert (hub.returncode, misspelt.returncode, missing.returncode) == (2, 2, 2)
    assert "hub is a hub and runs no programs; name a host or a router" in hub.stderr
    assert "there is no node 'pd'; known here: hub, pc" in misspelt.stderr
    assert "nothing.yaml" in missing.stderr


def test_the_exit_code_is_the_last_command_s() -> None:
    assert shell(str(LAB), "a", lines="ping -c 1 -W 1 10.0.10.99\n").returncode == 1


def test_on_a_terminal_it_prompts_with_place_and_time_and_ends_with_ctrl_d() -> None:
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "dumb"}
    process = subprocess.Popen(
        [*COMMAND, str(LAB), "a"], stdin=slave, stdout=slave, stderr=slave, env=environment, close_fds=True
    )
    os.close(slave)
    seen = bytearray()
    try:
        after = _until(master, seen, b"# ", 0)
        os.write(master, b"hostname\r")
        after = _until(master, seen, b"\na\r\n", after)
        _until(master, seen, b"# ", after)
        for _ in range(40):  # a Ctrl-D typed before the prompt stands is lost, as on any terminal
            os.write(master, b"\x04")
            try:
                assert process.wait(timeout=0.5) == 0
                break
            except subprocess.TimeoutExpired:
                continue
        assert process.returncode == 0
    finally:
        process.kill()
        process.wait()
        os.close(master)
    assert b"a 12" in seen, bytes(seen)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("python -c 'while True: pass'", 130),
        ("ping 10.0.20.2", 0),
    ],
)
def test_ctrl_c_ends_what_runs_at_once_and_the_prompt_comes_back(line: str, code: int) -> None:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, str(LAB), "a"], stdin=slave, stdout=slave, stderr=slave, close_fds=True, start_new_session=True,
        env={**os.environ, "TERM": "dumb"}, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    os.close(slave)
    seen = bytearray()
    try:
        after = _until(master, seen, b"# ", 0)
        os.write(master, line.encode() + b"\r")
        after = _until(master, seen, line.encode() + b"\r\n", after)
        time.sleep(1)  # so that it is under way
        os.write(master, b"\x03")
        after = _until(master, seen, b"# ", after)
        os.write(master, b"exit\r")
        process.wait(60)
        assert process.returncode == code, bytes(seen)
    finally:
        process.kill()
        process.wait()
        os.close(master)
    said = bytes(seen[seen.index(line.encode()) :])
    assert (b"KeyboardInterrupt" in said) == line.startswith("python"), said
    assert (b"ping statistics" in said) == line.startswith("ping"), said


def _until(master: int, seen: bytearray, text: bytes, start: int) -> int:
    """Read the terminal until `text` stands in `seen` at or after `start`; the place behind it."""
    import select

    end = time.monotonic() + 120
    while (at := seen.find(text, start)) < 0:
        assert time.monotonic() < end, bytes(seen)
        if select.select([master], [], [], 1)[0]:
            seen += os.read(master, 4096)
    return at + len(text)
