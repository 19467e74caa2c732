"""Real DNS and DHCP programs over a TAP: dig and drill ask our server, our resolver asks dnsmasq and named, udhcpc
and dhclient get a lease from our server. Each skips with its reason where the program or root is not there.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from netarium import Net
from netarium.outside.namespace import Namespace, why_not
from netarium.outside.pacing import RealTime
from netarium.outside.tap import Tap

LACKS = why_not()
pytestmark = [pytest.mark.kernel, pytest.mark.skipif(bool(LACKS), reason=LACKS)]

ZONE = """
example.test.      3600 IN SOA ns.example.test. nobody.invalid. 1 1800 900 604800 60
example.test.      3600 IN NS  ns.example.test.
ns.example.test.   3600 IN A   10.0.0.1
www.example.test.   600 IN A   202.173.11.10
alias.example.test. 600 IN CNAME www.example.test.
"""
LONG_TEXT = "".join(f'big.example.test. 60 IN TXT "{number:02d} {"x" * 200}"\n' for number in range(20))


def need(program: str) -> None:
    """Skip, saying what would have to be installed."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed here")


class Beside:
    """Our host `ours` (10.0.0.1) and the kernel of a namespace (10.0.0.2, unless it is to ask for an address)."""

    def __init__(self, kernel_address: str = "10.0.0.2/24", **host: Any) -> None:
        self.space = Namespace()
        self.net = Net(seed=1, digest=False)
        self.tap = Tap(self.net, self.space)
        self.host = self.net.host("ours", address="10.0.0.1/24", **host)
        self.net.link(self.tap, self.host)
        self.tap.up(*([kernel_address] if kernel_address else []))
        self.space.run("ip", "link", "set", "lo", "up")
        self.real = RealTime(self.net, [self.tap])
        self.servers: list[subprocess.Popen[str]] = []

    def kernel(self, *command: str, within_s: float = 40.0) -> str:
        """A command of the kernel's side, run while our side answers."""
        process = self.space.start(*command)
        self.real.run_until(lambda: process.poll() is not None, within_s)
        assert process.stdout is not None
        with process.stdout as output:
            return output.read()

    def serve(self, *command: str) -> None:
        """Start a server of the kernel's side and give it time to bind its port."""
        self.servers.append(self.space.start(*command))
        end = time.monotonic() + 10
        while ":53 " not in self.space.run("ss", "-lun", check=False) and time.monotonic() < end:
            time.sleep(0.05)

    def ours(self, command: str) -> str:
        """A tool of our host, in real time; what it printed."""
        service = self.host.run(command, stdin="")
        self.real.run_until(lambda: service.ended, 30)
        return service.stdout

    def close(self) -> None:
        for server in self.servers:
            server.kill()
            server.wait()
            if server.stdout is not None:
                server.stdout.close()
        self.tap.close()
        self.space.close()


@pytest.fixture
def serving() -> Iterator[Beside]:
    made = Beside(services=[{"dns": {"zones": {"example.test.": ZONE + LONG_TEXT}}}])
    yield made
    made.close()


@pytest.fixture
def asking() -> Iterator[Beside]:
    made = Beside(dns="10.0.0.2")
    yield made
    made.close()


def test_dig_asks_our_server(serving: Beside) -> None:
    need("dig")
    said = serving.kernel("dig", "@10.0.0.1", "alias.example.test", "+norecurse")
    assert "status: NOERROR" in said and "flags: qr aa" in said
    assert "alias.example.test.\t600\tIN\tCNAME\twww.example.test." in said
    assert "www.example.test.\t600\tIN\tA\t202.173.11.10" in said
    assert "WARNING" not in said
    assert "status: NXDOMAIN" in serving.kernel("dig", "@10.0.0.1", "nothing.example.test", "+norecurse")


def constant(text: str) -> list[str]:
    """The lines without what no two runs share: version, identifier, time."""
    lines = [
        re.sub(r"id: [0-9]+|<<>> DiG .* <<>>|Query time: [0-9]+|WHEN: .*", "", line)
        for line in text.splitlines()
    ]
    return [line.rstrip() for line in lines]


@pytest.mark.parametrize(
    "command",
    [
        "dig @10.0.0.1 alias.example.test",
        "dig @10.0.0.1 +short alias.example.test",
        "dig @10.0.0.1 nothing.example.test +norecurse",
        "dig @10.0.0.1 other.example +noall +comments",
        "host alias.example.test 10.0.0.1",
        "host nothing.example.test 10.0.0.1",
        "host -t mx www.example.test 10.0.0.1",
        "host 10.0.0.9 10.0.0.1",
    ],
)
def test_our_dig_and_host_print_what_the_real_ones_print(serving: Beside, command: str) -> None:
    words = command.split()
    need(words[0])
    # At the very beginning: the server's ports are bound before any program runs.
    ours = serving.ours(command)
    assert constant(ours) == constant(serving.kernel(*words))


