"""Against FRR's ospfd and ripd on a TAP device: they become neighbours of ours, and both sides' tables agree.

FRR is taken from /usr/lib/frr (Debian's package frr), or from the folder that NETARIUM_FRR names.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from netarium import Net
from netarium.addresses import parse_ipv4
from netarium.outside.namespace import Namespace, why_not
from netarium.outside.pacing import RealTime
from netarium.outside.tap import Tap

FRR = Path(os.environ.get("NETARIUM_FRR", "/usr/lib/frr"))
LACKS = why_not() or ("" if (FRR / "ospfd").exists() else f"no FRR in {FRR}: on Debian, apt-get install frr")
pytestmark = [pytest.mark.kernel, pytest.mark.skipif(bool(LACKS), reason=LACKS)]

OSPF = """\
interface tap0
 ip ospf hello-interval 1
 ip ospf dead-interval 4
 ip ospf cost 7
 {network}
interface tap1
 ip ospf cost 3
 ip ospf passive
router ospf
 ospf router-id 9.9.9.9
 network 10.0.0.0/24 area 0
 network 192.168.50.0/24 area 0
"""
RIP = """\
router rip
 version 2
 network tap0
 network tap1
 passive-interface tap1
"""


class Beside:
    """Our r1 (10.0.0.1), r2 behind it; at one cable with r1 FRR (10.0.0.9, and 192.168.50.0/24 of its own)."""

    def __init__(self, folder: Path, protocol: str, network: str = "broadcast") -> None:
        self.folder = folder
        self.protocol = protocol
        self.space = Namespace()
        self.net = Net(seed=1, digest=False)
        self.tap = Tap(self.net, self.space)
        self.tap.up("10.0.0.9/24")
        self.stub = Tap(self.net, self.space, "tap1")
        self.stub.up("192.168.50.1/24")
        routing: dict[str, object] = {"protocol": protocol}
        if protocol == "ospf":
            routing |= {"hello": "1s", "dead": "4s", "network": network}
        one = {**routing, "cost": {"out": 5, "in": 2}} if protocol == "ospf" else routing
        self.net.router("r1", interfaces={"out": "10.0.0.1/24", "in": "10.0.1.1/30"}, routing=one)
        self.net.router("r2", interfaces={"in": "10.0.1.2/30", "lan": "172.16.2.1/24"}, routing={**routing})
        self.net.link(self.tap, "r1:out")
        self.net.link("r1:in", "r2:in", rate="10Mbps")
        self.real = RealTime(self.net, [self.tap])
        self.processes: list[subprocess.Popen[str]] = []
        self.text = RIP if protocol == "rip" else OSPF.format(network=f"ip ospf network {network}")

    def start_all(self) -> None:
        self.start("zebra", "")
        self.start(f"{self.protocol}d", self.text)

    def start(self, daemon: str, configuration: str) -> None:
        file = self.folder / f"{daemon}.conf"
        file.write_text(f"hostname frr\nlog file {self.folder}/{daemon}.log\n{configuration}")
        where = str(self.folder)
        command = [
            str(FRR / daemon),
            "-f",
            str(file),
            "-i",
            f"{where}/{daemon}.pid",
            "-z",
            f"{where}/zebra.api",
        ]
        command += ["--vty_socket", where, "-u", "frr", "-g", "frr", "-P", "0"]
        process = self.space.start(*command)
        self.processes.append(process)
        listens = self.folder / ("zebra.api" if daemon == "zebra" else f"{daemon}.vty")
        self.real.run_until(lambda: listens.exists() or process.poll() is not None, 20)
        assert process.poll() is None, process.stdout.read()

    def kernel_routes(self) -> dict[str, str]:
        """What FRR has put into the kernel's table: prefix -> next hop."""
        found = {}
        for line in self.space.run("ip", "route", "show", "proto", self.protocol).splitlines():
            words = line.split()
            if "via" in words:
                found[words[0]] = words[words.index("via") + 1]
        return found

    def our_routes(self, router: str) -> dict[str, int]:
        return {
            repr(route).split()[0]: route.metric
            for route in self.net[router].node.stack.routes.routes
            if route.protocol == self.protocol
        }

    def close(self) -> None:
        for process in self.processes:
            process.terminate()
            process.wait()
            process.stdout.close()
        self.tap.close()
        self.stub.close()
        self.space.close()


@pytest.fixture
def beside(request: pytest.FixtureRequest) -> Iterator[Beside]:
    # FRR's daemons give up root and then write here; pytest's own folders are closed to others.
    folder = Path(tempfile.mkdtemp(prefix="netarium-frr-"))
    folder.chmod(0o777)
    made = Beside(folder, *request.param)
    try:
        made.start_all()
        yield made
    finally:
        made.close()
        shutil.rmtree(folder)


@pytest.mark.parametrize("beside", [("ospf", "broadcast"), ("ospf", "point-to-point")], indirect=True)
def test_frrs_ospfd_becomes_adjacent_and_the_tables_agree(beside: Beside) -> None:
    wanted = {"10.0.1.0/30": "10.0.0.1", "172.16.2.0/24": "10.0.0.1"}

    def agree() -> bool:
        return beside.kernel_routes() == wanted and "192.168.50.0/24" in beside.our_routes("r2")

    beside.real.run_until(agree, 40)
    assert beside.our_routes("r1") == {"192.168.50.0/24": 5 + 3, "172.16.2.0/24": 2 + 10}
    assert beside.our_routes("r2") == {"192.168.50.0/24": 10 + 5 + 3, "10.0.0.0/24": 10 + 5}
    beside.net["r2"].crash()
    beside.real.run_until(lambda: "172.16.2.0/24" not in beside.kernel_routes(), 20)
    beside.net["r2"].boot()
    beside.real.run_until(agree, 40)


@pytest.mark.parametrize("beside", [("rip",)], indirect=True)
def test_frrs_ripd_and_ours_tell_each_other(beside: Beside) -> None:
    wanted = {"10.0.1.0/30": "10.0.0.1", "172.16.2.0/24": "10.0.0.1"}
    beside.real.run_until(lambda: beside.kernel_routes() == wanted, 60)
    beside.real.run_until(lambda: "192.168.50.0/24" in beside.our_routes("r2"), 60)
    assert beside.our_routes("r1") == {"192.168.50.0/24": 2, "172.16.2.0/24": 2}
    assert beside.our_routes("r2") == {"192.168.50.0/24": 3, "10.0.0.0/24": 2}
    gateway = beside.net["r1"].node.stack.routes.lookup(parse_ipv4("192.168.50.1")).gateway
    assert gateway == parse_ipv4("10.0.0.9")
