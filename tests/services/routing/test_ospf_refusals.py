"""What keeps two OSPF routers from becoming neighbors is told: as a notice of the run, once, and by `vtysh`."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.services.routing.weighted import pass_time

from netarium import Net
from netarium.services.routing.ospf.refusals import KEPT_MAX, Refusals
from netarium.units import duration_ns
from netarium.wire.ospf import OPTION_EXTERNAL, Hello, OspfPacket, emit_packet


def pair(
    one: dict[str, Any],
    other: dict[str, Any],
    addresses: tuple[str, str] = ("10.0.0.1/24", "10.0.0.2/24"),
    **link: Any,
) -> Net:
    """r1 and r2 at one cable; they differ in what is given."""
    net = Net(seed=1)
    for name, options, address in (("r1", one, addresses[0]), ("r2", other, addresses[1])):
        net.router(name, interfaces={"e": address}, routing={"protocol": "ospf", **options})
    net.link("r1:e", "r2:e", **link)
    return net


def after(net: Net, time: str) -> list[str]:
    """The notices, those of r1 first."""
    pass_time(net, duration_ns(time) // 10**9)
    return sorted(net.notices)


def shown(net: Net, router: str, words: str = "") -> str:
    service = net[router].run(["vtysh", "-c", f"show ip ospf neighbor {words}"])
    service.wait()
    assert (service.stderr, service.exit_code) == ("", 0)
    return service.stdout


CASES = {
    "hello interval": (
        {"hello": "5s", "dead": "40s"}, {},
        "has the hello interval 10s, here it is 5s: no adjacency; give both the same `hello`",
    ),
    "dead interval": (
        {"dead": "60s"}, {}, "has the dead interval 40s, here it is 60s: no adjacency; give both the same `dead`",
    ),
    "router id": (
        {"router_id": "9.9.9.9"}, {"router_id": "9.9.9.9"},
        "has this router's own id: no adjacency, and routes come and go; give one of them another `router_id`",
    ),
}  # fmt: skip


@pytest.mark.parametrize("about", CASES)
def test_both_routers_tell_once_what_does_not_agree(about: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other, words = CASES[about]
    if about == "router id":  # refused before it runs, unless the labs' own check is out of the way
        monkeypatch.setattr("netarium.lab.routing.check_router_ids", lambda boxes, cables: None)
    net = pair(one, other)
    notices = after(net, "5min")
    who = "9.9.9.9" if about == "router id" else "10.0.0.2"
    assert notices[0] == f"r1/ospfd: e: {who} (10.0.0.2) {words}"
    assert [notice.split()[0] for notice in notices] == ["r1/ospfd:", "r2/ospfd:"]


def test_a_mask_that_differs_is_told() -> None:
    net = pair({}, {}, ("10.0.0.1/24", "10.0.0.2/25"))
    assert after(net, "1min")[0] == (
        "r1/ospfd: e: 10.0.0.2 (10.0.0.2) has the mask /25, here it is /24: no adjacency; "
        "give both addresses the same prefix length"
    )


def test_another_network_is_told() -> None:
    net = pair({}, {}, ("10.0.0.1/24", "10.0.1.2/24"))
    assert after(net, "1min")[0] == (
        "r1/ospfd: e: 10.0.1.2 (10.0.1.2) is not in 10.0.0.0/24: no adjacency; give both addresses of one network"
    )


def test_an_mtu_that_differs_is_told_where_it_is_smaller() -> None:
    net = pair({}, {}, mtu=1500)
    net["r2"].node.set_mtu("e", 9000)
    net.check()
    assert after(net, "2min") == [
        "r1/ospfd: e: 10.0.0.2 (10.0.0.2) has the MTU 9000, here it is 1500: the adjacency stays in ExStart; "
        "give both the same `mtu`"
    ]
    assert "ExStart/" in shown(net, "r2")


def test_a_network_type_that_differs_is_told_by_both_though_they_are_neighbors() -> None:
    net = pair({"network": "point-to-point"}, {})
    notices = after(net, "5min")
    assert notices == [
        "r1/ospfd: e: 10.0.0.2 (10.0.0.2) treats the link as broadcast, here it is point-to-point: no routes by it; "
        "give both the same `network`",
        "r2/ospfd: e: 10.0.0.1 (10.0.0.1) treats the link as point-to-point, here it is broadcast: no routes by it; "
        "give both the same `network`",
    ]


@pytest.mark.parametrize("kind", ["broadcast", "point-to-point"])
def test_of_routers_that_agree_nothing_is_told(kind: str) -> None:
    net = pair({"network": kind}, {"network": kind})
    assert after(net, "10min") == []
    assert "Full/" in shown(net, "r1")


def stranger(net: Net, data: bytes, times: int = 1) -> None:
    """A host on r1's link sends this as an OSPF packet."""

    def send() -> None:
        import socket

        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, 89)
        for _ in range(times):
            sock.sendto(data, ("224.0.0.5", 0))

    net.host("x", "10.0.0.7/24", gateway="10.0.0.1", link=net["sw"])
    net["x"].run(send, root=True, at="1s")


