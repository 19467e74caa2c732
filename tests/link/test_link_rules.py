"""Rules: what each does to a frame, that they add up, and that no frame is lost without a name."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.link.wires import Bench, Keeper, numbered, sized

from netarium.errors import UsageError
from netarium.journey import Drop
from netarium.link.cable import Cable
from netarium.link.matching import DropMatching, Partition, parse_match
from netarium.link.verdict import Verdict, Way
from netarium.wire.arp import ArpPacket
from netarium.wire.ethernet import ETHERTYPE_ARP, ETHERTYPE_IPV4, Frame
from netarium.wire.icmp import IcmpHeader
from netarium.wire.ipv4 import PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, Ipv4Header
from netarium.wire.tcp import ACK, FIN, PSH, RST, SYN, TcpHeader
from netarium.wire.udp import UdpHeader


def pair(bench: Bench, **numbers: object) -> tuple[Cable, Keeper]:
    a, _ = bench.port()
    b, keeper = bench.port()
    return bench.cable(a, b, **numbers), keeper


class Says:
    """A rule that gives the verdicts it was told, one a frame, then passes."""

    def __init__(self, *verdicts: Verdict | None) -> None:
        self.verdicts = list(verdicts)

    def judge(self, frame: Frame, now: int, direction: Way) -> Verdict | None:
        return self.verdicts.pop(0) if self.verdicts else None


def ip(transport: TcpHeader | UdpHeader | IcmpHeader, protocol: int) -> Frame:
    return Frame(2, 1, ETHERTYPE_IPV4, Ipv4Header(0x0A000001, 0x0A000002, protocol, 64), transport, b"data")


def tcp(flags: int, source_port: int = 4000, destination_port: int = 80) -> Frame:
    return ip(TcpHeader(source_port, destination_port, 1, 1, flags, 100), PROTOCOL_TCP)


def udp(source_port: int, destination_port: int) -> Frame:
    return ip(UdpHeader(source_port, destination_port), PROTOCOL_UDP)


def icmp(kind: int) -> Frame:
    return ip(IcmpHeader(kind, 0), PROTOCOL_ICMP)


def arp(operation: int) -> Frame:
    packet = ArpPacket(operation, 1, 0x0A000001, 0, 0x0A000002)
    return Frame(0xFFFFFFFFFFFF, 1, ETHERTYPE_ARP, packet, None, b"")


@pytest.mark.parametrize(
    ("verdict", "arrivals", "drops"),
    [
        (None, [512], []),
        (Verdict(Drop.RULE_LOSS), [], [Drop.RULE_LOSS]),
        (Verdict(Drop.PARTITION), [], [Drop.PARTITION]),
        (Verdict(delay_ns=100), [612], []),
        (Verdict(delay_ns=-100), [512], []),  # never faster than the wire
        (Verdict(hold_ns=50), [562], []),
        (Verdict(duplicate=True), [512, 512], []),
        (Verdict(flip=7), [], [Drop.FRAME_CHECK_SEQUENCE]),
        (Verdict(flip=200, hold_ns=5), [], [Drop.FRAME_CHECK_SEQUENCE]),
        (Verdict(flip=200, after_fcs=True), [512], []),
    ],
)
def test_a_verdict_is_carried_out(verdict: Verdict | None, arrivals: list[int], drops: list[Drop]) -> None:
    bench = Bench()
    cable, keeper = pair(bench, delay_ns=0)
    cable.add_rule(Says(verdict))
    cable.a.transmit(sized(60))
    bench.run()
    assert keeper.times == arrivals
    assert bench.drops.reasons == drops
    assert bench.engine.foreground == 0


def test_verdicts_add_up_and_a_drop_ends_it() -> None:
    bench = Bench()
    cable, keeper = pair(bench, delay_ns=0)
    never_asked = Says(Verdict(delay_ns=1))
    cable.add_rule(Says(Verdict(delay_ns=10), Verdict(Drop.RULE_DROP)))
    cable.add_rule(Says(Verdict(delay_ns=20, duplicate=True)))
    cable.a.transmit(numbered(1))
    cable.add_rule(never_asked)
    cable.a.transmit(numbered(2))
    bench.run()
    assert keeper.times == [542, 542]
    assert bench.drops.reasons == [Drop.RULE_DROP]
    assert len(never_asked.verdicts) == 1


def test_a_rule_for_one_sender_leaves_the_other_direction_alone() -> None:
    bench = Bench()
    a, at_a = bench.port()
    b, at_b = bench.port()
    cable = bench.cable(a, b)
    rule = DropMatching(parse_match("tcp"))
    cable.add_rule(rule, sender=a)
    a.transmit(tcp(ACK))
    b.transmit(tcp(ACK))
    bench.run()
    assert (len(at_b.got), len(at_a.got)) == (0, 1)
    cable.remove_rule(rule)
    a.transmit(tcp(ACK))
    bench.run()
    assert len(at_b.got) == 1


def test_jitter_spreads_the_delay_both_ways_and_keeps_the_order() -> None:
    bench = Bench()
    cable, keeper = pair(bench, delay_ns=50_000, jitter_ns=20_000, rate_bps=None)

    class Sender:
        def fire(self, argument: int) -> None:
            cable.a.transmit(numbered(argument))

    for number in range(300):
        bench.engine.at(number * 1_000_000, Sender(), number)
    for number in range(300, 600):
        bench.engine.at(300_000_000, Sender(), number)
    bench.run()
    assert keeper.numbers == list(range(600))
    assert keeper.times == sorted(keeper.times)
    apart = [time_ns - number * 1_000_000 for number, time_ns in enumerate(keeper.times[:300])]
    assert min(apart) >= 30_000
    assert max(apart) <= 70_000
    assert min(apart) < 35_000
    assert max(apart) > 65_000


def test_reordering_changes_the_order_and_loses_nothing() -> None:
    bench = Bench()
    cable, keeper = pair(bench, reorder=0.2)
    for number in range(500):
        cable.a.transmit(numbered(number, 1514))
    bench.run()
    assert sorted(keeper.numbers) == list(range(500))
    assert keeper.numbers != list(range(500))
    late = sum(one > other for one, other in zip(keeper.numbers, keeper.numbers[1:], strict=False))
    assert 50 < late < 150  # about a fifth of them was overtaken


def test_a_frame_held_back_is_lost_by_a_cut_before_it_arrives_and_not_by_one_after() -> None:
    bench = Bench()
    cable, keeper = pair(bench, reorder=1.0)
    cable.a.transmit(numbered(1))
    bench.run()
    cable.cut()
    cable.heal()
    assert keeper.numbers == [1]
    assert bench.drops.reasons == []
    cable.a.transmit(numbered(2))
    cable.cut()
    bench.run()
    assert keeper.numbers == [1]
    assert bench.drops.reasons == [Drop.LINK_DOWN]
    assert bench.engine.foreground == 0


@pytest.mark.parametrize("chance", ["loss", "duplicate", "corrupt"])
@pytest.mark.parametrize(("probability", "least", "most"), [(0, 0, 0), (1, 2000, 2000), (0.1, 130, 270)])
def test_chances_come_as_often_as_they_should(chance: str, probability: float, least: int, most: int) -> None:
    bench = Bench()
    cable, keeper = pair(bench, queue_frames=2000, **{chance: probability})
    for number in range(2000):
        cable.a.transmit(numbered(number))
    bench.run()
    direction = cable.directions[0]
    count = {
        "loss": direction.drops.get(Drop.RULE_LOSS, 0),
        "duplicate": direction.duplicated,
        "corrupt": cable.b.frames_damaged,
    }[chance]
    assert least <= count <= most
    assert len(keeper.got) == 2000 + (count if chance == "duplicate" else -count)


def test_one_more_rule_does_not_change_what_another_one_loses() -> None:
    def lost(**numbers: object) -> list[int]:
        bench = Bench(seed=5)
        cable, keeper = pair(bench, loss=0.3, queue_frames=500, **numbers)
        for number in range(500):
            cable.a.transmit(numbered(number))
        bench.run()
        return sorted(set(range(500)) - set(keeper.numbers))

    assert lost() == lost(reorder=0.2) == lost(duplicate=0.2, jitter_ns=100)
    assert lost() != []


def test_a_chance_may_be_changed_while_the_net_runs() -> None:
    bench = Bench()
    cable, keeper = pair(bench)
    cable.loss = 1.0
    cable.a.transmit(numbered(1))
    cable.loss = 0.0
    cable.a.transmit(numbered(2))
    bench.run()
    assert keeper.numbers == [2]
    with pytest.raises(UsageError, match="loss"):
        cable.loss = 2.0
    assert cable.loss == 0.0


def test_a_bit_that_flips_where_no_fcs_covers_it_is_found_by_the_checksum_above() -> None:
    bench = Bench()
    cable, keeper = pair(bench, corrupt=1.0, corrupt_after_fcs=True)
    segment = TcpHeader(4000, 80, 1, 1, ACK, 100)
    whole = Frame(2, 1, ETHERTYPE_IPV4, Ipv4Header(1, 2, PROTOCOL_TCP, 64), segment, bytes(500))  # no padding
    for _ in range(300):
        cable.a.transmit(whole)
    bench.run()
    assert len(keeper.got) == 300
    assert cable.b.frames_damaged == 0
    assert all(frame != whole for frame in keeper.frames)
    in_ip = [frame for frame in keeper.frames if bytes(frame)[:14] == bytes(whole)[:14]]
    assert {Drop.TCP_CHECKSUM, Drop.IP_CHECKSUM} <= {frame.fault for frame in in_ip}
    assert all(frame.fault is not None for frame in in_ip)


@pytest.mark.parametrize(
    ("spec", "matching", "others"),
    [
        ("arp", [arp(1), arp(2)], [tcp(SYN), udp(1, 2), sized(60)]),
        ({"arp": "request"}, [arp(1)], [arp(2), tcp(SYN)]),
        ("ip", [tcp(SYN), udp(1, 2), icmp(8)], [arp(1), sized(60)]),
        ("icmp", [icmp(8), icmp(0)], [tcp(SYN), arp(1)]),
        ({"icmp": "echo-request"}, [icmp(8)], [icmp(0)]),
        ({"icmp": 3}, [icmp(3)], [icmp(8)]),
        ("udp", [udp(1, 2)], [tcp(SYN)]),
        ({"udp": 53}, [udp(53, 2), udp(9, 53)], [udp(1, 2), tcp(SYN, 53)]),
        ({"udp": "53"}, [udp(53, 2)], [udp(1, 2)]),
        ({"tcp": 80}, [tcp(ACK), tcp(ACK, 80, 5)], [tcp(ACK, 5, 6), udp(80, 80)]),
        ({"tcp": "syn"}, [tcp(SYN)], [tcp(SYN | ACK), tcp(ACK), udp(1, 2)]),
        ({"tcp": "syn+ack"}, [tcp(SYN | ACK)], [tcp(SYN), tcp(ACK)]),
        ({"tcp": "fin"}, [tcp(FIN), tcp(FIN | ACK), tcp(FIN | PSH | ACK)], [tcp(ACK), tcp(RST | ACK)]),
        ({"tcp": "rst"}, [tcp(RST), tcp(RST | ACK)], [tcp(FIN | ACK)]),
        ({"tcp": "ack"}, [tcp(ACK), tcp(PSH | ACK)], [tcp(SYN | ACK), tcp(FIN | ACK), tcp(RST | ACK)]),
    ],
)
def test_a_match_means_what_its_words_say(
    spec: str | dict[str, object], matching: list[Frame], others: list[Frame]
) -> None:
    match = parse_match(spec)
    assert all(match.matches(frame) for frame in matching)
    assert not any(match.matches(frame) for frame in others)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("tpc", "one of arp, ip, icmp, udp, tcp"),
        ({"tcp": "syn+akk"}, "'akk' is no TCP flag"),
        ({"udp": 70000}, "up to 65535"),
        ({"udp": "dns"}, "up to 65535"),
        ({"icmp": "ping"}, "echo-request"),
        ({"ip": 4}, "ip"),
        ({"tcp": 1, "udp": 1}, "names 2 protocols"),
    ],
)
def test_a_match_that_means_nothing_is_refused(spec: str | dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_match(spec)


@pytest.mark.parametrize(
    ("turns", "arriving"),
    [
        ({}, []),
        ({"nth": 1}, [1, 2, 3, 4]),
        ({"nth": 3}, [0, 1, 3, 4]),
        ({"count": 2}, [2, 3, 4]),
        ({"nth": 2, "count": 2}, [0, 3, 4]),
        ({"sender": "b"}, [0, 1, 2, 3, 4]),
        ({"sender": "a", "count": 4}, [4]),
    ],
)
def test_which_occurrences_are_dropped(turns: dict[str, int], arriving: list[int]) -> None:
    bench = Bench()
    cable, keeper = pair(bench)
    rule = DropMatching(parse_match("udp"), **turns)  # type: ignore[arg-type]
    cable.add_rule(rule)
    for number in range(5):
        cable.a.transmit(udp(number, 9))
        cable.a.transmit(tcp(ACK))
    bench.run()
    ports = [f.transport.source_port for f in keeper.frames if isinstance(f.transport, UdpHeader)]
    assert ports == arriving
    assert rule.dropped == 5 - len(arriving)
    assert len(keeper.got) == 5 + len(arriving)


class Box:
    """A node as a partition sees it."""

    def __init__(self, name: str, mac: int, address: int) -> None:
        self.name = name
        self.mac = mac
        self.address = address

    def owns_mac(self, mac: int) -> bool:
        return mac == self.mac

    def owns_address(self, address: int) -> bool:
        return address == self.address


@pytest.mark.parametrize(
    ("frame", "arrives"),
    [
        (Frame(2, 1, ETHERTYPE_IPV4, Ipv4Header(11, 12, PROTOCOL_UDP, 64), UdpHeader(1, 2), b""), False),
        (Frame(9, 1, ETHERTYPE_IPV4, Ipv4Header(11, 12, PROTOCOL_UDP, 64), UdpHeader(1, 2), b""), False),
        (Frame(2, 9, ETHERTYPE_IPV4, Ipv4Header(11, 12, PROTOCOL_UDP, 64), UdpHeader(1, 2), b""), False),
        (Frame(3, 1, ETHERTYPE_IPV4, Ipv4Header(11, 13, PROTOCOL_UDP, 64), UdpHeader(1, 2), b""), True),
        (Frame(2, 3, ETHERTYPE_IPV4, Ipv4Header(13, 12, PROTOCOL_UDP, 64), UdpHeader(1, 2), b""), True),
        (Frame(0xFFFFFFFFFFFF, 1, ETHERTYPE_ARP, ArpPacket(1, 1, 11, 0, 12), None, b""), False),
        (Frame(0xFFFFFFFFFFFF, 1, ETHERTYPE_ARP, ArpPacket(1, 1, 11, 0, 13), None, b""), True),
    ],
)
def test_a_partition_separates_its_sides_on_any_cable_between_them(frame: Frame, arrives: bool) -> None:
    bench = Bench()
    x, _ = bench.port("switch:p1")
    y, keeper = bench.port("router:eth0")
    cable = bench.cable(x, y)
    cable.add_rule(Partition([Box("one", 1, 11)], [Box("other", 2, 12)]))
    x.transmit(frame)
    bench.run()
    assert (len(keeper.got) == 1) is arrives
    assert bench.drops.reasons == ([] if arrives else [Drop.PARTITION])


def test_a_partition_leaves_the_members_of_a_side_together() -> None:
    bench = Bench()
    x, _ = bench.port("switch:p1")
    y, keeper = bench.port("router:eth0")
    cable = bench.cable(x, y)
    cable.add_rule(Partition([Box("one", 1, 11), Box("two", 3, 13)], [Box("other", 2, 12)]))
    x.transmit(Frame(3, 1, ETHERTYPE_IPV4, Ipv4Header(11, 13, PROTOCOL_UDP, 64), UdpHeader(1, 2), b""))
    bench.run()
    assert len(keeper.got) == 1


def test_a_broadcast_does_not_reach_the_other_side_of_a_partition() -> None:
    bench = Bench()
    x, _ = bench.port("switch:p1")
    y, keeper = bench.port("other:eth0")
    cable = bench.cable(x, y)
    cable.add_rule(Partition([Box("one", 1, 11)], [Box("other", 2, 12)]))
    x.transmit(Frame(0xFFFFFFFFFFFF, 1, ETHERTYPE_ARP, ArpPacket(1, 1, 11, 0, 13), None, b""))
    bench.run()
    assert keeper.got == []


chance = st.sampled_from([0.0, 0.0, 0.3, 0.9])


@given(
    seed=st.integers(0, 2**32),
    chances=st.fixed_dictionaries(
        {
            "loss": chance,
            "duplicate": chance,
            "reorder": chance,
            "corrupt": chance,
            "corrupt_after_fcs": st.booleans(),
            "jitter_ns": st.sampled_from([0, 5_000, 1_000_000]),
            "queue_frames": st.sampled_from([0, 3, 1000]),
            "wire_bytes": st.booleans(),
        }
    ),
    acts=st.lists(
        st.sampled_from(["send", "burst", "burst", "long", "cut", "heal", "wait", "wait"]), max_size=40
    ),
)
@settings(max_examples=150, deadline=None)
def test_every_frame_sent_is_delivered_or_dropped_by_name(
    seed: int, chances: dict[str, object], acts: list[str]
) -> None:
    bench = Bench(seed)
    cable, keeper = pair(bench, **chances)
    sent = 0
    for act in acts:
        if act == "cut":
            cable.cut()
        elif act == "heal":
            cable.heal()
        elif act == "wait":
            bench.run(until_ns=bench.engine.now + 20_000)
        else:
            for _ in range(5 if act == "burst" else 1):
                cable.a.transmit(sized(2000) if act == "long" else numbered(sent))
                sent += 1
    bench.run()
    direction = cable.directions[0]
    assert sent + direction.duplicated == len(keeper.got) + len(bench.drops.all)
    assert sent == cable.a.frames_sent + cable.a.frames_refused
    assert bench.engine.foreground == 0
    assert keeper.times == sorted(keeper.times)
