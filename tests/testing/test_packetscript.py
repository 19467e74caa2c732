"""The runner of packet scripts: what it reads, what it forgives, and that it finds what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from netarium.testing.packetscript import FAIL, NOT_RUN, PASS, run_text
from netarium.testing.packetscript.__main__ import main

HEAD = """
0    socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0   bind(3, ..., ...) = 0
+0   listen(3, 1) = 0
+0   < S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>
+0   > S. 0:0(0) ack 1 <...>
+.1  < . 1:1(0) ack 1 win 257
+0   accept(3, ..., ...) = 4
"""


def outcome(text: str) -> str:
    return run_text(HEAD + text)[0]


def reason(text: str) -> str:
    return run_text(HEAD + text)[1]


@pytest.mark.parametrize(
    "lines",
    [
        "+0 > P. 1:3001(3000) ack 1",
        "+0 > . 1:1001(1000) ack 1\n+0 > . 1001:2001(1000) ack 1\n+0 > P. 2001:3001(1000) ack 1",
        "+0 > . 1:501(500) ack 1\n+0 > P. 501:3001(2500) ack 1",
    ],
)
def test_segments_that_follow_each_other_may_be_merged_or_split(lines: str) -> None:
    assert outcome(f"+0 write(4, ..., 3000) = 3000\n{lines}\n") == PASS


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("+0 > P. 1:102(101) ack 1", "the last 1 bytes were not sent"),
        ("+0 > P. 2:102(100) ack 1", "sequence number 1 instead of 2"),
        ("+0 > P. 1:101(100) ack 2", "ack 1 instead of 2"),
        ("+0 > . 1:101(100) ack 1", "flags P. instead of ."),
        ("+0 > FP. 1:101(100) ack 1", "flags P. instead of FP."),
        ("+.1 > P. 1:101(100) ack 1", "sent at 0.100000 s instead of 0.200000 s"),
        ("+0 > P. 1:101(100) ack 1 win 7", "win 512 instead of 7"),
        ("+0 > P. 1:101(100) ack 1 <nop,nop,sack 1:2>", "options <> instead of"),
        ("+0 %{ assert tcpi_snd_cwnd == 11, tcpi_snd_cwnd }%", "assertion"),
        ("+0 read(4, ..., 100) = 100", "read() blocks"),
        ("+0 write(4, ..., 100) = -1 EPIPE", "write() = 100 instead of -1 EPIPE"),
    ],
)
def test_what_is_otherwise_than_the_script_says_fails_with_line_and_difference(line: str, wrong: str) -> None:
    text = f"+0 write(4, ..., 100) = 100\n{line}\n"
    assert outcome(text) == FAIL
    assert reason(text).startswith("script:10: ")
    assert wrong in reason(text)


def test_a_packet_that_is_not_sent_fails() -> None:
    assert "nothing was sent" in reason("+0 > P. 1:101(100) ack 1\n")


def test_packets_beyond_the_last_line_fail_only_when_the_script_says_so() -> None:
    assert outcome("+0 write(4, ..., 100) = 100\n") == PASS
    assert run_text("--no_extra_packets\n" + HEAD + "+0 write(4, ..., 100) = 100\n")[0] == FAIL


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("+0 `tc qdisc add dev tun0 root fq`", "the command `tc qdisc"),
        ("+0 sendfile(4, ..., ...) = 3", "the system call sendfile()"),
        ("+0 setsockopt(4, SOL_TCP, TCP_FASTOPEN, [1], 4) = 0", "the socket option"),
        ("+0 > P. 1:101(100) ack 1 <FO abcd>", "TCP option FO"),
        ("+0 `sysctl -q net.ipv4.tcp_does_not_exist=1`", "tcp_does_not_exist"),
        ("+0 send(4, ..., 100, MSG_ZEROCOPY) = 100", "send flags"),
        ("+0 fcntl(4, F_NO_SUCH, 1) = 0", "the constant F_NO_SUCH"),
    ],
)
def test_what_is_not_built_is_not_run_with_the_reason(line: str, why: str) -> None:
    assert outcome(line + "\n") == NOT_RUN
    assert why in reason(line + "\n")


@pytest.mark.parametrize(
    "line",
    [
        "+0 < . 1:1(0) ack 1",
        "+0 > P. 1:100(100) ack 1",
        "hello",
        "+0 read(4, ...",
        "+0 > Q 1:1(0)",
        "+0 < Z 0:0(0)",
    ],
)
def test_what_is_no_script_fails_with_its_line(line: str) -> None:
    assert outcome(line + "\n") == FAIL
    assert reason(line + "\n").startswith("script:9: ")


@pytest.mark.parametrize("option", ["tolerance_usecs=soon", "mtu=5", "remote_isn=", "seed=-1"])
def test_an_option_that_is_no_right_number_fails_and_says_what_would_be(option: str) -> None:
    outcome, why = run_text(f"--{option}\n{HEAD}")
    assert outcome == FAIL
    assert f"--{option} where a number from " in why


def test_a_script_without_an_event_proves_nothing_and_fails() -> None:
    assert run_text("// nothing\n")[0] == FAIL


def test_a_blocking_call_returns_at_its_time_or_fails() -> None:
    arrives = "+.5 < P. 1:101(100) ack 1 win 257\n+0 > . 1:1(0) ack 101\n"
    assert outcome("+0...+.5 read(4, ..., 100) = 100\n" + arrives) == PASS
    assert "returned at" in reason("+0...+.2 read(4, ..., 100) = 100\n+.1 < P. 1:101(100) ack 1 win 257\n")
    assert "still blocks" in reason("+0...+.1 read(4, ..., 100) = 100\n")


def test_the_command_prints_each_file_and_a_total_and_its_code_tells_of_failures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.pkt").write_text(HEAD)
    (tmp_path / "b.pkt").write_text(HEAD + "+0 sendfile(4) = 1\n")
    assert main([str(tmp_path)]) == 0
    assert "1 passed, 0 failed, 1 not run" in capsys.readouterr().out
    (tmp_path / "c.pkt").write_text(HEAD + "+0 > . 1:1(0) ack 1\n")
    assert main([str(tmp_path / "c.pkt"), str(tmp_path / "a.pkt")]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("FAIL") and "c.pkt: 9: nothing was sent" in lines[0]
    assert lines[1].startswith("pass")
    assert lines[2] == "1 passed, 1 failed, 0 not run"
    assert main([]) == 2
    assert main([str(tmp_path / "missing.pkt")]) == 2
    (tmp_path / "binary").write_bytes(b"\xff\xfe\0")
    assert main([str(tmp_path / "binary")]) == 2
    assert "it is no text" in capsys.readouterr().err
