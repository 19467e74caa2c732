"""The tools of a Linux machine with our routers: traceroute and tracepath through three of them, radvd's prefixes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from tests.outside.beside import said_by, three_routers

from netarium import Net
from netarium.outside.namespace import Namespace, why_not
from netarium.outside.pacing import RealTime
from netarium.outside.tap import Tap

LACKS = why_not()
pytestmark = [pytest.mark.kernel, pytest.mark.skipif(bool(LACKS), reason=LACKS)]

HOPS = {
    "-4": ["10.0.0.1", "10.0.1.2", "10.0.2.2", "10.0.4.9"],
    "-6": ["2001:db8::1", "2001:db8:1::2", "2001:db8:2::2", "2001:db8:4::9"],
}
RADVD = """interface tap0 {
    AdvSendAdvert on;
    MinRtrAdvInterval 3;
    MaxRtrAdvInterval 4;
    AdvDefaultLifetime 600;
    AdvCurHopLimit 61;
    AdvLinkMTU 1400;
    prefix 2001:db8:9::/64 { AdvValidLifetime 7200; AdvPreferredLifetime 3600; };
    RDNSS 2001:db8:9::53 { AdvRDNSSLifetime 500; };
};
"""


def needs(program: str) -> pytest.MarkDecorator:
    """Skip where a real program is not installed."""
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


@needs("traceroute")
@pytest.mark.parametrize("probe", [(), ("-I",), ("-T", "-p", "80")], ids=["udp", "icmp", "tcp"])
@pytest.mark.parametrize("flag", HOPS)
def test_the_kernels_traceroute_names_our_three_routers_and_the_host(
    flag: str, probe: tuple[str, ...]
) -> None:
    hops = HOPS[flag]
    with Namespace() as space:
        net, tap = three_routers(space)
        try:
            command = ["traceroute", flag, "-n", "-q", "1", "-w", "10", *probe, hops[-1]]
            said = said_by(space.start(*command), RealTime(net, [tap]))
        finally:
            tap.close()
    assert re.findall(r"^ *\d+  ([0-9a-f.:]+)  ", said, re.MULTILINE) == hops, said


@needs("tracepath")
@pytest.mark.parametrize("flag", HOPS)
def test_the_kernel_finds_the_path_mtu_that_our_router_tells(flag: str) -> None:
    with Namespace() as space:
        net, tap = three_routers(space, narrow=1300)
        try:
            said = said_by(space.start("tracepath", flag, "-n", HOPS[flag][-1]), RealTime(net, [tap]))
            cached = space.run("ip", flag, "route", "get", HOPS[flag][-1])
        finally:
            tap.close()
    assert "pmtu 1300" in said and re.search(rf"^ *4: +{HOPS[flag][-1]} .*reached", said, re.MULTILINE), said
    assert "mtu 1300" in cached, "the kernel believes our fragmentation needed, or packet too big"


@needs("radvd")
def test_a_host_of_ours_takes_all_that_radvd_advertises(tmp_path: Path) -> None:
    configuration = tmp_path / "radvd.conf"
    configuration.write_text(RADVD)
    configuration.chmod(0o644)
    with Namespace() as space:
        net = Net(seed=1, digest=False)
        tap = Tap(net, space)
        host = net.host("ours", interfaces={"eth0": None}, ipv6=True)
        net.link(tap, host)
        tap.up("2001:db8:9::1/64")
        space.sysctl("net.ipv6.conf.all.forwarding", 1)
        real = RealTime(net, [tap])
        on_link = host.node.stack.interfaces["eth0"].ipv6
        radvd = space.start(
            "radvd", "-n", "-C", str(configuration), "-p", str(tmp_path / "radvd.pid"), "-m", "stderr"
        )
        try:
            real.run_until(lambda: bool(host.addresses["eth0"]) or radvd.poll() is not None, 60)
            address = host.addresses["eth0"][0].split("/")[0]
            ping = space.start("ping", "-6", "-n", "-c", "1", "-W", "10", "-s", "2000", address)
            assert "1 received" in said_by(ping, real)
            servers = [format(each, "x") for each in on_link.discovery.dns_servers]
            radvd.terminate()
            real.run_until(lambda: not on_link.discovery.routers, 20)
        finally:
            radvd.kill()
            said = said_by(radvd, real)
            tap.close()
    assert address.startswith("2001:db8:9:"), said
    assert (on_link.mtu, on_link.hop_limit) == (1400, 61)
    assert servers == ["20010db8000900000000000000000053"]
    assert not on_link.discovery.routers, "radvd ended with a router lifetime of 0"
