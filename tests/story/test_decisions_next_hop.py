"""The story of a next hop: the AND, the route table and its winner, the neighbour cache; routers; no way."""

from __future__ import annotations

import socket
import time
from pathlib import Path

from tests.story.both_languages import Told, told

from netarium import Net


def send(*targets: tuple[str, int]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for target in targets:
            try:
                sock.sendto(b"x", target)
            except OSError:
                continue
            time.sleep(0.1)


def routed() -> Net:
    net = Net(seed=3)
    net.router("r", interfaces={"one": "192.168.15.1/24", "two": "10.0.2.1/24"})
    net.host("a", address="192.168.15.46/24", gateway="192.168.15.1")
    net.host("b", address="192.168.15.30/24")
    net.host("c", address="10.0.2.2/24", gateway="10.0.2.1")
    switch = net.switch("s")
    for box in ("a", "b", "r:one"):
        net.link(switch, box)
    net.link("r:two", "c")
    return net


def sends(folder: Path, *targets: tuple[str, int]) -> Told:
    net = routed()
    net["a"].run(send, *targets)
    return told(net, folder, net.run)


def test_the_and_is_shown_in_binary_for_a_near_and_a_far_destination(tmp_path: Path) -> None:
    story = sends(tmp_path, ("192.168.15.30", 9), ("10.0.2.2", 9))
    near, far = story.of("local-or-gateway", "a")
    assert near.text.startswith("Is 192.168.15.30 in a's own network?")
    assert "192.168.15.46 AND 255.255.255.0 = 192.168.15.0" in near.text
    assert near.text.endswith("equal, so 192.168.15.30 is on the same network and no router is needed.")
    assert near.lines == (
        "    192.168.15.46    11000000.10101000.00001111.00101110",
        "AND 255.255.255.0    11111111.11111111.11111111.00000000",
        "  = 192.168.15.0     11000000.10101000.00001111.00000000",
        "    192.168.15.30    11000000.10101000.00001111.00011110",
        "AND 255.255.255.0    11111111.11111111.11111111.00000000",
        "  = 192.168.15.0     11000000.10101000.00001111.00000000",
    )
    assert far.text.endswith("different, so the packet goes to the gateway 192.168.15.1 first.")
    assert far.lines[-1] == "  = 10.0.2.0         00001010.00000000.00000010.00000000"
    zh_near, zh_far = story.texts("local-or-gateway", "a", "chinese")
    assert zh_near.endswith("相同，192.168.15.30 就在本网，不需要路由器。")
    assert zh_far.endswith("不同，所以先交给网关 192.168.15.1。")


def test_the_route_table_is_shown_with_the_line_that_won(tmp_path: Path) -> None:
    story = sends(tmp_path, ("192.168.15.30", 9), ("10.0.2.2", 9))
    near, far = story.of("route-chosen", "a")
    assert near.lines == (
        "> 192.168.15.0/24 dev eth0 proto kernel",
        "  0.0.0.0/0 via 192.168.15.1 dev eth0 proto static",
    )
    assert near.text == (
        "a looks 192.168.15.30 up in its route table (2 lines): “192.168.15.0/24 dev eth0 proto kernel” wins, "
        "the longest prefix that matches."
    )
    assert "“0.0.0.0/0 via 192.168.15.1 dev eth0 proto static” wins, the only line that matches." in far.text
    recorded = story.records(event="step", stop="ROUTE", at="a")
    assert [each["details"]["winner"] for each in recorded] == [near.values["winner"], far.values["winner"]]
    assert far.lines == (), "the table is the same and was shown"


def test_the_cache_is_looked_up_and_its_answer_said(tmp_path: Path) -> None:
    story = sends(tmp_path, ("192.168.15.30", 9), ("10.0.2.2", 9), ("192.168.15.30", 10))
    first, second = story.of("neighbor-cache", "a")
    assert first.text == (
        "The next hop is b (192.168.15.30); a looks into its ARP cache for its MAC address: it is not there, so it "
        "must ask on the link."
    )
    mac = second.lines[0].split()[1]
    assert second.lines == (f"192.168.15.30 {mac} REACHABLE",), "b's entry is there, the router's is not"
    again = story.of("next-hop-known", "a")[0]
    assert again.text == (
        f"a sends to b (192.168.15.30) as before, straight over the link; its MAC address in the cache: it is {mac}, "
        "known already; nobody needs to be asked."
    )
    asked = [each.values["target"] for each in story.of("arp", "a") if each.values["operation"] == "request"]
    assert asked == ["192.168.15.30", "192.168.15.1"], "the cache answered the third time"


def test_a_second_destination_behind_the_same_line_is_told_shortly(tmp_path: Path) -> None:
    story = sends(tmp_path, ("10.0.2.2", 9), ("203.0.113.7", 9))
    first, second = story.of("local-or-gateway", "a")
    assert first.lines and not second.lines
    assert "203.0.113.7 AND 255.255.255.0 = 203.0.113.0" in second.text
    assert len(story.of("route-chosen", "a")) == 1


def test_without_a_way_nothing_is_sent_and_the_table_shows_why(tmp_path: Path) -> None:
    net = routed()
    net["b"].run(send, ("10.0.2.2", 9), ("10.0.3.3", 9))
    story = told(net, tmp_path, net.run)
    step, again = story.of("no-route", "b")
    assert step.text.startswith(
        "b looks 10.0.2.2 up in its route table, and no line matches: there is no way there."
    )
    assert step.lines == again.lines == ("  192.168.15.0/24 dev eth0 proto kernel",)
    assert not story.records(event="sent")


def test_an_own_address_stays_inside(tmp_path: Path) -> None:
    story = sends(tmp_path, ("192.168.15.46", 9), ("127.0.0.5", 9))
    assert [each.values["destination"] for each in story.of("own-address")] == ["192.168.15.46", "127.0.0.5"]
    assert "reaches no network interface" in story.texts("own-address")[0]


def test_a_router_shows_the_line_it_forwards_by_once_and_takes_one_hop_off(tmp_path: Path) -> None:
    story = sends(tmp_path, ("10.0.2.2", 9), ("10.0.2.2", 10), ("10.0.2.2", 11))
    step, back = story.of("forwarded", "r")
    assert step.text == (
        "r is not the destination, so it forwards: for 10.0.2.2 its route table says “10.0.2.0/24 dev two proto "
        "kernel” (the only line that matches). It takes one off the TTL: 64 becomes 63."
    )
    assert "> 10.0.2.0/24 dev two proto kernel" in step.lines
    assert "192.168.15.0/24 dev one" in back.text, "port unreachable, back to a"
    assert len(story.records(event="step", stop="ROUTE", at="r")) == 6


def test_who_answers_needs_no_decision(tmp_path: Path) -> None:
    net = routed()

    def answers() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("10.0.2.2", 9))
            data, client = sock.recvfrom(10)
            sock.sendto(data, client)

    net["c"].run(answers)
    net["a"].run(send, ("10.0.2.2", 9))
    story = told(net, tmp_path, net.run)
    assert story.records(event="step", stop="ROUTE", at="c"), "it was looked up"
    assert not story.of("local-or-gateway", "c")


