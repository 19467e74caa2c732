"""The name server's program: UDP and TCP, EDNS and truncation, and what is no sound query."""

from __future__ import annotations

import socket
import time

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdataclass
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.acceptance.naming import authority, zone
from tests.services.dns.scripted import ask, told

from netarium import Net
from netarium.services.dns.server import malformed

MANY = [f"many.example. 60 IN A 192.0.2.{number}" for number in range(1, 101)]
SOME = [f"some.example. 60 IN A 192.0.2.{number}" for number in range(1, 61)]
TEXT = zone("example.", "ns.example.", "10.0.0.1", "www.example. 60 IN A 192.0.2.1", *MANY, *SOME)


def served(**more: object):
    net = Net(seed=1, names=False)
    wire = net.switch("wire")
    net.host("ns", address="10.0.0.1/24", link=wire, services=authority(TEXT), **more)
    return net, net.host("client", address="10.0.0.9/24", link=wire)


@pytest.mark.parametrize(
    "line", ["dig @10.0.0.1 +short", "dig @127.0.0.1 +short", "dig @10.0.0.1 +tcp +short"]
)
def test_the_ports_are_bound_before_any_program_of_the_node_runs(line: str) -> None:
    net = Net(seed=1, names=False)
    ns = net.host("ns", address="10.0.0.1/24", services=authority(TEXT))
    asked = ns.run(f"{line} www.example", stdin="")
    assert (asked.wait(), asked.stdout) == (0, "192.0.2.1\n")
    assert net.now_ns < 10**9


def raw(data: bytes, wait: float = 1.0) -> bytes | None:
    """What the server says to these bytes; None for nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(wait)
        sock.sendto(data, ("10.0.0.1", 53))
        try:
            return sock.recv(65_535)
        except TimeoutError:
            return None


def changed(**changes: object) -> dns.message.Message:
    """The response to a query for www.example. A that is changed so."""
    query = dns.message.make_query("www.example.", "A", id=99)
    for name, value in changes.items():
        if name == "edns":
            query.use_edns(value)
        elif name == "opcode":
            query.set_opcode(value)
        elif name == "rdclass":
            query.question[0].rdclass = value
        elif name == "kind":
            query = dns.message.make_query("example.", value, id=99)
    if changes.get("questions") == 2:
        query.question.append(dns.message.make_query("b.", "A").question[0])
    said = raw(query.to_wire())
    assert said is not None
    return dns.message.from_wire(said)


def test_over_512_bytes_need_edns_and_over_1232_tcp():
    _, client = served()
    plain = client.call(ask, "some.example.", "A", "10.0.0.1")
    assert plain.flags & dns.flags.TC and len(plain.to_wire()) <= 512
    larger = client.call(ask, "some.example.", "A", "10.0.0.1", False, 4096)
    assert not larger.flags & dns.flags.TC and len(told(larger)) == 60
    assert larger.edns == 0 and larger.payload == 1232
    largest = client.call(ask, "many.example.", "A", "10.0.0.1", False, 4096)
    assert largest.flags & dns.flags.TC and not largest.answer, "half a set of records is worse than none"
    whole = client.call(ask, "many.example.", "A", "10.0.0.1", True)
    assert not whole.flags & dns.flags.TC and len(told(whole)) == 100


@pytest.mark.parametrize(
    ("changes", "rcode"),
    [
        ({"opcode": dns.opcode.STATUS}, dns.rcode.NOTIMP),
        ({"questions": 2}, dns.rcode.FORMERR),
        ({"rdclass": dns.rdataclass.CH}, dns.rcode.REFUSED),
        ({"kind": "AXFR"}, dns.rcode.REFUSED),
        ({"edns": 1}, dns.rcode.BADVERS),
    ],
)
def test_what_is_not_served_is_refused_by_name(changes, rcode):
    _, client = served()
    response = client.call(lambda: changed(**changes))
    assert (response.id, response.rcode()) == (99, rcode)
    assert not response.answer


def test_other_zones_are_refused():
    _, client = served()
    assert client.call(ask, "www.other.", "A", "10.0.0.1").rcode() == dns.rcode.REFUSED


def test_a_malformed_query_gets_formerr_and_a_response_nothing():
    _, client = served()
    bad = client.call(raw, b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\xc0\x0c")
    assert bad == b"\x12\x34\x81\x01" + bytes(8)
    response = dns.message.make_response(dns.message.make_query("www.example.", "A"))
    assert client.call(raw, response.to_wire()) is None
    assert client.call(raw, b"short") is None
    assert told(client.call(ask, "www.example.", "A", "10.0.0.1")) == ["www.example. 60 A 192.0.2.1"]


@given(st.binary(max_size=40))
@settings(max_examples=200)
def test_formerr_never_answers_a_response(data):
    said = malformed(data)
    assert said is None or (len(said) == 12 and not data[2] & 0x80 and said[2] & 0x80)


def pipelined() -> list[int]:
    """Three queries in one write over one connection; the ids of the answers."""
    wires = [dns.message.make_query("www.example.", "A", id=number).to_wire() for number in (1, 2, 3)]
    with socket.create_connection(("10.0.0.1", 53)) as sock:
        sock.sendall(b"".join(len(wire).to_bytes(2, "big") + wire for wire in wires))
        with sock.makefile("rb") as stream:
            return [
                dns.message.from_wire(stream.read(int.from_bytes(stream.read(2), "big"))).id for _ in wires
            ]


def idle() -> float:
    """How long the server keeps a silent connection."""
    with socket.create_connection(("10.0.0.1", 53)) as sock:
        begun = time.monotonic()
        assert sock.recv(1) == b""
        return time.monotonic() - begun


def test_tcp_takes_several_queries_and_ends_idle_connections():
    _, client = served()
    assert client.call(pipelined) == [1, 2, 3]
    assert client.call(idle) == pytest.approx(30, abs=0.1)


def test_the_answer_comes_from_the_address_that_was_asked():
    net = Net(seed=1, names=False)
    wire = net.switch("wire")
    net.host("ns", address=["10.0.0.1/24", "10.0.0.2/24"], link=wire, services=authority(TEXT))
    client = net.host("client", address="10.0.0.9/24", link=wire, dns="10.0.0.2")
    assert client.call(socket.gethostbyname, "www.example") == "192.0.2.1"


def test_a_server_serves_again_after_its_reboot():
    net, client = served()
    client.call(ask, "www.example.", "A", "10.0.0.1")
    net["ns"].crash()
    net["ns"].boot()
    assert told(client.call(ask, "www.example.", "A", "10.0.0.1")) == ["www.example. 60 A 192.0.2.1"]


def test_recursion_for_other_names_beside_own_zones():
    net = Net(seed=1, names=False)
    wire = net.switch("wire")
    net.host("root", address="10.0.0.1/24", link=wire, services=authority(
        zone(".", "ns.", "10.0.0.1", "far.away. 60 IN A 192.0.2.7")))  # fmt: skip
    own = zone("own.", "ns.own.", "10.0.0.2", "www.own. 60 IN CNAME far.away.")
    net.host("both", address="10.0.0.2/24", link=wire,
             services=[{"dns": {"zones": own, "recursive": True, "roots": "10.0.0.1"}}])  # fmt: skip
    client = net.host("client", address="10.0.0.9/24", link=wire)
    answer = client.call(ask, "www.own.", "A", "10.0.0.2")
    assert told(answer) == ["www.own. 60 CNAME far.away.", "far.away. 60 A 192.0.2.7"]
