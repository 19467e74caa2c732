"""DHCP and DNS servers under garbage: nothing raises, what is no sound message is a named drop, and they serve on."""

from __future__ import annotations

import socket
from collections.abc import Sequence

import dns.message
import dns.opcode
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.acceptance.naming import authority, look_up, zone

from netarium import Net
from netarium.addresses import parse_ipv4
from netarium.journey import Drop
from netarium.wire import dhcp
from netarium.wire.dhcp import DhcpMessage

EXAMPLES = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SERVER = "192.168.1.1"
NAMES = zone(
    ".", "ns.", SERVER, "www.example. 60 IN A 192.0.2.1", "*.wild. 60 IN TXT x", "loop. 60 IN CNAME loop.",
    "away. 60 IN NS ns.away.", "ns.away. 60 IN A 192.168.1.9",
)  # fmt: skip


def throw(port: int, messages: Sequence[bytes]) -> None:
    """Send them to the server; to a name server also by TCP, framed and as they are."""
    for message in messages if port == 53 else ():
        for data in (len(message).to_bytes(2, "big") + message, message):
            with socket.create_connection((SERVER, port)) as connection:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                try:
                    while connection.recv(65_535):
                        pass
                except OSError:
                    pass  # the server ended the connection
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for message in messages:
            sock.sendto(message, (SERVER, port))


def thrown(port: int, messages: Sequence[bytes], **server: object) -> dict[str, int]:
    """The drops by name after all that came to a server, which must be as well as before."""
    net = Net(seed=1, names=False)
    wire = net.switch("wire")
    gw = net.host("gw", address=f"{SERVER}/24", link=wire, **server)
    client = net.host("client", address="192.168.1.9/24", link=wire, dns=SERVER)
    client.call(throw, port, messages, within="1h")
    daemons = [service for service in net.lifecycle.services if service.of_node]
    assert len(daemons) == 1
    assert not daemons[0].ended and daemons[0].stderr == ""
    if port == dhcp.SERVER_PORT:
        gw.crash()  # what it wrote to its disk can be read again
        gw.boot()
        pc = net.host("pc", address="dhcp", link=wire)
        net.run_until(lambda: bool(pc.addresses["eth0"]), within="1h")
    else:
        assert client.call(look_up, "www.example") == ["192.0.2.1"]
    assert not daemons[0].ended and daemons[0].stderr == ""
    return {reason.name: count for reason, count in gw.node.stack.drops.items()}


# Messages as they are, changed in places, and bytes of any kind.


@st.composite
def mutated(draw: st.DrawFn, sound: st.SearchStrategy[bytes]) -> bytes:
    """A sound message with some bytes changed, put in, or cut off."""
    data = bytearray(draw(sound))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        what = draw(st.sampled_from(["change", "insert", "cut", "end"]))
        if what == "change" and data:
            data[at] = draw(st.integers(0, 255))
        elif what == "insert":
            data[at:at] = draw(st.binary(max_size=8))
        elif what == "cut":
            del data[at : at + draw(st.integers(1, 8))]
        else:
            del data[at:]
    return bytes(data)


ADDRESS = st.one_of(
    st.integers(0, 0xFFFFFFFF),
    st.sampled_from([parse_ipv4(f"192.168.1.{last}") for last in (0, 1, 100, 101, 255)]),
)
OPTIONS = st.dictionaries(
    st.one_of(
        st.integers(1, 254), st.sampled_from([dhcp.REQUESTED_ADDRESS, dhcp.CLIENT_IDENTIFIER, dhcp.HOST_NAME])
    ),
    st.one_of(st.binary(max_size=40), ADDRESS.map(lambda each: each.to_bytes(4, "big"))),
    max_size=6,
)


@st.composite
def dhcp_messages(draw: st.DrawFn) -> bytes:
    """A DHCP message whose form is right; its contents need not make sense."""
    options = {dhcp.MESSAGE_TYPE: bytes([draw(st.integers(0, 12))]), **draw(OPTIONS)}
    if draw(st.booleans()):
        options[dhcp.SERVER_IDENTIFIER] = parse_ipv4(SERVER).to_bytes(4, "big")
    message = DhcpMessage(
        draw(st.sampled_from([1, 1, 1, 2])), draw(st.integers(0, 0xFFFFFFFF)), draw(st.binary(max_size=16)), options,
        client_address=draw(st.one_of(st.just(0), ADDRESS)), relay_address=draw(st.one_of(st.just(0), ADDRESS)),
        your_address=draw(ADDRESS), flags=draw(st.sampled_from([0, 0x8000, 0xFFFF])), hops=draw(st.integers(0, 255)),
        hardware_type=draw(st.integers(0, 255)),
    )  # fmt: skip
    return message.emit()


def anything(sound: st.SearchStrategy[bytes]) -> st.SearchStrategy[list[bytes]]:
    return st.lists(st.one_of(sound, mutated(sound), st.binary(max_size=600)), min_size=1, max_size=12)


LABELS = st.one_of(
    st.sampled_from(["www.example.", "nothing.", "a.wild.", "loop.", "b.away.", ".", "x" * 63 + "."]),
    st.lists(st.text("ab*-_.", min_size=1, max_size=5), max_size=4).map(
        lambda labels: ".".join(each.replace(".", "x") for each in labels) + "."
    ),
)


