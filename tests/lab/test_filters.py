"""NAT, firewall and balancer in whole nets: path MTU, reboots, hole punching by TCP, a host's own firewall."""

from __future__ import annotations

import socket
import time

import pytest
from tests.acceptance.nat_nets import (
    NAT,
    ask_tcp,
    ask_udp,
    behind_gateway,
    failed,
    let_pass,
    tcp_whoami,
    whoami,
)

from netarium import Net
from netarium.errors import UsageError
from netarium.journey import Drop


def take_all(port: int) -> int:
    listener = socket.create_server(("", port))
    connection, _ = listener.accept()
    count = 0
    while data := connection.recv(65_536):
        count += len(data)
    return count


def send_all(address: str, port: int, count: int) -> None:
    with socket.create_connection((address, port)) as client:
        client.sendall(bytes(count))


@pytest.mark.parametrize("narrow", ["outside", "inside"])
def test_path_mtu_discovery_goes_through_the_nat(narrow: str) -> None:
    """A router beyond says `fragmentation needed`; its word comes to the sender with the packet it sent itself."""
    net = Net(seed=1, trace=True)
    net.host("a", address="192.168.1.2/24", gateway="192.168.1.1")
    net.router(
        "gw", interfaces={"lan": "192.168.1.1/24", "wan": "202.20.65.5/24"}, gateway="202.20.65.1", nat=NAT
    )
    net.router(
        "isp",
        interfaces={"x": "202.20.65.1/24", "y": "203.0.114.1/24"},
        routes=[{"to": "203.0.113.0/24", "via": "203.0.114.2"}],
    )
    net.router("far", interfaces={"y": "203.0.114.2/24", "z": "203.0.113.1/24"}, gateway="203.0.114.1")
    net.host("server", address="203.0.113.9/24", gateway="203.0.113.1")
    net.link("a", "gw:lan")
    net.link("gw:wan", "isp:x", **({"mtu": 1200} if narrow == "inside" else {}))
    net.link("isp:y", "far:y", **({"mtu": 1200} if narrow == "outside" else {}))
    net.link("far:z", "server")
    taken = net["server"].run(take_all, 9000)
    net["a"].run(send_all, "203.0.113.9", 9000, 100_000)
    net.run(check=True)
    assert taken.result == 100_000
    who = "gw" if narrow == "inside" else "isp"
    assert net[who].node.stack.drops[Drop.FRAGMENTATION_NEEDED] >= 1


def test_a_connection_outlives_a_reboot_of_the_gateway() -> None:
    """The table is lost; a segment from the midst is taken up (nf_conntrack_tcp_loose), and the port is the same."""
    net = behind_gateway("a")

    def echo_once_a_second() -> str:
        with socket.create_connection(("202.20.65.4", 9000)) as client:
            for _ in range(5):
                client.sendall(b"x")
                assert client.recv(10) == b"X"
                time.sleep(1)
            return "done"

    def serve() -> None:
        connection, _ = socket.create_server(("", 9000)).accept()
        while data := connection.recv(100):
            connection.sendall(data.upper())

    net["server"].run(serve)
    client = net["a"].run(echo_once_a_second)
    net.at("2.5s", net["gw"].crash)
    net.at("2.6s", net["gw"].boot)
    net.run(check=True)
    assert client.result == "done"


@pytest.mark.parametrize("mapping", ["endpoint-independent", "address-and-port-dependent"])
def test_tcp_holes_are_punched_by_opening_at_once_where_mapping_is_independent(mapping: str) -> None:
    """RFC 5128 3.4, RFC 5382 REQ-2: both ends connect from the port that a server has seen."""
    net = Net(seed=1)
    middle = net.switch("middle")
    net.host("server", address="203.0.113.1/24", link=middle)
    for number, name in ((11, "one"), (12, "other")):
        nat = {"outside": "wan", "mapping": mapping, "filtering": "address-and-port-dependent"}
        net.router(
            f"nat-{name}", interfaces={"lan": "192.168.1.1/24", "wan": f"203.0.113.{number}/24"}, nat=nat
        )
        net.link(f"nat-{name}:wan", middle)
        net.link(net.host(name, address="192.168.1.2/24", gateway="192.168.1.1"), f"nat-{name}:lan")
    net["server"].run(tcp_whoami(3478))

    def connect(peer: str) -> str:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind(("", 5000))
        known = socket.socket()
        known.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        known.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        known.bind(("", 5000))
        known.connect(("203.0.113.1", 3478))
        assert known.recv(100).split()[1] == b"5000"
        sock.settimeout(10)
        try:
            sock.connect((peer, 5000))
            sock.sendall(b"hello")
            return sock.recv(10).decode()
        except OSError as error:
            return type(error).__name__

    one = net["one"].run(connect, "203.0.113.12")
    other = net["other"].run(connect, "203.0.113.11")
    net.run()
    wanted = "hello" if mapping == "endpoint-independent" else "TimeoutError"
    assert (one.result, other.result) == (wanted, wanted)


