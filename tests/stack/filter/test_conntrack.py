"""Connection tracking: states and time-outs as Linux has them, the limit of the table, what is no connection."""

from __future__ import annotations

import pytest
from tests.stack.filter.gateways import MASQUERADE, OUTSIDE, SERVER, A, Gateway
from tests.stack.joined import SECOND, ip

from netarium.journey import Cause
from netarium.lab.filtering.firewall import read_rule
from netarium.stack.filter import tcp_track
from netarium.stack.ip_output import multicast_mac
from netarium.wire.ethernet import ETHERTYPE_IPV4, MAC_BROADCAST, Frame
from netarium.wire.ipv4 import PROTOCOL_UDP, Ipv4Header
from netarium.wire.tcp import ACK, FIN, PSH, RST, SYN
from netarium.wire.udp import UdpHeader

HANDSHAKE = (("a", SYN), ("server", SYN | ACK), ("a", ACK))


class Segments:
    """One TCP connection between a and the server, segment by segment; the ends' own answers are kept off."""

    def __init__(self, nat: object = None, **settings: object) -> None:
        self.gateway = Gateway(nat, **settings)  # type: ignore[arg-type]
        self.gateway.a.ipv4.input.protocols.pop(6)
        self.gateway.server.ipv4.input.protocols.pop(6)
        self.gateway.joined.lose = lambda sent: (
            sent.frame.transport is not None and sent.frame.network.protocol == 1
        )

    def play(self, *segments: tuple[str, int]) -> str:
        gateway = self.gateway
        for who, flags in segments:
            if who == "a":
                gateway.tcp(gateway.a, SERVER, 1024, 80, flags)
            else:
                gateway.tcp(gateway.server, OUTSIDE if gateway.filter.nat else A, 80, 1024, flags)
            gateway.settle()
        (state,) = gateway.states() or [tcp_track.NONE]
        return tcp_track.NAMES[state]

    @property
    def entry(self) -> object:
        (entry,) = self.gateway.filter.table.living()
        return entry

    def seconds(self) -> int:
        return round((self.entry.expires_ns - self.gateway.gw.now) / SECOND)  # type: ignore[attr-defined]


WALKS = {
    "SYN": ((("a", SYN),), "SYN_SENT", 120),
    "SYN again": ((("a", SYN), ("a", SYN)), "SYN_SENT", 120),
    "SYN-ACK": (HANDSHAKE[:2], "SYN_RECV", 60),
    "handshake": (HANDSHAKE, "ESTABLISHED", 432_000),
    "simultaneous open": ((("a", SYN), ("server", SYN)), "SYN_SENT2", 120),
    "simultaneous open answered": ((("a", SYN), ("server", SYN), ("a", SYN | ACK)), "SYN_RECV", 60),
    "simultaneous open done": (
        (("a", SYN), ("server", SYN), ("a", SYN | ACK), ("server", SYN | ACK), ("a", ACK)), "ESTABLISHED", 432_000,
    ),
    "data": ((*HANDSHAKE, ("a", PSH | ACK), ("server", ACK)), "ESTABLISHED", 432_000),
    "FIN": ((*HANDSHAKE, ("a", FIN | ACK)), "FIN_WAIT", 120),
    "FIN again": ((*HANDSHAKE, ("a", FIN | ACK), ("a", FIN | ACK)), "FIN_WAIT", 120),
    "FIN of the server": ((*HANDSHAKE, ("server", FIN | ACK)), "FIN_WAIT", 120),
    "FIN acknowledged": ((*HANDSHAKE, ("a", FIN | ACK), ("server", ACK)), "CLOSE_WAIT", 60),
    "data after half a close": (
        (*HANDSHAKE, ("a", FIN | ACK), ("server", ACK), ("server", PSH | ACK), ("a", ACK)), "CLOSE_WAIT", 60,
    ),
    "both FINs": ((*HANDSHAKE, ("a", FIN | ACK), ("server", FIN | ACK)), "LAST_ACK", 30),
    "closed": ((*HANDSHAKE, ("server", FIN | ACK), ("a", ACK), ("a", FIN | ACK), ("server", ACK)), "TIME_WAIT", 120),
    "RST": ((*HANDSHAKE, ("a", RST)), "CLOSE", 10),
    "refused": ((("a", SYN), ("server", RST | ACK)), "CLOSE", 10),
    "from the midst": ((("a", ACK),), "ESTABLISHED", 432_000),
}  # fmt: skip


