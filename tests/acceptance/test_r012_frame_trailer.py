"""R012: one bit flipped on the wire: the receiver's CRC-32 check drops the frame and counts it."""

from __future__ import annotations

import pytest
from tests.link.wires import Bench, sized
from tests.nodes.boxes import World

from netarium.journey import Drop
from netarium.link.verdict import Verdict, Way
from netarium.wire.ethernet import Frame


class FlipOne:
    """Flips the bit it is told, in every frame."""

    def __init__(self, bit: int) -> None:
        self.bit = bit

    def judge(self, frame: Frame, now: int, direction: Way) -> Verdict | None:
        return Verdict(flip=self.bit)


@pytest.mark.parametrize("bit", [0, 47, 100, 8 * 60 - 1, 8 * 60, 8 * 64 - 1])
def test_r012_any_one_bit_even_of_the_fcs_itself(bit: int) -> None:
    bench = Bench()
    a, _ = bench.port()
    b, at_b = bench.port()
    bench.cable(a, b).add_rule(FlipOne(bit))
    a.transmit(sized(60))
    bench.run()
    assert at_b.got == []
    assert (b.frames_damaged, b.frames_received) == (1, 0)
    assert bench.drops.all == [("b:eth0", Drop.FRAME_CHECK_SEQUENCE)]


def test_r012_nothing_of_it_reaches_the_host_and_the_next_frame_does() -> None:
    world = World()
    a, b = world.host("a", "10.0.0.1/24"), world.host("b", "10.0.0.2/24")
    cable = world.link(a, b)
    assert world.is_answered(a, "10.0.0.2")
    flips = FlipOne(300)
    cable.add_rule(flips, sender=a.ports["eth0"])
    before = b.stack.interfaces["eth0"].frames_in
    assert not world.is_answered(a, "10.0.0.2", sequence=2)
    assert b.stack.interfaces["eth0"].frames_in == before
    assert b.ports["eth0"].frames_damaged > 0
    assert world.trace(event="dropped", at="b:eth0", reason="FRAME_CHECK_SEQUENCE")
    cable.remove_rule(flips)
    assert world.is_answered(a, "10.0.0.2", sequence=3)
