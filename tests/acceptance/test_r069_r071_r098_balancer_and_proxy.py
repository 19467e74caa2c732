"""R069 to R071 and R098: load balancing, failover, the transparent caching proxy, services by port."""

from __future__ import annotations

import socket
import time
import urllib.request
from collections import Counter
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from tests.acceptance.frames_seen import FramesSeen
from tests.acceptance.nat_nets import NAT, addresses, ask_tcp, behind_gateway, tcp_whoami

from netarium import Net
from netarium.journey import Drop
from netarium.wire.tcp import RST, SYN, TcpHeader


def balanced(count: int = 3, *, seed: int = 1, more: object = None, **service: object) -> Net:
    """A client at 10.0.0.9, a balancer with port 80 at 10.0.0.1, servers 192.168.1.2 and following."""
    net = Net(seed=seed, trace=True)
    inner = net.switch("inner")
    for number in range(2, 2 + count):
        host = net.host(f"s{number}", address=f"192.168.1.{number}/24", gateway="192.168.1.1", link=inner)
        host.run(tcp_whoami(80, f"s{number}"), root=True, daemon=True)
    names = [f"192.168.1.{number}:80" for number in range(2, 2 + count)]
    service.setdefault("servers", names)
    services = {"tcp/80": service, **(more or {})}
    net.balancer("lb", interfaces={"front": "10.0.0.1/24", "back": "192.168.1.1/24"}, balance=services)
    net.link("lb:back", inner)
    net.link(net.host("client", address="10.0.0.9/24"), "lb:front")
    return net


def ask_often(count: int) -> list[str]:
    return [ask_tcp("10.0.0.1", 80)[2] for _ in range(count)]


@pytest.mark.parametrize("method", ["random", "round-robin", "least-connections"])
def test_r069_300_connections_over_3_servers_each_gets_some_and_a_connection_stays(method: str) -> None:
    net = balanced(method=method, check=False)
    seen = FramesSeen(net)
    answers = Counter(net["client"].call(ask_often, 300))
    net.run()
    assert sum(answers.values()) == 300 and sorted(answers) == ["s2", "s3", "s4"]
    if method == "round-robin":
        assert set(answers.values()) == {100}
    server_of: dict[int, str] = {}
    begun = 0
    for frame in seen.packets_by("lb:back"):
        port, server = frame.transport.source_port, addresses(frame)[1]
        if frame.transport.flags & SYN:
            begun += 1
            server_of[port] = server
        assert server_of[port] == server, "one connection, one server"
    assert begun == 300
    (service,) = net["lb"].servers
    assert {each.total for each in service.servers} == set(answers.values())


def test_r069_the_random_choice_is_the_seeds() -> None:
    first, again, other = (
        balanced(method="random", check=False, seed=seed)["client"].call(ask_often, 20) for seed in (1, 1, 2)
    )
    assert first == again != other


def test_r069_a_sticky_client_comes_back_to_its_server() -> None:
    net = balanced(sticky="5min", check=False)
    assert set(net["client"].call(ask_often, 10)) == {"s2"}
    net["client"].call(time.sleep, 301)
    assert set(net["client"].call(ask_often, 10)) == {"s3"}, "after the time it is a new one"


def greet_and_hold() -> None:
    """A server on port 81 that greets and then keeps every connection open."""
    listener = socket.create_server(("", 81))
    held = []
    while True:
        held.append(listener.accept()[0])
        held[-1].sendall(b"hello")


def keep_open() -> str:
    """What becomes of a connection on which the client says something after 10 s, and again after 11 s."""
    with socket.create_connection(("10.0.0.1", 81)) as held:
        greeting = held.recv(100).decode()
        time.sleep(10)
        try:
            held.sendall(b"still there?")
            time.sleep(1)
            held.sendall(b"?")
        except OSError:
            return f"{greeting}, reset"
        return greeting


