"""The story of what name servers decide: their own zone, their cache, whom to ask next."""

from __future__ import annotations

import socket
import time
from pathlib import Path

from tests.story.both_languages import told

from netarium import Net
from netarium.story.language import Language
from netarium.story.telling import Story

SOA = "nobody.invalid. 1 1800 900 604800 300"
ROOT = f"""
. 86400 IN SOA ns. {SOA}
. 86400 IN NS ns.
ns. 86400 IN A 10.0.0.1
cn. 172800 IN NS ns.cn.
ns.cn. 172800 IN A 10.0.0.2
"""
CN = f"""
cn. 86400 IN SOA ns.cn. {SOA}
cn. 86400 IN NS ns.cn.
ns.cn. 86400 IN A 10.0.0.2
www.zdns.cn. 600 IN A 202.173.11.10
two.zdns.cn. 600 IN A 202.173.11.11
"""


def look_up(*names: str) -> None:
    for name in names:
        socket.getaddrinfo(name, 80, socket.AF_INET, socket.SOCK_STREAM)
        time.sleep(0.1)


def net_of_names() -> Net:
    net = Net(seed=1, names=False)
    switch = net.switch("s")
    for name, address, service in (
        ("root", "10.0.0.1", {"zones": {".": ROOT}}),
        ("cn", "10.0.0.2", {"zones": {"cn.": CN}}),
        ("resolver", "10.0.0.53", {"recursive": True, "roots": ["10.0.0.1"]}),
    ):
        net.host(name, address=f"{address}/24", link=switch, services=[{"dns": service}])
    for name, number in (("pc", 9), ("other", 10)):
        net.host(name, address=f"10.0.0.{number}/24", link=switch, dns="10.0.0.53")
    return net


def test_a_resolver_says_where_it_begins_and_what_it_has_learned(tmp_path: Path) -> None:
    net = net_of_names()
    net["pc"].run(look_up, "www.zdns.cn", "two.zdns.cn")
    story = told(net, tmp_path, net.run)
    missed, first, second, missed_too, third = story.texts("resolver", "resolver")
    assert missed == "resolver looks in its cache: is www.zdns.cn there? No."
    assert missed_too == "resolver looks in its cache: is two.zdns.cn there? No."
    assert first == (
        "resolver knows no server for any part of www.zdns.cn, so it begins at the top: with the root server root "
        "(10.0.0.1)."
    )
    assert second == (
        "The longest part of www.zdns.cn whose servers resolver knows is the zone cn: it asks cn (10.0.0.2) there."
    )
    assert third.startswith("The longest part of two.zdns.cn whose servers resolver knows is the zone cn:")
    assert len(story.of("resolver", "cn")) == 1, "that it has the zone is said once"
    asked = [each for each in story.of("dns", "resolver") if not each.values["response"]]
    assert [each.values["destination"] for each in asked] == ["10.0.0.1", "10.0.0.2", "10.0.0.2"]


def test_a_cached_answer_is_said_to_be_one(tmp_path: Path) -> None:
    net = net_of_names()
    net["pc"].run(look_up, "www.zdns.cn")
    net["other"].run(look_up, "www.zdns.cn", at="5s")
    story = told(net, tmp_path, net.run)
    cached = [each for each in story.of("resolver", "resolver") if each.values["decision"] == "cached"]
    assert [each.text for each in cached] == [
        "resolver still has the answer for www.zdns.cn in its cache and asks nobody."
    ]
    assert cached[0].time_ns > 5 * 10**9
    assert story.texts("resolver", "resolver", "chinese")[-1] == (
        "resolver 的缓存里还有 www.zdns.cn 的回答，谁也不用问。"
    )


def test_look_ups_of_both_families_are_told_apart(tmp_path: Path) -> None:
    zone = f"""
    example. 60 IN SOA ns.example. {SOA}
    example. 60 IN NS ns.example.
    ns.example. 60 IN A 10.0.0.53
    www.example. 60 IN A 10.0.0.80
    www.example. 60 IN AAAA 2001:db8::80
    """.replace("\n    ", "\n")
    net = Net(seed=1, names=False)
    switch = net.switch("s")
    net.host("ns", address="10.0.0.53/24", link=switch, services=[{"dns": {"zones": {"example.": zone}}}])
    net.host("pc", address=["10.0.0.1/24", "2001:db8::1/64"], link=switch, dns="10.0.0.53")
    net["pc"].run(lambda: socket.getaddrinfo("www.example", 80, 0, socket.SOCK_STREAM), at="5s")
    story = told(net, tmp_path, net.run)
    titles = [chapter.title for chapter in Story(story.trace, Language.load("en")).chapters()]
    for kind in ("A", "AAAA"):
        assert f"The name servers are asked for “www.example”, type {kind}" in titles
    stages = [each for each in story.of("name-stage", "pc") if each.values["stage"] == "hosts file"]
    assert sorted(each.values["type"] for each in stages) == ["A", "AAAA"]
    (six,) = [each for each in stages if each.values["type"] == "AAAA"]
    assert six.text.endswith("is an IPv6 address (type AAAA) of www.example there? No.")
    assert [each.values["number"] for each in story.of("dns")] == [1, 2, 1, 2]
