"""`Net` from Python: boxes, cables, partitions, watching; misuse is told with the remedy."""

import socket

import pytest

from netarium import Net, UsageError
from netarium.capture.reading import read_capture, read_interfaces


def answer_forever():
    server = socket.socket(type=socket.SOCK_DGRAM)
    server.bind(("", 7))
    while True:
        data, address = server.recvfrom(2000)
        server.sendto(data, address)


def ask(name, wait_s=5.0):
    client = socket.socket(type=socket.SOCK_DGRAM)
    client.settimeout(wait_s)
    client.sendto(b"are you there?", (name, 7))
    return client.recvfrom(2000)[0]


@pytest.fixture
def office(net):
    switch = net.switch("office")
    for number, name in enumerate("abc", 1):
        net.host(name, address=f"10.0.0.{number}/24", link=switch)
        net[name].run(answer_forever, root=True)
    return net


def test_names_of_nodes_resolve_on_every_host(office):
    assert office["a"].call(socket.gethostbyname, "c") == "10.0.0.3"
    assert office["a"].call(socket.gethostname) == "a"


def test_names_can_be_turned_off():
    net = Net(names=False)
    net.host("a", address="10.0.0.1/24", hosts={"elsewhere": "10.0.0.9"})
    assert net["a"].call(socket.gethostbyname, "elsewhere") == "10.0.0.9"
    with pytest.raises(socket.gaierror):
        net["a"].call(socket.gethostbyname, "a")


def test_a_router_joins_two_networks(net):
    net.router("gw", interfaces={"left": "10.0.0.254/24", "right": "10.0.1.254/24"})
    net.host("a", address="10.0.0.1/24", gateway="10.0.0.254")
    net.host("b", address="10.0.1.1/24", gateway="10.0.1.254")
    net.link("gw:left", "a")
    net.link("b", "gw:right", delay="5ms")
    net["b"].run(answer_forever, root=True)
    assert net["a"].call(ask, "b") == b"are you there?"
    assert net["gw"].addresses == {"left": ["10.0.0.254/24"], "right": ["10.0.1.254/24"]}


def test_static_routes(net):
    net.router("gw", interfaces={"left": "10.0.0.254/24", "right": "10.0.1.254/24"})
    net.host("a", address="10.0.0.1/24", routes=[{"to": "10.0.1.0/24", "via": "10.0.0.254"}])
    net.host("b", address="10.0.1.1/24", routes=[{"to": "default", "via": "10.0.1.254"}])
    net.link("gw:left", "a")
    net.link("b", "gw:right")
    net["b"].run(answer_forever, root=True)
    assert net["a"].call(ask, "b") == b"are you there?"


def test_a_hub_shows_every_frame_to_everybody(net):
    net.hub("hub")
    for number, name in enumerate("abc", 1):
        net.host(name, address=f"10.0.0.{number}/24", link=net["hub"])
    net["b"].run(answer_forever, root=True)
    trace = net.trace
    net["a"].call(ask, "b")
    assert trace.select(event="received", at="c:eth0", protocol="UDP")


def test_a_link_s_numbers_can_be_set_at_any_time(office):
    link = office.link("a", "office")
    assert link is office.link("office", "a")
    link.delay = "50ms"
    link.loss = "2%"
    assert (link.delay, link.loss) == (50_000_000, 0.02)
    link.loss = 1
    with pytest.raises(TimeoutError):
        office["a"].call(ask, "b")
    link.loss = 0
    before = office.now_ns
    assert office["a"].call(ask, "b") == b"are you there?"
    assert office.now_ns - before >= 100_000_000
    with pytest.raises(AttributeError, match="a link has no 'los'"):
        link.los = 1
    with pytest.raises(UsageError, match="'200%' is no fraction"):
        link.loss = "200%"


def test_cut_and_heal(office):
    office.link("a", "office").cut()
    with pytest.raises(TimeoutError):
        office["a"].call(ask, "b")
    office.heal()
    assert office["a"].call(ask, "b") == b"are you there?"


def test_partition_and_heal(office):
    office.partition(["a"], [office["b"]])
    with pytest.raises(TimeoutError):
        office["a"].call(ask, "b")
    assert office["a"].call(ask, "c") == office["c"].call(ask, "b") == b"are you there?"
    assert "PARTITION" in office.watching.counters.by_name()
    office.heal()
    assert office["a"].call(ask, "b") == b"are you there?"


