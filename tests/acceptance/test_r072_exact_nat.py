"""R072: the four headers of one exchange through NAT, in exactly this order."""

from __future__ import annotations

from tests.acceptance.frames_seen import FramesSeen
from tests.acceptance.nat_nets import ask_udp, behind_gateway, whoami

from netarium.addresses import ipv4_text
from netarium.journey import Stop
from netarium.wire.ipv4 import Ipv4Header


class HeadersAtGateway(FramesSeen):
    """(interface, stop, source, destination) of every IP packet at the gateway's ports, in order."""

    def __init__(self, net: object) -> None:
        self.headers: list[tuple[str, str, str, str]] = []
        super().__init__(net)  # type: ignore[arg-type]

    def frame(self, now: int, port: object, stop: Stop, frame: object) -> None:
        header = frame.network  # type: ignore[attr-defined]
        node, _, interface = port.name.partition(":")  # type: ignore[attr-defined]
        if node == "gw" and isinstance(header, Ipv4Header):
            way = "in" if stop is Stop.LINK_RECEIVED else "out"
            self.headers.append((interface, way, ipv4_text(header.source), ipv4_text(header.destination)))


def test_r072_the_four_headers_in_order() -> None:
    net = behind_gateway("a")
    seen = HeadersAtGateway(net)
    net["server"].run(whoami(9000))
    assert net["a"].call(ask_udp, "202.20.65.4", 9000, 1024) == ("202.20.65.5", 1024)
    assert seen.headers == [
        ("lan", "in", "192.168.1.2", "202.20.65.4"),
        ("wan", "out", "202.20.65.5", "202.20.65.4"),
        ("wan", "in", "202.20.65.4", "202.20.65.5"),
        ("lan", "out", "202.20.65.4", "192.168.1.2"),
    ]
