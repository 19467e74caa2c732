"""What a DHCP server answers (RFC 2131 4.3): message and time in, reply out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netarium.addresses import InterfaceAddress, ipv4_text, parse_ipv4
from netarium.errors import UsageError
from netarium.services.dhcp.configuration import overlap_warning, read_configuration
from netarium.services.dhcp.leases import FILE, Leases
from netarium.services.dhcp.policy import Policy
from netarium.wire import dhcp
from netarium.wire.dhcp import DhcpMessage

SECOND = 10**9
INTERFACES = {"lan": [InterfaceAddress.parse("192.168.1.1/24")], "wan": []}


def subnet(**options):
    given = {"range": "192.168.1.100-192.168.1.102", "lease": "1h", **options}
    return read_configuration({"lan": given}, INTERFACES).subnets[0]


def policy(disk=None):
    return Policy(Leases({} if disk is None else disk))


def message(kind: int, client: int = 1, *, ask: str = "", server: str = "", own: str = "", relay: str = ""):
    options = {dhcp.MESSAGE_TYPE: bytes([kind])}
    if ask:
        options[dhcp.REQUESTED_ADDRESS] = parse_ipv4(ask).to_bytes(4, "big")
    if server:
        options[dhcp.SERVER_IDENTIFIER] = parse_ipv4(server).to_bytes(4, "big")
    return DhcpMessage(
        dhcp.BOOT_REQUEST, 7, bytes([2, 0, 0, 0, 0, client]), options,
        client_address=parse_ipv4(own) if own else 0, relay_address=parse_ipv4(relay) if relay else 0,
    )  # fmt: skip


def said(reply) -> str:
    """`OFFER 192.168.1.100`, or `nothing`."""
    if reply is None:
        return "nothing"
    return f"{reply.message.name.removeprefix('DHCP')} {ipv4_text(reply.message.your_address)}"


def bind(server, where, client: int, now_ns: int = 0) -> str:
    """DISCOVER and REQUEST; the address."""
    offer = server.answer(message(dhcp.DISCOVER, client), where, now_ns)
    address = ipv4_text(offer.message.your_address)
    request = message(dhcp.REQUEST, client, ask=address, server="192.168.1.1")
    assert said(server.answer(request, where, now_ns)) == f"ACK {address}"
    return address


def test_the_first_free_address_is_offered_after_a_probe():
    reply = policy().answer(message(dhcp.DISCOVER), subnet(dns="1.1.1.1", domain="office.example"), 0)
    assert said(reply) == "OFFER 192.168.1.100"
    assert ipv4_text(reply.probe) == "192.168.1.100"
    offer = reply.message
    assert offer.number(dhcp.LEASE_TIME) == 3600
    assert offer.number(dhcp.RENEWAL_TIME) == 1800
    assert offer.number(dhcp.REBINDING_TIME) == 3150
    assert ipv4_text(offer.address(dhcp.SUBNET_MASK)) == "255.255.255.0"
    assert (
        ipv4_text(offer.address(dhcp.ROUTER))
        == ipv4_text(offer.address(dhcp.SERVER_IDENTIFIER))
        == "192.168.1.1"
    )
    assert ipv4_text(offer.address(dhcp.NAME_SERVER)) == "1.1.1.1"
    assert offer.text(dhcp.DOMAIN_NAME) == "office.example"


def test_each_client_gets_another_address_and_the_fourth_none():
    server, where = policy(), subnet()
    assert [bind(server, where, client) for client in (1, 2, 3)] == [f"192.168.1.10{n}" for n in (0, 1, 2)]
    assert said(server.answer(message(dhcp.DISCOVER, 4), where, 0)) == "nothing"
    assert server.no_address == 1


def test_a_client_keeps_its_address_and_gets_it_again_after_expiry():
    server, where = policy(), subnet()
    bind(server, where, 1)
    assert bind(server, where, 2) == "192.168.1.101"
    again = server.answer(message(dhcp.DISCOVER, 2), where, 10 * SECOND)
    assert (said(again), again.probe) == ("OFFER 192.168.1.101", 0), "its own address needs no probe"
    later = server.answer(message(dhcp.DISCOVER, 2), where, 9000 * SECOND)
    assert said(later) == "OFFER 192.168.1.101" and later.probe


def test_a_wish_is_granted_when_the_address_is_free():
    server, where = policy(), subnet()
    assert (
        said(server.answer(message(dhcp.DISCOVER, 1, ask="192.168.1.102"), where, 0)) == "OFFER 192.168.1.102"
    )
    assert (
        said(server.answer(message(dhcp.DISCOVER, 2, ask="192.168.1.102"), where, 0)) == "OFFER 192.168.1.100"
    )
    assert said(server.answer(message(dhcp.DISCOVER, 3, ask="10.9.9.9"), where, 0)) == "OFFER 192.168.1.101"


def test_an_expired_address_is_given_to_another_the_oldest_first():
    server, where = policy(), subnet()
    for client in (1, 2, 3):
        bind(server, where, client, client * SECOND)
    late = 4000 * SECOND
    assert said(server.answer(message(dhcp.DISCOVER, 9), where, late)) == "OFFER 192.168.1.100"


def test_a_reservation_goes_to_its_mac_alone():
    where = subnet(reservations={"02:00:00:00:00:09": "192.168.1.50", "02:00:00:00:00:08": "192.168.1.100"})
    server = policy()
    assert bind(server, where, 9) == "192.168.1.50"
    assert said(server.answer(message(dhcp.DISCOVER, 1), where, 0)) == "OFFER 192.168.1.101"
    assert bind(server, where, 8) == "192.168.1.100"


def test_a_request_for_another_server_frees_our_offer():
    server, where = policy(), subnet()
    server.answer(message(dhcp.DISCOVER, 1), where, 0)
    request = message(dhcp.REQUEST, 1, ask="192.168.1.7", server="192.168.1.2")
    assert said(server.answer(request, where, 0)) == "nothing"
    assert said(server.answer(message(dhcp.DISCOVER, 2), where, 0)) == "OFFER 192.168.1.100"


def test_a_request_that_was_not_offered_is_refused():
    request = message(dhcp.REQUEST, 1, ask="192.168.1.102", server="192.168.1.1")
    assert said(policy().answer(request, subnet(), 0)) == "NAK 0.0.0.0"


def test_renewal_extends_the_lease():
    server, where = policy(), subnet()
    bind(server, where, 1)
    renewal = message(dhcp.REQUEST, 1, own="192.168.1.100")
    assert said(server.answer(renewal, where, 3000 * SECOND)) == "ACK 192.168.1.100"
    assert server.leases.by_address[parse_ipv4("192.168.1.100")].expires_ns == 6600 * SECOND


def test_renewal_of_an_address_that_another_has_is_refused():
    server, where = policy(), subnet()
    bind(server, where, 1)
    assert said(server.answer(message(dhcp.REQUEST, 2, own="192.168.1.100"), where, 0)) == "NAK 0.0.0.0"


def test_after_a_reboot_the_client_s_own_address_is_confirmed_a_wrong_one_refused_a_stranger_ignored():
    server, where = policy(), subnet()
    bind(server, where, 1)
    assert said(server.answer(message(dhcp.REQUEST, 1, ask="192.168.1.100"), where, 0)) == "ACK 192.168.1.100"
    assert said(server.answer(message(dhcp.REQUEST, 1, ask="192.168.1.77"), where, 0)) == "NAK 0.0.0.0"
    assert said(server.answer(message(dhcp.REQUEST, 1, ask="10.0.0.5"), where, 0)) == "NAK 0.0.0.0"
    assert said(server.answer(message(dhcp.REQUEST, 2, ask="192.168.1.101"), where, 0)) == "nothing"


def test_a_declined_address_is_left_alone_for_a_day():
    server, where = policy(), subnet()
    bind(server, where, 1)
    server.answer(message(dhcp.DECLINE, 1, ask="192.168.1.100", server="192.168.1.1"), where, 0)
    assert said(server.answer(message(dhcp.DISCOVER, 1), where, SECOND)) == "OFFER 192.168.1.101"
    assert server.leases.is_free(parse_ipv4("192.168.1.100"), "x", 86_400 * SECOND)


def test_only_its_client_declines_or_releases_an_address():
    server, where = policy(), subnet()
    bind(server, where, 1)
    server.answer(message(dhcp.DECLINE, 2, ask="192.168.1.100"), where, 0)
    server.answer(message(dhcp.RELEASE, 2, own="192.168.1.100"), where, 0)
    assert [each.state for each in server.leases.by_address.values()] == ["bound"]


def test_a_released_address_is_free_and_its_client_gets_it_again():
    server, where = policy(), subnet()
    bind(server, where, 1)
    server.answer(message(dhcp.RELEASE, 1, own="192.168.1.100"), where, SECOND)
    assert server.leases.living(SECOND) == []
    assert said(server.answer(message(dhcp.DISCOVER, 1), where, SECOND)) == "OFFER 192.168.1.100"


def test_inform_is_answered_without_lease():
    reply = policy().answer(message(dhcp.INFORM, 1, own="192.168.1.200"), subnet(dns="1.1.1.1"), 0)
    assert said(reply) == "ACK 0.0.0.0"
    assert dhcp.LEASE_TIME not in reply.message.options
    assert ipv4_text(reply.message.address(dhcp.NAME_SERVER)) == "1.1.1.1"


def test_a_nak_through_a_relay_is_to_be_broadcast_there():
    request = message(dhcp.REQUEST, 1, ask="10.0.0.5", relay="192.168.1.254")
    reply = policy().answer(request, subnet(), 0)
    assert reply.message.flags & dhcp.FLAG_BROADCAST
    assert ipv4_text(reply.message.relay_address) == "192.168.1.254"


def test_leases_are_on_the_disk_before_the_client_hears_of_them():
    disk: dict[str, str] = {}
    server, where = policy(disk), subnet()
    server.answer(message(dhcp.DISCOVER, 1), where, 0)
    assert FILE not in disk or not disk[FILE], "an offer is no lease"
    bind(server, where, 1)
    after = Policy(Leases(disk))
    assert [ipv4_text(each.address) for each in after.leases.living(0)] == ["192.168.1.100"]
    assert said(after.answer(message(dhcp.DISCOVER, 2), where, 0)) == "OFFER 192.168.1.101"


@pytest.mark.parametrize(
    ("given", "what"),
    [
        (
            {"lan": {"range": "192.168.2.100-192.168.2.200"}},
            r"192\.168\.2\.100 is outside the subnet 192",
        ),
        ({"lan": {"range": "192.168.1.100-192.168.1.255"}}, "outside the subnet"),
        ({"lan": {"range": "192.168.1.200-192.168.1.100"}}, "ends before it begins"),
        ({"lan": {"range": "192.168.1.100"}}, "right would be such as"),
        ({"lan": {"range": ["192.168.1.10-192.168.1.20", "192.168.1.20-192.168.1.30"]}}, "overlaps another"),
        ({"lan": {}}, "nothing to give"),
        ({"lan": {"ranges": "x"}}, "did you mean range"),
        ({"lann": {"range": "192.168.1.2-192.168.1.3"}}, "did you mean lan"),
        ({"wan": {"range": "192.168.1.2-192.168.1.3"}}, "no address of its own"),
        ({"lan": {"range": "192.168.1.2-192.168.1.3", "gateway": "10.0.0.1"}}, "outside the subnet"),
        ({"lan": {"range": "192.168.1.2-192.168.1.3", "relay": "10.0.0.1"}}, "stands alone"),
        ({"lan": {"range": "192.168.1.2-192.168.1.3", "lease": "0s"}}, "lease"),
        (
            {
                "lan": {
                    "reservations": {"02:00:00:00:00:01": "192.168.1.9", "02:00:00:00:00:02": "192.168.1.9"}
                }
            },
            "two clients",
        ),
    ],
)
def test_a_configuration_that_cannot_be_says_what_would_be_right(given, what):
    with pytest.raises(UsageError, match=what):
        read_configuration(given, INTERFACES)


def test_overlapping_ranges_of_two_servers_are_worth_a_warning():
    one = subnet(range="192.168.1.100-192.168.1.150")
    other = replace(subnet(range="192.168.1.140-192.168.1.200"), address=2)
    assert "192.168.1.140 to 192.168.1.150" in overlap_warning("gw", one, "rogue", other)
    assert overlap_warning("gw", one, "rogue", subnet(range="192.168.1.151-192.168.1.200")) == ""
