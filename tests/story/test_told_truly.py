"""What the story says of causes and of what came of things is what the records say, and nothing more."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from pathlib import Path
from typing import Any

import pytest
from tests.story.both_languages import Told, told

from netarium import Net
from netarium.cli.explain import totals
from netarium.cli.main import main
from netarium.errors import UsageError
from netarium.lab.description import header_of
from netarium.story.language import LANGUAGES, Language
from netarium.story.layers import device_of
from netarium.story.scene import Scene
from netarium.story.telling import Choice, Story
from netarium.story.words import measured

SERVED: dict[str, Any] = {"interfaces": {"lan": "192.168.1.1/24", "wan": "202.20.65.5/24"}}
NAT = {"inside": "lan", "outside": "wan", "source": "masquerade", "forward": {"tcp/8080": "192.168.1.2:80"}}


def pair() -> Net:
    net = Net(seed=5)
    for name, address in (("a", "10.0.0.1/24"), ("b", "10.0.0.2/24")):
        net.host(name, address=address)
    net.link("a", "b", delay="5ms")
    return net


def speak(folder: Path, net: Net, sizes: tuple[int, ...], reads: int) -> Told:
    """`a` sends, `b` reads a second later."""

    def serve() -> None:
        with socket.create_server(("10.0.0.2", 5000)) as listener, listener.accept()[0] as connection:
            time.sleep(1)
            for _ in range(reads):
                connection.recv_into(bytearray(1000))

    def ask() -> None:
        with socket.create_connection(("10.0.0.2", 5000)) as sock:
            for size in sizes:
                sock.sendall(bytes(size))

    net["b"].run(serve)
    net["a"].run(ask)
    return told(net, folder, lambda: net.run(until="20s"))


def test_silence_of_name_servers_is_not_their_answer(tmp_path: Path) -> None:
    net = pair()
    net.host("pc", address="10.0.1.1/24", dns="10.0.1.53", link=net.switch("s"))

    def ask() -> None:
        with contextlib.suppress(socket.gaierror):
            socket.getaddrinfo("www.nowhere.example", 80)

    net["pc"].run(ask)
    story = told(net, tmp_path, net.run)
    (step,) = [each for each in story.of("name-stage", "pc") if each.values["stage"] == "name server"]
    assert step.values["outcome"] == "no answer" and "EAI_AGAIN" in step.text
    assert step.text.startswith("pc has no answer from any name server about www.nowhere.example")
    assert [
        each for each in story.texts("name-stage", "pc", "chinese") if "没有从任何 DNS 服务器得到" in each
    ]


def test_a_forwarded_port_is_rewritten_before_its_route_is_looked_up(tmp_path: Path) -> None:
    net = Net(seed=2)
    net.router("gw", nat=NAT, **SERVED)
    net.host("in", address="192.168.1.2/24", gateway="192.168.1.1")
    net.host("out", address="202.20.65.9/24", gateway="202.20.65.5")
    net.link("gw:lan", "in")
    net.link("gw:wan", "out")

    def ask() -> None:
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(("202.20.65.5", 8080))

    net["out"].run(ask)
    story = told(net, tmp_path, net.run)
    for language in ("english", "chinese"):
        steps = [each for each in getattr(story, language) if each.place == "gw" and each.kind != "arp"]
        kinds = [each.kind for each in steps if each.kind != "boot"]
        assert kinds[:3] == ["nat-destination", "forwarded", "nat-entry"]
        assert (
            steps[-1].kind != "forwarded"
            and "192.168.1.2:80" in story.texts("nat-destination", "gw", language)[0]
        )
    way_in, way_out = story.of("forwarded", "gw")
    assert way_in.values["rewritten"] and not any("nowhere in the packet" in note for note in way_in.notes)
    assert any("nowhere in the packet" in note for note in way_out.notes)


def test_a_read_names_the_packet_that_brought_its_bytes_and_a_hole_is_no_silence(tmp_path: Path) -> None:
    """What is sent while the cable loses everything comes by a packet that was sent later."""
    net = pair()
    cable = net.link("a", "b")

    def serve() -> None:
        with socket.create_server(("10.0.0.2", 5000)) as listener, listener.accept()[0] as connection:
            time.sleep(1)
            connection.recv(50)

    def ask() -> None:
        with socket.create_connection(("10.0.0.2", 5000)) as sock:
            time.sleep(0.1)
            sock.send(b"x" * 100)
            time.sleep(0.015)  # what comes behind the hole is acknowledged by the number of its beginning

    def losing() -> None:
        net.run(until="100ms")
        cable.loss = 1.0
        net.run(until="130ms")
        cable.loss = 0.0
        net.run(until="5s")

    net["b"].run(serve)
    net["a"].run(ask)
    story = told(net, tmp_path, losing)
    first, second = [each for each in story.records(event="sent", at="a:eth0") if each.get("length") == 100][
        :2
    ]
    for language in ("english", "chinese"):
        (read,) = story.of("read", "b", language)
        assert (
            str(second["frame"]) in read.lines[1] and str(first["frame"]) not in read.lines[1].split("[")[1]
        )
        repeated = [each for each in story.of("tcp", "b", language) if each.values["misses"]]
        assert repeated and all("ACK 1" in each.text for each in repeated)


def test_a_measure_is_never_a_power_of_ten() -> None:
    assert [measured(each) for each in (10_010.0, 100.2, 12.345, 0.000001, 0.0)] == [
        "10,010",
        "100",
        "12.3",
        "0.000001",
        "0",
    ]


def test_recv_into_returns_a_number_at_the_end(tmp_path: Path) -> None:
    story = speak(tmp_path, pair(), (10,), 2)
    assert "recv_into returns 0: the other end has closed" in story.texts("call", "b")[-1]
    assert "recv_into 返回 0：" in story.texts("call", "b", "chinese")[-1]


@pytest.mark.parametrize(
    ("options", "rules", "kind", "english"),
    [
        ({"nat": NAT}, False, "nat_router", "NAT router"),
        ({"nat": NAT}, True, "nat_firewall", "NAT router, firewall"),
        ({}, True, "firewall", "firewall"),
        ({}, False, "router", "router"),
    ],
)
def test_a_router_is_called_what_it_does(
    options: dict[str, Any], rules: bool, kind: str, english: str
) -> None:
    net = Net(seed=2)
    more: dict[str, Any] = {"firewall": {"rules": ["drop tcp dport 23"]}} if rules else {}
    net.router("gw", **SERVED, **options, **more)
    scene = Scene(header_of(net, None))
    device = device_of("gw", scene.nodes["gw"])
    assert device.kind == kind
    assert Language.load("en").text(f"layers.device.{kind}") == english
    assert Language.load("zh").text(f"layers.reads.{kind}", layer="x")


def test_a_failing_call_is_told_with_the_connection_of_its_socket(tmp_path: Path) -> None:
    """Two connections of one pair: the socket's number says which of them is broken."""
    net = pair()

    def serve() -> None:
        with socket.create_server(("10.0.0.2", 5000)) as listener:
            first, second = listener.accept()[0], listener.accept()[0]
            second.recv(10)
            with contextlib.suppress(ConnectionResetError):
                first.recv(10)
            second.recv(10)

    def ask() -> None:
        first = socket.create_connection(("10.0.0.2", 5000))
        ports.append(first.getsockname()[1])
        time.sleep(0.1)
        second = socket.create_connection(("10.0.0.2", 5000))
        first.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        first.close()
        time.sleep(0.1)
        second.send(b"go on")
        time.sleep(0.1)
        second.close()

    ports: list[int] = []
    net["b"].run(serve)
    net["a"].run(ask)
    story = told(net, tmp_path, net.run)
    failed = {"errno": "ECONNRESET", "call": "recv"}
    assert [each for each in story.of("call", "b") if failed.items() <= each.values.items()]
    choice = Choice(conversation=f"10.0.0.1:{ports[0]}-10.0.0.2:5000")
    only = Told(story.trace, choice)
    for language in ("english", "chinese"):
        steps = [each for each in only.of("call", "b", language) if each.values["what"] in ("failed", "end")]
        assert [each.values["errno"] for each in steps] == ["ECONNRESET"], (
            "the other's end is told with the other"
        )


