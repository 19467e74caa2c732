"""The firewall: first match, counters, states, drop and reject, together with NAT."""

from __future__ import annotations

from typing import Any

import pytest
from tests.stack.filter.gateways import MASQUERADE, OUTSIDE, SERVER, A, B, Gateway, text
from tests.stack.joined import ip

from netarium.errors import UsageError
from netarium.journey import Drop
from netarium.lab.filtering.firewall import read_firewall, read_rule
from netarium.stack.filter.firewall import INVALID
from netarium.stack.filter.nat import NatSetup
from netarium.wire.ethernet import Frame
from netarium.wire.icmp import IcmpHeader
from netarium.wire.ipv4 import PROTOCOL_TCP, PROTOCOL_UDP, Ipv4Header
from netarium.wire.ipv6 import NOT_FRAGMENTED, Ipv6Header
from netarium.wire.tcp import ACK, RST, SYN


def guarded(rules: list[str], policy: Any = None, nat: NatSetup | None = None) -> Gateway:
    gateway = Gateway(nat)
    setup = read_firewall({"rules": rules, "policy": policy}, "forward", ["eth0", "eth1"])
    for name, action in setup.policies.items():
        gateway.filter.firewall.chains[name].policy = action
    for name, rule in setup.rules:
        gateway.filter.firewall.chains[name].rules.append(rule)
    gateway.filter.show_firewall()
    return gateway


def counted(gateway: Gateway, chain: str = "forward") -> list[int]:
    """Packets of each rule, the policy's last."""
    rules = gateway.filter.firewall.chains[chain]
    return [rule.packets for rule in rules.rules] + [rules.packets]


def test_the_first_rule_that_fits_decides_and_each_counts() -> None:
    gateway = guarded(["accept udp dport 53", "drop udp dport 50-60", "accept from 192.168.1.3", "drop udp"])
    for host, port in ((gateway.a, 53), (gateway.a, 55), (gateway.b, 99), (gateway.a, 99), (gateway.b, 50)):
        gateway.udp(host, SERVER, 5000, port)
    gateway.settle()
    assert counted(gateway) == [1, 2, 1, 1, 2], "the policy: two ICMP errors of the server"
    assert gateway.drops() == {"FILTER_RULE": 3}


FITS = {
    "accept": "abierst",
    "accept in eth0": "abi",
    "accept in eth1": "erst",
    "accept out eth1": "abi",
    "accept from 192.168.1.2": "ai",
    "accept from 192.168.1.0/24": "abi",
    "accept to 202.20.65.4": "abi",
    "accept to any": "abierst",
    "accept udp": "abt",
    "accept icmp": "iers",
    "accept icmp type echo-request": "i",
    "accept icmp type 3": "rs",
    "accept udp sport 5000": "a",
    "accept udp sport 1-4999,5001-6000": "bt",
    "accept udp dport 9": "ab",
    "accept udp dport 10": "",
    "accept protocol 17": "abt",
    "accept state new": "abit",
    "accept state established": "e",
    "accept state related": "rs",
    "accept state invalid,untracked": "",
    "accept input": "",
    "accept output": "",
}
"""Rule -> the packets it fits. a, b: datagrams of hosts a and b; r, s: the ICMP errors about them; i: an echo
request of a; e: its answer; t: a datagram of the server to a, by a port of its own.
"""

PACKETS = {
    f"{A}:5000 -> {SERVER}:9": "a",
    f"{B}:6000 -> {SERVER}:9": "b",
    f"{A} -> {SERVER}": "i",
    f"{SERVER}:77 -> {A}:88": "t",
}


