"""A node that is switched on later, or again, begins as one that was on from the start: its timers run."""

from __future__ import annotations

import pytest

from netarium import Net

SOLICITATION, ROUTER_SOLICITATION = 135, 133


@pytest.mark.parametrize("again", [False, True])
def test_ipv6_addresses_are_tested_and_routers_asked_for_after_a_late_boot(again: bool) -> None:
    net = Net(seed=1, trace=True)
    net.host("a", address="2001:db8::1/64")
    net.host("late", address="2001:db8::2/64", **({} if again else {"boot": "5s"}))
    net.link("a", "late")
    if again:
        net.at("3s", net["late"].crash)
        net.at("5s", net["late"].boot)
    net.drive(10 * 10**9, lambda: False)
    sent = [each for each in net.trace.select(event="sent", at="late:eth0") if each["t"] > 5 * 10**9]
    probes = [each for each in sent if each.get("type") == SOLICITATION and each["source"] == "::"]
    assert len(probes) == 2, "the link-local address and the one of the lab (RFC 4862 5.4.2)"
    assert any(each.get("type") == ROUTER_SOLICITATION for each in sent)
    states = {each["subject"]: each["after"] for each in net.trace.select(event="state", at="late")}
    assert states["ipv6 address 2001:db8::2/64 dev eth0"] == "preferred"