@pytest.mark.parametrize("nat", [None, MASQUERADE], ids=["plain", "nat"])
@pytest.mark.parametrize("walk", WALKS)
def test_tcp_states_and_their_time_outs(walk: str, nat: object) -> None:
    segments, state, seconds = WALKS[walk]
    played = Segments(nat)
    assert played.play(*segments) == state
    assert played.seconds() == seconds
    assert played.entry.assured is (ACK in (flags for _, flags in segments[2:]) and len(segments) > 2)  # type: ignore[attr-defined]


def test_a_time_out_is_a_sysctl_and_counts_from_the_next_packet() -> None:
    played = Segments(tcp_timeout_established=50)
    played.play(*HANDSHAKE)
    assert played.seconds() == 50
    played.gateway.gw.settings.set("net.netfilter.nf_conntrack_tcp_timeout_established", 70)
    played.play(("a", PSH | ACK))
    assert played.seconds() == 70


def test_a_syn_after_the_end_begins_a_new_connection() -> None:
    played = Segments()
    played.play(*HANDSHAKE, ("a", RST))
    old = played.entry
    assert played.play(("a", SYN)) == "SYN_SENT"
    assert played.entry is not old
    established = played.play(("server", SYN | ACK), ("a", ACK))
    assert established == "ESTABLISHED"
    assert played.play(("a", SYN)) == "ESTABLISHED", "a SYN in the midst changes nothing"


@pytest.mark.parametrize("flags", [RST, FIN, FIN | ACK, SYN | ACK, SYN | FIN, 0, RST | ACK])
def test_such_a_segment_begins_no_connection(flags: int) -> None:
    played = Segments()
    assert played.play(("a", flags)) == "NONE"
    assert played.gateway.filter.table.directions == {}


def test_without_loose_only_a_syn_begins_a_connection() -> None:
    played = Segments(tcp_loose=0)
    assert played.play(("a", ACK)) == "NONE"
    assert played.play(("a", SYN)) == "SYN_SENT"


def test_udp_is_a_stream_when_it_still_exchanges_packets_after_two_seconds() -> None:
    gateway = Gateway()
    gateway.udp(gateway.a, SERVER, 5000, 9000)
    gateway.settle()
    (entry,) = gateway.filter.table.living()

    def seconds() -> int:
        return round((entry.expires_ns - gateway.gw.now) / SECOND)

    assert (seconds(), entry.seen_reply, entry.assured) == (30, False, False)
    gateway.udp(gateway.server, A, 9000, 5000)
    gateway.settle()
    assert (seconds(), entry.seen_reply, entry.assured) == (30, True, False)
    gateway.wait(2)
    gateway.udp(gateway.a, SERVER, 5000, 9000)
    gateway.settle()
    assert (seconds(), entry.seen_reply, entry.assured) == (120, True, True)
    gateway.wait(119)
    assert list(gateway.filter.table.living()) == [entry]
    gateway.wait(1)
    assert list(gateway.filter.table.living()) == []


def test_what_has_expired_is_found_no_more_and_is_taken_away_within_a_second() -> None:
    gateway = Gateway()
    gateway.udp(gateway.a, SERVER, 5000, 9000)
    gateway.settle()
    (entry,) = gateway.filter.table.living()
    gateway.gw.now += 30 * SECOND
    assert gateway.filter.table.find(entry.original.key) is None
    assert gateway.filter.table.entries == {} and gateway.filter.table.directions == {}
    gateway = Gateway()
    states: list[tuple[str, str, Cause]] = []
    gateway.gw.watch.add(type("Observer", (), {"state": lambda self, *told: states.append(told[2:])})())
    gateway.udp(gateway.a, SERVER, 5000, 9000)
    gateway.settle()
    gateway.wait(31)
    assert gateway.filter.table.entries == {}
    subject = f"conntrack udp {A}:5000 -> {SERVER}:9000"
    assert (subject, "TRACKED", "GONE", Cause.AGED) in states
    assert not gateway.gw.has_foreground()
    assert gateway.gw.next_deadline() is None or gateway.filter.table.deadline_ns > gateway.gw.now


def test_a_full_table_lets_the_unassured_give_way_and_drops_when_there_are_none() -> None:
    played = Segments(max=2)
    gateway = played.gateway
    played.play(*HANDSHAKE)
    gateway.udp(gateway.b, SERVER, 5000, 9000)
    gateway.udp(gateway.b, SERVER, 5001, 9000)
    gateway.settle()
    ports = [entry.original.key[2] for entry in gateway.filter.table.living()]
    assert ports == [1024, 5001], "the oldest one without an answer gave way"
    gateway.tcp(gateway.a, SERVER, 1025, 80, SYN)
    gateway.settle()
    gateway.tcp(gateway.server, A, 80, 1025, SYN | ACK)
    gateway.tcp(gateway.a, SERVER, 1025, 80, ACK)
    gateway.settle()
    gateway.gw.drops.clear()
    gateway.udp(gateway.b, SERVER, 5002, 9000)
    assert gateway.settle()[1:] == []
    assert gateway.drops() == {"CONNTRACK_FULL": 1}
    assert len(gateway.filter.table.entries) == 2


