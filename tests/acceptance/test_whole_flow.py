"""shared/labs/whole-flow as it stands: a PC that knows nothing opens a page on the other side of the internet."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.acceptance.naming import DnsSeen, stages

from netarium import Net
from netarium.testing import tshark

LAB = Path(__file__).parents[2] / "examples" / "labs" / "whole-flow.yaml"


@pytest.fixture(scope="module")
def flow(tmp_path_factory):
    capture = tmp_path_factory.mktemp("flow") / "flow.pcapng"
    net = Net.load(LAB)
    net.capture(capture)
    seen = DnsSeen(net)
    net.run(check=True)
    net.close()
    return net, seen, capture


def test_the_page_arrives(flow):
    net, _, _ = flow
    curl = net.service("pc")
    assert curl.exit_code == 0
    assert curl.stdout == (LAB.parent / "www" / "index.html").read_text()


def test_the_pc_got_everything_by_dhcp(flow):
    net, _, _ = flow
    log = net.service("pc/dhclient").stdout
    assert [line.split()[0] for line in log.splitlines()] == [
        "DHCPDISCOVER", "DHCPOFFER", "DHCPREQUEST", "DHCPACK", "bound",
    ]  # fmt: skip
    assert "bound to 192.168.1.100 -- renewal in 1800 seconds." in log


def test_the_name_was_looked_up_stage_by_stage(flow):
    _, seen, _ = flow
    assert stages(seen, "pc") == [
        ("hosts file", False), ("node names", False), ("OS cache", False), ("name server", True),
    ]  # fmt: skip
    asked = [
        details["server"] for place, _, details in seen.stages if place == "isp-dns" and "zone" in details
    ]
    assert asked == ["202.173.11.4", "202.173.11.5", "202.173.11.6"]


def test_the_messages_of_the_hierarchy_are_eight(flow):
    _, seen, _ = flow
    # The PC's own two messages are seen where NAT has given them the gateway's address.
    assert seen.told() == [
        "gw > isp-dns ? www.zdns.cn. A rd",
        "isp-dns > root ? www.zdns.cn. A",
        "root > isp-dns -> cn. a.dns.cn.",
        "isp-dns > cn-dns ? www.zdns.cn. A",
        "cn-dns > isp-dns -> zdns.cn. ns.zdns.cn.",
        "isp-dns > zdns-dns ? www.zdns.cn. A",
        "zdns-dns > isp-dns = 202.173.11.10",
        "isp-dns > gw = 202.173.11.10",
    ]


def test_tshark_finds_nothing_that_the_run_does_not_explain(flow):
    _, _, capture = flow
    tshark.skip_without_tshark()
    assert tshark.tshark_findings(capture) == []
