"""From a name to an address: literals, hosts file, node names, further sources, in this order."""

from __future__ import annotations

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netarium.names import ports
from netarium.names.hosts import HostsTable
from netarium.names.literal import parse_ipv4, parse_ipv4_loosely, parse_ipv6
from netarium.names.resolver import NoAddressError, Resolver, TryAgainError, UnknownNameError


def resolver(*entries: tuple[str, str]) -> Resolver:
    return Resolver("me", HostsTable(entries))


def test_literals_are_their_own_answer() -> None:
    names = resolver()
    assert names.lookup("10.0.0.1") == ["10.0.0.1"]
    assert names.lookup("127.1") == ["127.0.0.1"]
    assert names.lookup("2001:DB8::1") == ["2001:db8::1"]
    with pytest.raises(NoAddressError):
        names.lookup("10.0.0.1", 6)


def test_the_hosts_file_comes_before_the_node_names() -> None:
    names = resolver(("server", "10.0.0.1"), ("other", "10.0.0.2"))
    names.hosts.add("10.9.9.9", "server")
    assert names.lookup("SERVER") == ["10.9.9.9"]
    assert names.lookup("other.") == ["10.0.0.2"]
    assert names.reverse("10.0.0.2") == ("other",)
    assert names.reverse("10.0.0.3") == ()


def test_several_addresses_in_file_order() -> None:
    names = resolver(("server", "10.0.0.2"), ("server", "10.0.0.1"), ("server", "10.0.0.2"))
    assert names.lookup("server") == ["10.0.0.2", "10.0.0.1"]


def test_unknown_names_and_missing_families() -> None:
    names = resolver(("server", "10.0.0.1"))
    with pytest.raises(UnknownNameError):
        names.lookup("nowhere")
    with pytest.raises(NoAddressError):
        names.lookup("server", 6)
    assert names.lookup("localhost", 4) == ["127.0.0.1"]


def test_further_sources_are_asked_last_and_stages_are_told() -> None:
    names = resolver(("server", "10.0.0.1"))
    names.sources.append(("DNS", lambda name, family: ["192.0.2.1"] if name == "www.example" else None))
    told: list[tuple[str, str, list[str] | None]] = []
    names.on_lookup = lambda stage, name, answer, family: told.append((stage, name, answer))
    assert names.lookup("www.example") == ["192.0.2.1"]
    assert told == [
        ("hosts file", "www.example", None),
        ("node names", "www.example", None),
        ("DNS", "www.example", ["192.0.2.1"]),
    ]
    told.clear()
    names.lookup("localhost")
    assert [stage for stage, _, _ in told] == ["hosts file"]


def test_a_source_that_does_not_answer() -> None:
    names = resolver()

    def silent(name: str, family: int) -> list[str] | None:
        raise TryAgainError(name)

    names.sources.append(("DNS", silent))
    with pytest.raises(TryAgainError):
        names.lookup("www.example")


def test_node_names_can_be_switched_off() -> None:
    with pytest.raises(UnknownNameError):
        Resolver("me", None).lookup("server")


def test_hosts_files_are_read_as_the_c_library_reads_them() -> None:
    table = HostsTable.parse("# comment\n10.0.0.1 a b # aliases\nnonsense c\n10.0.0.2\n2001:db8::1\tA\n")
    assert table.lookup("a") == ["10.0.0.1", "2001:db8::1"]
    assert table.lookup("a", 6) == ["2001:db8::1"]
    assert table.lookup("c") == []
    assert str(table) == "10.0.0.1\ta b\n2001:db8::1\tA\n"
    assert table.remove("B") and not table.remove("b")
    assert len(table) == 1


@given(st.integers(0, 2**32 - 1))
def test_every_ipv4_address_is_read(value: int) -> None:
    text = str(ipaddress.IPv4Address(value))
    assert parse_ipv4(text) == parse_ipv4_loosely(text) == value


@given(st.text("0123456789abcdefx.", max_size=16))
def test_loose_literals_agree_with_inet_aton(text: str) -> None:
    try:
        expected: int | None = int.from_bytes(socket.inet_aton(text), "big")
    except OSError:
        expected = None
    assert parse_ipv4_loosely(text) == expected


@given(st.text(max_size=40))
def test_no_text_makes_the_parsers_raise(text: str) -> None:
    for parse in (parse_ipv4, parse_ipv4_loosely, parse_ipv6):
        parse(text)


@pytest.mark.parametrize(
    ("name", "port"),
    [
        ("mysql", 3306),
        ("mongodb", 27017),
        ("django", 8000),
        ("tomcat", 8080),
        ("flask", 5000),
        ("redis", 6379),
    ],
)
def test_popular_ports(name: str, port: int) -> None:
    service = ports.by_name(name)
    assert service is not None and service.port == port
    assert name in [each.name for each in ports.all_with(port)]


def test_official_names_come_first() -> None:
    assert ports.by_number(8080) == ports.Service("http-alt", 8080, "tcp")
    assert ports.by_number(53, "udp") == ports.Service("domain", 53, "udp")
    assert ports.by_name("http", "udp") is None
