"""Routing netlink: who is subscribed to links hears of each that comes or goes, in the form of rtnetlink(7)."""

import errno
import socket
import struct

import pytest

from netarium import Net

RTMGRP_LINK = 1
RTM_NEWLINK = 16
IFF_UP, IFF_RUNNING = 0x1, 0x40


def hear(count: int) -> list[tuple[int, int, str, bool]]:
    """(type, index, name, whether it runs) of so many messages."""
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    sock.bind((0, RTMGRP_LINK))
    assert sock.getsockname() == (0, RTMGRP_LINK)
    found = []
    for _ in range(count):
        data, source = sock.recvfrom(4096)
        assert source == (0, RTMGRP_LINK)
        length, kind, _, _, _ = struct.unpack_from("=IHHII", data)
        assert length == len(data)
        _, _, index, flags, _ = struct.unpack_from("=BxHiII", data, 16)
        size, attribute = struct.unpack_from("=HH", data, 32)
        assert attribute == 3 and flags & IFF_UP
        found.append((kind, index, data[36 : 32 + size - 1].decode(), bool(flags & IFF_RUNNING)))
    sock.close()
    return found


def test_a_cut_and_its_repair_are_told() -> None:
    net = Net(seed=1)
    a = net.host("a", interfaces={"x": "10.0.0.1/24", "y": "10.0.1.1/24"})
    b = net.host("b", address="10.0.1.2/24")
    link = net.link("a:y", b)
    hearer = a.run(hear, 2)
    net.at("1s", link.cut)
    net.at("2s", link.heal)
    net.run()
    assert hearer.exit_code == 0, hearer.stderr
    assert hearer.result == [(RTM_NEWLINK, 3, "y", False), (RTM_NEWLINK, 3, "y", True)]
    assert a.node.stack.interfaces["y"].watchers == [], "a program that has ended hears nothing"


def test_after_a_boot_the_carrier_is_what_the_cable_says() -> None:
    net = Net(seed=1)
    a = net.host("a", address="10.0.0.1/24")
    link = net.link(a, net.host("b", address="10.0.0.2/24"))
    link.cut()
    a.crash()
    a.boot()
    assert not a.node.stack.interfaces["eth0"].carrier
    link.heal()
    assert a.node.stack.interfaces["eth0"].carrier


@pytest.mark.parametrize(
    ("kind", "protocol", "number"),
    [(socket.SOCK_STREAM, 0, errno.ESOCKTNOSUPPORT), (socket.SOCK_RAW, 9, errno.EPROTONOSUPPORT)],
)
def test_what_does_not_exist(kind: int, protocol: int, number: int) -> None:
    def ask() -> int | None:
        try:
            socket.socket(socket.AF_NETLINK, kind, protocol)
        except OSError as error:
            return error.errno
        return None

    assert Net(seed=1).host("a").call(ask) == number


def test_requests_are_refused() -> None:
    def ask() -> int | None:
        sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        try:
            sock.sendto(b"x" * 16, (0, 0))
        except OSError as error:
            return error.errno
        return None

    assert Net(seed=1).host("a").call(ask) == errno.EOPNOTSUPP


def test_its_address_is_not_mistaken_for_an_ipv4_one_seen_before() -> None:
    from netarium.programs.shims.socket_address import SHOWN

    SHOWN[(0, RTMGRP_LINK)] = ("0.0.0.0", RTMGRP_LINK)
    test_a_cut_and_its_repair_are_told()