def test_a_question_of_dhcp_that_nobody_answers_says_so_and_why(tmp_path: Path) -> None:
    net = Net(seed=3)
    switch = net.switch("s")
    pool = {"eth0": {"range": "10.0.0.10-10.0.0.10"}}
    net.host("server", address="10.0.0.1/24", dhcp=pool, link=switch)
    for name in ("first", "second"):
        net.host(name, address="dhcp", link=switch)
    story = told(net, tmp_path, lambda: net.drive(6 * 10**9, lambda: False))
    asked = [each for each in story.of("dhcp") if each.values["name"] == "DHCPDISCOVER"]
    answered = {each.place: each.values["answered"] for each in asked}
    assert sorted(answered.values()) == [False, True]
    for language, said in (("english", "Nobody answers."), ("chinese", "没有人回答。")):
        texts = [each.text for each in story.of("dhcp", language=language)]
        assert sum(text.endswith(said) for text in texts) == [
            each.values["answered"] for each in asked
        ].count(False)
    (late,) = [place for place in answered if not answered[place]]
    empty = story.of("dhcp-empty", "server")
    assert empty and {each.values["client"] for each in empty} == {late}
    assert story.texts("dhcp-empty", "server", "chinese")[0].startswith("server 没有地址可以给")


def test_the_probes_of_a_traceroute_say_how_far_they_may_go(tmp_path: Path) -> None:
    net = pair()
    net["a"].run("traceroute -q 1 10.0.0.2")
    net["a"].run("ping -c 1 10.0.0.2", at="9s")
    story = told(net, tmp_path, net.run)
    for language, said in (("english", "its TTL is 1"), ("chinese", "TTL 是 1，")):
        probes = story.of("udp", "a", language)
        assert probes[0].values["ttl"] == 1 and said in probes[0].text
        assert [each for each in story.texts("ping", "a", language) if "TTL" in each] == []


