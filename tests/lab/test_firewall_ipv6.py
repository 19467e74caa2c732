"""The firewall on IPv6: the same rules, states and counters; what keeps a link going always passes."""

from __future__ import annotations

import errno
import json
import socket
import time
from typing import Any

import pytest

from netarium import Net
from netarium.addresses import ipv6_text
from netarium.errors import UsageError
from netarium.lab.filtering.firewall import read_rule

OUT = "2001:db8:2::2"
IN = "2001:db8:1::2"


def guarded(firewall: dict[str, Any] | None, **more: Any) -> Net:
    """inner - r - outer, in IPv6 (and IPv4) networks 1 and 2."""
    net = Net(seed=1)
    net.router(
        "r",
        interfaces={"lan": ["2001:db8:1::1/64", "10.0.1.1/24"], "wan": ["2001:db8:2::1/64", "10.0.2.1/24"]},
        firewall=firewall,
    )
    for name, number, port in (("inner", 1, "lan"), ("outer", 2, "wan")):
        net.host(
            name,
            [f"2001:db8:{number}::2/64", f"10.0.{number}.2/24"],
            gateway=[f"2001:db8:{number}::1", f"10.0.{number}.1"],
        )
        net.link(name, f"r:{port}", **more)
    return net


def serve(port: int = 8080) -> None:
    listener = socket.create_server(("::", port), family=socket.AF_INET6)
    while True:
        connection, _ = listener.accept()
        connection.sendall(connection.recv(10_000))
        connection.close()


def fetch(address: str, port: int = 8080) -> bytes:
    with socket.create_connection((address, port), timeout=3) as connection:
        connection.sendall(b"hello")
        return connection.recv(100)


