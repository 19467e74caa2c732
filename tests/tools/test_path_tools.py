"""traceroute, tracepath, ping -6, arp and ip -6 on hosts of the net."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from netarium import Net


def chain(mtu: int = 1500) -> tuple[Net, Any, Any]:
    """near - r1 - r2 - far, both families; the link between the routers carries `mtu`."""
    net = Net(seed=1)
    near = net.host("near", address=["10.0.0.2/24", "2001:db8::2/64"], gateway=["10.0.0.1", "2001:db8::1"])
    net.router(
        "r1",
        interfaces={"a": ["10.0.0.1/24", "2001:db8::1/64"], "b": ["10.0.1.1/24", "2001:db8:1::1/64"]},
        routes=[{"to": "10.0.2.0/24", "via": "10.0.1.2"}, {"to": "2001:db8:2::/64", "via": "2001:db8:1::2"}],
    )
    net.router(
        "r2",
        interfaces={"a": ["10.0.1.2/24", "2001:db8:1::2/64"], "b": ["10.0.2.1/24", "2001:db8:2::1/64"]},
        routes=[{"to": "10.0.0.0/24", "via": "10.0.1.1"}, {"to": "2001:db8::/64", "via": "2001:db8:1::1"}],
    )
    far = net.host("far", address=["10.0.2.2/24", "2001:db8:2::2/64"], gateway=["10.0.2.1", "2001:db8:2::1"])
    for one, other in ((near, "r1:a"), ("r1:b", "r2:a"), ("r2:b", far)):
        net.link(one, other)
    for router, interface in (("r1", "b"), ("r2", "a")):
        net[router].node.stack.set_mtu(interface, mtu)
    return net, near, far


def output(net: Net, host: Any, command: str, code: int = 0, **how: Any) -> str:
    service = host.run(command, **how)
    net.run_until(service)
    assert service.exit_code == code, service.stdout + service.stderr
    return str(service.stdout)


HOPS = {"-4": ["10.0.0.1", "10.0.1.2", "10.0.2.2"], "-6": ["2001:db8::1", "2001:db8:1::2", "2001:db8:2::2"]}


@pytest.mark.parametrize("flag", ["-4", "-6"])
def test_traceroute_names_every_hop(flag: str) -> None:
    net, near, _far = chain()
    said = output(net, near, f"traceroute {flag} -n far")
    assert said.startswith(
        f"traceroute to far ({HOPS[flag][-1]}), 30 hops max, {60 if flag == '-4' else 80} byte packets"
    )
    assert re.findall(r"^ \d  (\S+)  \d+\.\d+ ms  \d+\.\d+ ms  \d+\.\d+ ms$", said, re.M) == HOPS[flag]
    found = json.loads(output(net, near, f"traceroute {flag} --json -q 1 far"))
    assert [hop["answers"][0]["address"] for hop in found["hops"]] == HOPS[flag]
    assert [hop["answers"][0]["kind"] for hop in found["hops"]] == ["ttl", "ttl", "port"]


def test_traceroute_marks_what_cannot_be_reached_and_what_is_silent() -> None:
    net, near, _far = chain()
    said = output(net, near, "traceroute -n -q 1 10.0.2.99")
    assert said.splitlines()[-1].endswith("!H")
    assert "!N" in output(net, near, "traceroute -n -q 1 10.9.9.9")
    net.drop("icmp", sender="r1")
    said = output(net, near, "traceroute -4 -n -q 1 -w 1 -m 3 far")
    assert said.splitlines()[1] == " 1  *"


@pytest.mark.parametrize("flag", ["-4", "-6"])
@pytest.mark.parametrize("probe", ["-I", "-T", "-T -p 8080", "-i eth0", "-s own"])
def test_traceroute_by_echoes_by_syns_and_from_a_given_source(flag: str, probe: str) -> None:
    """A server listens on port 80 and none on 8080: both answers are the target's."""
    net, near, far = chain()
    far.run("nc -l -k 80", daemon=True, stdin="")
    probe = probe.replace("own", "10.0.0.2" if flag == "-4" else "2001:db8::2")
    said = output(net, near, f"traceroute {flag} -n {probe} far", root=True)
    assert re.findall(r"^ \d  (\S+)  \d+\.\d+ ms  \d+\.\d+ ms  \d+\.\d+ ms$", said, re.M) == HOPS[flag]


