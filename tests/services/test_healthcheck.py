"""Health checks: so many in a row change the verdict, and the balancer hears of it at once."""

from __future__ import annotations

import time

import pytest
from tests.acceptance.nat_nets import tcp_whoami

from netarium import Net
from netarium.services.healthcheck import Verdict


@pytest.mark.parametrize(
    ("checks", "verdicts"),
    [
        ("++++", "++++"),
        ("-+-+", "++++"),
        ("--++", "+---"),
        ("--+++", "+---+"),
        ("---+-+++", "+------+"),
    ],
)
def test_two_failures_in_a_row_are_death_and_three_passes_are_life(checks: str, verdicts: str) -> None:
    verdict = Verdict(fails=2, passes=3)
    told = ""
    for check in checks:
        verdict.take(check == "+")
        told += "+" if verdict.alive else "-"
    assert told == verdicts


def test_a_dead_server_is_found_within_interval_time_out_and_count() -> None:
    net = Net(seed=1, trace=True)
    inner = net.switch("inner")
    check = {"interval": "500ms", "timeout": "200ms", "fails": 3, "passes": 2}
    lb = net.balancer(
        "lb",
        address="192.168.1.1/24",
        link=inner,
        balance={"tcp/80": {"servers": ["192.168.1.2", "192.168.1.3"], "check": check}},
    )
    for number in (2, 3):
        host = net.host(f"s{number}", address=f"192.168.1.{number}/24", link=inner)
        host.run(tcp_whoami(80, host.name), root=True, daemon=True)
    watcher = net.host("watcher", address="192.168.1.9/24", link=inner)
    watcher.call(time.sleep, 10)
    assert [each.alive for each in lb.servers[0].servers] == [True, True]
    net["s2"].crash()
    died_ns = net.now_ns
    watcher.call(time.sleep, 3)
    (dead,) = net.trace.select(event="state", at="lb", after="dead")
    assert dead["subject"] == "server 192.168.1.2:80"
    assert 2 * 500_000_000 < dead["t"] - died_ns < 3 * 500_000_000 + 200_000_000 + 1_000_000
    net["s2"].boot()
    booted_ns = net.now_ns
    watcher.call(time.sleep, 3)
    (alive,) = net.trace.select(event="state", at="lb", after="alive")
    assert alive["t"] - booted_ns < 2 * 500_000_000 + 500_000_000
    assert lb.services == [] or all(service.of_node for service in lb.services)
    assert net.services == [each for each in net.services if each.host is not lb], (
        "the check is part of the box"
    )


def test_checks_go_on_after_the_balancer_was_off() -> None:
    net = Net(seed=1)
    lb = net.balancer("lb", address="192.168.1.1/24", balance={"tcp/80": "192.168.1.2"})
    net.host("s2", address="192.168.1.2/24", link=lb)
    lb.crash()
    lb.boot()
    net["s2"].call(time.sleep, 8)
    assert [each.alive for each in lb.servers[0].servers] == [False], "nobody listens there"
