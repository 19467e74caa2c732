"""Our stack and the Linux kernel's over a TAP device: ping of all sizes, fragments, traceroute, SLAAC, both ways."""

from __future__ import annotations

import random
import re

import pytest
from tests.outside.beside import Beside, said_by, three_routers

from netarium import Net
from netarium.outside.namespace import Namespace, why_not
from netarium.outside.pacing import RealTime
from netarium.outside.tap import Tap
from netarium.wire.ethernet import Frame
from netarium.wire.ipv4 import Ipv4Header
from netarium.wire.ipv6 import Ipv6Header

LACKS = why_not()
pytestmark = [pytest.mark.kernel, pytest.mark.skipif(bool(LACKS), reason=LACKS)]

SIZES = [
    0,
    1,
    8,
    55,
    56,
    1399,
    1452,
    1453,
    1472,
    1473,
    2952,
    2953,
    4000,
    9000,
    20_000,
    40_000,
    65_000,
    65_507,
]


@pytest.fixture
def beside():
    made = Beside()
    yield made
    made.close()


@pytest.mark.parametrize(("flag", "address"), [("-4", "10.0.0.1"), ("-6", "2001:db8::1")])
def test_the_kernel_pings_us_with_every_size(beside: Beside, flag: str, address: str) -> None:
    for size in SIZES:
        said = beside.kernel("ping", flag, "-n", "-c", "1", "-W", "2", "-s", str(size), address)
        assert "1 received" in said, f"{size}: {said}"
    assert not [name for name in beside.host.node.stack.drops if "FRAGMENT" in name.name]


@pytest.mark.parametrize(("flag", "address"), [("-4", "10.0.0.2"), ("-6", "2001:db8::2")])
def test_we_ping_the_kernel_with_every_size(beside: Beside, flag: str, address: str) -> None:
    for size in SIZES:
        service = beside.host.run(f"ping {flag} -n -c 1 -W 2 -s {size} {address}")
        beside.real.run_until(lambda service=service: service.ended, 20)  # type: ignore[misc]
        assert "1 received" in service.stdout, f"{size}: {service.stdout} {service.stderr}"


@pytest.mark.parametrize(("flag", "address"), [("-4", "10.0.0.1"), ("-6", "2001:db8::1")])
def test_fragments_in_random_order_both_ways(beside: Beside, flag: str, address: str) -> None:
    """What the kernel sends is handed to us shuffled, and what we answer is handed to the kernel shuffled."""
    rng = random.Random(7)
    port = beside.tap.node.ports["eth0"]
    held: dict[str, list[Frame]] = {"in": [], "out": []}
    handed = 0

    def shuffled(way: str, frame: Frame, give) -> None:  # type: ignore[no-untyped-def]
        nonlocal handed
        network = frame.network
        if not isinstance(network, Ipv4Header | Ipv6Header) or not network.is_fragment:
            give(frame)
            return
        held[way].append(frame)
        if not (network.fragment & (0x2000 if isinstance(network, Ipv4Header) else 1)):
            rng.shuffle(held[way])
            handed += len(held[way])
            for each in held[way]:
                give(each)
            held[way].clear()

    class Shuffle:
        """Between the cable and the device."""

        def receive(self, port, frame):  # type: ignore[no-untyped-def]
            shuffled("out", frame, lambda each: beside.tap.node.receive(port, each))

        def carrier_changed(self, port, up):  # type: ignore[no-untyped-def]
            pass

    port.owner = Shuffle()
    ours = beside.host.node.ports["eth0"]
    node = beside.host.node

    class ShuffleIn(Shuffle):
        def receive(self, port, frame):  # type: ignore[no-untyped-def]
            shuffled("in", frame, lambda each: node.receive(port, each))

    ours.owner = ShuffleIn()
    for size in (3000, 9000, 30_000, 65_507):
        said = beside.kernel("ping", flag, "-n", "-c", "2", "-i", "0.2", "-W", "2", "-s", str(size), address)
        assert "2 received" in said, said
    assert handed > 200


