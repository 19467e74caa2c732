"""The DHCP client before a server that answers nonsense: it is a named drop, the client lives, and it never storms."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netarium import Net
from netarium.addresses import parse_ipv4
from netarium.wire import dhcp
from netarium.wire.dhcp import DhcpMessage

SOUND = {
    dhcp.SERVER_IDENTIFIER: parse_ipv4("10.0.0.1").to_bytes(4, "big"),
    dhcp.LEASE_TIME: (3600).to_bytes(4, "big"),
    dhcp.SUBNET_MASK: b"\xff\xff\xff\0",
}
Answer = tuple[int, str, dict[int, bytes]]
"""(kind, your address, options beside or in place of the sound ones; an empty value leaves one out)."""


def rogue(offers: list[Answer], acks: list[Answer], raw: bytes | None) -> None:
    """Answer every DISCOVER with `offers`, every REQUEST with `acks`, or everything with `raw` after the header."""
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("10.0.0.1", 0))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as heard:
            heard.bind(("", 67))
            while True:
                message = DhcpMessage.parse(heard.recv(2000))
                answers = {dhcp.DISCOVER: offers, dhcp.REQUEST: acks}.get(message.kind, [])
                for kind, address, changed in answers:
                    options = {dhcp.MESSAGE_TYPE: bytes([kind]), **SOUND, **changed}
                    options = {code: value for code, value in options.items() if value}
                    answer = DhcpMessage(
                        dhcp.BOOT_REPLY, message.transaction, message.hardware_address, options,
                        your_address=parse_ipv4(address),
                    )  # fmt: skip
                    data = answer.emit()
                    sock.sendto(data if raw is None else data[:236] + raw, ("255.255.255.255", 68))


def before_a_rogue(
    offers: list[Answer], acks: list[Answer], raw: bytes | None = None, seconds: int = 100
) -> tuple[Net, Any]:
    net = Net(seed=1, names=False)
    switch = net.switch("switch")
    server = net.host("server", address="10.0.0.1/24", link=switch)
    pc = net.host("pc", address="dhcp", link=switch)
    rogue_server = server.run(rogue, offers, acks, raw, root=True, daemon=True, stdin="")
    server.call(time.sleep, seconds)
    assert rogue_server.stderr == ""
    client = net.service("pc/dhclient")
    assert not client.ended and client.stderr == "", client.stderr
    return net, pc


def drops(pc: Any) -> dict[str, int]:
    return {reason.name: count for reason, count in pc.node.stack.drops.items()}


OFFER, ACK = (dhcp.OFFER, "10.0.0.100", {}), (dhcp.ACK, "10.0.0.100", {})


@pytest.mark.parametrize(
    "address,changed",
    [
        ("10.0.0.100", {dhcp.LEASE_TIME: b"\1" * 8}),
        ("10.0.0.100", {dhcp.LEASE_TIME: b""}),
        ("10.0.0.100", {dhcp.LEASE_TIME: bytes(4)}),
        ("10.0.0.100", {dhcp.SUBNET_MASK: b"\xff\0\xff\0"}),
        ("10.0.0.100", {dhcp.SUBNET_MASK: bytes(4)}),
        ("10.0.0.255", {}),
        ("10.0.0.0", {}),
        ("127.0.0.1", {}),
        ("224.0.0.1", {}),
        ("255.255.255.255", {}),
        ("0.0.0.0", {}),
    ],
)
def test_what_no_host_can_be_configured_with_is_a_named_drop(address: str, changed: dict[int, bytes]) -> None:
    _, pc = before_a_rogue([OFFER], [(dhcp.ACK, address, changed)])
    assert pc.addresses["eth0"] == []
    assert drops(pc)["DHCP_NOT_USABLE"] >= 2
    _, pc = before_a_rogue([(dhcp.OFFER, address, changed)], [ACK])
    assert pc.addresses["eth0"] == []
    assert drops(pc) == {"DHCP_NOT_USABLE": 4}, "one for each DISCOVER"


def test_a_bad_answer_does_not_spoil_the_good_one_that_follows() -> None:
    _, pc = before_a_rogue([(dhcp.OFFER, "127.0.0.1", {}), OFFER], [(dhcp.ACK, "0.0.0.0", {}), ACK])
    assert pc.addresses["eth0"] == ["10.0.0.100/24"]


def test_a_server_that_offers_and_refuses_is_asked_ever_more_rarely() -> None:
    net, pc = before_a_rogue([OFFER], [(dhcp.NAK, "0.0.0.0", {})], seconds=200)
    said = net.service("pc/dhclient").stdout
    assert said.count("DHCPNAK") == said.count("DHCPDISCOVER") == 6, "pauses of 4, 8, 16, 32 and 64 s"
    assert said.endswith("No working leases in persistent database - sleeping.\n")
    assert pc.addresses["eth0"] == []


@pytest.mark.parametrize("raw", [b"", b"\0\0\0\0" + b"\xff" * 60, dhcp.MAGIC_COOKIE + b"\x35\x09\x02"])
def test_what_is_no_dhcp_message_is_a_malformed_drop(raw: bytes) -> None:
    _, pc = before_a_rogue([OFFER], [ACK], raw)
    assert drops(pc) == {"DHCP_MALFORMED": 4}, "one for each DISCOVER"


def test_garbage_while_the_lease_is_held_is_a_malformed_drop() -> None:
    net, pc = before_a_rogue([OFFER], [ACK])
    assert drops(pc) == {}

    def throw() -> None:
        import socket

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"garbage", ("10.0.0.100", 68))
            time.sleep(1)

    net["server"].call(throw)
    assert drops(pc) == {"DHCP_MALFORMED": 1}


def test_a_renewal_time_of_zero_is_none() -> None:
    zero = {dhcp.RENEWAL_TIME: bytes(4), dhcp.REBINDING_TIME: bytes(4)}
    net, _ = before_a_rogue([OFFER], [(dhcp.ACK, "10.0.0.100", zero)])
    assert net.service("pc/dhclient").stdout.count("DHCPREQUEST") == 1


CODES = st.sampled_from([1, 3, 6, 12, 15, 28, 50, 51, 53, 54, 58, 59, 119])
VALUES = st.one_of(
    st.binary(max_size=12), st.sampled_from([b"\0\0\0\1", b"\xff" * 4, b"\0" * 4, b"\0\0\0\x3c"])
)
ADDRESSES = st.one_of(
    st.sampled_from(["10.0.0.100", "10.0.0.1", "10.0.0.255", "127.0.0.1", "224.0.0.1", "0.0.0.0"]),
    st.integers(0, 0xFFFFFFFF).map(lambda each: ".".join(map(str, each.to_bytes(4, "big")))),
)


def answers(*kinds: int) -> st.SearchStrategy[list[Answer]]:
    return st.lists(
        st.tuples(st.sampled_from(kinds), ADDRESSES, st.dictionaries(CODES, VALUES, max_size=4)),
        min_size=1,
        max_size=3,
    )


@given(offers=answers(dhcp.OFFER), acks=answers(dhcp.ACK, dhcp.ACK, dhcp.NAK, dhcp.OFFER))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_client_survives_whatever_options_and_addresses_come(
    offers: list[Answer], acks: list[Answer]
) -> None:
    net, _ = before_a_rogue([OFFER, *offers], [*acks, ACK], seconds=300)
    assert net.service("pc/dhclient").stdout.count("DHCPDISCOVER") < 60


@given(
    raw=st.one_of(st.binary(max_size=80), st.binary(max_size=80).map(lambda each: dhcp.MAGIC_COOKIE + each))
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_client_survives_whatever_bytes_come(raw: bytes) -> None:
    before_a_rogue([OFFER], [ACK], raw, seconds=70)
