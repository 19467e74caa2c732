"""ip -4, -6, -br, -o and maddr, and the other family's changes: lines as iproute2 6.1 prints them."""

from __future__ import annotations

import json

import pytest

from netarium import Net


@pytest.fixture
def net() -> Net:
    made = Net(seed=1)
    made.host("a", interfaces={"eth0": ["10.0.0.1/24", "2001:db8::1/64"], "eth1": ["10.0.1.1/24"]})
    made.host("b", address="10.0.0.2/24")
    made.link("a:eth0", "b")
    made.drive(5 * 10**9, lambda: False)
    return made


def ip(net: Net, line: str, code: int = 0) -> str:
    service = net["a"].run(f"ip {line}", root=True)
    service.wait()
    assert service.exit_code == code, service.stderr
    return str(service.stdout if code == 0 else service.stderr)


def test_a_family_shows_its_own_addresses_and_no_hardware(net: Net) -> None:
    lines = ip(net, "-4 addr show dev eth0").splitlines()
    assert lines[0].startswith("2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc ")
    assert lines[1:] == [
        "    inet 10.0.0.1/24 brd 10.0.0.255 scope global eth0",
        "       valid_lft forever preferred_lft forever",
    ]
    text = ip(net, "-6 addr")
    assert "inet6 2001:db8::1/64 scope global" in text and "inet " not in text and "link/" not in text
    both = ip(net, "addr show dev eth0")
    assert "    link/ether " in both and "    inet " in both and "    inet6 " in both
    (found,) = json.loads(ip(net, "-4 -j addr show dev eth0"))
    assert [each["family"] for each in found["addr_info"]] == ["inet"] and "address" not in found


def test_an_interface_without_an_address_of_the_family_is_left_out(net: Net) -> None:
    ip(net, "addr del 10.0.1.1/24 dev eth1")
    assert "eth1" not in ip(net, "-4 addr") and "eth1" in ip(net, "addr")


def test_lifetimes_are_in_the_json_of_both_families(net: Net) -> None:
    (found,) = json.loads(ip(net, "-j addr show dev eth0"))
    for each in found["addr_info"]:
        assert (each["valid_life_time"], each["preferred_life_time"]) == (0xFFFFFFFF, 0xFFFFFFFF)


def test_brief_and_oneline(net: Net) -> None:
    assert ip(net, "-br -4 addr show dev eth0") == "eth0             UP             10.0.0.1/24 \n"
    brief = ip(net, "-brief link show dev lo")
    assert brief == "lo               UNKNOWN        00:00:00:00:00:00 <LOOPBACK,UP,LOWER_UP> \n"
    assert ip(net, "-o -4 addr show dev lo") == (
        "1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever\n"
    )
    one = ip(net, "-o link show dev lo")
    assert one.count("\n") == 1
    assert one.endswith("\\    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n")


def test_maddr_shows_what_is_heard(net: Net) -> None:
    lines = ip(net, "maddr show dev eth0").splitlines()
    assert lines[0] == "2:\teth0"
    assert "\tlink  01:00:5e:00:00:01" in lines
    assert "\tinet  224.0.0.1" in lines and "\tinet6 ff02::1" in lines
    (found,) = json.loads(ip(net, "-j -4 maddr show dev eth0"))
    assert found["maddr"] == [{"family": "inet", "address": "224.0.0.1"}]
    assert ip(net, "maddr show dev nosuch", code=1) == 'Cannot find device "nosuch"\n'


@pytest.mark.parametrize("line", ["neigh show dev nosuch", "-6 neigh show dev nosuch"])
def test_neighbours_of_no_device_are_an_error(net: Net, line: str) -> None:
    assert ip(net, line, code=1) == 'Cannot find device "nosuch"\n'


def test_change_and_replace_are_content_with_what_is_there(net: Net) -> None:
    for command in ("change", "replace"):
        ip(net, f"addr {command} 10.0.0.1/24 dev eth0")
        ip(net, f"addr {command} 2001:db8::1/64 dev eth0")
    assert ip(net, "addr add 2001:db8::1/64 dev eth0", code=2) == "RTNETLINK answers: File exists\n"


def test_the_other_familys_neighbours_and_refusing_routes(net: Net) -> None:
    ip(net, "-6 neigh add 2001:db8::9 lladdr 02:00:00:00:00:09 dev eth0 nud permanent")
    assert "2001:db8::9 dev eth0 lladdr 02:00:00:00:00:09 PERMANENT" in ip(net, "-6 neigh")
    ip(net, "-6 neigh del 2001:db8::9 dev eth0")
    assert "2001:db8::9" not in ip(net, "-6 neigh")
    ip(net, "-6 route add unreachable 2001:db8:9::/48")
    assert "unreachable 2001:db8:9::/48 dev lo " in ip(net, "-6 route")
    assert ip(net, "-6 route get 2001:db8:9::1", code=2) == "RTNETLINK answers: No route to host\n"