@pytest.mark.parametrize("rule", FITS)
def test_what_a_rule_fits(rule: str) -> None:
    gateway = guarded([rule])
    fitted = ""

    class Observer:
        def step(self, now: int, place: str, stop: object, subject: str, details: dict[str, Any]) -> None:
            nonlocal fitted
            if str(details.get("why", "")).startswith("rule"):
                fitted += letter_of(details["packet"])

    def letter_of(packet: str) -> str:
        if packet.startswith(f"{SERVER} -> "):
            return current
        return PACKETS.get(packet, "")

    gateway.gw.watch.add(Observer())
    current = "r"
    gateway.udp(gateway.a, SERVER, 5000, 9)
    gateway.settle()
    current = "s"
    gateway.udp(gateway.b, SERVER, 6000, 9)
    gateway.settle()
    current = "e"
    gateway.echo(gateway.a, SERVER, 7)
    gateway.settle()
    gateway.joined.lose = lambda sent: sent.host == "a"  # what a answers to t is no matter here
    gateway.udp(gateway.server, A, 77, 88)
    gateway.settle()
    assert sorted(fitted) == sorted(FITS[rule])


def test_a_stateful_firewall_lets_answers_and_errors_in_and_nothing_else() -> None:
    gateway = guarded(
        ["accept state established,related", "accept in eth0 state new"], {"forward": "drop"}, MASQUERADE
    )
    gateway.udp(gateway.a, SERVER, 5000, 9)
    gateway.echo(gateway.b, SERVER, 7)
    came = [text(frame) for frame in gateway.settle()]
    assert f"{SERVER}>{A} type 3 id 0" in came and f"{SERVER}>{B} type 0 id 7" in came
    gateway.udp(gateway.server, A, 9, 7777)
    assert [text(frame) for frame in gateway.settle()] == [f"{SERVER}:9>{A}:7777"]
    assert gateway.drops() == {"FILTER_RULE": 1}
    assert all(entry.original.key[1] != ip(SERVER) for entry in gateway.filter.table.living()), (
        "never confirmed"
    )


def test_reject_answers_tcp_by_a_reset_and_udp_by_an_icmp_error() -> None:
    gateway = guarded(["reject tcp dport 23", "reject udp"])
    gateway.tcp(gateway.a, SERVER, 5000, 23, SYN)
    (_, reset) = gateway.settle()
    assert text(reset) == f"{SERVER}:23>{A}:5000"
    assert reset.transport.flags == RST | ACK and reset.transport.acknowledgment == 101
    gateway.udp(gateway.a, SERVER, 5000, 9)
    (_, error) = gateway.settle()
    assert isinstance(error.transport, IcmpHeader) and (error.transport.type, error.transport.code) == (3, 3)
    assert gateway.drops() == {"FILTER_REJECT": 2}
    assert gateway.filter.table.entries == {}


def test_a_reject_behind_nat_speaks_in_the_name_of_whom_the_client_asked() -> None:
    gateway = guarded(
        ["reject tcp dport 80"], nat=NatSetup("eth1", ("eth0",), forward={(PROTOCOL_TCP, 8080): (ip(A), 80)})
    )
    gateway.tcp(gateway.server, OUTSIDE, 6000, 8080, SYN)
    (_, reset) = gateway.settle()
    assert text(reset) == f"{OUTSIDE}:8080>{SERVER}:6000"
    assert reset.transport.flags & RST


def test_input_and_output_chains_guard_the_box_itself() -> None:
    gateway = guarded(["drop input icmp", "reject output udp dport 99"])
    gateway.echo(gateway.a, "192.168.1.1", 7)
    assert len(gateway.settle()) == 1
    gateway.udp(gateway.gw, SERVER, 5000, 99)
    assert [frame for frame in gateway.settle() if frame.network.destination == ip(SERVER)] == []
    # The ICMP error of the reject is for the box itself, and meets the rule of its input (as on Linux).
    assert gateway.drops()["FILTER_RULE"] == 2 and gateway.drops()["FILTER_REJECT"] == 1
    gateway.udp(gateway.gw, SERVER, 5000, 98)
    assert gateway.settle() != []