def datagram(address: str, payload: bytes = b"x", port: int = 9999) -> int:
    """The errno of what came back for a datagram, 0 for silence."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.connect((address, port))
        sock.settimeout(2)
        sock.send(payload)
        try:
            sock.recv(10_000)
        except TimeoutError:
            return 0
        except OSError as error:
            return error.errno or -1
        return -1


def packets(net: Net, chain: str = "forward") -> list[int]:
    return [rule.packets for rule in net["r"].firewall if rule.chain == chain]


STATEFUL = {
    "policy": "drop",
    "rules": ["accept state established,related", "accept in lan state new"],
}


def test_a_stateful_firewall_lets_out_and_keeps_out() -> None:
    net = guarded(STATEFUL)
    for host in ("inner", "outer"):
        net[host].run(serve, daemon=True)
    assert net["inner"].call(fetch, OUT) == b"hello"
    assert packets(net)[1] == 1, "the SYN alone is new"
    with pytest.raises(TimeoutError):
        net["outer"].call(fetch, IN)
    assert packets(net)[2] == 2, "the SYN and its repetition after 1 s"
    assert net["r"].node.stack.drops[_drop("FILTER_RULE")] == 2


def _drop(name: str) -> Any:
    from netarium.journey import Drop

    return Drop[name]


def test_reject_answers_tcp_by_rst_and_else_by_port_unreachable() -> None:
    net = guarded({"rules": ["reject tcp dport 8080", "reject udp dport 9999"]})
    net["outer"].run(serve, daemon=True)
    begun = net.now_ns
    with pytest.raises(ConnectionRefusedError):
        net["inner"].call(fetch, OUT)
    assert net["inner"].call(datagram, OUT) == errno.ECONNREFUSED
    assert net.now_ns - begun < 10**9, "nobody waited"
    assert packets(net) == [1, 1, 0]
    assert not net["r"].connections, "what was refused is no connection"


def test_an_error_about_a_connection_is_related() -> None:
    net = guarded({"policy": "drop", "rules": ["accept in lan", "accept state related"]})
    assert net["inner"].call(datagram, OUT, b"x", 99) == errno.ECONNREFUSED
    assert packets(net) == [1, 1, 0]


def test_packet_too_big_passes_as_related_so_that_path_mtu_discovery_works() -> None:
    net = _with_narrow_link()
    net["end"].run(_count, daemon=True)
    assert net["inner"].call(_upload, "2001:db8:3::2", 20_000) == 20_000


def _with_narrow_link() -> Net:
    net = Net(seed=1)
    net.router("r", interfaces={"lan": "2001:db8:1::1/64", "wan": "2001:db8:2::1/64"}, firewall=STATEFUL,
               routes=[{"to": "2001:db8:3::/64", "via": "2001:db8:2::9"}])  # fmt: skip
    net.router("far", interfaces={"a": "2001:db8:2::9/64", "b": "2001:db8:3::1/64"},
               routes=[{"to": "2001:db8:1::/64", "via": "2001:db8:2::1"}])  # fmt: skip
    net.host("inner", "2001:db8:1::2/64", gateway="2001:db8:1::1")
    net.host("end", "2001:db8:3::2/64", gateway="2001:db8:3::1")
    net.link("inner", "r:lan")
    net.link("r:wan", "far:a")
    net.link("far:b", "end", mtu=1300)
    # The end still says 1500 in its SYN: only the router on the way knows.
    net["end"].node.set_mtu("eth0", 1500)
    return net


def _count() -> None:
    listener = socket.create_server(("::", 8080), family=socket.AF_INET6)
    connection, _ = listener.accept()
    count = 0
    while data := connection.recv(10_000):
        count += len(data)
    connection.sendall(str(count).encode())
    connection.close()


def _upload(address: str, count: int) -> int:
    with socket.create_connection((address, 8080), timeout=60) as connection:
        connection.sendall(bytes(count))
        connection.shutdown(socket.SHUT_WR)
        return int(connection.recv(100))


def test_neighbour_and_router_discovery_pass_a_firewall_that_drops_everything() -> None:
    net = guarded({"policy": {"input": "drop", "output": "drop"}})
    assert net["inner"].call(datagram, "2001:db8:1::1") == 0, "the datagram itself was dropped"
    net["inner"].run("ping -6 -c 1 2001:db8:2::2")
    net.run()
    assert net.service("inner/ping").exit_code == 0, (
        "neighbours were found, and what is forwarded is not input"
    )


def test_a_dropped_packet_of_the_box_itself_is_eperm() -> None:
    net = guarded({"policy": {"output": "drop"}})
    assert net["r"].call(datagram_error, OUT) == errno.EPERM


def datagram_error(address: str) -> int:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        try:
            sock.sendto(b"x", (address, 9999))
        except OSError as error:
            return error.errno or -1
    return 0


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        ("accept", "46"), ("accept udp", "46"), ("accept from 2001:db8:1::/64", "6"),
        ("accept from 2001:db8:1::2", "6"),
        ("accept from 10.0.1.0/24", "4"), ("accept to 2001:db8:9::/48", ""), ("accept from any", "46"),
        ("accept in lan", "46"), ("accept in wan", ""), ("accept udp dport 9999", "46"), ("accept icmpv6", ""),
        ("accept from 0.0.0.0/0", "4"), ("accept from ::/0", "6"),
    ],
)  # fmt: skip
def test_which_family_a_rule_speaks_of(rule: str, fits: str) -> None:
    net = guarded({"policy": "drop", "rules": [rule]})
    net["outer"].run(_sink, daemon=True)
    net["inner"].call(datagram, OUT)
    net["inner"].call(_datagram4)
    assert packets(net)[0] == len(fits)


def _sink() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.bind(("::", 9999))
        while True:
            sock.recv(10_000)


def _datagram4() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"x", ("10.0.2.2", 9999))
    time.sleep(1)


def test_echo_requests_by_their_type() -> None:
    net = guarded(
        {"policy": "drop", "rules": ["accept icmpv6 type echo-request", "accept state established"]}
    )
    net["inner"].run("ping -6 -c 2 2001:db8:2::2")
    net.run()
    assert net.service("inner").exit_code == 0
    assert packets(net) == [2, 2, 0]


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        ("drop from 10.0.0.0/8 to 2001:db8::/32", "IPv4 and IPv6 in one rule, which no packet fits"),
        ("drop icmp from 2001:db8::/32", "IPv4 and IPv6 in one rule"),
        ("drop icmpv6 to 10.0.0.1", "IPv4 and IPv6 in one rule"),
        ("drop udp type echo-request", "`type` belongs to icmp or icmpv6; say which"),
        ("drop from 2001:db8::1/32", "is an address within a block"),
    ],
)
def test_what_no_packet_can_fit_is_refused(rule: str, error: str) -> None:
    with pytest.raises(UsageError, match=error):
        read_rule(rule, "forward", ["lan"])


def test_fragments_are_judged_as_one_packet_and_leave_as_fragments_that_every_link_carries() -> None:
    net = guarded({"policy": "drop", "rules": ["accept udp dport 9999", "accept state established,related"]})
    seen: list[tuple[int, bool]] = []

    class Fragments:
        def frame(self, now: int, port: Any, stop: Any, frame: Any) -> None:
            if (port.name, stop.name, frame.ethertype) != ("outer:eth0", "LINK_RECEIVED", 0x86DD):
                return
            if frame.network.is_fragment:
                seen.append((frame.size_bytes - 14, bool(frame.network.fragment & 1)))

    net.watch.add(Fragments())
    net["outer"].run(_echo, daemon=True)
    assert net["inner"].call(_exchange, b"z" * 4000) == b"z" * 4000
    assert packets(net) == [1, 1, 0]
    assert [size for size, _ in seen] == [1280, 1280, 1280, 360]
    assert [more for _, more in seen] == [True, True, True, False]


def _echo() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.bind(("::", 9999))
        data, peer = sock.recvfrom(10_000)
        sock.sendto(data, peer)


def _exchange(payload: bytes) -> bytes:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.settimeout(3)
        sock.sendto(payload, (OUT, 9999))
        return sock.recvfrom(10_000)[0]


def test_conntrack_lists_both_families() -> None:
    net = guarded(STATEFUL)
    net["outer"].run(serve, daemon=True)
    net["inner"].call(fetch, OUT)
    service = net["r"].run("conntrack -L -f ipv6")
    service.wait()
    assert "src=2001:db8:1::2 dst=2001:db8:2::2 sport=" in service.stdout
    assert "[ASSURED]" in service.stdout
    listed = net["r"].run("conntrack -L --json")
    listed.wait()
    (row,) = json.loads(listed.stdout)["connections"]
    assert (row["family"], row["protocol"], row["original"]["destination"]) == ("ipv6", "tcp", OUT)
    net["r"].run("conntrack -D -s 2001:db8:1::2", root=True).wait()
    assert net["r"].connections == []


def test_an_ipv4_firewall_rule_counts_as_before_where_there_is_no_ipv6() -> None:
    net = Net()
    net.router("r", interfaces={"a": "10.0.1.1/24", "b": "10.0.2.1/24"}, firewall={"rules": ["drop tcp"]})
    assert net["r"].node.stack.ipv6 is None


@pytest.mark.parametrize(
    "nat",
    [
        {"source": "2001:db8::1"}, {"pool": "2001:db8::1-2001:db8::9"}, {"static": {"10.0.1.2": "2001:db8::5"}},
        {"forward": {"tcp/80": "[2001:db8:1::2]:80"}}, {"forward": {"tcp/80": "2001:db8:1::2"}},
    ],
)  # fmt: skip
def test_nat_of_ipv6_is_refused_in_words(nat: dict[str, Any]) -> None:
    net = Net()
    with pytest.raises(UsageError, match="is of IPv6, and addresses are translated for IPv4 alone"):
        net.router(
            "r", interfaces={"lan": "10.0.1.1/24", "wan": "203.0.113.1/24"}, nat={"outside": "wan", **nat}
        )


def test_balancing_ipv6_servers_is_refused_in_words() -> None:
    net = Net()
    with pytest.raises(UsageError, match="is of IPv6, and addresses are translated for IPv4 alone"):
        net.balancer("lb", address="10.0.0.1/24", balance={"tcp/80": {"servers": ["[2001:db8::2]:80"]}})


def test_a_multicast_counts_as_new() -> None:
    """As on Linux; neighbour discovery and MLD alone are untracked."""
    net = guarded({"rules": ["accept input udp dport 9999 state new", "drop input udp dport 9999"]})

    def speak() -> None:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            for _ in range(2):
                sock.sendto(b"x", ("ff02::1", 9999, 0, socket.if_nametoindex("eth0")))
            time.sleep(1)

    net["inner"].call(speak)
    assert packets(net, "input") == [2, 0, 0]
    assert [ipv6_text(each.original.destination) for each in net["r"].connections] == ["ff02::1"]


FORGED = {
    "policy": "drop",
    "rules": ["drop udp dport 9999", "accept state related"],
}


@pytest.mark.parametrize("family", [4, 6])
def test_an_outsiders_error_about_what_the_firewall_dropped_is_invalid(family: int) -> None:
    """What was dropped is no connection, so nothing can be related to it."""
    net = guarded(FORGED)

    def send() -> None:
        time.sleep(2)
        with socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("", 5555))
            sock.sendto(b"x", (OUT if family == 6 else "10.0.2.2", 9999))

    def forge() -> None:
        time.sleep(3)
        if family == 6:
            inner = bytes.fromhex("6000000000091140") + _packed(IN) + _packed(OUT) + DATAGRAM
            with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as sock:
                sock.sendto(bytes([1, 4, 0, 0, 0, 0, 0, 0]) + inner, (IN, 0))
        else:
            head = bytearray.fromhex("4500001d00000000401100000a0001020a000202")
            head[10:12] = _checksum(bytes(head))
            error = bytearray(bytes([3, 3, 0, 0, 0, 0, 0, 0]) + bytes(head) + DATAGRAM)
            error[2:4] = _checksum(bytes(error))
            with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sock:
                sock.sendto(bytes(error), ("10.0.1.2", 0))
        time.sleep(1)

    net["inner"].run(send)
    net["outer"].run(forge, root=True)
    net.run(check=True)
    assert packets(net) == [1, 0, 1], "the datagram by its rule, the error by the policy"


DATAGRAM = (5555).to_bytes(2, "big") + (9999).to_bytes(2, "big") + bytes([0, 9, 0, 0]) + b"x"


def _packed(address: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6, address)


def _checksum(data: bytes) -> bytes:
    words = sum(int.from_bytes(data[at : at + 2].ljust(2, b"\0"), "big") for at in range(0, len(data), 2))
    while words >> 16:
        words = (words & 0xFFFF) + (words >> 16)
    return (~words & 0xFFFF).to_bytes(2, "big")
