"""ss and sysctl: their output is the originals'."""

from __future__ import annotations

import socket
import time

import pytest

from netarium import Net


def output(host, line: str, code: int = 0, root: bool = False) -> str:
    service = host.run(line, stdin="", root=root)
    assert service.wait() == code, service.stdout + service.stderr
    return service.stdout


def busy():
    """A server that listens and holds one connection and a UDP port, and its client."""

    def serve() -> None:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("10.0.0.1", 5353))
        listener = socket.create_server(("", 80), backlog=5)
        connection, _ = listener.accept()
        connection.recv(1)
        listener.accept()

    def speak() -> None:
        with socket.create_connection(("10.0.0.1", 80)) as sock:
            sock.sendall(b"12345")
            time.sleep(30)

    net = Net(seed=1)
    wire = net.switch("wire")
    server = net.host("server", address="10.0.0.1/24", link=wire)
    client = net.host("client", address="10.0.0.2/24", link=wire)
    server.run(serve, root=True, stdin="")
    client.run(speak, after={"listening": "server:80"}, stdin="")
    client.call(time.sleep, 1)
    return server, client


def test_ss_lists_sockets_in_columns():
    server, client = busy()
    port = client.sockets[0].local_port
    peer = f"10.0.0.2:{port}"
    assert output(server, "ss -an").splitlines() == [
        "Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port",
        "udp   UNCONN 0      0           10.0.0.1:5353      0.0.0.0:*",
        "tcp   LISTEN 0      5            0.0.0.0:80        0.0.0.0:*",
        f"tcp   ESTAB  4      0           10.0.0.1:80       {peer}",
    ]
    assert [line.split()[1] for line in output(server, "ss -H").splitlines()] == ["ESTAB"]
    assert [line.split()[0] for line in output(server, "ss -Hl").splitlines()] == ["udp", "tcp"]
    assert [line.split()[3] for line in output(server, "ss -Hua").splitlines()] == ["10.0.0.1:mdns"]
    assert [line.split()[3] for line in output(server, "ss -Htl").splitlines()] == ["0.0.0.0:http"]
    assert output(server, "ss -H6a") == ""
    assert output(client, "ss -Hn").split()[:6] == ["tcp", "ESTAB", "0", "0", peer, "10.0.0.1:80"]


def test_sysctl_shows_and_changes_settings():
    host = Net(seed=1).host("host", address="10.0.0.1/24")
    assert output(host, "sysctl net.ipv4.ip_forward") == "net.ipv4.ip_forward = 0\n"
    assert output(host, "sysctl -w net.ipv4.ip_forward=1", root=True) == "net.ipv4.ip_forward = 1\n"
    assert output(host, "sysctl -n net.ipv4.ip_forward net.ipv4.tcp_sack") == "1\n1\n"
    assert output(host, "sysctl net.ipv4.tcp_rmem") == "net.ipv4.tcp_rmem = 4096\t131072\t6291456\n"
    everything = output(host, "sysctl -a").splitlines()
    assert everything == sorted(everything) and "net.ipv4.ip_forward = 1" in everything
    denied = host.run("sysctl net.ipv4.ip_forward=0", stdin="")
    assert denied.wait() == 1
    assert denied.stderr == 'sysctl: permission denied on key "net.ipv4.ip_forward"\n'
    unknown = host.run("sysctl net.ipv4.ip_forwarding", stdin="")
    assert unknown.wait() == 1
    assert "did you mean net.ipv4.ip_forward?" in unknown.stderr


@pytest.mark.parametrize("line", ["sysctl", "sysctl -w net.ipv4.ip_forward", "ss -z"])
def test_wrong_arguments_end_with_2(line):
    host = Net(seed=1).host("host", address="10.0.0.1/24")
    service = host.run(line, stdin="")
    assert service.wait() == 2
    assert "usage:" in service.stderr