def test_dig_comes_again_by_tcp_when_the_answer_was_truncated(serving: Beside) -> None:
    need("dig")
    said = serving.kernel("dig", "@10.0.0.1", "big.example.test", "TXT", "+bufsize=512", "+norecurse")
    assert "Truncated, retrying in TCP mode" in said
    assert said.count("x" * 200) == 20


def test_drill_asks_our_server(serving: Beside) -> None:
    need("drill")
    said = serving.kernel("drill", "www.example.test", "@10.0.0.1", "A")
    assert "rcode: NOERROR" in said and "202.173.11.10" in said


def test_dnsmasq_answers_our_resolver(asking: Beside) -> None:
    need("dnsmasq")
    asking.serve(
        "dnsmasq", "--no-daemon", "--no-resolv", "--no-hosts", "--user=root", "--listen-address=10.0.0.2",
        "--bind-interfaces", "--host-record=www.real.test,192.0.2.7", "--local=/real.test/",
    )  # fmt: skip
    assert asking.ours("dig +short www.real.test") == "192.0.2.7\n"
    assert "has address 192.0.2.7" in asking.ours("host www.real.test")
    assert "NXDOMAIN" in asking.ours("dig nothing.real.test")


def test_named_answers_our_resolver(asking: Beside, tmp_path: Path) -> None:
    need("named")
    zone = tmp_path / "real.test.zone"
    zone.write_text(
        "$TTL 300\n@ IN SOA ns nobody 1 1800 900 604800 60\n@ IN NS ns\nns IN A 10.0.0.2\nwww IN A 192.0.2.8\n"
    )
    configuration = tmp_path / "named.conf"
    configuration.write_text(
        f'options {{ directory "{tmp_path}"; listen-on {{ 10.0.0.2; }}; listen-on-v6 {{ none; }}; recursion no; '
        f'pid-file none; session-keyfile "{tmp_path}/session.key"; dnssec-validation no; }};\ncontrols {{ }};\n'
        f'zone "real.test" {{ type master; file "{zone}"; }};\n'
    )
    tmp_path.chmod(0o755)
    asking.serve("named", "-g", "-c", str(configuration), "-u", "root")

    def look_up() -> str:
        import socket

        return socket.gethostbyname("www.real.test")

    service = asking.host.run(look_up)
    asking.real.run_until(lambda: service.ended, 30)
    assert service.result == "192.0.2.8"
    assert "192.0.2.8" in asking.ours("dig +tcp +short www.real.test")


DHCP = {"eth0": {"range": "10.0.0.100-10.0.0.110", "gateway": "10.0.0.1", "dns": "10.0.0.53", "lease": "1h"}}


def test_udhcpc_gets_a_lease_from_our_server(tmp_path: Path) -> None:
    need("udhcpc")
    script = tmp_path / "script"
    script.write_text('#!/bin/sh\n[ "$1" = bound ] && echo "bound $ip $subnet $router $dns $lease"\nexit 0\n')
    script.chmod(0o755)
    beside = Beside(kernel_address="", dhcp=DHCP)
    try:
        said = beside.kernel("udhcpc", "-i", "tap0", "-f", "-n", "-q", "-t", "5", "-s", str(script))
    finally:
        beside.close()
    assert "bound 10.0.0.100 255.255.255.0 10.0.0.1 10.0.0.53 3600" in said


def test_dhclient_gets_a_lease_from_our_server_and_releases_it(tmp_path: Path) -> None:
    need("dhclient")
    script, leases, pid = (tmp_path / name for name in ("script", "leases", "pid"))
    script.write_text(
        "#!/bin/sh\n"
        'echo "$reason $new_ip_address $new_subnet_mask $new_routers $new_domain_name_servers $new_dhcp_lease_time"\n'
        '[ "$reason" = PREINIT ] && ip link set tap0 up\n'
        '[ "$reason" = BOUND ] && ip address add "$new_ip_address/24" dev tap0\n'
        "exit 0\n"
    )
    script.chmod(0o755)
    tmp_path.chmod(0o755)
    files = ("-sf", str(script), "-lf", str(leases), "-pf", str(pid), "-cf", "/dev/null")
    beside = Beside(kernel_address="", dhcp=DHCP)
    # `-d` keeps it in front; `-r` ends it, and gives the lease back.
    client = beside.space.start("dhclient", "-4", "-d", "-v", *files, "tap0")
    try:
        beside.real.run_until(lambda: leases.exists() and "fixed-address" in leases.read_text(), 60)
        beside.kernel("dhclient", "-4", "-r", "-v", *files, "tap0")
        beside.real.run_until(lambda: client.poll() is not None, 20)
        client.kill()
        assert client.stdout is not None
        with client.stdout as output:
            said = output.read()
        server = beside.net.service("ours/dhcpd").stdout
    finally:
        client.kill()
        client.wait()
        beside.close()
    assert "BOUND 10.0.0.100 255.255.255.0 10.0.0.1 10.0.0.53 3600" in said
    assert "DHCPACK of 10.0.0.100 from 10.0.0.1" in said
    assert "DHCPRELEASE" in server
