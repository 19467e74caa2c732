"""In Python nobody checks the shapes before: what no NAT, firewall, balancer or routing can be is said clearly."""

from __future__ import annotations

from typing import Any

import pytest

from netarium import Net
from netarium.errors import UsageError

INTERFACES = {"lan": "192.168.1.1/24", "wan": "203.0.113.9/24"}
SERVERS = {"servers": ["10.0.0.2"]}

CASES: list[tuple[str, Any, str]] = [
    ("firewall", 5, "firewall: 5 does not fit; write a mapping, such as {policy: drop, rules:"),
    ("firewall", "deny", "firewall: 'deny' does not fit; write a mapping"),
    ("firewall", {"policy": 5}, "firewall.policy: 5 does not fit; write an action, or {CHAIN: ACTION}"),
    ("firewall", {"policy": ["drop"]}, "firewall.policy: ['drop'] does not fit; write an action"),
    ("firewall", {"policy": {5: "drop"}}, "firewall.policy: there is no chain 5; known here: input, forward"),
    ("firewall", {"policy": {"input": ["x"]}}, "firewall.policy: ['x'] is no action; known here: accept"),
    ("firewall", {"rules": "deny tcp"}, "firewall.rules: 'deny tcp' is one text; write a list, ['deny tcp']"),
    ("firewall", {"rules": 5}, "firewall.rules: 5 does not fit; write a list of texts, such as"),
    ("firewall", {"rules": [5]}, "firewall.rules: [5] does not fit; write a list of texts, such as"),
    ("firewall", {"rules": {"a": 1}}, "firewall.rules: {'a': 1} does not fit; write a list of texts"),
    (
        "firewall",
        {"rules": ["deny tcp dport ²"]},
        "firewall rule 'deny tcp dport ²': '²' is no number from 0",
    ),
    (
        "firewall",
        {"rules": ["deny tcp dport ١"]},
        "firewall rule 'deny tcp dport ١': '١' is no number from 0",
    ),
    ("firewall", {"rules": ["deny protocol ²"]}, "firewall rule 'deny protocol ²': '²' is no number from 0"),
    (
        "firewall",
        {"rules": ["deny icmp type ²"]},
        "firewall rule 'deny icmp type ²': '²' is no number from 0",
    ),
    ("firewall", {"rules": ["deny udp sport " + "1" * 5000]}, "firewall rule 'deny udp sport 111"),
    ("nat", 5, "nat: 5 does not fit; write a mapping, such as {outside: wan}"),
    ("nat", "wan", "nat: 'wan' does not fit; write a mapping, such as {outside: wan}"),
    ("nat", {"outside": 5}, "nat: there is no interface 5; known here: lan, wan"),
    ("nat", {"outside": ["wan"]}, "nat: there is no interface ['wan']; did you mean 'wan'?"),
    ("nat", {"inside": 5}, "nat.inside: 5 does not fit; write an interface's name, or a list of them"),
    ("nat", {"source": 5}, "nat.source: 5 is not masquerade, none or an address"),
    ("nat", {"source": ["x"]}, "nat.source: ['x'] is not masquerade, none or an address"),
    ("nat", {"pool": 5}, "nat.pool: 5 does not fit; write an address, FIRST-LAST, or a list of them"),
    ("nat", {"pool": [5]}, "nat.pool: [5] does not fit; write an address, FIRST-LAST, or a list of them"),
    ("nat", {"static": ["a"]}, "nat.static: ['a'] does not fit; write {INSIDE-ADDRESS: OUTSIDE-ADDRESS}"),
    ("nat", {"static": {5: 6}}, "'5' is no IPv4 address"),
    ("nat", {"forward": "x"}, "nat.forward: 'x' does not fit; write {tcp/8080: '192.168.1.2:80'}"),
    ("nat", {"forward": {"tcp/80": "10.0.0.2:²"}}, "'²' is no port; write a number from 1 to 65535"),
    ("nat", {"redirect": ["x"]}, "nat.redirect: ['x'] does not fit; write {tcp/80: 3128}"),
    ("nat", {"ports": "1-²"}, "'²' is no port; write a number from 1 to 65535"),
    ("nat", {"hairpin": "no"}, "nat.hairpin: 'no' does not fit; write true or false"),
    ("routing", 5, "routing: 5 does not fit; write rip, ospf or {protocol: ospf}"),
    ("routing", ["ospf"], "routing: ['ospf'] does not fit; write rip, ospf or {protocol: ospf}"),
    ("routing", {"protocol": ["ospf"]}, "there is no routing protocol ['ospf']; did you mean 'ospf'?"),
    (
        "routing",
        {"protocol": "ospf", "passive": 5},
        "routing passive: 5 does not fit; write an interface's name",
    ),
    (
        "routing",
        {"protocol": "ospf", "network": ["x"]},
        "routing network: ['x'] does not fit; write broadcast or",
    ),
    ("routing", {"protocol": "rip", "redistribute": 5}, "redistribute: 5 does not fit; write some of"),
    ("balance", 5, "balance: 5 does not fit; write {tcp/80: {servers: ["),
    ("balance", ["x"], "balance: ['x'] does not fit; write {tcp/80: {servers: ["),
    ("balance", {"tcp/80": None}, "balance.tcp/80: None does not fit; write an ADDRESS:PORT, a list of them"),
    ("balance", {"tcp/80": [5]}, "balance.tcp/80.servers: [5] does not fit; write ADDRESS:PORT, or a list"),
    ("balance", {"tcp/80": {"servers": 5}}, "balance.tcp/80.servers: 5 does not fit; write ADDRESS:PORT"),
    ("balance", {"tcp/80": SERVERS | {"backup": 5}}, "balance.tcp/80.backup: 5 does not fit; write ADDRESS"),
    (
        "balance",
        {"tcp/80": SERVERS | {"check": 5}},
        "balance.tcp/80.check: 5 does not fit; write true, false or",
    ),
    (
        "balance",
        {"tcp/80": SERVERS | {"check": ["x"]}},
        "balance.tcp/80.check: ['x'] does not fit; write true",
    ),
]


@pytest.mark.parametrize(("key", "value", "message"), CASES)
def test_what_does_not_fit_is_said_with_what_would(key: str, value: Any, message: str) -> None:
    if key == "nat" and isinstance(value, dict):
        value = {"outside": "wan"} | value
    net = Net(seed=1)
    place = net.balancer if key == "balance" else net.router
    with pytest.raises(UsageError) as caught:
        place("gw", interfaces=INTERFACES, **{key: value})
    assert str(caught.value).startswith(message)
