"""Groups: joined and left per interface, sent by the interface chosen, heard back only with IP_MULTICAST_LOOP."""

import errno
import socket
import struct

import pytest

from netarium import Net
from netarium.addresses import parse_ipv4

GROUP = "224.0.0.5"
OSPF = 89


def mreq(group: str, address: str = "0.0.0.0", index: int | None = None) -> bytes:
    packed = socket.inet_aton(group) + socket.inet_aton(address)
    return packed if index is None else packed + struct.pack("i", index)


@pytest.fixture
def pair() -> tuple[Net, object, object]:
    net = Net(seed=1)
    office = net.switch("office")
    a = net.host("a", interfaces={"x": "10.0.1.1/24", "y": "10.0.0.1/24"})
    b = net.host("b", address="10.0.0.2/24", link=office)
    net.link("a:y", office)
    return net, a, b


def raw_hears(join: bytes, count: int) -> list[tuple[str, int]]:
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, OSPF)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, join)
    sock.settimeout(5)
    heard = []
    try:
        for _ in range(count):
            packet, (source, _) = sock.recvfrom(2000)
            heard.append((source, packet[8]))
    except TimeoutError:
        pass
    return heard


def raw_says(by: str, loop: int = 1) -> list[bytes]:
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, OSPF)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, by.encode())
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, mreq(GROUP, "10.0.0.1"))
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, loop)
    sock.sendto(b"hello", (GROUP, 0))
    sock.settimeout(1)
    try:
        return [sock.recv(2000)[20:]]
    except TimeoutError:
        return []


@pytest.mark.parametrize("loop", [0, 1])
def test_a_raw_socket_speaks_to_a_group_with_ttl_1_and_hears_itself_if_it_wants(pair, loop: int) -> None:
    net, a, b = pair
    hearer = b.run(raw_hears, mreq(GROUP, "10.0.0.2"), 1, root=True)
    speaker = a.run(raw_says, "y", loop, root=True, at="1s")
    net.run()
    assert speaker.exception is None
    assert hearer.result == [("10.0.0.1", 1)]
    assert speaker.result == ([b"hello"] if loop else [])


def test_who_has_not_joined_hears_nothing(pair) -> None:
    net, a, b = pair
    hearer = b.run(raw_hears, mreq("224.0.0.6", "10.0.0.2"), 1, root=True)
    a.run(raw_says, "y", root=True, at="1s")
    net.run()
    assert hearer.result == []
    assert {reason.name for reason in b.node.stack.drops} == {"NOT_FOR_THIS_MAC"}


def test_a_membership_ends_with_its_socket_and_with_drop(pair) -> None:
    _, a, _ = pair

    def join() -> list[object]:
        groups = a.node.stack.interfaces["y"].groups
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, mreq(GROUP, "10.0.0.1"))
            seen: list[object] = [dict(groups)]
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, mreq(GROUP, index=3))
            seen.append(dict(groups))
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, mreq(GROUP, index=3))
            seen.append(dict(groups))
        seen.append(dict(groups))
        return seen

    always = {0x01005E000001: 1}
    joined = always | {0x01005E000005: 1}
    assert a.call(join) == [joined, always, joined, always]


@pytest.mark.parametrize(
    ("option", "value", "number"),
    [
        (socket.IP_ADD_MEMBERSHIP, mreq("10.0.0.9", "10.0.0.1"), errno.EINVAL),
        (socket.IP_ADD_MEMBERSHIP, mreq(GROUP, "10.9.9.9"), errno.ENODEV),
        (socket.IP_ADD_MEMBERSHIP, b"abc", errno.EINVAL),
        (socket.IP_DROP_MEMBERSHIP, mreq(GROUP, "10.0.0.1"), errno.EADDRNOTAVAIL),
        (socket.IP_MULTICAST_IF, socket.inet_aton("10.9.9.9"), errno.EADDRNOTAVAIL),
    ],
)
def test_what_linux_refuses(pair, option: int, value: bytes, number: int) -> None:
    _, a, _ = pair

    def ask() -> int:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with pytest.raises(OSError) as caught:
            sock.setsockopt(socket.IPPROTO_IP, option, value)
        return caught.value.errno

    assert a.call(ask) == number


def test_the_interface_for_groups_is_chosen_by_address_or_index(pair) -> None:
    net, a, b = pair

    def hear() -> tuple[bytes, str]:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("", 5000))
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, mreq("239.1.2.3", "10.0.0.2"))
        data, (source, _) = sock.recvfrom(100)
        return data, source

    def say() -> bytes:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, mreq("0.0.0.0", index=3))
        sock.sendto(b"by y", ("239.1.2.3", 5000))
        return sock.getsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, 4)

    hearer = b.run(hear)
    speaker = a.run(say, at="1s")
    net.run()
    assert hearer.result == (b"by y", "10.0.0.1")
    assert int.from_bytes(speaker.result, "big") == parse_ipv4("10.0.0.1")