@pytest.mark.parametrize(
    ("hard", "english", "chinese"),
    [
        (False, "90 bytes that came were never read by its program", "到达的 90 个字节"),
        (True, "its program has asked for no orderly end (SO_LINGER with 0 s)", "SO_LINGER 为 0 秒"),
    ],
)
def test_a_connection_broken_off_says_why(tmp_path: Path, hard: bool, english: str, chinese: str) -> None:
    net = pair()

    def serve() -> None:
        with socket.create_server(("10.0.0.2", 5000)) as listener, listener.accept()[0] as connection:
            if hard:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            time.sleep(1)
            connection.recv(100 if hard else 10)

    def ask() -> None:
        with socket.create_connection(("10.0.0.2", 5000)) as sock:
            sock.send(bytes(100))
            time.sleep(2)

    net["b"].run(serve)
    net["a"].run(ask)
    story = told(net, tmp_path, net.run)
    for language, said in (("english", english), ("chinese", chinese)):
        (reset,) = [each for each in story.of("tcp", "b", language) if each.values["segment"] == "reset"]
        assert said in reset.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_conversation_is_named_by_its_nodes_as_the_story_prints_it(tmp_path: Path, language: str) -> None:
    net = pair()
    story = speak(tmp_path, net, (5,), 2)
    port = story.of("tcp", "a")[0].values["source"].rpartition(":")[2]
    for wanted in (f"a:{port}-b:5000", f"b:5000-a:{port}", f"10.0.0.1:{port}-b:5000"):
        found = list(Story(story.trace, Language.load(language), Choice(conversation=wanted)).chapters())
        assert {"open", "data", "close"} <= {chapter.key for chapter in found}
    with pytest.raises(UsageError, match="99999 is no port; ports are 1 to 65535"):
        Choice(conversation="a:99999-b:5000").check_words()
    with pytest.raises(UsageError, match="no such one"):
        list(Story(story.trace, Language.load(language), Choice(conversation=f"b:{port}-a:5000")).chapters())


def test_frames_that_are_captured_once_are_not_said_to_be_captured_twice() -> None:
    once = {"en": "once what was lost", "zh": "只抓一次"}
    for name, said in once.items():
        language = Language.load(name)
        assert said not in totals({"frames": 20, "sent": 10}, language)
        assert said in totals({"frames": 19, "sent": 10}, language)
        assert "19" in totals({"frames": 19, "sent": 19}, language)


