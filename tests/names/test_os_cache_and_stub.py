"""The host's own cache, search list, several servers, and the order of sources: by programs' lookups."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest
from tests.acceptance.naming import DnsSeen, authority, look_up, zone

from netarium import Net
from netarium.errors import UsageError
from netarium.names.cache import SECOND_NS, NameCache
from netarium.names.configuration import NameConfiguration

LAB = zone(
    ".", "ns.", "10.0.0.1",
    "www.corp.example. 60 IN A 10.0.0.80", "www.lab.example. 60 IN A 10.0.0.81",
    "six.corp.example. 60 IN AAAA 2001:db8::1", "alias.corp.example. 60 IN CNAME www.corp.example.",
    "80.0.0.10.in-addr.arpa. 60 IN PTR www.corp.example.",
    "fleeting.corp.example. 0 IN A 10.0.0.82",
)  # fmt: skip


def net_with(servers=("10.0.0.1",), search=(), **options):
    net = Net(seed=9, names=False)
    wire = net.switch("wire")
    net.host("one", address="10.0.0.1/24", link=wire, services=authority(LAB))
    net.host("two", address="10.0.0.2/24", link=wire, services=authority(LAB))
    pc = net.host("pc", address="10.0.0.9/24", link=wire, dns=list(servers), search=list(search), **options)
    return net, pc, DnsSeen(net)


def test_the_search_list_completes_short_names_in_order():
    _, pc, seen = net_with(search=["lab.example", "corp.example"])
    assert pc.call(look_up, "www") == ["10.0.0.81"]
    assert pc.call(look_up, "alias") == ["10.0.0.80"]
    asked = [line for line in seen.told() if line.startswith("pc >")]
    assert asked == [
        "pc > one ? www.lab.example. A rd",
        "pc > one ? alias.lab.example. A rd",
        "pc > one ? alias.corp.example. A rd",
    ]


def test_names_with_a_dot_are_tried_as_they_are_first_and_absolute_names_only_so():
    configuration = NameConfiguration(search=["corp.example"])
    assert configuration.candidates("www") == ["www.corp.example.", "www."]
    assert configuration.candidates("www.corp") == ["www.corp.", "www.corp.corp.example."]
    assert configuration.candidates("www.") == ["www."]


def test_a_silent_server_is_followed_by_the_next():
    net, pc, _ = net_with(servers=["10.0.0.77", "10.0.0.1"])
    begun_ns = net.now_ns
    assert pc.call(look_up, "www.corp.example") == ["10.0.0.80"]
    assert 3 <= (net.now_ns - begun_ns) / SECOND_NS < 6, "ARP gave up, or five seconds passed"


def test_a_closed_port_is_followed_by_the_next_at_once():
    net, pc, seen = net_with(servers=["10.0.0.2", "10.0.0.1"])
    net.service("two/named").kill(9)
    assert pc.call(look_up, "www.corp.example") == ["10.0.0.80"]
    assert net.now_ns < SECOND_NS
    assert seen.told()[-1] == "one > pc = 10.0.0.80"


def test_at_most_three_servers_are_asked():
    assert len(NameConfiguration(["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"]).servers) == 3


def test_no_server_answers_is_a_temporary_failure():
    net, pc, _ = net_with(servers=["10.0.0.77"])
    assert pc.call(look_up, "www.corp.example") == "Temporary failure in name resolution"
    assert net.now_ns <= 11 * SECOND_NS, "two attempts of five seconds"


def test_a_name_without_an_address_of_the_family_is_no_address():
    _, pc, _ = net_with()
    assert pc.call(look_up, "six.corp.example") == "No address associated with hostname"
    assert pc.call(look_up, "nothing.corp.example") == "Name or service not known"


def test_a_host_without_ipv6_asks_no_aaaa():
    _, pc, seen = net_with()
    assert pc.call(look_up, "www.corp.example", socket.AF_UNSPEC) == ["10.0.0.80"]
    assert [line for line in seen.told() if "AAAA" in line] == []


def test_negative_answers_are_kept_too_and_ttl_0_is_not():
    _, pc, seen = net_with()
    pc.call(look_up, "nothing.corp.example")
    seen.take()
    assert pc.call(look_up, "nothing.corp.example") == "Name or service not known"
    assert seen.take() == []
    for _ in range(2):
        assert pc.call(look_up, "fleeting.corp.example") == ["10.0.0.82"]
        assert len(seen.take()) == 2


def test_a_reboot_empties_the_cache():
    _, pc, seen = net_with()
    pc.call(look_up, "www.corp.example")
    pc.crash()
    pc.boot()
    seen.take()
    pc.call(look_up, "www.corp.example")
    assert len(seen.take()) == 2


def test_reverse_lookups_ask_for_ptr():
    _, pc, seen = net_with()
    assert pc.call(socket.gethostbyaddr, "10.0.0.80")[0] == "www.corp.example"
    assert seen.take()[0] == "pc > one ? 80.0.0.10.in-addr.arpa. PTR rd"
    pc.call(socket.gethostbyaddr, "10.0.0.80")
    assert seen.take() == [], "kept as well"


async def by_asyncio(name: str) -> str:
    found = await asyncio.get_running_loop().getaddrinfo(name, 80, family=socket.AF_INET)
    return found[0][4][0]


def by_dnspython(name: str) -> str:
    import dns.resolver

    return dns.resolver.Resolver().resolve(name, "A")[0].address


def test_getaddrinfo_asyncio_dnspython_and_dig_agree():
    _, pc, _ = net_with()
    dig = pc.run("dig +short www.corp.example", stdin="")
    dig.wait()
    assert pc.call(look_up, "www.corp.example") == ["10.0.0.80"]
    assert pc.call(by_asyncio, "www.corp.example") == "10.0.0.80"
    assert pc.call(by_dnspython, "www.corp.example") == "10.0.0.80"
    assert dig.stdout == "10.0.0.80\n"


def test_name_servers_are_never_asked_from_outside_the_net():
    _, pc, _ = net_with()
    with pytest.raises(UsageError, match="inside the net"):
        pc.resolver.lookup("www.corp.example")


def wait_and_look_up(seconds: float) -> list[str] | str:
    time.sleep(seconds)
    return look_up("www.corp.example")


@pytest.mark.parametrize(("seconds", "messages"), [(59, 0), (61, 2)])
def test_an_entry_lives_as_long_as_its_ttl(seconds, messages):
    _, pc, seen = net_with()
    pc.call(look_up, "www.corp.example")
    seen.take()
    pc.call(wait_and_look_up, seconds)
    assert len(seen.take()) == messages


def test_the_cache_by_itself():
    cache = NameCache()
    cache.put("Www.Example.", "A", ["10.0.0.1"], True, 2, 0)
    cache.put("gone.example.", "A", [], False, 0, 0)
    found = cache.get("www.example.", "A", 1)
    assert found is not None and found.values == ("10.0.0.1",) and found.ttl_s(SECOND_NS + 1) == 1
    assert cache.get("www.example.", "AAAA", 1) is None
    assert cache.get("gone.example.", "A", 1) is None
    assert cache.get("www.example.", "A", 2 * SECOND_NS) is None
    cache.put("a.", "A", ["10.0.0.1"], True, 9, 0)
    assert cache.flush() == 1 and cache.listing(0) == []


@pytest.mark.parametrize("dns", ["10.0.0", "ns.example"])
def test_a_server_is_an_address(dns):
    with pytest.raises(UsageError, match=dns):
        Net().host("pc", address="10.0.0.9/24", dns=dns)