@st.composite
def dns_messages(draw: st.DrawFn) -> bytes:
    """A DNS message whose form is right, of any type, class, opcode and flags."""
    kind, rdclass = draw(st.integers(0, 0xFFFF)), draw(st.sampled_from([1, 1, 1, 3, 4, 254, 255]))
    if draw(st.booleans()):
        kind, rdclass = draw(st.sampled_from([1, 2, 5, 6, 12, 15, 16, 28, 41, 249, 250, 251, 252, 255])), 1
    message = dns.message.QueryMessage(id=draw(st.integers(0, 0xFFFF)))
    message.flags = draw(st.sampled_from([0, 0x0100, 0x0100, 0x8180, 0x0200, 0x07FF]))
    for _ in range(draw(st.sampled_from([0, 1, 1, 1, 1, 2]))):
        name = dns.name.from_text(draw(LABELS))
        message.find_rrset(
            message.question, name, dns.rdataclass.RdataClass.make(rdclass), dns.rdatatype.RdataType.make(kind),
            create=True, force_unique=True,
        )  # fmt: skip
    if draw(st.booleans()):
        message.use_edns(draw(st.integers(0, 3)), payload=draw(st.sampled_from([0, 12, 512, 1232, 65535])))
    data = bytearray(message.to_wire())
    data[2] |= draw(st.sampled_from([0, 0, 0, 0x28, 0x20, 0x78]))
    return bytes(data)


DHCP = {"eth0": {"range": "192.168.1.100-192.168.1.200"}}


@given(messages=anything(dhcp_messages()))
@EXAMPLES
def test_a_dhcp_server_survives_whatever_comes(messages: list[bytes]) -> None:
    thrown(dhcp.SERVER_PORT, messages, dhcp=DHCP)


@given(messages=st.lists(st.binary(max_size=235), min_size=1, max_size=10))
@EXAMPLES
def test_what_is_no_dhcp_message_is_a_drop_each(messages: list[bytes]) -> None:
    assert thrown(dhcp.SERVER_PORT, messages, dhcp=DHCP)["DHCP_MALFORMED"] == len(messages)


@given(messages=anything(dhcp_messages()))
@EXAMPLES
def test_a_dhcp_relay_survives_whatever_comes(messages: list[bytes]) -> None:
    net = Net(seed=1, names=False)
    wire = net.switch("wire")
    relay = net.router(
        "gw", interfaces={"lan": f"{SERVER}/24", "up": "10.0.0.1/24"}, dhcp={"lan": {"relay": "10.0.0.9"}}
    )
    net.link("gw:lan", wire)
    net.host("server", address="10.0.0.9/24", link=relay)
    client = net.host("client", address="192.168.1.9/24", link=wire)
    client.call(throw, dhcp.SERVER_PORT, messages, within="1h")
    (daemon,) = [service for service in net.lifecycle.services if service.of_node]
    assert not daemon.ended and daemon.stderr == ""


EXAMPLE = zone("example.", "ns.example.", SERVER, "www.example. 60 IN A 192.0.2.1")
MODES = {
    "authority": {"zones": NAMES},
    "recursive": {"zones": NAMES, "recursive": True, "roots": "192.168.1.77"},
    "forwarding": {"zones": EXAMPLE, "forwarders": "192.168.1.9"},
}


@pytest.mark.parametrize("server", MODES.values(), ids=MODES)
@given(messages=anything(dns_messages()))
@EXAMPLES
def test_a_name_server_survives_whatever_comes(server: dict[str, object], messages: list[bytes]) -> None:
    thrown(53, messages, services=[{"dns": server}])


@given(messages=st.lists(st.binary(max_size=11), min_size=1, max_size=10))
@EXAMPLES
def test_what_is_no_dns_message_is_a_drop_each(messages: list[bytes]) -> None:
    drops = thrown(53, messages, services=authority(NAMES))
    assert drops[Drop.DNS_MALFORMED.name] >= 2 * len(messages), "by UDP, and framed by TCP"


def answers(datas: Sequence[bytes]) -> None:
    """A name server that answers with what it is given, under the identifier and with the question asked, or not."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("", 53))
        number = 0
        while True:
            query, client = sock.recvfrom(65_535)
            data = datas[number % len(datas)]
            number += 1
            sock.sendto(data if number % 3 == 0 else query[:2] + b"\x84" + data[3:], client)
            sock.sendto(query[:2] + b"\x84\x00" + query[4:6] + data[6:12] + query[12:] + data[12:], client)


@pytest.mark.parametrize(
    "mode", [{"recursive": True, "roots": "192.168.1.66"}, {"forwarders": "192.168.1.66"}]
)
@given(datas=anything(dns_messages()))
@EXAMPLES
def test_a_resolver_survives_whatever_servers_answer(mode: dict[str, object], datas: list[bytes]) -> None:
    net = Net(seed=1, names=False)
    wire = net.switch("wire")
    net.host("gw", address=f"{SERVER}/24", link=wire, services=[{"dns": mode}])
    net.host("rogue", address="192.168.1.66/24", link=wire).run(
        answers, datas, root=True, daemon=True, stdin=""
    )
    client = net.host("client", address="192.168.1.9/24", link=wire, dns=SERVER)
    for name in ("www.example", "other.example"):
        found = client.call(look_up, name, within="1h")
        assert isinstance(found, (str, list))
    (daemon,) = [service for service in net.lifecycle.services if service.of_node]
    assert not daemon.ended and daemon.stderr == ""