def test_ipv6_compares_the_prefixes_of_the_link_not_the_own_address(tmp_path: Path) -> None:
    net = Net(seed=3)
    net.host("a", address="2001:db8:1::1/64")
    net.host("b", address="2001:db8:1::2/64")
    net.link("a", "b")

    def speak() -> None:
        time.sleep(3)
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"x", ("2001:db8:1::2", 9))
            time.sleep(1)

    net["a"].run(speak)
    story = told(net, tmp_path, net.run)
    (step,) = story.of("local-or-gateway", "a")
    assert step.text == (
        "Is 2001:db8:1::2 on a's own link? Its own address does not say so in IPv6, but the prefixes that are known to "
        "be on the link, the lines of its route table without a router (fe80::/64, 2001:db8:1::/64): the first 64 bits "
        "are those of 2001:db8:1::/64, so 2001:db8:1::2 is on the link and no router is needed."
    )
    assert step.lines == (
        "2001:db8:1::2    2001:0db8:0001:0000:0000:0000:0000:0002",
        "2001:db8:1::/64  2001:0db8:0001:0000:0000:0000:0000:0000",
        "                 ^^^^^^^^^^^^^^^^^^^ /64",
    )
    asked = [each for each in story.of("nd", "a") if each.values["message"] == "asks"]
    assert [each.values["purpose"] for each in asked][-1] == "resolve"
    assert asked[-1].text == "a asks the group ff02::1:ff00:2: who has 2001:db8:1::2? (neighbour discovery)"
    answer = [each for each in story.of("nd", "b") if each.values["message"] == "answers"][-1]
    assert answer.text.startswith("b answers: 2001:db8:1::2 is at 02:")
    assert sum("IPv6 has no ARP" in note for note in story.notes()) == 1


def test_ipv6_without_a_prefix_of_the_link_goes_by_the_router_that_advertised_itself(tmp_path: Path) -> None:
    net = Net(seed=3)
    net.router(
        "r",
        interfaces={"one": "2001:db8:1::1/64", "two": "2001:db8:2::1/64"},
        advertise={"one": {"dns": ["2001:db8:2::53"]}},
    )
    net.host("a", interfaces={"eth0": None}, ipv6=True)
    net.link("r:one", "a")

    def speak() -> None:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"x", ("2001:db8:2::2", 9))

    net["a"].run(speak, at="10s")
    story = told(net, tmp_path, lambda: net.drive(11 * 10**9, lambda: False))
    (step,) = story.of("local-or-gateway", "a")
    assert (
        "(fe80::/64, 2001:db8:1::/64): none of them fits, so the packet goes to the gateway fe80::"
        in step.text
    )
    assert len(step.lines) == 5 and step.lines[0].startswith("2001:db8:2::2 ")
    said = next(each for each in story.of("nd", "r") if each.values["prefixes"] == ["2001:db8:1::/64"])
    assert said.text.endswith(" (SLAAC). A DNS server is 2001:db8:2::53")