def test_traceroute_by_echoes_and_syns_waits_for_what_is_silent_and_marks_what_is_refused() -> None:
    net, near, _far = chain()
    for probe in ("-I", "-T"):
        said = output(net, near, f"traceroute {probe} -n -q 1 10.0.2.99", root=True)
        assert said.splitlines()[-1].endswith("!H")
    net.drop("icmp", sender="r1")
    for probe in ("-I", "-T"):
        said = output(net, near, f"traceroute {probe} -4 -n -q 1 -w 1 -m 3 far", root=True)
        assert said.splitlines()[1] == " 1  *"


@pytest.mark.parametrize(
    "arguments,why",
    [
        ("192.0.2.1", "connect: Network is unreachable\n"),
        ("-T 192.0.2.1", "connect: Network is unreachable\n"),
        ("-s 9.9.9.9 10.0.0.1", "bind: Cannot assign requested address\n"),
        ("-i eth7 10.0.0.1", "setsockopt SO_BINDTODEVICE: No such device\n"),
    ],
)
def test_traceroute_that_cannot_send_says_why_and_ends_with_1(arguments: str, why: str) -> None:
    host = Net(seed=1).host("host", address="10.0.0.1/24")
    service = host.run(f"traceroute {arguments}", root=True, stdin="")
    assert (service.wait(), service.stderr) == (1, why)
    assert re.fullmatch(r"traceroute to \S+ \(\S+\), 30 hops max, 60 byte packets\n", service.stdout)


@pytest.mark.parametrize("flag", ["-4", "-6"])
def test_tracepath_finds_the_mtu_of_the_path(flag: str) -> None:
    net, near, _far = chain(mtu=1400)
    found = json.loads(output(net, near, f"tracepath {flag} -n --json far"))
    assert found["reached"] and found["pmtu"] == 1400
    assert [hop["address"] for hop in found["hops"]] == HOPS[flag]
    assert "Resume: pmtu 1400 hops 3 reached" in output(net, near, f"tracepath {flag} far")


def test_ping_over_ipv6() -> None:
    net, near, _far = chain()
    said = output(net, near, "ping -6 -n -c 2 -s 2000 far")
    assert said.startswith(
        "PING far(2001:db8:2::2) 2000 data bytes\n2008 bytes from 2001:db8:2::2: icmp_seq=1 ttl=62"
    )
    assert "2 packets transmitted, 2 received" in said
    said = output(net, near, "ping -6 -n -c 1 -t 1 far", code=1)
    assert "From 2001:db8::1 icmp_seq=1 Time exceeded: Hop limit" in said
    assert "Destination unreachable: No route" in output(net, near, "ping -6 -n -c 1 2001:db8:9::9", code=1)
    assert "1 received" in output(net, near, "ping -c 1 ::1")


@pytest.mark.parametrize("flag", ["-4", "-6"])
def test_ping_as_json(flag: str) -> None:
    net, near, _far = chain()
    found = json.loads(output(net, near, f"ping {flag} --json -c 2 -s 100 far"))
    assert (found["transmitted"], found["received"], found["errors"], found["size_bytes"]) == (2, 2, 0, 100)
    assert found["address"] == HOPS[flag][-1] and 0 < found["rtt_ms"]["min"] <= found["rtt_ms"]["max"]
    assert [(each["sequence"], each["ttl"]) for each in found["answers"]] == [(1, 62), (2, 62)]
    found = json.loads(output(net, near, f"ping {flag} --json -c 1 -t 1 far", code=1))
    assert (found["received"], found["errors"], found["rtt_ms"]) == (0, 1, None)
    assert found["answers"][0]["address"] == HOPS[flag][0] and "exceeded" in found["answers"][0]["error"]


