"""R003: a host without NIC or link, or without IP configuration, cannot send; the program says which is missing."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest
from tests.acceptance.conversations import PORT

from netarium import Net

SEND = f"""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.connect(("10.0.0.2", {PORT}))
"""

LABS = {
    "no interface": (
        "  a: {kind: host}\n  b: {kind: host, address: 10.0.0.2/24}\n",
        "",
        "Network is unreachable",
        "a could not send: a has no network interface; link it to something",
    ),
    "no cable": (
        "  a: {kind: host, address: 10.0.0.1/24}\n  b: {kind: host, address: 10.0.0.2/24}\n",
        "",
        "No route to host",
        "a could not send: no cable is plugged into eth0 of a; link it to something",
    ),
    "no address": (
        "  a: {kind: host, interfaces: {eth0: }}\n  b: {kind: host, address: 10.0.0.2/24}\n",
        "links:\n  - [a, b]\n",
        "Network is unreachable",
        "a could not send: a has no IP address on eth0; give it one (address: 10.0.0.1/24)",
    ),
}


@pytest.mark.parametrize("case", LABS)
def test_r003_the_program_fails_and_the_run_says_what_is_missing(case: str, tmp_path: Path) -> None:
    nodes, links, error, missing = LABS[case]
    (tmp_path / "send.py").write_text(SEND)
    (tmp_path / "lab.yaml").write_text(
        f"nodes:\n{nodes}{links}programs:\n  - {{on: a, run: python send.py}}\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "netarium.cli.main", "run", "lab.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert error in done.stderr
    assert f"netarium: {missing}" in done.stderr


def test_r003_with_all_three_it_sends(net: Net) -> None:
    import socket

    net.host("a", address="10.0.0.1/24")
    net.host("b", address="10.0.0.2/24")
    net.link("a", "b")
    with pytest.raises(ConnectionRefusedError):
        net["a"].call(socket.create_connection, ("10.0.0.2", PORT))
    net.link("a", "b").cut()
    assert net["a"].missing() == "the cable of a is cut"
    with pytest.raises(OSError) as caught:
        net["a"].call(socket.create_connection, ("10.0.0.9", PORT))
    assert caught.value.errno == errno.EHOSTUNREACH