def test_nobody_asks_for_its_own_mac_address(capsys: pytest.CaptureFixture[str]) -> None:
    for language, said in (("en", "stays inside the host"), ("zh", "不离开主机")):
        assert main(["subnet", "10.0.0.1/32", "10.0.0.1", "--lang", language]) == 0
        assert said in capsys.readouterr().out


def test_a_host_without_a_name_server_says_that_it_has_nobody_to_ask(tmp_path: Path) -> None:
    net = pair()

    def ask() -> None:
        with contextlib.suppress(socket.gaierror):
            socket.getaddrinfo("www.nowhere.example", 80)
        socket.getaddrinfo("b", 80)

    net["a"].run(ask)
    story = told(net, tmp_path, net.run)
    for language, said in (
        ("english", "a has no name server to ask: "),
        ("chinese", "a 没有可以询问的 DNS 服务器"),
    ):
        found = [each for each in story.of("name-stage", "a", language) if said in each.text]
        assert [each.values["name"] for each in found] == ["www.nowhere.example"]


def test_a_syn_that_finds_the_queue_full_is_answered_with_a_cookie(tmp_path: Path) -> None:
    net = pair()

    def serve() -> None:
        with socket.socket() as listener:
            listener.bind(("10.0.0.2", 5000))
            listener.listen(1)
            time.sleep(1)

    def ask() -> None:
        asked = [socket.socket() for _ in range(3)]
        for sock in asked:
            sock.setblocking(False)
            sock.connect_ex(("10.0.0.2", 5000))
        time.sleep(1)

    net["b"].run(serve)
    net["a"].run(ask)
    story = told(net, tmp_path, lambda: net.run(until="3s"))
    for language, said in (("english", "answers with a SYN cookie"), ("chinese", "用 SYN cookie 回答")):
        found = [
            each for each in story.of("listener-queue", "b", language) if each.values["what"] == "cookie"
        ]
        assert found and all(said in each.text and each.values["syn_queue"] == 1 for each in found)
    recorded = story.records(event="step", stop="PORTS", at="b")
    assert [each["details"]["decision"] for each in recorded].count("SYN cookie") == len(found)


def test_lines_that_came_into_the_nat_table_in_between_are_counted(tmp_path: Path) -> None:
    net = Net(seed=2)
    net.router("gw", nat=NAT, **SERVED)
    net.host("in", address="192.168.1.2/24", gateway="192.168.1.1")
    net.host("out", address="202.20.65.9/24", gateway="202.20.65.5")
    net.link("gw:lan", "in")
    net.link("gw:wan", "out")

    def ask() -> None:
        for address, port in (("202.20.65.5", 8080), ("202.20.65.5", 9090), ("202.20.65.5", 8080)):
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection((address, port))

    net["out"].run(ask)
    story = told(net, tmp_path, net.run)
    assert [each.values["since"] for each in story.of("nat-entry", "gw")] == [0, 1]
    for language, said in (("english", "(2, 1 of them since"), ("chinese", "（2 行，其中 1 行")):
        first, second = story.of("nat-entry", "gw", language)
        assert said in second.lines[0] and said not in first.lines[0]


def test_a_connect_of_ipv6_that_has_no_way_shows_the_table_that_has_none(tmp_path: Path) -> None:
    net = Net(seed=5)
    for name, address in (("a", "2001:db8:1::1/64"), ("b", "2001:db8:1::2/64")):
        net.host(name, address=address)
    net.link("a", "b")

    def ask() -> None:
        for address in ("2001:db8:2::7", "::ffff:192.0.2.1"):
            with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock, contextlib.suppress(OSError):
                sock.connect((address, 9))

    net["a"].run(ask)
    net["a"].run("ping -c 1 2001:db8:3::7", at="2s")
    story = told(net, tmp_path, net.run)
    for language in ("english", "chinese"):
        found = story.of("no-route", "a", language)
        assert [each.values["destination"] for each in found] == [
            "2001:db8:2::7",
            "192.0.2.1",
            "2001:db8:3::7",
        ]
        assert "2001:db8:1::/64" in "\n".join(found[0].lines) and "2001:db8:1::/64" in "\n".join(
            found[2].lines
        )
