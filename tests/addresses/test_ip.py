"""IP addresses, masks and blocks: read, printed, counted, split; every refusal says what would be right."""

import ipaddress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netarium.addresses import (
    IPV4_MAX,
    IPV6_MAX,
    AddressError,
    InterfaceAddress,
    Prefix,
    address_class,
    ip_text,
    ipv4_text,
    ipv6_text,
    is_link_local,
    is_loopback,
    is_multicast,
    is_private,
    is_this_network,
    length_for_hosts,
    length_of,
    mask_of,
    parse_ip,
    parse_ipv4,
    parse_ipv6,
)

ipv4_numbers = st.integers(0, IPV4_MAX)
lengths = st.integers(0, 32)


@given(ipv4_numbers)
def test_ipv4_there_and_back_as_the_standard_library_prints_it(address: int) -> None:
    text = ipv4_text(address)
    assert text == str(ipaddress.IPv4Address(address))
    assert parse_ipv4(text) == address


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("256.1.1.1", "256 is more than 255"),
        ("1.2.3", "3 numbers instead of 4"),
        ("1.2.3.4.5", "5 numbers instead of 4"),
        ("1", "1 number instead of 4"),
        ("01.2.3.4", "leading zero"),
        ("1.2.3.04", "leading zero"),
        ("1..2.3", "a number is missing"),
        ("", "a number is missing"),
        ("1.2.3.x", "no decimal number"),
        ("1.2.3.-4", "no decimal number"),
        (" 1.2.3.4", "no decimal number"),
        ("1.2.3.4\n", "no decimal number"),
        ("1.2.3.99999999999999999999", "more than 255"),
        ("1.2.3.\u0664", "no decimal number"),
    ],
)
def test_no_ipv4_address(text: str, reason: str) -> None:
    with pytest.raises(AddressError, match=reason) as caught:
        parse_ipv4(text)
    assert "such as 192.168.15.68" in str(caught.value)


@given(st.text(alphabet="0123456789.", max_size=16))
def test_exactly_what_the_standard_library_takes_is_taken(text: str) -> None:
    try:
        expected = int(ipaddress.IPv4Address(text))
    except ValueError:
        with pytest.raises(AddressError):
            parse_ipv4(text)
    else:
        assert parse_ipv4(text) == expected


@given(st.integers(0, IPV6_MAX))
def test_ipv6_there_and_back(address: int) -> None:
    assert parse_ipv6(ipv6_text(address)) == address
    assert parse_ip(ip_text(6, address)) == (6, address)


@pytest.mark.parametrize("text", ["2001:db8::1::2", "fe80::1%eth0", "12345::", "", "1.2.3.4"])
def test_no_ipv6_address(text: str) -> None:
    with pytest.raises(AddressError, match="no IPv6 address"):
        parse_ipv6(text)


@given(lengths)
def test_prefix_length_to_mask_and_back(length: int) -> None:
    mask = mask_of(length)
    assert ipv4_text(mask) == str(ipaddress.IPv4Network((0, length)).netmask)
    assert length_of(mask) == length


@pytest.mark.parametrize("mask", ["255.0.255.0", "0.255.255.255", "255.255.255.1", "128.0.0.1"])
def test_a_mask_with_holes_is_refused(mask: str) -> None:
    with pytest.raises(AddressError, match=r"is no mask.*255\.255\.255\.0"):
        length_of(parse_ipv4(mask))


@pytest.mark.parametrize("length", [-1, 33])
def test_a_prefix_length_that_cannot_be(length: int) -> None:
    with pytest.raises(AddressError, match="0 to 32"):
        mask_of(length)


def test_the_block_of_the_book() -> None:
    block = Prefix.parse("192.168.15.0/24")
    assert block.address_count == 256
    assert block.host_count == 254
    assert ipv4_text(block.network) == "192.168.15.0"
    assert block.broadcast is not None
    assert ipv4_text(block.broadcast) == "192.168.15.255"
    assert (ipv4_text(block.first_host), ipv4_text(block.last_host)) == ("192.168.15.1", "192.168.15.254")
    assert parse_ipv4("192.168.15.68") in block
    assert parse_ipv4("192.168.16.1") not in block
    assert str(block) == "192.168.15.0/24"
    assert Prefix.parse("192.168.15.0/255.255.255.0") == block


@given(ipv4_numbers, lengths)
def test_blocks_agree_with_the_standard_library(address: int, length: int) -> None:
    ours = Prefix(address, length)
    theirs = ipaddress.IPv4Network((address, length), strict=False)
    assert str(ours) == str(theirs)
    assert Prefix.parse(str(theirs)) == ours
    assert hash(Prefix.parse(str(theirs))) == hash(ours)
    assert ours.network == int(theirs.network_address)
    assert ours.last == int(theirs.broadcast_address)
    assert ours.mask == int(theirs.netmask)
    assert ours.address_count == theirs.num_addresses
    if length >= 22:
        assert list(ours.hosts()) == [int(host) for host in theirs.hosts()]
        assert ours.host_count == len(list(ours.hosts()))


@given(ipv4_numbers, lengths, ipv4_numbers, lengths)
def test_overlap_agrees_with_the_standard_library(a: int, a_length: int, b: int, b_length: int) -> None:
    theirs = ipaddress.IPv4Network((a, a_length), strict=False).overlaps(
        ipaddress.IPv4Network((b, b_length), strict=False)
    )
    assert Prefix(a, a_length).overlaps(Prefix(b, b_length)) == theirs


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("192.168.15.68/24", "the block is 192.168.15.0/24"),
        ("192.168.15.0", "write for example 192.168.15.0/24"),
        ("192.168.15.0/33", "from 0 to 32"),
        ("192.168.15.0/", "from 0 to 32"),
        ("192.168.15.0/x", "from 0 to 32"),
        ("192.168.15.0/255.0.255.0", "is no mask"),
        ("2001:db8::/129", "from 0 to 128"),
        ("2001:db8::", "write for example 2001:db8::/64"),
    ],
)
def test_no_block(text: str, reason: str) -> None:
    with pytest.raises(AddressError, match=reason):
        Prefix.parse(text)


