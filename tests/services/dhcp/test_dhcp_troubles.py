"""The DHCP client when messages are lost, leases are odd, or servers change their minds."""

from __future__ import annotations

import itertools
import socket
import time

from tests.services.dhcp.test_dhcp_service import LAN, Messages, address, office, passes

from netarium import Net
from netarium.services.dhcp.lease_setup import ClientLease
from netarium.wire import dhcp
from netarium.wire.dhcp import DhcpMessage

SECOND = 10**9


def ack(**options: bytes) -> DhcpMessage:
    given = {dhcp.MESSAGE_TYPE: b"\x05", dhcp.LEASE_TIME: (3600).to_bytes(4, "big")}
    given |= {getattr(dhcp, name): value for name, value in options.items()}
    return DhcpMessage(dhcp.BOOT_REPLY, 1, bytes(6), given, your_address=0x0A000005)


def test_a_lost_discover_is_sent_again_after_about_four_seconds():
    net, clock, pc = office()
    net.drop({"udp": "67"}, sender="pc", nth=1)
    messages = Messages(net)
    passes(clock, 30)
    assert messages.told() == ["pc DISCOVER", "pc DISCOVER", "gw OFFER", "pc REQUEST", "gw ACK"]
    assert address(pc) == ["192.168.1.100/24"]


def test_a_lost_ack_is_asked_for_again():
    net, clock, pc = office()
    net.drop({"udp": "68"}, sender="gw", nth=2)
    messages = Messages(net)
    passes(clock, 30)
    assert messages.told() == [
        "pc DISCOVER", "gw OFFER", "pc REQUEST", "gw ACK", "pc REQUEST", "gw ACK",
    ]  # fmt: skip
    assert address(pc) == ["192.168.1.100/24"]


def test_a_refused_renewal_starts_anew():
    """The server forgets all leases, and the address goes to another before the client renews."""
    net, clock, pc = office()
    passes(clock, 10)
    net["gw"].crash()
    net["gw"].node.disk.clear()
    net["gw"].boot()
    thief = net.host("thief", address="dhcp", link=net["switch"])
    thief_address = "192.168.1.101/24"
    passes(clock, 30)
    # The pool's first address is pinged before it is offered: the client still has it, so the thief gets the next.
    assert address(thief) == [thief_address]
    assert "Abandoning IP address 192.168.1.100" in net.service("gw/dhcpd").stdout
    messages = Messages(net)
    passes(clock, 1800)
    told = [each for each in messages.told() if not each.startswith("thief")]
    assert told[:2] == ["pc REQUEST", "gw NAK"]
    assert address(pc) == ["192.168.1.102/24"]


def test_a_reboot_without_the_server_waits_and_then_starts_anew():
    net, clock, pc = office()
    passes(clock, 10)
    pc.crash()
    net["gw"].crash()
    messages = Messages(net)
    pc.boot()
    passes(clock, 60)
    assert messages.told()[0] == "pc REQUEST"
    assert messages.states[:2] == ["REBOOTING", "INIT"]
    net["gw"].boot()
    passes(clock, 400)
    assert address(pc) == ["192.168.1.100/24"]


def test_nobody_answers_and_it_tries_again_after_five_minutes():
    net = Net(seed=1, names=False)
    switch = net.switch("switch")
    clock = net.host("clock", address="192.168.1.9/24", link=switch)
    pc = net.host("pc", address="dhcp", link=switch)
    messages = Messages(net)
    passes(clock, 70)
    assert messages.told() == ["pc DISCOVER"] * 4
    passes(clock, 270)
    assert len(messages.told()) == 4, "it rests"
    passes(clock, 30)
    assert len(messages.told()) > 4
    assert address(pc) == []


def test_the_back_off_doubles_and_wavers_by_a_second():
    net = Net(seed=1, names=False)
    switch = net.switch("switch")
    clock = net.host("clock", address="192.168.1.9/24", link=switch)
    net.host("pc", address="dhcp", link=switch)
    moments: list[int] = []

    class Sent:
        def frame(self, now: int, port: object, stop: object, frame: object) -> None:
            if port.name == "pc:eth0":
                moments.append(now)

    net.watch.add(Sent())
    passes(clock, 70)
    gaps = [(later - earlier) / SECOND for earlier, later in itertools.pairwise(moments)]
    assert [round(gap / wanted) for gap, wanted in zip(gaps, (4, 8, 16), strict=True)] == [1, 1, 1]
    assert all(abs(gap - wanted) <= 1 for gap, wanted in zip(gaps, (4, 8, 16), strict=True))
    assert any(gap not in (4, 8, 16) for gap in gaps)


def test_a_lease_for_ever_is_never_renewed():
    lease = ClientLease.of(ack(LEASE_TIME=b"\xff" * 4), 5 * SECOND, 1)
    assert (lease.renew_ns, lease.rebind_ns, lease.expires_ns) == (0, 0, 0)


def test_odd_acks_are_understood_or_refused():
    plain = ClientLease.of(ack(), 0, 7)
    assert (plain.length, plain.server) == (24, 7)
    assert (plain.renew_ns, plain.rebind_ns, plain.expires_ns) == (
        1800 * SECOND,
        3150 * SECOND,
        3600 * SECOND,
    )
    reversed_times = ack(RENEWAL_TIME=(3000).to_bytes(4, "big"), REBINDING_TIME=(10).to_bytes(4, "big"))
    assert ClientLease.of(reversed_times, 0, 7).renew_ns == 1800 * SECOND
    assert ClientLease.of(ack(SUBNET_MASK=b"\xff\x00\xff\x00"), 0, 7) is None
    assert ClientLease.of(ack(LEASE_TIME=b"\0\0\0\0"), 0, 7) is None


def test_two_interfaces_each_get_a_lease():
    net = Net(seed=3, names=False)
    left, right = net.switch("left"), net.switch("right")
    net.router("gw", interfaces={"lan": "192.168.1.1/24"}, dhcp=LAN)
    net.link("gw:lan", left)
    net.router("other", interfaces={"lan": "10.0.0.1/24"}, dhcp={"lan": {"range": "10.0.0.50-10.0.0.60"}})
    net.link("other:lan", right)
    both = net.host("both", interfaces={"eth0": "dhcp", "eth1": "dhcp"})
    net.link("both:eth0", left)
    net.link("both:eth1", right)
    service = both.run(nothing, after="dhcp", stdin="")
    net.run_until(service)
    assert both.addresses == {"eth0": ["192.168.1.100/24"], "eth1": ["10.0.0.50/24"]}


def nothing() -> None:
    """A program that has nothing to do."""


def test_a_foreign_reply_is_not_taken():
    """Replies with another transaction or another's hardware address are nobody's."""
    _net, clock, pc = office()

    def mislead() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sock.bind(("192.168.1.9", 0))
            for _ in range(20):
                wrong = DhcpMessage(
                    dhcp.BOOT_REPLY, 99, bytes(6), {dhcp.MESSAGE_TYPE: b"\x02", dhcp.SERVER_IDENTIFIER: bytes(4)},
                    your_address=0x0A0A0A0A,
                )  # fmt: skip
                sock.sendto(wrong.emit(), ("255.255.255.255", 68))
                time.sleep(0.1)

    clock.call(mislead)
    passes(clock, 10)
    assert address(pc) == ["192.168.1.100/24"]
