"""ARP: who asks whom, what is learned, what ages, and who is told when nobody answers (RFC 826, RFC 1122 2.3.2)."""

from __future__ import annotations

from tests.stack.joined import MS, SECOND, Joined, arps, drops, ip, packets, pair, routed

from netarium.stack.failures import Failure
from netarium.stack.icmp import IcmpHeader
from netarium.wire.arp import REPLY, REQUEST, ArpPacket
from netarium.wire.ethernet import ETHERTYPE_ARP, MAC_BROADCAST, Frame
from netarium.wire.ipv4 import PROTOCOL_ICMP


def say(stack, text: bytes, address: str, port: int = 9, endpoint=None):
    endpoint = endpoint or stack.udp.open()
    assert endpoint.send_to(text, ip(address), port) is None
    return endpoint


def test_first_packet_waits_for_the_mac_and_then_goes():
    joined, a, b = pair()
    server = b.udp.open()
    server.bind(0, 9)
    say(a, b"x", "10.0.0.2")
    joined.quiesce()
    request, reply = arps(joined.sent)
    assert request.destination == MAC_BROADCAST
    assert request.network == ArpPacket(REQUEST, a.interfaces["eth0"].mac, ip("10.0.0.1"), 0, ip("10.0.0.2"))
    assert reply.destination == a.interfaces["eth0"].mac, "the reply is unicast"
    assert reply.network.operation == REPLY
    assert bytes(server.receive().payload) == b"x"


def test_both_learn_from_one_exchange():
    joined, a, b = pair()
    say(a, b"x", "10.0.0.2")
    joined.quiesce()
    assert a.interfaces["eth0"].neighbors.entries[ip("10.0.0.2")].mac == b.interfaces["eth0"].mac
    assert b.interfaces["eth0"].neighbors.entries[ip("10.0.0.1")].mac == a.interfaces["eth0"].mac


def test_packets_wait_in_order_and_one_request_serves_them_all():
    joined, a, b = pair()
    server = b.udp.open()
    server.bind(0, 9)
    client = a.udp.open()
    for number in range(5):
        say(a, bytes([number]), "10.0.0.2", endpoint=client)
    joined.quiesce()
    assert len(arps(joined.sent)) == 2
    assert [bytes(server.receive().payload)[0] for _ in range(5)] == [0, 1, 2, 3, 4]


def test_three_requests_a_second_apart_then_host_unreachable_after_three_seconds():
    joined, a, _ = pair()
    client = a.udp.open()
    client.all_errors = True
    client.connect(ip("10.0.0.77"), 9)
    say(a, b"x", "10.0.0.77", endpoint=client)
    assert a.has_foreground(), "a request in flight keeps a run going"
    joined.wait(2999 * MS)
    assert [sent.time_ns for sent in joined.sent] == [0, SECOND, 2 * SECOND]
    assert client.error is None
    joined.wait(1 * MS)
    assert client.take_error() is Failure.HOST_UNREACHABLE
    assert drops(a)["NEIGHBOR_UNREACHABLE"] == 1
    assert not a.has_foreground()


def test_a_packet_after_the_failure_asks_again():
    joined, a, b = pair()
    joined.lose = lambda sent: True
    say(a, b"x", "10.0.0.2")
    joined.wait(4 * SECOND)
    joined.lose = lambda sent: False
    joined.take()
    server = b.udp.open()
    server.bind(0, 9)
    say(a, b"y", "10.0.0.2")
    joined.quiesce()
    assert bytes(server.receive().payload) == b"y"


def test_the_queue_is_limited_by_bytes_and_drops_the_oldest():
    _joined, a, _ = pair()
    a.settings.set("net.ipv4.neigh.default.unres_qlen_bytes", 3000)
    client = a.udp.open()
    for number in range(4):
        say(a, bytes([number]) * 958, "10.0.0.77", endpoint=client)  # frames of 1000 bytes
    entry = a.interfaces["eth0"].neighbors.entries[ip("10.0.0.77")]
    assert [bytes(frame.payload[:1]) for frame in entry.queue] == [b"\1", b"\2", b"\3"]
    assert drops(a) == {"NEIGHBOR_QUEUE_FULL": 1}


def test_an_entry_past_its_time_is_used_five_seconds_more_and_then_probed_by_unicast():
    joined, a, b = pair()
    b.udp.open().bind(0, 9)  # so that b has nothing to say
    client = say(a, b"x", "10.0.0.2")
    joined.wait(31 * SECOND)
    entry = a.interfaces["eth0"].neighbors.entries[ip("10.0.0.2")]
    assert entry.shown_state(joined.now) == "STALE"
    joined.take()
    client.take_error()
    say(a, b"x", "10.0.0.2", endpoint=client)
    joined.quiesce()
    assert not arps(joined.sent), "the old MAC is trusted for now"
    assert not a.has_foreground(), "ageing does not keep a run going"
    joined.take()
    joined.wait(5 * SECOND)
    probe, answer = arps(joined.sent)
    assert probe.destination == b.interfaces["eth0"].mac
    assert answer.network.operation == REPLY
    assert entry.state == "REACHABLE"


def test_an_unused_entry_is_forgotten_a_minute_after_its_time():
    joined, a, _ = pair()
    client = say(a, b"x", "10.0.0.2")
    joined.wait(91 * SECOND)
    assert a.interfaces["eth0"].neighbors.listing() == []
    joined.take()
    client.take_error()
    say(a, b"x", "10.0.0.2", endpoint=client)
    joined.quiesce()
    assert arps(joined.sent)[0].destination == MAC_BROADCAST