@pytest.mark.parametrize("to", ["192.168.1.255", "255.255.255.255", "224.0.0.1"])
def test_a_broadcast_or_multicast_begins_a_connection_that_stays_new(to: str) -> None:
    """As on Linux: answers come from the answerer's own address, so they are another connection's."""
    gateway = Gateway()
    gateway.gw.interfaces["eth0"].join(multicast_mac(ip("224.0.0.1")))
    for _ in range(2):
        gateway.udp(gateway.a, to, 68, 67)
        gateway.settle()
    (entry,) = gateway.filter.table.living()
    assert entry.text() == f"udp {A}:68 -> {to}:67"
    assert (entry.original.packets, entry.seen_reply) == (2, False)


def test_who_has_no_address_yet_begins_a_connection_too() -> None:
    gateway = Gateway()
    header = Ipv4Header(0, 0xFFFFFFFF, PROTOCOL_UDP, 64)
    frame = Frame(
        MAC_BROADCAST, gateway.a.interfaces["eth0"].mac, ETHERTYPE_IPV4, header, UdpHeader(68, 67), b"x"
    )
    gateway.gw.receive(gateway.gw.interfaces["eth0"], frame, gateway.joined.now)
    assert [each.text() for each in gateway.filter.table.living()] == ["udp 0.0.0.0:68 -> 255.255.255.255:67"]


def test_what_the_host_itself_sends_to_a_group_is_counted_once_and_new_to_its_own_sockets() -> None:
    gateway = Gateway()
    gateway.filter.firewall.chains["input"].rules.extend(
        [
            read_rule("accept input state new udp dport 67", "input", [])[1],
            read_rule("drop input udp dport 67", "input", [])[1],
        ]
    )
    gateway.filter.show_firewall()
    endpoint = gateway.gw.udp.open()
    assert endpoint.bind(0, 67) is None
    gateway.udp(gateway.gw, "192.168.1.255", 68, 67)
    gateway.udp(gateway.a, "192.168.1.1", 999, 998)  # the registers are another packet's meanwhile
    gateway.settle()
    assert [each.packets for each in gateway.filter.firewall.chains["input"].rules] == [1, 0]
    assert gateway.gw.udp.datagrams_in == 1
    (entry,) = [each for each in gateway.filter.table.living() if each.original.key[4] == 67]
    assert entry.original.packets == 1


def test_one_packet_over_lo_is_counted_once() -> None:
    gateway = Gateway()
    gateway.udp(gateway.gw, "127.0.0.1", 5000, 9000)
    gateway.settle()
    (entry,) = [each for each in gateway.filter.table.living() if each.protocol == 17]
    assert (entry.original.packets, entry.original.bytes) == (1, 29)


def test_every_transition_of_the_table_can_be_reached() -> None:
    """Data, not code: each line of it is used by a walk from the first SYN on."""
    reached = {(tcp_track.SYN_SENT, frozenset())}
    used = set()
    frontier = [(tcp_track.SYN_SENT, None)]
    seen = set(frontier)
    while frontier:
        state, closer = frontier.pop()
        for is_reply in (False, True):
            for flags in (SYN, SYN | ACK, ACK, FIN | ACK, RST):
                from_closer = None if closer is None else closer is is_reply
                after = tcp_track.next_state(state, flags, is_reply, from_closer)
                kind = tcp_track.kind_of(flags)
                who = tcp_track.REPLY if is_reply else tcp_track.ORIGINAL
                is_closer = kind == tcp_track.IS_FIN if from_closer is None else from_closer
                for each in (who, tcp_track.CLOSER if is_closer else tcp_track.OTHER):
                    if (state, each, kind) in tcp_track.TRANSITIONS:
                        used.add((state, each, kind))
                next_closer = is_reply if closer is None and flags & FIN else closer
                if (after, next_closer) not in seen:
                    seen.add((after, next_closer))
                    frontier.append((after, next_closer))
    assert used == set(tcp_track.TRANSITIONS) and reached
    assert {state for state, _ in seen} == set(range(1, len(tcp_track.NAMES)))