@pytest.mark.parametrize(
    ("flag", "hops"),
    [
        ("-4", ["10.0.0.1", "10.0.1.2", "10.0.2.2", "10.0.4.9"]),
        ("-6", ["2001:db8::1", "2001:db8:1::2", "2001:db8:2::2", "2001:db8:4::9"]),
    ],
)
def test_traceroute_through_three_of_our_routers(flag: str, hops: list[str]) -> None:
    """By the kernel's sockets (our tool is an ordinary program), and by the kernel's ping with small hop limits."""
    with Namespace() as space:
        net, tap = three_routers(space)
        real = RealTime(net, [tap])
        import sys

        command = [sys.executable, "-m", "netarium.tools.traceroute", flag, "-n", "-q", "1", hops[-1]]
        said = said_by(space.start(*command), real)
        assert re.findall(r"^ *\d+  ([0-9a-f.:]+)  ", said, re.M) == hops, said
        for limit, hop in enumerate(hops[:-1], 1):
            ping = space.start("ping", flag, "-n", "-c", "1", "-W", "2", "-t", str(limit), hops[-1])
            assert f"From {hop} icmp_seq=1 Time" in said_by(ping, real)
        tap.close()


@pytest.mark.parametrize(("flag", "target"), [("-4", "10.0.0.2"), ("-6", "2001:db8::2")])
def test_our_traceroute_ends_at_the_kernel(flag: str, target: str) -> None:
    with Namespace() as space:
        net, tap = three_routers(space)
        real = RealTime(net, [tap])
        service = net["far"].run(f"traceroute {flag} -n -q 1 {target}")
        real.run_until(lambda: service.ended, 40)
        lines = service.stdout.splitlines()
        assert len(lines) == 5 and lines[-1].split()[:2] == ["4", target], service.stdout + service.stderr
        tap.close()


def test_the_kernel_takes_its_address_from_our_router() -> None:
    with Namespace() as space:
        net = Net(seed=1, digest=False)
        tap = Tap(net, space)
        net.router("r", interfaces={"eth0": "2001:db8:7::1/64"}, advertise=True)
        net.link(tap, "r:eth0")
        tap.up()
        real = RealTime(net, [tap])

        def addressed() -> bool:
            shown = space.run("ip", "-6", "addr", "show", "dev", "tap0", "scope", "global")
            return "2001:db8:7:" in shown and "tentative" not in shown

        real.run_until(addressed, 20)
        assert "default via fe80::" in space.run("ip", "-6", "route")
        ping = space.start("ping", "-6", "-n", "-c", "1", "-W", "2", "2001:db8:7::1")
        assert "1 received" in said_by(ping, real)
        tap.close()


def test_we_take_our_address_from_a_router_beside_the_kernel() -> None:
    """The kernel's own socket sends an advertisement that was made by hand; radvd's are in `test_kernel_tools`."""
    with Namespace() as space:
        net = Net(seed=1, digest=False)
        tap = Tap(net, space)
        host = net.host("ours", interfaces={"eth0": None}, ipv6=True)
        net.link(tap, host)
        tap.up("2001:db8:8::1/64")
        space.sysctl("net.ipv6.conf.all.forwarding", 1)
        real = RealTime(net, [tap])
        real.run(2.5)
        import sys

        code = (
            "import socket,struct\n"
            "s=socket.socket(socket.AF_INET6,socket.SOCK_RAW,58)\n"
            "s.setsockopt(41,socket.IPV6_MULTICAST_HOPS,255)\n"
            "p=bytes([3,4,64,0xC0])+struct.pack('!III',86400,14400,0)+socket.inet_pton(10,'2001:db8:8::')\n"
            "s.sendto(struct.pack('!BBHBBHII',134,0,0,64,0,1800,0,0)+p,"
            "('ff02::1',0,0,socket.if_nametoindex('tap0')))\n"
        )
        process = space.start(sys.executable, "-c", code)
        assert said_by(process, real) == ""
        real.run_until(lambda: bool(host.addresses["eth0"]), 10)
        assert host.addresses["eth0"][0].startswith("2001:db8:8:")
        ping = space.start("ping", "-6", "-n", "-c", "1", "-W", "2", host.addresses["eth0"][0].split("/")[0])
        assert "1 received" in said_by(ping, real)
        tap.close()
