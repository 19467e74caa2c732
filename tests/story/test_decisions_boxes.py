"""The story of boxes between the ends: switches and VLANs, spanning tree, fragments, NAT, firewalls, balancers."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
from tests.acceptance.nat_nets import NAT, SERVER, behind_gateway, whoami
from tests.story.both_languages import Told, told

from netarium import Net
from netarium.errors import StormError
from netarium.story.kinds import KINDS
from netarium.story.language import Language
from netarium.story.telling import Choice, Story


def send(*targets: str, size: int = 1, pause: float = 0.1) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_MTU_DISCOVER, IP_PMTUDISC_DONT
        for target in targets:
            sock.sendto(bytes(size), (target, 9))
            time.sleep(pause)


def lan(*, ports: dict[str, dict[str, object]] | None = None, **options: object) -> Net:
    net = Net(seed=2)
    switch = net.switch("s", **options, **({"ports": ports} if ports else {}))
    for number, name in enumerate("abc", 1):
        net.host(name, address=f"10.0.0.{number}/24")
        net.link(f"s:p{number}" if ports else switch, name)
    return net


def mac(net: Net, name: str) -> str:
    text: str = net[name].node.ports["eth0"].mac.to_bytes(6, "big").hex(":")
    return text


def test_a_switch_learns_floods_the_broadcast_and_then_sends_by_one_port(tmp_path: Path) -> None:
    net = lan()
    net["a"].run(send, "10.0.0.2")
    a, b = mac(net, "a"), mac(net, "b")
    story = told(net, tmp_path, net.run)
    first, second = story.texts("mac-learned", "s")[:2]
    assert first == f"s learns from the frame's source: a's MAC address {a} is behind its port p1"
    assert second == f"s learns from the frame's source: b's MAC address {b} is behind its port p2"
    flooded, answered, found = story.of("switched", "s")
    assert (
        flooded.text
        == "s sends the broadcast out by all its other ports: p2, p3 (not back by p1, by which it came)."
    )
    assert flooded.lines == (f"> {a} s:p1",)
    assert answered.text == f"s finds a's MAC address {a} in its MAC table: the frame leaves by p1 alone."
    assert answered.lines == (f"> {b} s:p2", "  (one line as before)")
    assert answered.values["table"] == [f"{a} s:p1", f"{b} s:p2"] and found.lines == ()
    assert found.text == f"s finds b's MAC address {b} in its MAC table: the frame leaves by p2 alone."
    assert sum("A switch is no faster hub" in note for note in story.notes()) == 1


def test_an_entry_too_old_is_not_believed_and_an_unknown_address_is_flooded(tmp_path: Path) -> None:
    net = lan(ageing="10s")

    def speak() -> None:
        send("10.0.0.2")
        time.sleep(15)
        send("10.0.0.2")

    net["a"].run(speak)
    b = mac(net, "b")
    story = told(net, tmp_path, net.run)
    aged = [each for each in story.of("switched") if each.values["shape"] == "unknown"]
    assert [each.values["age_s"] for each in aged] == [15]
    assert aged[0].text.startswith(
        f"s's entry for b's MAC address {b} in its MAC table is too old to be believed"
    )


def test_vlans_and_the_tag_on_the_trunk(tmp_path: Path) -> None:
    net = Net(seed=2)
    for name, ports in (("s", ("p1", "p2")), ("t", ("p1",))):
        options: dict[str, dict[str, object]] = {each: {"vlan": 10} for each in ports}
        net.switch(name, ports={**options, "p9": {"vlan": 20}, "up": {"trunk": [10, 20]}})
    for name, address, port in (("a", 1, "s:p1"), ("b", 2, "t:p1"), ("other", 3, "s:p9")):
        net.host(name, address=f"10.0.0.{address}/24")
        net.link(port, name)
    net.link("s:up", "t:up")
    net["a"].run(send, "10.0.0.2")
    story = told(net, tmp_path, net.run)
    out = story.of("switched", "s")[0]
    assert out.text == (
        "s sends the broadcast out by all its other ports: up (not back by p1, by which it came). This is VLAN 10; no "
        "port of another VLAN gets it. On the trunk up the frame carries a tag of 4 bytes that says 10."
    )
    far = story.of("switched", "t")[0]
    assert far.text.endswith("It came with a tag, which is taken off at p1.")
    tagged = [each for each in story.records(event="sent", at="s:up") if each.get("vlan") == 10]
    assert tagged and not [each for each in story.records(event="sent", at="t:p1") if "vlan" in each]


def titles(story: Told) -> list[str]:
    return [chapter.title for chapter in Story(story.trace, Language.load("en")).chapters()]


def test_a_storm_is_told_with_its_loop_and_its_cables(tmp_path: Path) -> None:
    net = Net(seed=2)
    one, two = net.switch("one"), net.switch("two")
    net.link(one, two)
    net.add_link((one, ""), (two, ""), {})
    net.host("a", address="10.0.0.1/24", link=one)
    net["a"].run(send, "10.0.0.9")

    def run() -> None:
        with pytest.raises(StormError):
            net.run()

    story = told(net, tmp_path, run)
    (storm,) = story.of("storm")
    assert len(storm.values["hops"]) == 2 and len(storm.values["cables"]) == 2
    assert "because the cables form a loop" in storm.text and "Or give one, two a spanning tree" in storm.text
    assert titles(story)[-1] == "A broadcast storm: the switches form a loop"
    moved = [each for each in story.of("mac-learned") if each.values["before"]]
    assert 0 < len(moved) <= 12, "then they are counted"


def test_spanning_tree_says_which_port_it_keeps_blocked(tmp_path: Path) -> None:
    net = Net(seed=2)
    one, two = (net.switch(name, spanning_tree="rstp") for name in ("one", "two"))
    net.link(one, two)
    net.add_link((one, ""), (two, ""), {})
    story = told(net, tmp_path, lambda: net.drive(40 * 10**9, lambda: False))
    said = {f"{each.place}:{each.values['port']}": each for each in story.of("tree-port")}
    roles = {each["at"]: each["after"] for each in story.records(subject="spanning tree role")}
    blocked = [port for port, each in said.items() if each.values["state"] == "blocking"]
    assert blocked == [port for port, role in roles.items() if role in ("alternate", "backup")]
    assert len(blocked) == 1 and "stays blocked, or the switches would form a loop" in said[blocked[0]].text
    roots = [each.text for each in story.of("tree-port") if each.values["state"] == "root"]
    assert (
        len(roots) == 1
        and "is its shortest way to the root bridge, which is one (bridge ID 32768/" in roots[0]
    )
    assert titles(story) == ["The switches agree on a spanning tree"]
    assert sum("A blocked port is no fault" in note for note in story.notes()) == 1


def identification(story: Told) -> int:
    (cut,) = story.records(event="step", stop="FRAGMENT")
    return int(cut["details"]["identification"])


def test_an_echo_that_a_router_cuts_is_told_once_with_all_its_fragments(tmp_path: Path) -> None:
    net = Net(seed=2)
    net.host("a", address="10.0.1.2/24", gateway="10.0.1.1")
    net.host("b", address="10.0.2.2/24", gateway="10.0.2.1")
    net.router("r", interfaces={"one": "10.0.1.1/24", "two": "10.0.2.1/24"})
    net.link("a", "r:one")
    net.link("r:two", "b", mtu=900)
    net["a"].run("ping -c 1 -s 3000 10.0.2.2")
    story = told(net, tmp_path, net.run)
    question, answer = story.of("ping")
    assert question.path == "a > r > b" and question.values["bytes"] == 3000
    assert answer.path == "b > r > a" and answer.values["bytes"] == 3000
    echoes = [each for each in story.records(event="received", protocol="ICMP") if each["at"] == "b:eth0"]
    listed = {number for first, last in question.frames for number in range(first, last + 1)}
    assert len(echoes) == 5 and {each["frame"] for each in echoes} < listed
    assert [each.place for each in story.of("fragmented")][:3] == ["a", "r", "r"]


@pytest.mark.parametrize("translated", [False, True])
def test_segments_in_fragments_are_told_with_all_their_frames(tmp_path: Path, translated: bool) -> None:
    """A host without path MTU discovery leaves the cutting to the routers; NAT puts together, and cuts again."""
    net = Net(seed=4)
    nat = {"nat": {"inside": "near", "outside": "far", "source": "masquerade"}} if translated else {}
    interfaces = {"near": "10.0.1.254/24", "far": "10.0.2.1/24"}
    net.router("r", interfaces=interfaces, routes=[{"to": "10.0.3.0/24", "via": "10.0.2.2"}], **nat)
    interfaces = {"near": "10.0.3.254/24", "far": "10.0.2.2/24"}
    net.router("s", interfaces=interfaces, routes=[{"to": "10.0.1.0/24", "via": "10.0.2.1"}])
    for name, number, router in (("a", 1, "r"), ("b", 3, "s")):
        settings = {"net.ipv4.ip_no_pmtu_disc": 1}
        net.host(name, address=f"10.0.{number}.1/24", gateway=f"10.0.{number}.254", settings=settings)
        net.link(name, f"{router}:near")
    net.link("r:far", "s:far", mtu=900)

    def serve() -> None:
        with socket.create_server(("", 5000)) as listener:
            connection, _ = listener.accept()
            while connection.recv(10_000):
                pass

    def speak() -> None:
        with socket.create_connection(("10.0.3.1", 5000)) as sock:
            sock.sendall(bytes(1448))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(bytes(3000), ("10.0.3.1", 9000))
            time.sleep(1)

    net["b"].run(serve)
    net["a"].run(speak, at="1s")
    story = told(net, tmp_path, net.run)
    (data,) = [each for each in story.of("tcp") if each.values["segment"] == "data"]
    (datagram,) = story.of("udp")
    assert data.place == datagram.place == "a" and data.path == datagram.path == "a > r > s > b"
    for step, protocol in ((data, "TCP"), (datagram, "UDP")):
        number = next(
            each["identification"]
            for each in story.records(frame=step.frames[0][0])
            if each["event"] == "sent"
        )
        own = story.records(identification=number, protocol=protocol)
        frames = sorted({each["frame"] for each in own if each["event"] != "dropped"})
        assert [n for first, last in step.frames for n in range(first, last + 1)] == frames
    assert all(each.numbers for each in story.of("fragmented"))
    noted = story.texts("listener-queue", "b")[0]
    assert ("(that is a, behind NAT)" in noted) == translated


def test_a_packet_over_the_mtu_is_cut_and_put_together(tmp_path: Path) -> None:
    net = Net(seed=2)
    net.host("a", address="10.0.0.1/24")
    net.host("b", address="10.0.0.2/24")
    net.link("a", "b")
    net["a"].run(lambda: send("10.0.0.2", size=3972))
    story = told(net, tmp_path, net.run)
    (cut,) = story.of("fragmented", "a")
    assert cut.text == (
        "a has 3,980 bytes of data for one IP packet, and the link carries 1500 bytes at once: IP cuts it into 3 "
        "fragments."
    )
    assert cut.lines == (
        "1,480 bytes from 0 on: offset 0 (x 8), more fragments 1",
        "1,480 bytes from 1480 on: offset 185 (x 8), more fragments 1",
        "1,020 bytes from 2960 on: offset 370 (x 8), more fragments 0",
    )
    fragments = [each["frame"] for each in story.records(event="sent", identification=identification(story))]
    assert [number for first, last in cut.frames for number in range(first, last + 1)] == fragments
    (datagram,) = story.of("udp", "a")
    assert datagram.values["bytes"] == 3972 and datagram.path == "a > b"
    assert sum(last - first + 1 for first, last in datagram.frames) == 6
    (joined,) = story.of("reassembled", "b")
    assert joined.text == "b has all 3 fragments and puts them together: 3,980 bytes of data again."
    assert sum("Ethernet does not cut" in note for note in story.notes()) == 1


def test_the_nat_table_is_shown_before_and_after(tmp_path: Path) -> None:
    net = behind_gateway("ab")
    net["server"].run(whoami(9, 2))
    for name in "ab":
        net[name].run(send, SERVER)
    story = told(net, tmp_path, net.run)
    first, second = story.of("nat-entry", "gw")
    assert first.lines[0] == "table before (0):" and first.lines[1] == "table after (1):"
    assert first.lines[2].strip().startswith("> udp 192.168.1.2:")
    assert second.lines[0] == "table before (1):" and second.lines[1] == "    " + first.lines[2].strip()[2:]
    added = [line for line in second.lines if line.strip().startswith(">")]
    made = story.records(event="step", stop="FILTER_OUT", at="gw")
    tables = [
        each["details"]["table_after"] for each in made if each["details"]["decision"] == "new connection"
    ]
    assert [line.strip()[2:] for line in added] == [line for line in tables[1] if line not in tables[0]]
    zh = story.of("nat-entry", "gw", "chinese")[0]
    assert zh.lines[0] == "转换表，之前（0 行）："


def test_a_firewalls_verdict_names_the_rule(tmp_path: Path) -> None:
    net = Net(seed=2)
    net.router(
        "r",
        interfaces={"one": "10.0.1.1/24", "two": "10.0.2.1/24"},
        firewall={"rules": ["drop udp dport 9", "accept"]},
    )
    net.link(net.host("a", address="10.0.1.2/24", gateway="10.0.1.1"), "r:one")
    net.link(net.host("b", address="10.0.2.2/24", gateway="10.0.2.1"), "r:two")
    net["a"].run(send, "10.0.2.2")
    story = told(net, tmp_path, net.run)
    (judged,) = story.of("judged", "r")
    (recorded,) = [each for each in story.records(stop="FILTER_IN", at="r") if "why" in each["details"]]
    assert (
        judged.text
        == f"r's firewall drops {judged.values['packet']} without a word: {recorded['details']['why']}."
    )
    assert "drop udp dport 9" in judged.text and "-> 10.0.2.2:9" in judged.text
    assert "forward 链第 1 条规则“drop udp dport 9”" in story.texts("judged", "r", "chinese")[0]


def test_what_a_firewall_refuses_is_told_once_with_its_frame(tmp_path: Path) -> None:
    net = Net(seed=2)
    net.host("a", address="10.0.0.1/24")
    net.host("b", address="10.0.0.2/24", firewall={"rules": ["drop udp dport 9", "accept"]})
    net.link("a", "b")
    net["a"].run(send, "10.0.0.2")
    story = told(net, tmp_path, net.run)
    (judged,) = story.of("judged", "b")
    (dropped,) = story.records(event="dropped", reason="FILTER_RULE")
    assert judged.frames == ((dropped["frame"], dropped["frame"]),)
    assert story.of("drop") == []
    alone = Told(story.trace, Choice(only=("drops",)))
    assert [step.values["reason"] for step in alone.of("drop")] == ["FILTER_RULE"]


def test_a_balancers_choice_lists_its_servers(tmp_path: Path) -> None:
    net = Net(seed=2)
    inner = net.switch("inner")
    for number in (2, 3):
        host = net.host(f"s{number}", address=f"192.168.1.{number}/24", gateway="192.168.1.1", link=inner)
        host.run(serve_twice, root=True)
    servers = ["192.168.1.2:80", "192.168.1.3:80"]
    service = {"servers": servers, "method": "round-robin", "check": False}
    net.balancer(
        "lb", interfaces={"front": "10.0.0.1/24", "back": "192.168.1.1/24"}, balance={"tcp/80": service}
    )
    net.link("lb:back", inner)
    net.link(net.host("client", address="10.0.0.9/24"), "lb:front")

    def ask() -> None:
        for _ in range(2):
            socket.create_connection(("10.0.0.1", 80)).recv(10)

    net["client"].run(ask)
    story = told(net, tmp_path, lambda: net.run(until="20s"))
    chosen = story.of("balanced", "lb")
    assert [each.values["server"] for each in chosen] == servers
    assert chosen[0].text == "lb chooses a server for the new connection: 192.168.1.2:80 (round-robin)."
    assert [line.split()[0] for line in chosen[0].lines] == servers


def serve_twice() -> None:
    with socket.create_server(("", 80)) as listener:
        listener.settimeout(5)
        connection, _ = listener.accept()
        connection.sendall(b"here")
        connection.close()


def test_a_layer_3_switch_says_when_it_goes_past_its_routing_module(tmp_path: Path) -> None:
    net = Net(seed=2)
    net.switch(
        "core",
        layer=3,
        ports={"p1": {"vlan": 10}, "p2": {"vlan": 20}},
        interfaces={"vlan10": "10.0.10.1/24", "vlan20": "10.0.20.1/24"},
    )
    for name, net_number in (("a", 10), ("b", 20)):
        net.host(name, address=f"10.0.{net_number}.2/24", gateway=f"10.0.{net_number}.1")
    net.link("core:p1", "a")
    net.link("core:p2", "b")
    net["a"].run(send, *["10.0.20.2"] * 3)
    story = told(net, tmp_path, net.run)
    to_b = [each for each in story.of("flow-switched", "core") if each.values["destination"] == "10.0.20.2"]
    assert len(to_b) == 1 and to_b[0].text.endswith("go past the routing module, out by vlan20.")
    assert story.of("forwarded", "core")[0].time_ns < to_b[0].time_ns


def test_a_host_tests_the_ipv6_address_it_has_made_itself(tmp_path: Path) -> None:
    net = Net(seed=2)
    net.router("r", interfaces={"one": "2001:db8:1::1/64"}, advertise={"one": {}})
    net.host("a", interfaces={"eth0": None}, ipv6=True)
    net.link("r:one", "a")
    story = told(net, tmp_path, lambda: net.drive(8 * 10**9, lambda: False))
    advertised = [each for each in story.of("nd", "r") if each.values["message"] == "router"]
    assert advertised[0].values["prefixes"] == ["2001:db8:1::/64"] and "(SLAAC)" in advertised[0].text
    tested = {
        each.values["target"] for each in story.of("nd", "a") if each.values.get("purpose") == "duplicate"
    }
    usable = {
        each.values["address"]
        for each in story.of("ipv6-address", "a")
        if each.values["state"] == "preferred"
    }
    assert usable and usable <= tested and any(each.startswith("2001:db8:1:") for each in usable)


def test_a_hub_repeats_everything_and_says_so_once(tmp_path: Path) -> None:
    net = Net(seed=2)
    hub = net.hub("h")
    for number, name in enumerate("abc", 1):
        net.link(hub, net.host(name, address=f"10.0.0.{number}/24"))
    net["a"].run(send, "10.0.0.2", "10.0.0.2")
    story = told(net, tmp_path, net.run)
    steps = story.of("switched", "h")
    assert steps[0].text == (
        "h is a hub: it repeats what comes in, whoever it is for, by all its other ports: p2, p3 (not back by p1, by "
        "which it came)."
    )
    assert len(story.records(event="step", stop="SWITCH", at="h")) > len(steps)
    assert any("at a hub everybody could listen" in note for note in story.notes())


def test_routers_become_neighbors_before_they_learn_ways(tmp_path: Path) -> None:
    net = Net(seed=2)
    ospf = {"protocol": "ospf", "network": {"mid": "point-to-point"}}
    for name, number in (("r1", 1), ("r2", 2)):
        interfaces = {"lan": f"10.0.{number}0.1/24", "mid": f"10.0.2.{number}/24"}
        net.router(name, interfaces=interfaces, routing={**ospf, "passive": ["lan"]})
    net.link("r1:mid", "r2:mid")
    for name in ("r1", "r2"):
        net.link(f"{name}:lan", net.host(f"h{name}", address=f"10.0.{name[1]}0.2/24"))
    story = told(net, tmp_path, lambda: net.drive(60 * 10**9, lambda: False))
    states = [each.values["state"] for each in story.of("adjacency", "r1")]
    assert states == ["seen", "full"]
    learned = story.of("route", "r1")[0]
    assert story.of("adjacency", "r1")[0].time_ns < learned.time_ns
    assert "(OSPF, state Full)" in story.texts("adjacency", "r1")[1]


def test_a_forwarded_ports_entry_is_told_with_the_way_in_and_keeps_one_conversation(tmp_path: Path) -> None:
    net = behind_gateway("a", nat={**NAT, "forward": {"tcp/8080": "192.168.1.2:80"}})
    net["a"].run(serve_twice, root=True)

    def ask() -> None:
        with socket.create_connection(("202.20.65.5", 8080)) as sock:
            sock.recv(10)

    net["server"].run(ask)
    story = told(net, tmp_path, lambda: net.run(until="20s"))
    (entry,) = story.of("nat-entry", "gw")
    client = entry.values["before"].partition(" -> ")[0]
    assert entry.values["before"] == f"{client} -> 202.20.65.5:8080"
    assert entry.values["after"] == f"{client} -> 192.168.1.2:80"
    (reply,) = story.of("nat-reply", "gw")
    assert reply.values["after"] == f"202.20.65.5:8080 -> {client}"
    path = Story(story.trace, Language.load("en"))
    titles = {chapter.title for chapter in path.chapters() if chapter.key in ("open", "data", "close")}
    port = client.rpartition(":")[2]
    assert {title.partition(": ")[2] for title in titles} <= {
        f"server:{port} to gw, port 8080",
        f"server:{port} and gw, port 8080",
    }


def test_what_only_tells_of_a_sort_is_what_the_whole_story_tells_of_it(tmp_path: Path) -> None:
    net = behind_gateway("ab", nat={**NAT, "forward": {"tcp/8080": "192.168.1.2:80"}})
    net["a"].run(serve_twice, root=True)

    def ask() -> None:
        socket.create_connection(("202.20.65.5", 8080)).recv(10)

    net["server"].run(ask)
    net["b"].run(send, SERVER)
    story = told(net, tmp_path, lambda: net.run(until="20s"))
    for word in ("route", "switch", "nat", "udp", "ip", "filter"):
        kinds = {kind.name for kind in KINDS.values() if kind.only == word}
        whole = {
            (each.kind, each.time_ns, each.text, each.lines) for each in story.english if each.kind in kinds
        }
        alone = Told(story.trace, Choice(only=(word,)))
        assert {
            (each.kind, each.time_ns, each.text, each.lines) for each in alone.english if each.kind in kinds
        } == whole