def test_r070_failover_to_the_backup_and_rst_for_the_dead_servers_connections() -> None:
    net = balanced(2, servers=["192.168.1.2"], backup=["192.168.1.3"], more={"tcp/81": "192.168.1.2"})
    for name in ("s2", "s3"):
        net[name].run(greet_and_hold, root=True, daemon=True)
    lb, client = net["lb"], net["client"]
    assert client.call(ask_often, 2) == ["s2", "s2"]
    seen = FramesSeen(net)
    waiting = client.run(keep_open)
    client.call(time.sleep, 1)
    (held,) = [each for each in lb.connections if each.state == "ESTABLISHED"]
    assert held.rule == "balance, round-robin"
    net["s2"].crash()
    client.call(time.sleep, 7)
    assert [each.alive for each in lb.servers[0].servers] == [False, True]
    assert held.original not in [each.original for each in lb.connections], "its entries are dropped"
    assert client.call(ask_often, 3) == ["s3", "s3", "s3"], "new connections reach the backup"
    seen.clear()
    net.run_until(waiting)
    assert waiting.result == "hello, reset", "state is not moved"
    resets = [
        frame
        for frame in seen.packets_by("lb:front")
        if type(frame.transport) is TcpHeader and frame.transport.flags & RST
    ]
    assert [addresses(frame) for frame in resets] == [("10.0.0.1", "10.0.0.9")]
    assert resets[0].transport.destination_port == held.original.source_port
    assert len(net.trace.select(event="state", at="lb", subject="server 192.168.1.2:80", after="dead")) == 1
    net["s2"].boot()
    client.call(time.sleep, 5)
    assert client.call(ask_often, 2) == ["s2", "s2"], "the primary is back"


def test_r070_a_primary_whose_program_is_stopped_is_dead_too() -> None:
    net = balanced(2, servers=["192.168.1.2"], backup=["192.168.1.3"])
    assert net["client"].call(ask_often, 1) == ["s2"]
    net.service("s2").kill()
    net["client"].call(time.sleep, 5)
    assert net["client"].call(ask_often, 2) == ["s3", "s3"]


def test_r070_without_any_living_server_a_client_is_told() -> None:
    net = balanced(1)
    net["s2"].crash()
    net["client"].call(time.sleep, 6)

    def refused() -> str:
        try:
            socket.create_connection(("10.0.0.1", 80), 5)
        except OSError as error:
            return type(error).__name__
        return "connected"

    assert net["client"].call(refused) == "ConnectionRefusedError"
    assert net["lb"].node.stack.drops[Drop.NO_BACKEND] == 1


def origin() -> None:
    """A web server that counts."""
    counter = 0

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            nonlocal counter
            counter += 1
            body = f"{self.path} asked {counter} times\n".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            print(self.path)

    HTTPServer(("", 80), Handler).serve_forever()


def fetch(url: str) -> tuple[str, str]:
    """(body, X-Cache) of a URL, by a client that knows no proxy."""
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.read().decode(), response.headers.get("X-Cache", "")


def test_r071_port_80_goes_to_the_caching_proxy_without_the_clients_knowing() -> None:
    net = behind_gateway("ab", nat={**NAT, "redirect": {"tcp/80": 3128}})
    web = net["server"].run(origin, root=True, daemon=True)
    net["gw"].run("python -m netarium.services.proxy 3128", root=True, daemon=True)
    url = "http://202.20.65.4/page"
    assert net["a"].call(fetch, url) == ("/page asked 1 times\n", "MISS from gw")
    assert net["b"].call(fetch, url) == ("/page asked 1 times\n", "HIT from gw")
    assert web.stdout == "/page\n", "the origin's counter is 1"
    assert net["b"].call(fetch, "http://202.20.65.4/other")[1] == "MISS from gw"
    (row,) = [each for each in net["gw"].connections if each.destination_translated][:1]
    assert row.rule == "redirect port 80 to the box itself, port 3128"


def test_r098_one_address_port_80_to_server_1_and_port_21_to_server_2() -> None:
    net = Net(seed=1)
    inner = net.switch("inner")
    for number in (2, 3):
        host = net.host(f"s{number}", address=f"192.168.1.{number}/24", gateway="192.168.1.1", link=inner)
        for each in (80, 21):
            host.run(tcp_whoami(each, f"s{number}:{each}"), root=True)
    net.balancer(
        "lb",
        interfaces={"front": "10.0.0.1/24", "back": "192.168.1.1/24"},
        balance={"tcp/80": "192.168.1.2", "tcp/21": "192.168.1.3"},
    )
    net.link("lb:back", inner)
    net.link(net.host("client", address="10.0.0.9/24"), "lb:front")
    client = net["client"]
    assert client.call(ask_tcp, "10.0.0.1", 80)[2] == "s2:80"
    assert client.call(ask_tcp, "10.0.0.1", 21)[2] == "s3:21"