def test_a_drop_rule_takes_the_nth_frame_of_a_node(office):
    rule = office.drop({"udp": 7}, sender="a", nth=2)
    assert office["a"].call(ask, "b") == b"are you there?"
    with pytest.raises(TimeoutError):
        office["a"].call(ask, "b")
    assert office["a"].call(ask, "b") == b"are you there?"
    assert (rule.seen, rule.dropped) == (3, 1)
    office.lift(rule)


def test_a_mac_table_can_be_read(office):
    office["a"].call(ask, "b")
    assert [(entry.mac, entry.port.name) for entry in office["office"].mac_table] == [
        (0x020000000001, "office:p1"),
        (0x020000000002, "office:p2"),
    ]


def test_capture_of_all_and_of_one(office, tmp_path):
    office.capture(tmp_path / "all.pcapng")
    office.capture(tmp_path / "one.pcapng", on="b:eth0")
    office["a"].call(ask, "b")
    office.close()
    names = ["office:p1", "a:lo", "a:eth0", "office:p2", "b:lo", "b:eth0", "office:p3", "c:lo", "c:eth0"]
    assert sorted(read_interfaces(tmp_path / "all.pcapng")) == sorted(names)
    seen = [frame.interface for frame in read_capture(tmp_path / "one.pcapng")]
    assert seen and set(seen) == {"b:eth0"}
    with pytest.raises(UsageError, match="no port is called 'd'"):
        office.capture(tmp_path / "none.pcapng", on=["d"])


def test_a_loop_of_switches_is_noticed(net):
    one, other, third = (net.switch(name) for name in ("s1", "s2", "s3"))
    net.link(one, other)
    net.link(other, third)
    net.check()
    assert net.notices == []
    net.link(third, one)
    net.check()
    assert net.notices == [
        "s3:p2--s1:p2 closes a loop of switches: a broadcast circulates there for ever; leave one cable out"
    ]


def test_reading_the_net_changes_nothing(net):
    def run(watch):
        made = Net(5)
        switch = made.switch("s")
        made.host("a", address="10.0.0.1/24", link=switch, loss=0.3)
        made.host("b", address="10.0.0.2/24", link=switch)
        made["b"].run(answer_forever, root=True)
        if watch:
            made.trace  # noqa: B018
        try:
            made["a"].call(ask, "b")
        except TimeoutError:
            pass
        return made.digest

    assert run(False) == run(True)


@pytest.mark.parametrize(
    ("misuse", "message"),
    [
        (lambda net: net.host("a"), "there is a node 'a' already; names are unique"),
        (lambda net: net["d"], "there is no node 'd'; known here: office, a, b, c"),
        (lambda net: net.host("d", adress="10.0.0.4/24"), "a host has no 'adress'; did you mean 'address'?"),
        (
            lambda net: net.host("d", delay="1ms"),
            "'delay' is an option of a link; say `link=BOX` too, or use net.link()",
        ),
        (lambda net: net.host("d:e"), "'d:e' is no name for a node"),
        (lambda net: net.link("a", "a"), "both ends of a link are at a; link two nodes"),
        (lambda net: net.link("a", "b"), "a:eth0 is linked twice; it is linked to office:p1 already"),
        (lambda net: net.link("a", "b", dilay="1ms"), "a link has no option 'dilay'; did you mean 'delay'?"),
        (
            lambda net: net.host_named("office"),
            "office is a switch and runs no programs; name a host or a router",
        ),
        (lambda net: net["a"].run("nothere.py"), "there is no script "),
        (lambda net: net["a"].run(ask, after="d"), "there is no program 'd'"),
        (lambda net: net["a"].run(ask, at="5"), "'5' is no duration"),
        (lambda net: net.drop({"tcp": "sin"}), "'sin' is no TCP flag"),
        (lambda net: net.drop("tcp", sender="d"), "there is no node 'd'"),
        (lambda net: net.run(until="soon"), "'soon' is no duration"),
        (lambda net: Net(wire="string"), "wire='string'; give one of values, bytes"),
    ],
)
def test_misuse_is_told_with_the_remedy(office, misuse, message):
    with pytest.raises(UsageError) as caught:
        misuse(office)
    assert message in str(caught.value)


def test_an_address_twice_is_found_before_time_passes(net):
    switch = net.switch("s")
    net.host("a", address="10.0.0.1/24", link=switch)
    net.host("b", address="10.0.0.1/24", link=switch)
    with pytest.raises(UsageError, match=r"b:eth0 has the address .*, which a:eth0 has"):
        net.run()
    assert net.engine.fired == 0
