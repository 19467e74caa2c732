"""R105 to R124: names, caches, recursive and iterative resolution."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import dns.flags
import dns.message
import dns.rdataclass
import dns.rdatatype
import pytest
from tests.acceptance.naming import DnsSeen, authority, look_up, stages, xyz_and_abc, zone

from netarium import Net

EIGHT = [
    "m > local ? y.abc.com. A rd",
    "local > root ? y.abc.com. A",
    "root > local -> com. dns.com.",
    "local > com ? y.abc.com. A",
    "com > local -> abc.com. dns.abc.com.",
    "local > abc ? y.abc.com. A",
    "abc > local = 10.0.0.80",
    "local > m = 10.0.0.80",
]


def test_r117_exactly_eight_messages_in_order():
    net, m, _ = xyz_and_abc()
    seen = DnsSeen(net)
    assert m.call(look_up, "y.abc.com") == ["10.0.0.80"]
    assert seen.told() == EIGHT


def recursion_desired(message: dns.message.Message) -> bool:
    return bool(message.flags & dns.flags.RD)


def is_query(message: dns.message.Message) -> bool:
    return not message.flags & dns.flags.QR


def test_r114_the_host_asks_recursively_and_its_server_iteratively_in_the_same_eight_messages():
    net, m, _ = xyz_and_abc()
    seen = DnsSeen(net)
    m.call(look_up, "y.abc.com")
    queries = [each for each in seen.messages if is_query(each[2])]
    assert [(sender, target, recursion_desired(message)) for sender, target, message in queries] == [
        ("m", "local", True), ("local", "root", False), ("local", "com", False), ("local", "abc", False),
    ]  # fmt: skip
    assert seen.told() == EIGHT


def test_r113_the_local_server_asks_root_top_level_and_authority_in_turn_by_referral():
    net, m, _ = xyz_and_abc()
    seen = DnsSeen(net)
    m.call(look_up, "y.abc.com")
    of_the_server = [each for each in seen.told() if "m" not in each.split(" ")[::2][:2]]
    assert of_the_server == EIGHT[1:7]
    told = [details["stage"] for place, _, details in seen.stages if place == "local"]
    assert told.count("iterative query") == 3


def test_r116_iterative_queries_have_no_rd_and_referrals_have_glue():
    net, m, _ = xyz_and_abc()
    seen = DnsSeen(net)
    m.call(look_up, "y.abc.com")
    from_server = [message for sender, _, message in seen.messages if sender == "local" and is_query(message)]
    assert len(from_server) == 3
    assert not any(recursion_desired(message) for message in from_server)
    referral = seen.messages[2][2]
    assert [str(each.name) for each in referral.authority] == ["com."]
    assert [(str(each.name), str(each[0])) for each in referral.additional] == [("dns.com.", "10.0.0.2")]
    assert not referral.answer


def test_r115_the_host_sends_one_query_and_gets_an_answer_or_an_error():
    net, m, _ = xyz_and_abc()
    seen = DnsSeen(net)
    assert m.call(look_up, "nothing.abc.com") == "Name or service not known"
    sent = [each for each in seen.told() if each.startswith("m >")]
    assert sent == ["m > local ? nothing.abc.com. A rd"]
    assert seen.told()[-1] == "local > m ! NXDOMAIN"


def test_r115_servfail_when_no_server_of_the_zone_answers():
    net, m, _ = xyz_and_abc()
    net["abc"].crash()
    dig = m.run("dig y.abc.com", stdin="")
    dig.wait()
    assert "status: SERVFAIL" in dig.stdout
    assert m.call(look_up, "y.abc.com") == "Temporary failure in name resolution"


def test_r118_a_second_lookup_costs_two_messages_by_another_host_and_none_by_the_same():
    net, m, n = xyz_and_abc()
    seen = DnsSeen(net)
    m.call(look_up, "y.abc.com")
    seen.take()
    assert n.call(look_up, "y.abc.com") == ["10.0.0.80"]
    assert seen.take() == ["n > local ? y.abc.com. A rd", "local > n = 10.0.0.80"]
    assert m.call(look_up, "Y.abc.COM") == ["10.0.0.80"]
    assert seen.take() == []


def test_r111_the_second_client_is_served_from_the_isp_s_cache():
    net, m, n = xyz_and_abc()
    m.call(look_up, "y.abc.com")
    seen = DnsSeen(net)
    n.call(look_up, "y.abc.com")
    (told,) = [details for place, _, details in seen.stages if place == "local"]
    assert told["stage"] == "resolver cache"


def after(second: float, name: str) -> list[str] | str:
    time.sleep(second)
    return look_up(name)


@pytest.mark.parametrize(("second", "messages"), [(172_799, 2), (172_801, 4)])
def test_r119_a_ttl_of_two_days_is_kept_to_the_second(second, messages):
    net, m, n = xyz_and_abc()
    m.call(look_up, "y.abc.com")
    asked_s = net.now_ns / 1e9
    seen = DnsSeen(net)
    assert n.call(after, second - asked_s, "y.abc.com", within="4d") == ["10.0.0.80"]
    # At 172801 the delegations (172800 too) are over as well; only the zone's own records were refreshed by nobody.
    told = seen.told()
    assert len(told) == (messages if second < 172_800 else 8)
    host = DnsSeen(net)
    m.call(look_up, "y.abc.com")
    assert len(host.told()) == (0 if second < 172_800 else 2), "the host's own cache ages alike"


def ask_for_an_hour(name: str) -> None:
    for _ in range(360):
        assert look_up(name) == ["10.0.0.80"]
        time.sleep(10.001)


def test_r119_a_short_ttl_costs_traffic():
    counts = {}
    for ttl in (10, 1000):
        net, m, _ = xyz_and_abc(ttl=ttl)
        seen = DnsSeen(net)
        m.call(ask_for_an_hour, "y.abc.com", within="2h")
        counts[ttl] = len(seen.messages)
    # 360 lookups in an hour: each goes to the authority, or each hundredth does.
    assert counts == {10: 8 + 359 * 4, 1000: 8 + 3 * 4}


@pytest.mark.parametrize(("second", "messages"), [(59, 0), (61, 4)])
def test_r120_the_host_keeps_recent_names_until_their_ttl_ends(second, messages):
    net, m, _ = xyz_and_abc(ttl=60)
    seen = DnsSeen(net)
    m.call(look_up, "y.abc.com")
    assert len(seen.take()) == 8
    assert m.call(after, second, "y.abc.com") == ["10.0.0.80"]
    assert len(seen.take()) == messages
    assert stages(seen, "m")[-1] == (("OS cache", True) if messages == 0 else ("name server", True))


def test_r121_flush_empties_the_cache_and_the_next_lookup_goes_out():
    net, m, _ = xyz_and_abc()
    seen = DnsSeen(net)
    m.call(look_up, "y.abc.com")
    seen.take()
    assert m.call(look_up, "y.abc.com") == ["10.0.0.80"]
    assert seen.take() == [], "the host knows it"
    flush = m.run("resolvectl flush-caches", stdin="")
    assert flush.wait() == 0
    shown = m.run("resolvectl show-cache", stdin="")
    shown.wait()
    assert shown.stdout == "Scope protocol=dns\n", "nothing under the heading"
    m.call(look_up, "y.abc.com")
    assert seen.take() == ["m > local ? y.abc.com. A rd", "local > m = 10.0.0.80"]


def test_r110_an_entry_of_the_hosts_file_overrides_dns():
    _, m, _ = xyz_and_abc()
    assert m.call(look_up, "y.abc.com") == ["10.0.0.80"]
    assert m.run("hosts add 10.9.9.9 y.abc.com", stdin="", root=True).wait() == 0
    assert m.call(look_up, "y.abc.com") == ["10.9.9.9"]
    assert m.run("hosts remove y.abc.com", stdin="", root=True).wait() == 0
    assert m.call(look_up, "y.abc.com") == ["10.0.0.80"]


def test_r108_a_hosts_file_hit_ends_it_without_a_packet():
    net, m, _ = xyz_and_abc()
    assert m.run("hosts add 10.9.9.9 y.abc.com", stdin="", root=True).wait() == 0
    frames = []
    watcher = type("Watcher", (), {"frame": lambda self, *arguments: frames.append(arguments)})()
    net.watch.add(watcher)
    seen = DnsSeen(net)
    assert m.call(look_up, "y.abc.com") == ["10.9.9.9"], "the entry goes before DNS"
    assert stages(seen, "m") == [("hosts file", True)]
    assert frames == []


def test_r109_commands_show_the_caches_and_edit_hosts():
    _, m, _ = xyz_and_abc()
    m.call(look_up, "y.abc.com")
    show = m.run("resolvectl show-cache", stdin="")
    show.wait()
    assert "y.abc.com IN A 10.0.0.80" in show.stdout
    assert m.run("hosts add 10.1.1.1 printer lp", stdin="").wait() == 1, "only root edits it"
    assert m.run("hosts add 10.1.1.1 printer lp", stdin="", root=True).wait() == 0
    listed = m.run("hosts", stdin="")
    listed.wait()
    assert "10.1.1.1\tprinter lp\n" in listed.stdout
    assert m.call(look_up, "lp") == ["10.1.1.1"]
    assert m.run("hosts remove printer", stdin="", root=True).wait() == 0
    assert m.call(look_up, "printer") == "Name or service not known"


def test_r107_each_stage_is_told_and_where_it_hit():
    net = Net(seed=2)
    home, isp = net.switch("home"), net.switch("isp")
    zones = authority(zone(".", "ns.", "20.0.0.1", "www.zdns.cn. 600 IN A 202.173.11.10"))
    router = net.router(
        "router", interfaces={"lan": "192.168.1.1/24", "wan": "20.0.0.2/24"},
        services=[{"dns": {"forwarders": ["20.0.0.3"]}}],
    )  # fmt: skip
    net.link("router:lan", home)
    net.link("router:wan", isp)
    net.host("root", address="20.0.0.1/24", link=isp, services=zones)
    net.host(
        "provider", address="20.0.0.3/24", link=isp, gateway="20.0.0.2",
        services=[{"dns": {"recursive": True, "roots": ["20.0.0.1"]}}],
    )  # fmt: skip
    pc = net.host("pc", address="192.168.1.9/24", gateway="192.168.1.1", link=home, dns="192.168.1.1")
    seen = DnsSeen(net)
    pc.call(look_up, "www.zdns.cn")
    told = [(place, details["stage"], details.get("hit")) for place, _, details in seen.stages]
    assert told == [
        ("pc", "hosts file", False),
        ("pc", "node names", False),
        ("pc", "OS cache", False),
        ("router", "forwarded query", None),
        ("provider", "iterative query", None),
        ("root", "own zone", None),
        ("provider", "recursion", None),
        ("router", "forwarded", None),
        ("pc", "query", None),
        ("pc", "name server", True),
    ]
    assert router.on
    seen.stages.clear()
    pc.call(look_up, "www.zdns.cn")
    assert stages(seen, "pc")[-1] == ("OS cache", True)
    assert {place for place, _, _ in seen.stages} == {"pc"}
    other = net.host("other", address="192.168.1.8/24", gateway="192.168.1.1", link=home, dns="192.168.1.1")
    seen.stages.clear()
    other.call(look_up, "www.zdns.cn")
    assert {place for place, _, _ in seen.stages} == {"other", "router"}
    assert [details["stage"] for place, _, details in seen.stages if place == "router"] == ["forwarder cache"]


def test_r112_a_chain_of_forwarders_each_asks_the_next():
    net = Net(seed=2, names=False)
    wire = net.switch("wire")
    net.host("c", address="10.0.0.3/24", link=wire, services=authority(
        zone(".", "ns.", "10.0.0.3", "y.abc.com. 60 IN A 10.0.0.80")))  # fmt: skip
    net.host("b", address="10.0.0.2/24", link=wire, services=[{"dns": {"forwarders": "10.0.0.3"}}])
    net.host("a", address="10.0.0.1/24", link=wire, services=[{"dns": {"forwarders": "10.0.0.2"}}])
    pc = net.host("pc", address="10.0.0.9/24", link=wire, dns="10.0.0.1")
    seen = DnsSeen(net)
    assert pc.call(look_up, "y.abc.com") == ["10.0.0.80"]
    assert seen.told() == [
        "pc > a ? y.abc.com. A rd",
        "a > b ? y.abc.com. A rd",
        "b > c ? y.abc.com. A rd",
        "c > b = 10.0.0.80",
        "b > a = 10.0.0.80",
        "a > pc = 10.0.0.80",
    ]


TOP_LEVELS = ("a", "museum", "photography", "x" * 63)


def zdns():
    """The hierarchy of R122: root, .cn, zdns.cn; and the web server."""
    net = Net(seed=3, names=False)
    wire = net.switch("wire")
    net.host("root", address="202.173.11.4/24", link=wire, services=authority(
        zone(".", "a.root-servers.net.", "202.173.11.4",
             "cn. 172800 IN NS a.dns.cn.", "a.dns.cn. 172800 IN A 202.173.11.5",
             *(f"www.{tld}. 600 IN A 202.173.11.30" for tld in TOP_LEVELS))))  # fmt: skip
    net.host("cn", address="202.173.11.5/24", link=wire, services=authority(
        zone("cn.", "a.dns.cn.", "202.173.11.5",
             "zdns.cn. 172800 IN NS ns.zdns.cn.", "ns.zdns.cn. 172800 IN A 202.173.11.6")))  # fmt: skip
    net.host("zdns", address="202.173.11.6/24", link=wire, services=authority(
        zone("zdns.cn.", "ns.zdns.cn.", "202.173.11.6", "www.zdns.cn. 600 IN A 202.173.11.10",
             "web.zdns.cn. 600 IN A 202.173.11.10",
             "many.zdns.cn. 600 IN A 202.173.11.21", "many.zdns.cn. 600 IN A 202.173.11.22",
             "many.zdns.cn. 600 IN A 202.173.11.23",
             "x.longer-than-usual.zdns.cn. 600 IN A 202.173.11.30")))  # fmt: skip
    net.host("local", address="202.173.11.7/24", link=wire,
             services=[{"dns": {"recursive": True, "roots": "202.173.11.4"}}])  # fmt: skip
    web = net.host("web", address="202.173.11.10/24", link=wire)
    pc = net.host("pc", address="202.173.11.99/24", link=wire, dns="202.173.11.7")
    return net, pc, web


def fetch(name: str) -> str:
    with socket.create_connection((name, 80), timeout=5) as sock:
        sock.sendall(f"GET / HTTP/1.0\r\nHost: {name}\r\n\r\n".encode())
        data = b""
        while part := sock.recv(4096):
            data += part
    return data.decode()


def test_r122_www_zdns_cn_by_root_cn_and_zdns_then_http(tmp_path: Path):
    net, pc, web = zdns()
    (tmp_path / "index.html").write_text("hello from zdns\n")
    web.run(f"python -m http.server 80 --directory {tmp_path}", root=True, daemon=True, stdin="")
    seen = DnsSeen(net)
    assert "hello from zdns" in pc.call(fetch, "www.zdns.cn")
    assert seen.told() == [
        "pc > local ? www.zdns.cn. A rd",
        "local > root ? www.zdns.cn. A",
        "root > local -> cn. a.dns.cn.",
        "local > cn ? www.zdns.cn. A",
        "cn > local -> zdns.cn. ns.zdns.cn.",
        "local > zdns ? www.zdns.cn. A",
        "zdns > local = 202.173.11.10",
        "local > pc = 202.173.11.10",
    ]


def test_r105_a_name_gives_its_address_or_several_under_a_top_level_of_any_length():
    _, pc, _ = zdns()
    assert pc.call(look_up, "www.zdns.cn") == ["202.173.11.10"]
    assert len(pc.call(look_up, "many.zdns.cn")) == 3
    for tld in TOP_LEVELS:
        assert pc.call(look_up, f"www.{tld}") == ["202.173.11.30"], tld


def test_r124_several_addresses_turn_round_and_two_names_share_one():
    _, pc, _ = zdns()
    wanted = [f"202.173.11.{number}" for number in (21, 22, 23)]
    first = pc.call(look_up, "many.zdns.cn")
    assert sorted(first) == wanted
    pc.run("resolvectl flush-caches", stdin="").wait()
    second = pc.call(look_up, "many.zdns.cn")
    assert sorted(second) == wanted
    assert second != first, "the server turns them round"
    assert pc.call(look_up, "web.zdns.cn") == pc.call(look_up, "www.zdns.cn") == ["202.173.11.10"]
    assert pc.call(look_up, "x.longer-than-usual.zdns.cn") == ["202.173.11.30"]


def name_of(address: str) -> str:
    try:
        return socket.gethostbyaddr(address)[0]
    except OSError as error:
        return str(error.strerror)


def test_r124_a_missing_ptr_is_no_harm():
    _, pc, _ = zdns()
    assert pc.call(name_of, "202.173.11.10") == "Unknown host"
    ping = pc.run("ping -c 1 www.zdns.cn", stdin="")
    assert ping.wait() == 0
    assert "from 202.173.11.10" in ping.stdout


def test_r106_r078_name_servers_down_names_fail_and_addresses_work(tmp_path: Path):
    net, pc, web = zdns()
    web.run(f"python -m http.server 80 --directory {tmp_path}", root=True, daemon=True, stdin="")
    net["local"].crash()
    with pytest.raises(socket.gaierror, match="Temporary failure in name resolution"):
        pc.call(fetch, "www.zdns.cn")
    assert "200 OK" in pc.call(fetch, "202.173.11.10")


class Payloads:
    """An observer: the payload of each frame."""

    def __init__(self) -> None:
        self.payloads = []

    def frame(self, now, port, stop, frame) -> None:
        self.payloads.append(frame.payload)


def test_r123_a_resource_record_shows_name_ttl_class_type_address_and_has_a_wire_form():
    net, pc, _ = zdns()
    dig = pc.run("dig www.zdns.cn", stdin="")
    assert dig.wait() == 0
    assert "www.zdns.cn.\t\t600\tIN\tA\t202.173.11.10" in dig.stdout
    seen, frames = DnsSeen(net), Payloads()
    net.watch.add(frames)
    pc.run("dig @202.173.11.6 www.zdns.cn +norecurse", stdin="").wait()
    answer = seen.messages[-1][2]
    (rrset,) = answer.answer
    assert (rrset.ttl, rrset.rdclass, rrset.rdtype) == (600, dns.rdataclass.IN, dns.rdatatype.A)
    on_the_wire = bytes(frames.payloads[-1])
    question = b"\3www\4zdns\2cn\0" + bytes([0, 1, 0, 1])
    assert on_the_wire[12 : 12 + len(question)] == question
    # The name as a pointer to the question's, type A, class IN, TTL 600, four bytes of address (RFC 1035, 4.1.3).
    record = bytes([0xC0, 12, 0, 1, 0, 1, 0, 0, 600 >> 8, 600 & 255, 0, 4, 202, 173, 11, 10])
    assert on_the_wire[12 + len(question) :].startswith(record)
    assert dns.message.from_wire(on_the_wire).answer == answer.answer
