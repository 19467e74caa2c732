"""R033: hosts hold link-local and global IPv6 addresses, ::1 is loopback, NDP resolves neighbours, and a dual-stack
client reaches a server that has only an IPv6 address.
"""

from __future__ import annotations

import socket

from tests.acceptance.frames_seen import FramesSeen

from netarium import Net
from netarium.wire.icmpv6 import NEIGHBOR_ADVERTISEMENT, NEIGHBOR_SOLICITATION, Icmpv6Header


def echo_once(address: str = "::") -> None:
    with socket.create_server((address, 7000), family=socket.AF_INET6) as listener:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(connection.recv(1024))


def ask(host: str) -> tuple[bytes, int]:
    with socket.create_connection((host, 7000)) as connection:
        connection.sendall(b"hello")
        return connection.recv(1024), connection.family


def lan() -> tuple[Net, object, object]:
    net = Net(seed=1)
    switch = net.switch("s")
    client = net.host("client", address=["10.0.0.1/24", "2001:db8::1/64"], link=switch)
    server = net.host("server", address="2001:db8::80/64", link=switch)
    return net, client, server


def test_r033_a_dual_stack_client_reaches_a_server_with_ipv6_alone() -> None:
    net, client, server = lan()
    server.run(echo_once)  # type: ignore[attr-defined]
    seen = FramesSeen(net)
    assert client.call(ask, "server") == (b"hello", socket.AF_INET6)  # type: ignore[attr-defined]
    said = [f.transport.type for _, f in seen.sent if isinstance(f.transport, Icmpv6Header)]
    assert NEIGHBOR_SOLICITATION in said and NEIGHBOR_ADVERTISEMENT in said
    assert not seen.arp_by("client:eth0"), "NDP takes ARP's place"


def test_r033_link_local_and_global_addresses_and_the_loopback() -> None:
    _net, client, _ = lan()
    interface = client.node.stack.interfaces["eth0"].ipv6  # type: ignore[attr-defined]
    assert interface.link_local >> 64 == 0xFE80 << 48
    assert client.addresses["eth0"] == ["10.0.0.1/24", "2001:db8::1/64"]  # type: ignore[attr-defined]
    client.run(echo_once, "::1")  # type: ignore[attr-defined]
    assert client.call(ask, "::1") == (b"hello", socket.AF_INET6)  # type: ignore[attr-defined]


def test_r033_a_link_local_address_with_its_interface() -> None:
    net, client, server = lan()
    server.run(echo_once)  # type: ignore[attr-defined]
    net.run(until="3s")
    address = "fe80::ff:fe00:2%eth0"
    assert client.call(ask, address) == (b"hello", socket.AF_INET6)  # type: ignore[attr-defined]
