"""What a program asks about its machine is what its host has, and the same in every run."""

from __future__ import annotations

import os
import platform
import resource
import ssl
import time
import uuid
from typing import Any

from netarium import Net


def ask() -> list[Any]:
    with open("/dev/urandom", "rb") as source:
        random = source.read(4)
    number = os.open("/dev/random", os.O_RDONLY)
    random += os.read(number, 4)
    os.close(number)
    time.sleep(1)
    return [
        random,
        ssl.RAND_bytes(8),
        uuid.uuid1(),
        os.times(),
        os.getloadavg(),
        resource.getrusage(resource.RUSAGE_SELF),
        platform.uname(),
        platform.platform(),
        [
            open(path).read()
            for path in ("/etc/machine-id", "/proc/uptime", "/proc/sys/kernel/random/boot_id")
        ],
    ]


def run(function: Any, seed: int = 1) -> Any:
    net = Net(seed=seed)
    return net.host("box", address="10.0.0.7/24", link=net.switch("s"), gateway="10.0.0.1").call(function)


def test_the_same_seed_gives_the_same_machine() -> None:
    assert run(ask) == run(ask)
    assert run(ask)[:3] != run(ask, 2)[:3]


def test_uuid1_is_of_the_virtual_clock_and_the_hosts_mac() -> None:
    def program() -> Any:
        made = [uuid.uuid1() for _ in range(100)]
        with open("/sys/class/net/eth0/address") as file:
            mac = int(file.read().replace(":", ""), 16)
        return made, mac, time.time_ns()

    made, mac, now_ns = run(program)
    assert len(set(made)) == 100
    assert {each.node for each in made} == {mac}
    assert {each.version for each in made} == {1}
    assert abs((made[0].time - 0x01B21DD213814000) * 100 - now_ns) < 10**7


def test_platform_is_the_hosts_inside_and_the_machines_outside() -> None:
    outside = platform.node(), platform.platform()
    assert run(lambda: (platform.node(), platform.platform()[:11])) == ("box", "Linux-6.1.0")
    assert (platform.node(), platform.platform()) == outside


def test_the_files_of_the_kernels_network_are_the_hosts() -> None:
    def program() -> Any:
        with open("/proc/net/route") as file:
            routes = [line.split()[:3] for line in file]
        with open("/proc/sys/net/ipv4/ip_forward") as file:
            forwards = file.read()
        with open("/proc/net/dev") as file:
            devices = [line.split(":")[0].strip() for line in file][2:]
        return routes[1:], forwards, devices, os.listdir("/sys/class/net")

    routes, forwards, devices, listed = run(program)
    assert sorted(routes) == [["eth0", "0000000A", "00000000"], ["eth0", "00000000", "0100000A"]][::-1]
    assert forwards == "0\n"
    assert sorted(devices) == listed == ["eth0", "lo"]


def test_what_of_it_is_not_there_is_refused_by_name() -> None:
    def program() -> str:
        try:
            return open("/proc/net/tcp").read()
        except OSError as error:
            return str(error)

    assert "/proc/net/tcp" in run(program)
    assert "ss" in run(program)