def on_a_switch() -> Net:
    net = Net(seed=1)
    net.switch("sw")
    net.router("r1", interfaces={"e": "10.0.0.1/24"}, routing="ospf")
    net.link("r1:e", "sw")
    return net


HELLO = Hello(0xFFFFFF00, 10, OPTION_EXTERNAL, 1, 40, 0, 0, [])


def test_another_area_is_told() -> None:
    net = on_a_switch()
    stranger(net, OspfPacket(0x07070707, 1, HELLO).emit())
    assert after(net, "3s") == [
        "r1/ospfd: e: 7.7.7.7 (10.0.0.7) is in area 0.0.0.1, here it is 0.0.0.0: no adjacency; put both into area 0"
    ]


def test_authentication_is_told() -> None:
    net = on_a_switch()
    data = bytearray(emit_packet(0x07070707, 0, HELLO))
    data[15] = 2
    stranger(net, bytes(data))
    assert after(net, "3s") == [
        "r1/ospfd: e: 7.7.7.7 (10.0.0.7) authenticates its packets (type 2), here nobody does: no adjacency; "
        "turn that off there"
    ]


def test_a_stub_area_is_told_and_counted() -> None:
    net = on_a_switch()
    stranger(net, emit_packet(0x07070707, 0, Hello(0xFFFFFF00, 10, 0, 1, 40, 0, 0, [])), 3)
    (notice,) = after(net, "3s")
    assert notice.endswith(
        "says the area is a stub area, here it is none: no adjacency; make it an ordinary area"
    )
    (row,) = json.loads(shown(net, "r1", "json"))["refused"]
    assert (row["about"], row["packets"], row["routerId"]) == ("stub area", 3, "7.7.7.7")


def test_two_others_with_one_router_id_are_told() -> None:
    net = on_a_switch()
    stranger(net, emit_packet(0x07070707, 0, HELLO))
    net.host("y", "10.0.0.8/24", gateway="10.0.0.1", link=net["sw"])

    def send() -> None:
        import socket

        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, 89)
        sock.sendto(emit_packet(0x07070707, 0, HELLO), ("224.0.0.5", 0))

    net["y"].run(send, root=True, at="2s")
    assert after(net, "4s") == [
        "r1/ospfd: e: 7.7.7.7 (10.0.0.8) has the router id of 10.0.0.7 too: routes come and go; "
        "give one of them another `router_id`"
    ]


def test_what_was_mended_is_told_no_more_by_vtysh() -> None:
    net = on_a_switch()
    stranger(net, emit_packet(0x07070707, 0, Hello(0xFFFFFF00, 30, OPTION_EXTERNAL, 1, 40, 0, 0, [])))
    net["x"].run(_hello_again, root=True, at="5s")
    pass_time(net, 3)
    assert "% e: 7.7.7.7 (10.0.0.7) has the hello interval 30s, here it is 10s" in shown(net, "r1")
    pass_time(net, 6)
    text = shown(net, "r1")
    assert "%" not in text
    assert "7.7.7.7" in text


def _hello_again() -> None:
    import socket

    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, 89)
    sock.sendto(emit_packet(0x07070707, 0, HELLO), ("224.0.0.5", 0))


