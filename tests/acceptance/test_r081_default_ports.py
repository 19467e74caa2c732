"""R081: the default ports that people look up, by the command and by programs on a host."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from netarium import Net

NAMED = {"mysql": 3306, "mongodb": 27017, "django": 8000, "tomcat": 8080, "flask": 5000, "redis": 6379}


def netarium_ports(what: str) -> list[list[str]]:
    """The lines of `netarium ports WHAT`, in words."""
    done = subprocess.run(
        [sys.executable, "-m", "netarium", "ports", what],
        capture_output=True,
        text=True,
        check=True,
        timeout=180,
    )
    return [line.split() for line in done.stdout.splitlines()]


@pytest.mark.parametrize(("name", "port"), NAMED.items())
def test_r081_the_command_knows_the_default_port_of_a_name(name: str, port: int) -> None:
    assert netarium_ports(name) == [[name, f"{port}/tcp"]]


def test_r081_a_name_may_share_a_port_with_others() -> None:
    assert netarium_ports("8080") == [
        ["http-alt", "8080/tcp"],
        ["http-alt", "8080/udp"],
        ["tomcat", "8080/tcp"],
    ]


def by_names() -> dict[str, int]:
    """What a program's libc says."""
    return {name: socket.getservbyname(name, "tcp") for name in NAMED}


def by_port() -> list[str]:
    return [socket.getservbyport(port) for port in (3306, 27017, 8000, 8080, 5000, 6379)]


def test_r081_getservbyname_on_a_host_knows_them_and_getservbyport_their_names() -> None:
    net = Net(seed=1)
    pc = net.host("pc", address="10.0.0.1/24", link=net.switch("wire"))
    assert pc.call(by_names) == NAMED
    # Port 8080 has an official name too, which goes first.
    assert pc.call(by_port) == ["mysql", "mongodb", "django", "http-alt", "flask", "redis"]
