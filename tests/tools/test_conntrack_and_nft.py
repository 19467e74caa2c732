"""conntrack and nft: what a gateway's tables say, as text and as JSON."""

from __future__ import annotations

import json

from tests.acceptance.nat_nets import NAT, ask_tcp, ask_udp, behind_gateway, failed, tcp_whoami, whoami

from netarium import Net


def used(**options: object) -> Net:
    net = behind_gateway("ab", **options)  # type: ignore[arg-type]
    net["server"].run(whoami(9000))
    net["server"].run(tcp_whoami(9001))
    net["a"].call(ask_udp, "202.20.65.4", 9000, 5000)
    net["b"].call(ask_tcp, "202.20.65.4", 9001, 6000)
    net["a"].call(failed, ask_udp, "202.20.65.77", 9, 5001, 4.0)
    return net


def run(net: Net, command: str, root: bool = True) -> tuple[int, str, str]:
    service = net["gw"].run(command, root=root)
    return service.wait(), service.stdout, service.stderr


def test_conntrack_lists_in_the_format_of_conntrack_tools() -> None:
    net = used()
    code, out, err = run(net, "conntrack -L")
    assert code == 0
    assert err == "conntrack v1.4.8 (conntrack-tools): 3 flow entries have been shown.\n"
    udp, tcp, lost = out.splitlines()
    assert udp == (
        "udp      17 26 src=192.168.1.2 dst=202.20.65.4 sport=5000 dport=9000 "
        "src=202.20.65.4 dst=202.20.65.5 sport=9000 dport=5000 mark=0 use=1"
    )
    assert tcp.startswith("tcp      6 ") and " TIME_WAIT src=192.168.1.3 " in tcp and "[ASSURED]" in tcp
    assert "[UNREPLIED]" in lost and "dport=5001" in lost


def test_conntrack_selects_counts_and_deletes() -> None:
    net = used()
    assert run(net, "conntrack -L -p tcp")[1].count("\n") == 1
    assert run(net, "conntrack -L -s 192.168.1.2 --sport 5000")[1].count("\n") == 1
    assert run(net, "conntrack -L -g")[1] == "" and run(net, "conntrack -L -n")[1].count("\n") == 3
    assert run(net, "conntrack -C")[1] == "3\n"
    refused = run(net, "conntrack -D -p udp", root=False)
    assert refused[0] == 1 and "you must be root" in refused[2]
    assert run(net, "conntrack -D -p udp")[2].endswith("2 flow entries have been deleted.\n")
    assert run(net, "conntrack -D -p udp")[0] == 1, "nothing was deleted"
    assert run(net, "conntrack -F")[0] == 0 and run(net, "conntrack -C")[1] == "0\n"
    assert run(net, "conntrack -L -s nonsense")[0] == 2


def test_conntrack_as_json() -> None:
    found = json.loads(run(used(), "conntrack -L -p udp --dport 9000 --json")[1])
    assert json.loads(run(used(), "conntrack -L -p udp --dport 9000 -o json")[1]) == found
    (connection,) = found["connections"]
    assert found["conntrack"] == 1
    assert connection["protocol"] == "udp" and not connection["unreplied"]
    assert connection["reply"]["destination"] == "202.20.65.5"
    assert connection["original"]["bytes"] == 29 and connection["timeout_s"] == 26
    assert json.loads(run(used(), "conntrack -S --json")[1]) == {"conntrack": 1, "invalid": 0, "full": 0}


def test_nft_lists_rules_with_counters_and_the_nat() -> None:
    nat = {**NAT, "forward": {"tcp/8080": "192.168.1.2:80"}, "static": {"192.168.1.9": "202.20.65.9"}}
    net = used(nat=nat, firewall={"rules": ["deny tcp dport 23", "accept udp"], "policy": {"input": "drop"}})
    code, out, _ = run(net, "nft list ruleset")
    assert code == 0
    lines = [line.strip() for line in out.splitlines()]
    assert "deny tcp dport 23 counter packets 0 bytes 0 # handle 1" in lines
    assert "accept udp counter packets 3 bytes 102 # handle 2" in lines
    assert "type filter hook input priority filter; policy drop;" in lines
    assert 'iif "wan" tcp dport 8080 dnat to 192.168.1.2:80' in lines
    assert 'iif { lan } oif "wan" ip saddr 192.168.1.9 snat to 202.20.65.9' in lines
    assert 'iif { lan } oif "wan" masquerade' in lines
    found = json.loads(run(net, "nft --json list ruleset")[1])
    assert found["nft"] == 1
    assert [rule["packets"] for rule in found["rules"] if rule["text"] == "accept udp"] == [3]
    assert {"chain": "prerouting", "rule": 'iif "wan" tcp dport 8080 dnat to 192.168.1.2:80'} in found["nat"]


def test_nft_lists_the_balancer() -> None:
    net = Net(seed=1)
    balance = {"tcp/80": {"servers": ["10.0.0.2"], "backup": ["10.0.0.3"], "method": "random"}}
    gateway = net.balancer("gw", address="10.0.0.1/24", balance=balance)
    net.host("s", address="10.0.0.2/24", link=gateway)
    out = run(net, "nft list ruleset")[1]
    assert "tcp dport 80 balance random to 10.0.0.2:80 connections 0 total 0" in out
    assert "tcp dport 80 balance random to 10.0.0.3:80 connections 0 total 0 backup" in out
    found = json.loads(run(net, "nft -j list ruleset")[1])
    assert [each["backup"] for each in found["balance"][0]["servers"]] == [False, True]


def test_a_host_without_any_of_it_lists_nothing() -> None:
    net = Net(seed=1)
    net.host("gw", address="10.0.0.1/24")
    net.host("b", address="10.0.0.2/24", link=net["gw"])
    assert run(net, "conntrack -L")[1] == "" and run(net, "nft list ruleset")[1] == ""
