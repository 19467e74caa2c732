"""R153: each call of a TCP conversation is traced with the packets it causes."""

from __future__ import annotations

import socket
import time

from tests.acceptance.conversations import PORT, two_hosts

from netarium import Net
from netarium.lab.watching import Trace


def flow(trace: Trace, host: str) -> list[tuple[object, list[object]]]:
    """Each call of the host's program, and the flags of the TCP segments sent since its call before."""
    found: list[tuple[object, list[object]]] = []
    sent: list[object] = []
    for event in trace.events:
        if event["event"] == "sent" and event["at"] == f"{host}:eth0" and event["protocol"] == "TCP":
            sent.append(event["flags"])
        elif event["event"] == "call" and event["at"] == host:
            found.append((event["call"], sent))
            sent = []
    return found


def test_r153_each_call_and_the_packets_it_causes(net: Net) -> None:
    two_hosts(net, delay="1ms")
    trace = net.trace

    def server() -> None:
        listener = socket.socket()
        listener.bind(("10.0.0.1", PORT))
        listener.listen()
        connection, _ = listener.accept()
        data = connection.recv(1024)
        connection.send(data.upper())
        connection.close()
        listener.close()

    def client() -> None:
        time.sleep(1)
        connection = socket.socket()
        connection.connect(("10.0.0.1", PORT))
        connection.send(b"hello")
        connection.recv(1024)
        time.sleep(1)
        connection.close()

    net["a"].run(server)
    net["b"].run(client)
    net.run(check=True)

    assert flow(trace, "b") == [
        ("connect", ["SYN", "ACK"]),
        ("send", ["PSH ACK"]),
        ("recv", ["ACK"]),
        ("close", ["ACK", "FIN ACK"]),  # the ACK is for the server's FIN, which came before
    ]
    assert flow(trace, "a") == [
        ("bind", []),
        ("listen", []),
        ("accept", ["SYN ACK"]),
        ("recv", ["ACK"]),
        ("send", ["PSH ACK"]),
        ("close", ["FIN ACK"]),
        ("close", []),
    ]
    connect = next(event for event in trace.select(event="call", call="connect"))
    assert connect["details"] == {
        "socket": connect["details"]["socket"],
        "args": [["10.0.0.1", PORT]],
        "result": None,
        "began_ns": 1_000_000_000,
        "local": ["10.0.0.2", connect["details"]["local"][1]],
    }
    assert connect["t"] >= 1_002_000_000  # a round trip later