@pytest.mark.parametrize(("flag", "target"), [("-4", "10.0.2.2"), ("-6", "2001:db8:2::2")])
def test_ip_route_get_tells_the_mtu_of_a_path_that_was_learnt(flag: str, target: str) -> None:
    net, near, _far = chain(mtu=1400)
    assert "mtu" not in output(net, near, f"ip {flag} route get {target}")
    output(net, near, f"tracepath {flag} -n {target}")
    assert " mtu 1400 " in output(net, near, f"ip {flag} route get {target}")
    found = json.loads(output(net, near, f"ip {flag} --json route get {target}"))
    assert found[0]["metrics"] == [{"mtu": 1400}]


def test_arp_shows_sets_and_deletes() -> None:
    net, near, _far = chain()
    output(net, near, "ping -n -c 1 10.0.0.1")
    said = output(net, near, "arp -n")
    assert re.search(r"^10\.0\.0\.1 +ether +02:00:00:00:00:02 +C +eth0$", said, re.M)
    assert output(net, near, "arp -a").startswith("r1 (10.0.0.1) at 02:00:00:00:00:02 [ether] on eth0")
    output(net, near, "arp -s 10.0.0.9 02:00:00:00:00:99", root=True)
    assert json.loads(output(net, near, "arp --json 10.0.0.9"))[0]["state"] == "PERMANENT"
    output(net, near, "arp -d 10.0.0.9", root=True)
    output(net, near, "arp 10.0.0.9", code=1)


def test_ip_of_the_other_family() -> None:
    net, near, _far = chain()
    output(net, near, "ping -6 -n -c 1 far")
    said = output(net, near, "ip -6 route")
    assert said.splitlines()[-1] == "default via 2001:db8::1 dev eth0 proto static metric 1024 pref medium"
    said = output(net, near, "ip addr show eth0")
    assert "    inet6 2001:db8::2/64 scope global" in said and "    inet6 fe80::" in said
    assert "inet " not in output(net, near, "ip -6 addr show eth0")
    assert "2001:db8::1 dev eth0 lladdr 02:00:00:00:00:02 " in output(net, near, "ip -6 neigh")
    assert output(net, near, "ip -6 route get 2001:db8:2::2") == (
        "2001:db8:2::2 from :: via 2001:db8::1 dev eth0 proto static src 2001:db8::2 metric 1024 pref medium\n"
    )
    assert json.loads(output(net, near, "ip -6 --json route get 2001:db8:2::2"))[0]["dst"] == "2001:db8:2::2"
    output(net, near, "ip -6 addr add 2001:db8::77/64 dev eth0", root=True)
    output(net, near, "ip -6 route add 2001:db8:7::/48 via 2001:db8::1", root=True)
    assert "2001:db8:7::/48 via 2001:db8::1 dev eth0 proto boot" in output(net, near, "ip -6 route")
    output(net, near, "ip -6 route del 2001:db8:7::/48", root=True)
    output(net, near, "ip -6 route del 2001:db8:7::/48", code=2, root=True)
    output(net, near, "ip -6 addr del 2001:db8::77/64 dev eth0", root=True)
    addresses = json.loads(output(net, near, "ip -6 -j addr show eth0"))[0]["addr_info"]
    assert {each["scope"] for each in addresses} == {"link", "global"}


def test_tracepath_prints_as_iputils() -> None:
    net, near, _far = chain(mtu=1300)
    lines = output(net, near, "tracepath -4 -n far").splitlines()
    assert lines[0] == " 1?: [LOCALHOST]                      pmtu 1500"
    assert re.fullmatch(r" 1:  10\.0\.0\.1 {44} +\d+\.\d{3}ms", lines[1])
    assert re.fullmatch(r" 2:  10\.0\.0\.1 {44} +\d+\.\d{3}ms pmtu 1300", lines[2])
    assert re.fullmatch(r" 3:  10\.0\.2\.2 {44} +\d+\.\d{3}ms reached", lines[4])
    assert {len(line.partition("ms")[0]) for line in lines[1:5]} == {5 + 52 + 1 + 6}
