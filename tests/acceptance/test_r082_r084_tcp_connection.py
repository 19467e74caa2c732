"""R082 to R084: both ends send at one time; a bad line delivers all bytes in order; the handshake in the trace."""

from __future__ import annotations

import hashlib
import random
import socket
import time

import pytest
from tests.acceptance.conversations import PORT, converse, receive_all, receive_exactly, two_hosts

from netarium import Net

MEGABYTE = random.Random(83).randbytes(1_000_000)


def test_r082_both_ends_can_send_at_one_time(net: Net) -> None:
    two_hosts(net, delay="10ms")
    trace = net.trace

    def both(connection: socket.socket) -> bytes:
        connection.sendall(bytes(10_000))
        connection.shutdown(socket.SHUT_WR)
        return receive_all(connection)

    server, client = converse(net, both, both)
    net.run()
    assert server.result == client.result == bytes(10_000)
    times = {
        name: [event["t"] for event in trace.select(event="sent", at=f"{name}:eth0") if event.get("length")]
        for name in "ab"
    }
    # Data of both was on its way at one time: each began before the other's first had crossed the cable.
    assert abs(min(times["a"]) - min(times["b"])) < 20_000_000


@pytest.mark.netarium(seeds=50)
def test_r083_a_megabyte_arrives_equal_and_in_order_over_a_bad_line(net: Net) -> None:
    two_hosts(net, delay="5ms", loss="20%", reorder="5%", duplicate="5%")
    server, _ = converse(net, receive_all, lambda connection: connection.sendall(MEGABYTE))
    net.run()
    assert hashlib.sha256(server.result).digest() == hashlib.sha256(MEGABYTE).digest()
    assert {"RULE_LOSS"} <= set(net.watching.counters.by_name())


def test_r084_the_handshake(net: Net) -> None:
    two_hosts(net, delay="1ms")
    trace = net.trace
    converse(net, lambda connection: time.sleep(1), lambda connection: time.sleep(1))
    net.run(until="500ms")
    events = [
        (
            event["t"],
            event["at"],
            event.get("flags") or event.get("after"),
            event.get("seq"),
            event.get("ack"),
        )
        for event in trace.events
        if (event.get("protocol") == "TCP" and event["event"] in ("sent", "received"))
        or (event["event"] == "state" and str(event["subject"]).startswith("tcp "))
    ]
    x = next(seq for _, at, what, seq, _ in events if what == "SYN")
    y = next(seq for _, at, what, seq, _ in events if what == "SYN ACK")
    told = [(at, what, ack) for _, at, what, _, ack in events]
    order = [
        ("b", "SYN-SENT", None),
        ("b:eth0", "SYN", 0),
        ("a:eth0", "SYN", 0),
        ("a", "SYN-RECEIVED", None),
        ("a:eth0", "SYN ACK", x + 1),
        ("b:eth0", "SYN ACK", x + 1),
        ("b", "ESTABLISHED", None),
        ("b:eth0", "ACK", y + 1),
        ("a:eth0", "ACK", y + 1),
        ("a", "ESTABLISHED", None),
    ]
    assert told == order
    # The server is established when that ACK arrives, not before.
    times = {(at, what): t for t, at, what, _, _ in events}
    assert times["a", "ESTABLISHED"] == times["a:eth0", "ACK"]


def test_r084_the_states_are_what_ss_shows(net: Net) -> None:
    two_hosts(net)
    converse(net, lambda connection: receive_exactly(connection, 1), lambda connection: time.sleep(1))
    net.run(until="500ms")
    for host in "ab":
        assert [row.state for row in net[host].sockets if PORT in (row.local_port, row.remote_port)] == [
            "ESTAB"
        ]
