"""R048: the longest prefix chooses the way, MACs are rewritten, IPs kept. R049: over two routers the IP pair is the
same on all three links and the MAC pair differs on each. R050: the destination stays the end host's; no next hop's
address is in the packet.
"""

from __future__ import annotations

from tests.acceptance.frames_seen import FramesSeen, ask, echo_server

from netarium import Net
from netarium.addresses import ipv4_text, parse_ipv4


def test_r048_the_longest_prefix_chooses_the_interface() -> None:
    net = Net(seed=1)
    net.router(
        "r",
        interfaces={"in": "10.0.0.1/24", "wide": "10.0.1.1/24", "narrow": "10.0.2.1/24"},
        routes=[
            {"to": "172.16.0.0/12", "via": "10.0.1.2"},
            {"to": "172.16.5.0/24", "via": "10.0.2.2"},
        ],
    )
    pc = net.host("pc", address="10.0.0.2/24", gateway="10.0.0.1")
    wide = net.host("w", interfaces={"a": "10.0.1.2/24", "b": "172.16.9.9/24"}, gateway="10.0.1.1")
    narrow = net.host("n", interfaces={"a": "10.0.2.2/24", "b": "172.16.5.5/24"}, gateway="10.0.2.1")
    net.link("r:in", pc)
    net.link("r:wide", "w:a")
    net.link("r:narrow", "n:a")
    wide.run(echo_server("172.16.9.9"))
    narrow.run(echo_server("172.16.5.5"))
    seen = FramesSeen(net)
    for target, interface, owner in (("172.16.9.9", "wide", wide), ("172.16.5.5", "narrow", narrow)):
        seen.clear()
        assert pc.call(ask, target) == (b"HELLO", target)
        (arrived,) = [f for f in seen.packets_by("pc:eth0") if f.network.destination == parse_ipv4(target)]
        (left,) = [
            f for f in seen.packets_by(f"r:{interface}") if f.network.destination == parse_ipv4(target)
        ]
        assert (left.network.source, left.network.destination) == (
            arrived.network.source,
            arrived.network.destination,
        )
        ports = net["r"].node.ports
        assert (arrived.destination, arrived.source) == (ports["in"].mac, pc.node.ports["eth0"].mac)
        assert (left.destination, left.source) == (owner.node.ports["a"].mac, ports[interface].mac)


def test_r049_and_r050_the_next_hop_and_the_end_over_two_routers() -> None:
    net = Net(seed=1)
    net.router("r1", interfaces={"a": "10.0.1.1/24", "b": "10.0.2.1/24"}, routing="rip")
    net.router("r2", interfaces={"a": "10.0.2.2/24", "b": "10.0.3.1/24"}, routing="rip")
    pc = net.host("pc", address="10.0.1.2/24", gateway="10.0.1.1")
    server = net.host("server", address="10.0.3.2/24", gateway="10.0.3.1")
    for one, other in ((pc, "r1:a"), ("r1:b", "r2:a"), ("r2:b", server)):
        net.link(one, other)
    net.drive(30 * 10**9, lambda: False)  # the routers find each other
    server.run(echo_server())
    seen = FramesSeen(net)
    assert pc.call(ask, "10.0.3.2") == (b"HELLO", "10.0.3.2")
    there = [
        frame
        for port in ("pc:eth0", "r1:b", "r2:b")
        for frame in seen.packets_by(port)
        if frame.network.destination == parse_ipv4("10.0.3.2")
    ]
    assert len(there) == 3
    assert {(frame.network.source, frame.network.destination) for frame in there} == {
        (parse_ipv4("10.0.1.2"), parse_ipv4("10.0.3.2"))
    }
    pairs = [(frame.source, frame.destination) for frame in there]
    assert len(set(pairs)) == 3, "the MAC pair differs on each link"
    hops = [parse_ipv4(text) for text in ("10.0.1.1", "10.0.2.1", "10.0.2.2", "10.0.3.1")]
    for frame in there:
        assert not any(hop.to_bytes(4, "big") in bytes(frame)[14:] for hop in hops), (
            "no next hop in the packet"
        )


def test_r050_the_destination_is_the_end_hosts_or_the_public_nat_address_on_every_hop() -> None:
    net = Net(seed=1)
    home = {"lan": "192.168.1.1/24", "wan": "203.0.113.1/24"}
    nat = {"inside": "lan", "outside": "wan", "source": "masquerade"}
    net.router("home", interfaces=home, nat=nat, gateway="203.0.113.254")
    net.router("isp", interfaces={"a": "203.0.113.254/24", "b": "198.51.100.254/24"})
    pc = net.host("pc", address="192.168.1.2/24", gateway="192.168.1.1")
    server = net.host("server", address="198.51.100.9/24", gateway="198.51.100.254")
    for one, other in ((pc, "home:lan"), ("home:wan", "isp:a"), ("isp:b", server)):
        net.link(one, other)
    server.run(echo_server())
    seen = FramesSeen(net)
    _said, _at = pc.call(ask, "198.51.100.9")

    def pairs(*ports: str) -> list[set[tuple[str, str]]]:
        """(source, destination) of the packets that each of these ports sent."""
        found = ([frame.network for frame in seen.packets_by(port)] for port in ports)
        return [{(ipv4_text(each.source), ipv4_text(each.destination)) for each in hop} for hop in found]

    public, inside, end = "203.0.113.1", "192.168.1.2", "198.51.100.9"
    assert pairs("pc:eth0", "home:wan", "isp:b") == [{(inside, end)}, {(public, end)}, {(public, end)}]
    assert pairs("server:eth0", "isp:a", "home:lan") == [{(end, public)}, {(end, public)}, {(end, inside)}]
    hops = [parse_ipv4(text) for text in ("192.168.1.1", "203.0.113.254", "198.51.100.254")]
    for port in ("pc:eth0", "home:wan", "isp:b", "server:eth0", "isp:a", "home:lan"):
        for frame in seen.packets_by(port):
            assert not any(hop.to_bytes(4, "big") in bytes(frame)[14:] for hop in hops)
    net.close()