def test_a_probed_neighbour_that_is_gone_fails_after_three_probes():
    joined, a, _ = pair()
    client = say(a, b"x", "10.0.0.2")
    joined.wait(31 * SECOND)
    client.take_error()
    joined.lose = lambda sent: True
    joined.take()
    say(a, b"x", "10.0.0.2", endpoint=client)
    joined.wait(8 * SECOND)
    assert len(arps(joined.take())) == 3
    assert a.interfaces["eth0"].neighbors.entries[ip("10.0.0.2")].state == "FAILED"


def arp_to(stack, packet: ArpPacket, destination: int = MAC_BROADCAST) -> None:
    frame = Frame(destination, packet.sender_mac, ETHERTYPE_ARP, packet, None, b"")
    stack.receive(stack.interfaces["eth0"], frame, stack.now)


def test_requests_for_others_teach_nothing_new_but_update_what_is_known():
    _, a, _ = pair()
    table = a.interfaces["eth0"].neighbors
    arp_to(a, ArpPacket(REQUEST, 0x02AA00000001, ip("10.0.0.9"), 0, ip("10.0.0.8")))
    assert not table.entries
    assert drops(a) == {"ARP_NOT_FOR_US": 1}
    arp_to(a, ArpPacket(REQUEST, 0x02AA00000001, ip("10.0.0.9"), 0, ip("10.0.0.1")))
    arp_to(a, ArpPacket(REQUEST, 0x02AA00000002, ip("10.0.0.9"), 0, ip("10.0.0.9")))  # gratuitous
    assert table.entries[ip("10.0.0.9")].mac == 0x02AA00000002


def test_a_probe_is_answered_and_teaches_nothing():
    joined, a, _ = pair()
    arp_to(a, ArpPacket(REQUEST, 0x02AA00000001, 0, 0, ip("10.0.0.1")))
    assert arps(joined.sent)[0].network.operation == REPLY
    assert not a.interfaces["eth0"].neighbors.entries


def test_another_with_our_address_is_reported_and_not_believed():
    _, a, _ = pair()
    arp_to(a, ArpPacket(REPLY, 0x02AA00000001, ip("10.0.0.1"), a.interfaces["eth0"].mac, ip("10.0.0.1")))
    assert not a.interfaces["eth0"].neighbors.entries
    assert drops(a) == {"ARP_NOT_FOR_US": 1}


def test_a_group_address_is_never_learned():
    _, a, _ = pair()
    arp_to(a, ArpPacket(REQUEST, MAC_BROADCAST, ip("10.0.0.9"), 0, ip("10.0.0.1")))
    arp_to(a, ArpPacket(9, 0x02AA00000001, ip("10.0.0.9"), 0, ip("10.0.0.1")))
    assert not a.interfaces["eth0"].neighbors.entries
    assert drops(a) == {"ARP_MALFORMED": 2}


def test_a_permanent_entry_is_never_asked_for_nor_overwritten():
    joined, a, _ = pair()
    a.interfaces["eth0"].neighbors.add_permanent(ip("10.0.0.50"), 0x02AA00000050)
    arp_to(a, ArpPacket(REQUEST, 0x02AA00000001, ip("10.0.0.50"), 0, ip("10.0.0.1")))
    joined.take()
    joined.wait(1000 * SECOND)
    say(a, b"x", "10.0.0.50")
    assert [frame.destination for frame in packets(joined.sent)] == [0x02AA00000050]


def test_a_router_tells_the_sender_that_nobody_answers():
    joined = Joined()
    a = joined.host("a", "10.0.1.1/24", gateway="10.0.1.254")
    r = joined.host("r", "10.0.1.254/24", "10.0.2.254/24", ip_forward=1)
    joined.segment(a.interfaces["eth0"], r.interfaces["eth0"])
    joined.segment(r.interfaces["eth1"])
    raw = a.raw.open(PROTOCOL_ICMP)
    say(a, b"x", "10.0.2.1")
    joined.wait(3 * SECOND)
    packet, source = raw.receive()
    assert source == ip("10.0.1.254")
    assert IcmpHeader.parse(packet[20:]) == IcmpHeader(3, 1)


def test_the_table_is_limited_and_the_oldest_idle_entry_makes_room():
    _, a, _ = pair()
    a.settings.set("net.ipv4.neigh.default.gc_thresh3", 2)
    for number in (1, 2):
        arp_to(a, ArpPacket(REQUEST, 0x02AA00000000 + number, ip(f"10.0.0.2{number}"), 0, ip("10.0.0.1")))
    arp_to(a, ArpPacket(REQUEST, 0x02AA00000003, ip("10.0.0.23"), 0, ip("10.0.0.1")))
    assert ip("10.0.0.23") not in a.interfaces["eth0"].neighbors.entries, "both are proven: no room"
    a.enter(40 * SECOND)
    arp_to(a, ArpPacket(REQUEST, 0x02AA00000003, ip("10.0.0.23"), 0, ip("10.0.0.1")))
    assert list(a.interfaces["eth0"].neighbors.entries) == [ip("10.0.0.22"), ip("10.0.0.23")]


def test_proxy_arp_is_off_and_answers_for_others_when_it_is_on():
    joined, a, r, _b = routed()
    a.add_address("eth0", ip("10.0.2.9"), 24)  # a believes that b is on its link
    for asked in (0, 1):
        r.settings.set("net.ipv4.conf.all.proxy_arp", asked)
        a.udp.open().send_to(b"x", ip("10.0.2.1"), 9)
        joined.wait(4 * SECOND)
        known = a.interfaces["eth0"].neighbors.entries[ip("10.0.2.1")]
        assert (known.mac == r.interfaces["eth0"].mac) is bool(asked)
