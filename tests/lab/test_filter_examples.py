"""The labs of examples/filter run as they stand."""

from __future__ import annotations

from pathlib import Path

from netarium import Net

EXAMPLES = Path(__file__).parents[2] / "examples" / "filter"


def test_the_balancer_shares_fails_over_and_takes_the_spare_last() -> None:
    net = Net.load(EXAMPLES / "balancer.yaml")
    net.run(check=True)
    asked = [net.service(name).stdout for name in ("client/curl", "client/curl-2", "client/curl-3")]
    assert asked == [
        "from server one\nfrom server two\n",
        "from server two\nfrom server two\n",
        "from the spare\n",
    ]
    listed = net.service("lb").stdout
    assert "192.168.1.11:80 connections 0 total 1 dead" in listed
    assert "table inet filter" not in listed


def test_the_home_is_all_in_one_box() -> None:
    net = Net.load(EXAMPLES / "home.yaml")
    net.run(check=True)
    assert net.service("pc/curl").stdout.endswith("X-Cache: MISS from home\r\n\r\n")
    assert net.service("pc/curl-2").stdout == net.service("phone").stdout == "from server one\n"
    assert " 200 HIT" in net.service("home/proxy").stdout
    assert net.service("home/conntrack").stdout.startswith("icmp     1 30 src=192.168.1.100 ")
