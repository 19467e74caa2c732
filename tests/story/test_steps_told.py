"""What the stack tells of its decisions, which the story shows: routes, caches, tables, bytes held and released."""

from __future__ import annotations

import socket
import time
from typing import Any

from netarium import Net


def listed(net: Net, stop: str, at: str) -> list[dict[str, Any]]:
    """The details of a node's steps."""
    return [each["details"] for each in net.trace.select(event="step", stop=stop, at=at)]


def send_udp(address: str, port: int = 9) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"x", (address, port))


def behind_a_router() -> Net:
    net = Net(seed=3, trace=True)
    net.router("r", interfaces={"one": "10.0.1.254/24", "two": "10.0.2.254/24"})
    for name, address in (("a", "10.0.1.1/24"), ("b", "10.0.1.2/24")):
        net.host(name, address=address, gateway="10.0.1.254")
    net.host("c", address="10.0.2.1/24", gateway="10.0.2.254")
    switch = net.switch("s")
    for box in ("a", "b", "r:one"):
        net.link(switch, box)
    net.link("r:two", "c")
    return net


def test_a_sending_host_tells_its_address_and_mask_its_table_and_the_line_that_won() -> None:
    net = behind_a_router()
    net["a"].call(send_udp, "10.0.2.1")
    net.run(until="1s")
    told = listed(net, "ROUTE", "a")[0]
    assert told["packet"] == "output"
    assert told["own"] == "10.0.1.1/24" and told["gateway"] == "10.0.1.254"
    assert told["table"] == [
        "10.0.1.0/24 dev eth0 proto kernel",
        "0.0.0.0/0 via 10.0.1.254 dev eth0 proto static",
    ]
    assert told["winner"] in told["table"] and told["table_lines"] == 2
    assert told["next_hop"] == "10.0.1.254" and told["answer"] == "" and told["cache"] == []
    forwarded = listed(net, "ROUTE", "r")[0]
    assert forwarded["packet"] == "forward" and forwarded["ttl"] == 64 and forwarded["interface"] == "two"


def test_the_second_time_the_cache_has_the_answer_and_a_flow_is_told_once() -> None:
    net = behind_a_router()

    def thrice() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for port in (9, 9, 10):
                sock.sendto(b"x", ("10.0.1.2", port))
                time.sleep(0.1)

    net["a"].run(thrice)
    net.run()
    first, *others = listed(net, "ROUTE", "a")
    assert first["answer"] == ""
    mac = net["b"].node.ports["eth0"].mac.to_bytes(6, "big").hex(":")
    assert [each["answer"] for each in others] == [mac]
    assert "table" not in others[0], "it has not changed"
    assert others[0]["cache"] == [f"10.0.1.2 {mac} REACHABLE"]


def test_no_way_is_told_with_the_table_that_has_none() -> None:
    net = Net(trace=True)
    net.host("a", address="10.0.1.1/24")

    def tries() -> None:
        for attempt in (lambda: send_udp("192.0.2.1"), lambda: socket.create_connection(("192.0.2.2", 80))):
            try:
                attempt()
            except OSError:
                continue

    net["a"].call(tries)
    told = listed(net, "ROUTE", "a")
    assert [each["reason"] for each in told] == ["no route matches"] * 2
    assert told[0]["table"] == ["10.0.1.0/24 dev eth0 proto kernel"] and told[0]["candidates"] == []


def chat(sends: list[bytes], reads: list[int], *, later: float = 0.0, between: float = 0.0) -> Net:
    """One host sends, another accepts and reads; 25 ms each way."""
    net = Net(seed=5, trace=True)
    net.host("a", address="10.0.0.1/24")
    net.host("b", address="10.0.0.2/24")
    net.link("a", "b", delay="25ms")

    def serve() -> None:
        with socket.create_server(("10.0.0.2", 5000)) as listener:
            connection, _ = listener.accept()
            time.sleep(later)
            for count in reads:
                connection.recv(count)
            time.sleep(1)
            connection.close()

    def speak() -> None:
        with socket.create_connection(("10.0.0.2", 5000)) as sock:
            for data in sends:
                sock.send(data)
                time.sleep(between)
            time.sleep(2)

    net["b"].run(serve)
    net["a"].run(speak)
    net.run()
    return net


def test_which_send_became_which_segment_and_which_read() -> None:
    net = chat([b"hello", b"world"], [1024], later=0.5, between=0.1)
    taken = [(each["from"], each["bytes"]) for each in listed(net, "SEND_BUFFER", "a") if "bytes" in each]
    assert taken == [(0, 5), (5, 5)]
    segments = [(each["sequence"] - 1, each["bytes"]) for each in listed(net, "SEGMENT", "a")]
    assert segments == [(0, 5), (5, 5)]
    came = listed(net, "RECEIVE_BUFFER", "b")
    assert [(each["from"], each["bytes"], each["waiting"]) for each in came if "bytes" in each] == [
        (0, 5, 5),
        (5, 5, 10),
    ]
    assert [(each["from"], each["read"], each["left"]) for each in came if "read" in each] == [(0, 10, 0)]


def test_nagle_holds_nine_bytes_and_the_acknowledgment_releases_them() -> None:
    net = chat([b"x"] * 10, [64, 64])
    held = [each for each in listed(net, "SEND_BUFFER", "a") if "held" in each]
    assert [each["held"] for each in held] == [*range(1, 10)] and {each["by"] for each in held} == {"Nagle"}
    assert {(each["from"], each["unacknowledged"]) for each in held} == {(1, 1)}
    first, second = listed(net, "SEGMENT", "a")
    assert "released_by" not in first
    assert second["bytes"] == 9 and second["was_held_by"] == "Nagle"
    assert second["released_by"] == "everything before it is acknowledged"


def test_a_full_window_holds_and_its_opening_releases() -> None:
    net = chat([bytes(400_000)], [1 << 20] * 3, later=5.0)
    held = [each for each in listed(net, "SEND_BUFFER", "a") if each.get("by") == "window"]
    assert held and held[-1]["window"] - held[-1]["unacknowledged"] < held[-1]["mss"]
    released = [each for each in listed(net, "SEGMENT", "a") if each.get("was_held_by") == "window"]
    assert "the window has opened" in {each["released_by"] for each in released}
    probes = [each for each in listed(net, "RETRANSMIT", "a") if each["cause"] == "ZERO_WINDOW_PROBE"]
    assert probes


def test_the_two_queues_of_a_listener_are_told_as_a_connection_passes_them() -> None:
    net = chat([b"x"], [10])
    told = listed(net, "PORTS", "b")
    assert [(each["decision"], each["syn_queue"], each["accept_queue"]) for each in told] == [
        ("SYN queue", 1, 0),
        ("accept queue", 0, 1),
        ("accepted", 0, 0),
    ]


def test_a_switch_tells_its_table_when_it_has_learnt() -> None:
    net = behind_a_router()
    net["a"].call(send_udp, "10.0.1.2")
    net.run(until="1s")
    told = listed(net, "SWITCH", "s")
    flooded = told[0]
    assert flooded["decision"] == "flooded" and flooded["in"] == "s:p1"
    mac = net["a"].node.ports["eth0"].mac.to_bytes(6, "big").hex(":")
    assert flooded["table"] == [f"{mac} s:p1"]
    assert told[1]["decision"] == "out by the port it was learnt at" and len(told[1]["table"]) == 2
    assert told[1]["age_s"] == 0
