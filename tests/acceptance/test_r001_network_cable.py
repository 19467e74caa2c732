"""R001: a frame put in at one end of a link comes out of the other with the same bytes; unplugged, nothing
comes out.
"""

from __future__ import annotations

import pytest
from tests.link.wires import Bench, sized

from netarium.journey import Drop
from netarium.wire.ethernet import Frame


@pytest.mark.parametrize("wire_bytes", [False, True])
@pytest.mark.parametrize("size_bytes", [60, 61, 1000, 1514])
def test_r001_what_goes_in_comes_out(size_bytes: int, wire_bytes: bool) -> None:
    bench = Bench()
    a, at_a = bench.port()
    b, at_b = bench.port()
    bench.cable(a, b, wire_bytes=wire_bytes)
    there = sized(size_bytes)
    back = Frame(1, 2, 0x88B5, None, None, bytes(range(100)))
    a.transmit(there)
    b.transmit(back)
    bench.run()
    assert [bytes(frame) for frame in at_b.frames] == [bytes(there)]
    assert [bytes(frame) for frame in at_a.frames] == [bytes(back)]


def test_r001_unplugged_nothing_comes_out() -> None:
    bench = Bench()
    a, _ = bench.port()
    b, at_b = bench.port()
    cable = bench.cable(a, b)
    cable.unplug()
    a.transmit(sized(60))
    bench.run()
    assert at_b.got == []
    assert bench.drops.all == [("a:eth0", Drop.NO_CABLE)]


def test_r001_a_frame_on_the_way_is_lost_when_the_cable_is_pulled() -> None:
    bench = Bench()
    a, _ = bench.port()
    b, at_b = bench.port()
    cable = bench.cable(a, b)
    a.transmit(sized(60))
    cable.cut()
    bench.run()
    assert at_b.got == []
    assert bench.drops.reasons == [Drop.LINK_DOWN]
