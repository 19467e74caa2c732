"""What is wrong with NAT, firewall or balancer in a lab is said with file, node and line; nothing is built."""

from __future__ import annotations

import pytest

from netarium import LabError, Net
from netarium.errors import UsageError
from netarium.lab.filtering.firewall import read_rule

HEAD = "nodes:\n  gw:\n    kind: router\n    interfaces: {lan: 192.168.1.1/24, wan: 202.20.65.5/24}\n"
"""Four lines: what follows begins in line 5."""
LB = "nodes:\n  lb:\n    kind: balancer\n    address: 10.0.0.1/24\n"

CASES = {
    "no outside": (
        HEAD + "    nat: {inside: lan}\n",
        "5: nodes.gw.nat: nat without an outside; write `outside: INTERFACE`, one of lan, wan",
    ),
    "outside that is not there": (
        HEAD + "    nat:\n      outside: wam\n",
        "6: nodes.gw.nat: nat: there is no interface 'wam'; did you mean 'wan'?",
    ),
    "inside and outside at once": (
        HEAD + "    nat: {inside: wan, outside: wan}\n",
        "5: nodes.gw.nat: nat: wan cannot be inside and outside; give two interfaces",
    ),
    "nobody inside": (
        "nodes:\n  gw:\n    kind: router\n    address: 10.0.0.1/24\n    nat: {outside: eth0}\n",
        "5: nodes.gw.nat: nat: eth0 is the only interface; nobody is inside; give the node another interface",
    ),
    "unknown key": (
        HEAD + "    nat: {outside: wan, sauce: masquerade}\n",
        "5: unknown key 'sauce'; did you mean 'source'?",
    ),
    "no such source": (
        HEAD + "    nat: {outside: wan, source: masq}\n",
        "5: nodes.gw.nat: nat.source: 'masq' is not masquerade, none or an address",
    ),
    "a pool that overlaps itself": (
        HEAD + "    nat: {outside: wan, pool: [202.20.65.10-202.20.65.12, 202.20.65.12]}\n",
        "5: nodes.gw.nat: nat.pool: 202.20.65.12 is there twice; the parts of a pool must not overlap",
    ),
    "a pool with the interface's own address": (
        HEAD + "    nat: {outside: wan, pool: 202.20.65.4-202.20.65.6}\n",
        "5: nodes.gw.nat: nat: 202.20.65.5 is in the pool and the address of wan at once; pools and addresses must not "
        "overlap",
    ),
    "a pool with a static address": (
        HEAD + "    nat: {outside: wan, pool: 202.20.65.9, static: {192.168.1.2: 202.20.65.9}}\n",
        "5: nodes.gw.nat: nat: 202.20.65.9 is in the pool and a static address at once; pools and addresses must not "
        "overlap",
    ),
    "a pool inside": (
        HEAD + "    nat: {outside: wan, pool: 192.168.1.10-192.168.1.12}\n",
        "5: nodes.gw.nat: nat: 192.168.1.10 is in the pool, and in the network of lan, 192.168.1.0/24, which is "
        "inside; take addresses that are routed to wan",
    ),
    "a static address inside": (
        HEAD + "    nat: {outside: wan, static: {192.168.1.2: 192.168.1.9}}\n",
        "5: nodes.gw.nat: nat: 192.168.1.9 is a static address, and in the network of lan, 192.168.1.0/24",
    ),
    "a pool and a source": (
        HEAD + "    nat: {outside: wan, source: masquerade, pool: 202.20.65.10-202.20.65.12}\n",
        "5: nodes.gw.nat: nat: `source: masquerade` and a pool cannot stand together: every host inside has an address "
        "of the pool for itself; leave one of them out",
    ),
    "one network on both sides": (
        "nodes:\n  gw:\n    kind: router\n    interfaces: {lan: 192.168.1.1/24, wan: 192.168.1.9/24}\n"
        "    nat: {outside: wan}\n",
        "5: nodes.gw.nat: nat: lan (192.168.1.0/24), inside, and wan (192.168.1.0/24), outside, are one network",
    ),
    "a home router with one network on both sides": (
        "nodes:\n  home:\n    kind: home-router\n    lan: 192.168.1.1/24\n    wan: 192.168.1.9/24\n",
        "5: nodes.home.wan: home has 192.168.1.0/24 on both sides, as lan and as wan",
    ),
    "a balanced address that is another's": (
        LB + "    balance:\n      tcp/80: {servers: 10.0.0.2, address: 10.0.0.9}\n",
        "6: nodes.lb.balance: balance.tcp/80: 10.0.0.9 is no address of this node; use 10.0.0.1, or leave",
    ),
    "a pool backwards": (
        HEAD + "    nat: {outside: wan, pool: 202.20.65.9-202.20.65.1}\n",
        "5: nodes.gw.nat: nat.pool: 202.20.65.9-202.20.65.1 is no range of 1 to 4096 addresses; write FIRST-LAST",
    ),
    "one static address for two": (
        HEAD + "    nat: {outside: wan, static: {192.168.1.2: 202.20.65.9, 192.168.1.3: 202.20.65.9}}\n",
        "5: nodes.gw.nat: nat.static: 202.20.65.9 is given to two inside addresses; give each one of its own",
    ),
    "a forward that is no service": (
        HEAD + "    nat: {outside: wan, forward: {'8080': '192.168.1.2:80'}}\n",
        "5: nodes.gw.nat: nat.forward: '8080' is no service; write tcp/PORT or udp/PORT, such as tcp/8080",
    ),
    "a forward to no port": (
        HEAD + "    nat: {outside: wan, forward: {tcp/8080: '192.168.1.2:http'}}\n",
        "5: nodes.gw.nat: 'http' is no port; write a number from 1 to 65535",
    ),
    "no such class": (
        HEAD + "    nat: {outside: wan, mapping: symmetric}\n",
        "5: nodes.gw.nat.mapping: 'symmetric' does not fit: it should be 'endpoint-independent'",
    ),
    "ports backwards": (
        HEAD + "    nat: {outside: wan, ports: 2000-1000}\n",
        "5: nodes.gw.nat: nat.ports: 2000-1000 is empty; write FIRST-LAST, such as 1024-65535",
    ),
    "the address of another host in the pool": (
        HEAD + "    nat: {outside: wan, pool: 202.20.65.9}\n  h: {kind: host, address: 202.20.65.9/24}\n"
        "links:\n  - [gw:wan, h]\n",
        "6: h:eth0 has the address 202.20.65.9/24, which gw:wan has in the same broadcast domain",
    ),
    "nat on a host": (
        "nodes:\n  a:\n    kind: host\n    nat: {outside: eth0}\n",
        "4: unknown key 'nat'",
    ),
    "a rule with a typing mistake": (
        HEAD + "    firewall:\n      rules:\n        - accept icmp\n        - deny tcp dprot 23\n",
        "8: nodes.gw.firewall: firewall rule 'deny tcp dprot 23': unknown word 'dprot'; did you mean 'dport'?",
    ),
    "an address in the pool that the interface has": (
        HEAD + "    nat:\n      outside: wan\n      pool: 202.20.65.4-202.20.65.6\n",
        "7: nodes.gw.nat: nat: 202.20.65.5 is in the pool and the address of wan at once; pools and addresses must not "
        "overlap",
    ),
    "one wrong port of two": (
        HEAD + "    nat:\n      outside: wan\n      forward:\n        tcp/80: 192.168.1.2\n"
        "        tcp/81: 192.168.1.2:99999\n",
        "9: nodes.gw.nat: '99999' is no port; write a number from 1 to 65535",
    ),
    "a protocol twice": (
        HEAD + "    firewall:\n      rules: [deny tcp udp dport 8080]\n",
        "6: nodes.gw.firewall: firewall rule 'deny tcp udp dport 8080': two protocols, tcp and udp; keep one, or write "
        "a rule for each",
    ),
    "no such policy": (
        HEAD + "    firewall: {policy: dorp}\n",
        "5: nodes.gw.firewall.policy: 'dorp' does not fit",
    ),
    "a balancer without services": (LB, "2: nodes.lb lacks `balance`"),
    "a balancer without servers": (
        LB + "    balance: {tcp/80: {servers: []}}\n",
        "5: nodes.lb.balance: balance.tcp/80 has no servers; write `servers: [ADDRESS:PORT]`",
    ),
    "a server twice": (
        LB + "    balance: {tcp/80: ['10.0.0.2', '10.0.0.2:80']}\n",
        "5: nodes.lb.balance: balance.tcp/80: 10.0.0.2:80 is there twice; name each server once",
    ),
    "unknown key of a service": (
        LB + "    balance:\n      tcp/80: {servers: 10.0.0.2, stiky: 5min}\n",
        "6: unknown key 'stiky'; did you mean 'sticky'?",
    ),
    "a check without a duration": (
        LB + "    balance: {tcp/80: {servers: 10.0.0.2, check: {interval: '5'}}}\n",
        "5: nodes.lb.balance: '5' is no duration; write \"5ms\"",
    ),
    "a home router's port that is not there": (
        "nodes:\n  home: {kind: home-router, wan: 202.20.65.5/24}\n  a: {kind: host, address: 192.168.1.2/24}\n"
        "links:\n  - [a, home:lam1]\n",
        "5: links[1]: home has no port 'lam1'; did you mean 'lan1'?",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_one_clear_message_with_file_node_and_line(case: str, tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    text, message = CASES[case]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lab.yaml").write_text(text)
    with pytest.raises(LabError) as caught:
        Net.load("lab.yaml")
    assert str(caught.value).startswith(f"lab.yaml:{message}")
    assert "\n" not in str(caught.value)


def test_every_key_is_taken_from_a_file_and_counts_after_a_crash_too(tmp_path) -> None:  # type: ignore[no-untyped-def]
    lab = tmp_path / "lab.yaml"
    lab.write_text(
        HEAD
        + "    public: true\n    firewall:\n      policy: {input: drop}\n      rules: [deny tcp dport 23]\n"
        "    nat:\n      outside: wan\n      inside: [lan]\n      source: 202.20.65.8\n      static: {192.168.1.9: "
        "202.20.65.9}\n      forward: {tcp/8080: '192.168.1.2:80', udp/53: 192.168.1.2}\n"
        "      redirect: {tcp/80: 3128}\n"
        "      mapping: endpoint-independent\n      filtering: address-dependent\n      ports: 2000-3000\n"
        "      hairpin: false\n"
    )
    net = Net.load(lab)
    node = net["gw"].node
    for _ in range(2):
        found = node.stack.hooks.filter
        setup = found.nat.setup
        assert (setup.ports, setup.hairpin, setup.mapping) == ((2000, 3000), False, "endpoint-independent")
        assert setup.forward[(17, 53)][1] == 53
        assert node.stack.ipv4.forward.public
        assert [rule.text for rule in found.firewall.chains["forward"].rules] == ["deny tcp dport 23"]
        assert found.firewall.chains["input"].policy == "drop"
        assert [each.length for each in node.stack.interfaces["wan"].addresses] == [24, 32, 32]
        found.firewall.chains["forward"].rules[0].packets = 7
        node.crash()
        node.boot()
    assert node.stack.hooks.filter.firewall.chains["forward"].rules[0].packets == 0


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("deny tcp udp dport 8080", "two protocols, tcp and udp; keep one, or write a rule for each"),
        ("deny tcp tcp", "two protocols, tcp and tcp; keep one, or write a rule for each"),
        ("deny tcp protocol 17", "two protocols, tcp and protocol 17; keep one, or write a rule for each"),
        ("deny protocol 6 udp", "two protocols, protocol 6 and udp; keep one, or write a rule for each"),
        (
            "deny tcp dport 8080 dport 8081",
            "'dport' twice; write them in one list, such as `dport 80,8000-8010`",
        ),
        (
            "deny tcp sport 1 dport 2 sport 3",
            "'sport' twice; write them in one list, such as `sport 1000,2000-2010`",
        ),
        (
            "accept state new state related",
            "'state' twice; write them in one list, such as `state established,related`",
        ),
        ("deny from 10.0.0.1 from 10.0.0.2", "'from' twice; keep one, or write a rule for each"),
        ("deny to any to 10.0.0.2", "'to' twice; keep one, or write a rule for each"),
        ("deny in lan in wan", "'in' twice; keep one, or write a rule for each"),
        ("deny out lan out wan", "'out' twice; keep one, or write a rule for each"),
        ("deny icmp type 8 type 0", "'type' twice; keep one, or write a rule for each"),
        ("deny input forward", "two chains, input and forward; keep one, or write a rule for each"),
        ("deny input accept", "two actions, deny and accept; keep one, or write a rule for each"),
    ],
)
def test_a_rule_that_says_a_thing_twice_is_refused(rule: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_rule(rule, "forward", ["lan", "wan"])
    assert str(caught.value) == f"firewall rule {rule!r}: {why}"