def test_hooks_are_there_only_where_a_chain_has_something_to_say() -> None:
    gateway = guarded(["drop tcp"])
    hooks = gateway.gw.hooks
    assert hooks.forward is not None and len(hooks.input or ()) == 1 and len(hooks.output or ()) == 1
    gateway.filter.firewall.chains["forward"].rules.clear()
    gateway.filter.show_firewall()
    assert hooks.forward is None


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("tcp dport 23", "no action; begin with one of accept, allow, drop, deny, reject"),
        ("deny accept", "two actions, deny and accept; keep one, or write a rule for each"),
        ("deny dport 23", "ports belong to tcp or udp; say which"),
        ("deny tcp dport", "nothing follows 'dport'"),
        ("deny tcp dport 99999", "'99999' is no number from 0 to 65535"),
        ("deny tcp dport 5-4", "the ports 5-4 are none; write FIRST-LAST"),
        ("deny tpc", "unknown word 'tpc'; did you mean 'tcp'?"),
        ("deny in eht0", "there is no interface 'eht0'; did you mean 'eth0'?"),
        ("deny state newish", "there is no state 'newish'; did you mean 'new'?"),
        ("deny tcp type 3", "`type` belongs to icmp or icmpv6; say which"),
        ("deny input out eth0", "a packet to the node itself has no `out`; leave it away"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_what_would_be_right(rule: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_rule(rule, "forward", ["eth0", "eth1"])
    assert str(caught.value) == f"firewall rule {rule!r}: {message}"


DATAGRAM = bytes.fromhex("15b3 270f 0009 ffff 78")
"""Port 5555 to 9999; its checksum is wrong."""
BROKEN = {
    "drop udp dport 9999": (PROTOCOL_UDP, DATAGRAM, 0, 1),
    "drop udp sport 5555 dport 1-9999": (PROTOCOL_UDP, DATAGRAM, 0, 1),
    "drop udp dport 9998": (PROTOCOL_UDP, DATAGRAM, 0, 0),
    "drop udp sport 9999": (PROTOCOL_UDP, DATAGRAM, 0, 0),
    "drop tcp dport 9999": (PROTOCOL_TCP, DATAGRAM, 0, 1),
    "drop icmp type 8": (1, bytes([8, 0, 1, 1, 0, 0, 0, 0]), 0, 1),
    "drop icmp type 0": (1, bytes([8, 0, 1, 1, 0, 0, 0, 0]), 0, 0),
    "drop udp dport 9999 state new,invalid": (PROTOCOL_UDP, DATAGRAM[:4], 0, 1),
    "drop udp dport 9999 state invalid": (PROTOCOL_UDP, DATAGRAM[:3], 0, 0),
    "drop udp sport 5555": (PROTOCOL_UDP, DATAGRAM, 7, 0),
    "drop udp": (PROTOCOL_UDP, DATAGRAM, 7, 1),
}
"""Rule -> protocol, what follows the IP header, its fragment field, and whether the rule fits (as on Linux)."""


@pytest.mark.parametrize("rule", BROKEN)
@pytest.mark.parametrize("family", [4, 6])
def test_a_rule_reads_ports_and_types_where_the_transport_header_is_wrong(rule: str, family: int) -> None:
    protocol, data, fragment, fits = BROKEN[rule]
    if family == 6 and protocol == 1:
        protocol, rule = 58, rule.replace("icmp", "icmpv6").replace("8", "128")
        data = bytes([128]) + data[1:]
    read = read_rule(rule, "forward", [])[1]
    header = (
        Ipv4Header(1, 2, protocol, 64, 0, fragment)
        if family == 4
        else Ipv6Header(1, 2, protocol, 64, fragment=8 * fragment or NOT_FRAGMENTED)
    )
    frame = Frame(0, 0, 0x0800, header, None, data, Drop.UDP_CHECKSUM)
    assert read.fits(frame, header, INVALID, "eth0", "eth1") == bool(fits)


def test_a_datagram_with_a_wrong_checksum_does_not_pass_a_rule_about_its_port() -> None:
    gateway = guarded(["drop udp dport 9999"])
    header = Ipv4Header(ip(A), ip(SERVER), PROTOCOL_UDP, 64)
    frame = Frame(gateway.gw.interfaces["eth0"].mac, 7, 0x0800, header, None, DATAGRAM, Drop.UDP_CHECKSUM)
    gateway.gw.receive(gateway.gw.interfaces["eth0"], frame, gateway.joined.now)
    assert gateway.settle() == []
    assert counted(gateway) == [1, 0]
