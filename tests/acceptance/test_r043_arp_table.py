"""R043: after one exchange both caches hold the other's pair; a second packet sends no ARP; entries age out."""

from __future__ import annotations

import time

from tests.acceptance.frames_seen import FramesSeen, ask, echo_server

from netarium import Net
from netarium.control import Control, NeighborView


def test_r043_arp_table() -> None:
    net = Net(seed=1)
    office = net.switch("office")
    a = net.host("a", address="10.0.0.1/24", link=office)
    b = net.host("b", address="10.0.0.2/24", link=office)
    b.run(echo_server())
    seen = FramesSeen(net)

    def table(host) -> list[NeighborView]:
        return Control(host.node.stack, lambda: net.now_ns).neighbors()

    assert table(a) == table(b) == []
    a.call(ask, "10.0.0.2")
    for host, other in ((a, b), (b, a)):
        (entry,) = table(host)
        assert entry.address == other.node.stack.interfaces["eth0"].addresses[0].address
        assert entry.mac == other.node.ports["eth0"].mac
        assert entry.state == "REACHABLE"
    assert len(seen.arp_by("a:eth0")) == len(seen.arp_by("b:eth0")) == 1

    seen.clear()
    a.call(ask, "10.0.0.2")
    assert seen.arp_by("a:eth0") == seen.arp_by("b:eth0") == []

    a.call(time.sleep, 40)
    assert [entry.state for entry in table(a)] == ["STALE"]
    a.call(time.sleep, 60)
    assert table(a) == table(b) == []
    a.call(ask, "10.0.0.2")
    assert len(seen.arp_by("a:eth0")) == 1, "asked again"
