"""For the rows about NAT: a LAN behind a gateway, servers outside, and programs that ask them."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

from netarium import Net
from netarium.addresses import ipv4_text
from netarium.lab.boxes import Host
from netarium.wire.ethernet import Frame
from netarium.wire.ipv4 import Ipv4Header

NAT = {"inside": "lan", "outside": "wan", "source": "masquerade"}
INSIDE = "192.168.1."
OUTSIDE = "202.20.65.5"
SERVER = "202.20.65.4"


def behind_gateway(hosts: str = "ab", *, nat: Any = NAT, seed: int = 1, **options: Any) -> Net:
    """The net of nat-example.yaml: hosts a, b ... are 192.168.1.2, .3 ...; the server is 202.20.65.4."""
    net = Net(seed=seed, trace=True)
    home, outside = net.switch("home"), net.switch("outside")
    for number, name in enumerate(hosts, 2):
        net.host(name, address=f"{INSIDE}{number}/24", gateway=f"{INSIDE}1", link=home)
    net.router("gw", interfaces={"lan": f"{INSIDE}1/24", "wan": f"{OUTSIDE}/24"}, nat=nat, **options)
    net.link("gw:lan", home)
    net.host("server", address=f"{SERVER}/24", link=outside)
    net.link("gw:wan", outside)
    return net


def whoami(port: int, count: int = 1_000_000) -> Callable[[], list[tuple[str, int]]]:
    """A UDP server that tells everybody who he seems to be; it returns whom it saw after `count`."""

    def serve() -> list[tuple[str, int]]:
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(("", port))
        seen = []
        for _ in range(count):
            _, peer = server.recvfrom(2048)
            seen.append(peer)
            server.sendto(f"{peer[0]} {peer[1]}".encode(), peer)
        return seen

    return serve


def tcp_whoami(port: int, name: str = "") -> Callable[[], None]:
    """A TCP server that tells everybody who he seems to be, and its own name."""

    def serve() -> None:
        listener = socket.create_server(("", port), backlog=512)
        while True:
            connection, peer = listener.accept()
            connection.sendall(f"{peer[0]} {peer[1]} {name}".encode())
            connection.close()

    return serve


def ask_udp(address: str, port: int, source_port: int = 0, timeout: float = 3.0) -> tuple[str, int]:
    """Who the server says we are."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind(("", source_port))
        client.settimeout(timeout)
        client.sendto(b"?", (address, port))
        host, number = client.recvfrom(2048)[0].decode().split()
        return host, int(number)


def ask_tcp(address: str, port: int, source_port: int = 0, timeout: float = 10.0) -> list[str]:
    """Who the server says we are, and who it is."""
    with socket.create_connection((address, port), timeout, source_address=("", source_port)) as client:
        text = b""
        while piece := client.recv(2048):
            text += piece
        return text.decode().split(" ")


def failed(function: Callable[..., Any], *arguments: Any) -> type[BaseException] | None:
    """The exception type `function` ends with; None when it succeeds."""
    try:
        function(*arguments)
    except OSError as error:
        return type(error)
    return None


def addresses(frame: Frame) -> tuple[str, str]:
    """(source, destination) of the IP packet."""
    header = frame.network
    assert isinstance(header, Ipv4Header)
    return ipv4_text(header.source), ipv4_text(header.destination)


def let_pass(net: Net, seconds: float) -> None:
    """Let virtual time pass; an idle net does not run on by itself."""
    next(box for box in net.boxes.values() if isinstance(box, Host)).call(time.sleep, seconds)