def test_interface_addresses() -> None:
    own = InterfaceAddress.parse("192.168.15.68/24")
    assert (ipv4_text(own.address), str(own.prefix), str(own)) == (
        "192.168.15.68",
        "192.168.15.0/24",
        "192.168.15.68/24",
    )
    assert own == InterfaceAddress.parse("192.168.15.68/255.255.255.0")
    assert own != InterfaceAddress.parse("192.168.15.68/25")
    assert str(InterfaceAddress.parse("2001:db8::1/64").prefix) == "2001:db8::/64"


def test_network_and_broadcast_are_no_hosts_but_both_ends_of_a_31_are() -> None:
    block = Prefix.parse("10.0.0.0/30")
    assert [block.is_host(address) for address in range(block.network, block.last + 1)] == [
        False,
        True,
        True,
        False,
    ]
    pair = Prefix.parse("10.0.0.0/31")
    assert pair.host_count == 2
    assert pair.broadcast is None
    assert all(pair.is_host(address) for address in range(pair.network, pair.last + 1))


@given(ipv4_numbers, st.integers(0, 28), st.integers(0, 6))
def test_a_split_covers_the_block_without_overlap(address: int, length: int, more: int) -> None:
    block = Prefix(address, length)
    parts = block.split(min(32, length + more))
    assert parts[0].network == block.network
    assert parts[-1].last == block.last
    for left, right in pairwise(parts):
        assert left.last + 1 == right.network


def test_split_among_takes_the_next_power_of_two() -> None:
    block = Prefix.parse("192.168.15.0/24")
    assert [str(part) for part in block.split_among(3)] == [
        "192.168.15.0/26",
        "192.168.15.64/26",
        "192.168.15.128/26",
        "192.168.15.192/26",
    ]
    assert block.split_among(1) == [block]
    with pytest.raises(AddressError, match="cannot be split into /33"):
        block.split_among(257)
    with pytest.raises(AddressError, match="at most"):
        Prefix.parse("0.0.0.0/0").split(32)
    with pytest.raises(AddressError, match="1 or more"):
        block.split_among(0)


@pytest.mark.parametrize(("hosts", "length"), [(1, 30), (2, 30), (3, 29), (254, 24), (255, 23)])
def test_the_longest_prefix_with_room(hosts: int, length: int) -> None:
    assert length_for_hosts(hosts) == length


@pytest.mark.parametrize(
    ("text", "private"),
    [
        ("9.255.255.255", False),
        ("10.0.0.0", True),
        ("10.255.255.255", True),
        ("11.0.0.0", False),
        ("172.15.255.255", False),
        ("172.16.0.0", True),
        ("172.31.255.255", True),
        ("172.32.0.0", False),
        ("192.167.255.255", False),
        ("192.168.0.0", True),
        ("192.168.255.255", True),
        ("192.169.0.0", False),
    ],
)
def test_the_edges_of_the_private_blocks(text: str, private: bool) -> None:
    assert is_private(parse_ipv4(text)) is private


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("10.0.0.1", "A"),
        ("127.255.255.255", "A"),
        ("128.0.0.0", "B"),
        ("172.16.0.1", "B"),
        ("191.255.255.255", "B"),
        ("192.168.1.1", "C"),
        ("223.255.255.255", "C"),
        ("224.0.0.1", "D"),
        ("239.255.255.255", "D"),
        ("240.0.0.1", "E"),
        ("255.255.255.255", "E"),
    ],
)
def test_classes(text: str, letter: str) -> None:
    assert address_class(parse_ipv4(text)) == letter


@given(ipv4_numbers)
def test_kinds_agree_with_the_standard_library(address: int) -> None:
    theirs = ipaddress.IPv4Address(address)
    assert is_loopback(address) == theirs.is_loopback
    assert is_multicast(address) == theirs.is_multicast
    assert is_link_local(address) == theirs.is_link_local
    assert is_this_network(address) == (theirs in ipaddress.IPv4Network("0.0.0.0/8"))


def test_what_cannot_be_built_is_refused() -> None:
    with pytest.raises(AddressError, match="in IPv6; use 0 to 128"):
        Prefix(0, 129, 6)
    with pytest.raises(AddressError, match="no IPv4 prefix has room"):
        length_for_hosts(1 << 33)


def test_blocks_and_addresses_as_values() -> None:
    small, big = Prefix.parse("10.0.0.0/24"), Prefix.parse("10.0.0.0/25")
    assert sorted([big, small]) == [small, big]
    assert (repr(small), repr(InterfaceAddress.parse("10.0.0.1/24"))) == (
        "Prefix(10.0.0.0/24)",
        "InterfaceAddress(10.0.0.1/24)",
    )
    assert small != "10.0.0.0/24"
    assert InterfaceAddress.parse("10.0.0.1/24") != "10.0.0.1/24"
    assert len({InterfaceAddress.parse("10.0.0.1/24"), InterfaceAddress.parse("10.0.0.1/255.255.255.0")}) == 1
    assert Prefix.parse("2001:db8::/64").broadcast is None
    assert not Prefix.parse("::/0").overlaps(Prefix.parse("0.0.0.0/0")), "the families never mix"