def test_the_table_has_frrs_columns() -> None:
    net = pair({}, {})
    pass_time(net, 61)
    lines = shown(net, "r1").splitlines()
    assert lines[1] == (
        "Neighbor ID     Pri State           Up Time         Dead Time Address         "
        "Interface                        RXmtL RqstL DBsmL"
    )
    assert lines[2].startswith("10.0.0.2          1 Full/DR         ")
    assert lines[2].endswith("10.0.0.2        e:10.0.0.1                           0     0     0")
    found = json.loads(shown(net, "r1", "json"))
    (row,) = found["neighbors"]["10.0.0.2"]
    assert (row["nbrState"], row["ifaceName"], row["linkStateRequestListCounter"]) == (
        "Full/DR",
        "e:10.0.0.1",
        0,
    )
    assert found["refused"] == []


def test_vtysh_says_what_it_cannot_show() -> None:
    net = pair({}, {})
    net.host("h", "10.9.9.9/24")
    for host, command, error in (
        ("h", "show ip ospf neighbor", "ospfd is not running\n"),
        (
            "r1",
            "show bgp",
            "% Unknown command: show bgp; known here: show ip ospf neighbor [INTERFACE] [json]\n",
        ),
    ):
        service = net[host].run(["vtysh", "-c", command])
        assert (service.wait(), service.stderr) == (1, error)


def test_a_notice_names_the_line_of_its_router(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("lab.yaml").write_text(
        "nodes:\n"
        "  r1: {kind: router, interfaces: {e: 10.0.0.1/24}, routing: {protocol: ospf, hello: 5s, dead: 40s}}\n"
        "  r2: {kind: router, interfaces: {e: 10.0.0.2/24}, routing: ospf}\n"
        "links: [['r1:e', 'r2:e']]\n"
    )
    net = Net.load("lab.yaml")
    first, second = after(net, "1min")
    assert first.startswith(
        "lab.yaml:2: r1/ospfd: e: 10.0.0.2 (10.0.0.2) has the hello interval 10s, here it is 5s"
    )
    assert second.startswith("lab.yaml:3: r2/ospfd: ")


def hostile(net: Net, packets: list[bytes]) -> list[str]:
    """The notices after a host on r1's link has sent all this."""

    def send() -> None:
        import socket

        with socket.socket(socket.AF_INET, socket.SOCK_RAW, 89) as sock:
            for data in packets:
                sock.sendto(data, ("224.0.0.5", 0))

    net.host("x", "10.0.0.7/24", gateway="10.0.0.1", link=net["sw"])
    net["x"].run(send, root=True, at="1s")
    return after(net, "3s")


def with_dead(interval: int) -> bytes:
    return emit_packet(0x07070707, 0, Hello(0xFFFFFF00, 10, OPTION_EXTERNAL, 1, interval, 0, 0, []))


def test_whoever_says_another_thing_each_time_is_told_of_once() -> None:
    net = on_a_switch()
    (notice,) = hostile(net, [with_dead(interval) for interval in range(100, 400)])
    assert "has the dead interval 100s" in notice
    (row,) = json.loads(shown(net, "r1", "json"))["refused"]
    assert (row["packets"], row["why"].split(":")[0]) == (300, "has the dead interval 399s, here it is 40s")


def test_whoever_is_right_between_is_told_of_three_times_at_most() -> None:
    interface: Any = SimpleNamespace(
        name="e", instance=SimpleNamespace(count=str, alarms=SimpleNamespace(now=0))
    )
    refusals, told = Refusals(), []
    refusals.tell = told.append
    for count in range(100):
        refusals.add(interface, 7, 0x0A000007, "mask", f"has the mask /{count}", "give both the same")
        refusals.mended(interface, 0x0A000007)
    assert [each.why for each in told] == ["has the mask /0", "has the mask /1", "has the mask /2"]
    for address in range(1000):
        refusals.add(interface, 7, address, "mask", "has the mask /9", "give both the same")
        refusals.mended(interface, address)
    assert len(told) == 3 + KEPT_MAX - 1, "and of so many addresses"


def test_two_routers_that_both_may_not_lead_are_told() -> None:
    net = pair({"priority": 0}, {"priority": 0})
    notices = after(net, "5min")
    assert notices == [
        f"r{one}/ospfd: e: 10.0.0.{other} (10.0.0.{other}) has priority 0, as this router has, so that nobody is "
        "designated router: the state stays 2-Way; give one of them a `priority` above 0"
        for one, other in ((1, 2), (2, 1))
    ]
    assert "2-Way/" in shown(net, "r1")


def test_one_that_may_lead_is_enough() -> None:
    net = pair({"priority": 0}, {})
    assert after(net, "5min") == []
    assert "Full/DR" in shown(net, "r1")