def test_a_hosts_own_firewall_guards_its_input() -> None:
    net = Net(seed=1)
    server = net.host(
        "server", address="10.0.0.1/24", firewall={"rules": ["reject tcp dport 22", "drop udp"]}
    )
    net.host("client", address="10.0.0.2/24", link=server)
    for port in (22, 23):
        server.run(tcp_whoami(port), root=True)
    server.run(whoami(9000))
    client = net["client"]
    assert client.call(failed, ask_tcp, "10.0.0.1", 22) is ConnectionRefusedError
    assert client.call(ask_tcp, "10.0.0.1", 23)[0] == "10.0.0.2"
    assert client.call(failed, ask_udp, "10.0.0.1", 9000) is TimeoutError
    assert server.node.stack.drops[Drop.FILTER_REJECT] == 1 and server.node.stack.drops[Drop.FILTER_RULE] == 1


def test_a_stateful_home_firewall_lets_the_inside_out_and_nobody_in() -> None:
    rules = ["accept state established,related", "accept in lan state new"]
    net = behind_gateway("a", firewall={"policy": {"forward": "drop", "input": "drop"}, "rules": rules})
    net["server"].run(whoami(9000))
    net["a"].run(whoami(7000))
    assert net["a"].call(ask_udp, "202.20.65.4", 9000)[0] == "202.20.65.5"
    assert net["a"].run("ping -c 1 202.20.65.4").wait() == 0
    assert net["server"].call(failed, ask_udp, "202.20.65.5", 7000) is TimeoutError
    assert net["a"].run("ping -c 1 -W 1 192.168.1.1").wait() == 1, "the gateway itself is closed"


def test_the_digest_with_nat_is_the_same_with_bytes_on_every_cable() -> None:
    def run(wire: str) -> str:
        net = Net(seed=5, wire=wire)
        home = net.home_router("home", wan="202.20.65.5/24", forward={"udp/7000": "192.168.1.2:7000"})
        assert home.nat_table == []
        net.link(net.host("a", address="192.168.1.2/24", gateway="192.168.1.1"), "home")
        net.link(net.host("server", address="202.20.65.4/24"), "home:wan")
        net["server"].run(whoami(9000))
        net["a"].run(whoami(7000))
        net["a"].call(ask_udp, "202.20.65.4", 9000)
        net["server"].call(ask_udp, "202.20.65.5", 7000)
        net["a"].call(failed, ask_udp, "202.20.65.4", 9, 0, 1.0)
        net["a"].run("ping -c 1 -s 4000 202.20.65.4").wait()
        let_pass(net, 40)
        return net.digest

    assert run("values") == run("bytes")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"nat": {"outside": "wan", "natt": 1}}, "nat has no 'natt'"),
        ({"nat": {}}, "nat without an outside; write `outside: INTERFACE`, one of lan, wan"),
        ({"balance": {}}, "a router has no 'balance'"),
        ({"firewall": {"rule": []}}, "firewall has no 'rule'; did you mean 'rules'?"),
    ],
)
def test_in_python_what_is_wrong_is_a_usage_error(options: dict[str, object], message: str) -> None:
    net = Net()
    with pytest.raises(UsageError) as caught:
        net.router("gw", interfaces={"lan": "192.168.1.1/24", "wan": "202.20.65.5/24"}, **options)
    assert str(caught.value).startswith(message)
    assert list(net.boxes) == []


def test_a_balancer_needs_services() -> None:
    with pytest.raises(UsageError, match="a balancer needs `balance`"):
        Net().balancer("lb", address="10.0.0.1/24")
    with pytest.raises(UsageError, match="a home router has no 'lann'; did you mean 'lan'"):
        Net().home_router("home", lann="192.168.1.1/24")


def test_a_home_router_that_drops_all_but_new_from_its_lan_still_gives_leases() -> None:
    """A client without an address speaks to all: a new connection, as on Linux."""
    net = Net(seed=1)
    net.home_router(
        "home",
        wan="202.20.65.5/24",
        firewall={
            "policy": {"input": "drop"},
            "rules": ["accept input state established,related", "accept input in lan state new"],
        },
    )
    net.host("a", address="dhcp")
    net.link("a", "home:lan1")

    def own_address() -> str:
        time.sleep(10)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect(("192.168.1.1", 9))
            return str(sock.getsockname()[0])

    assert net["a"].call(own_address).startswith("192.168.1.")
