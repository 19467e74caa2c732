"""R010: a frame is 64 to 1518 bytes long, its FCS counted (1522 with a tag): 46 to 1500 bytes of data."""

import pytest
from tests.link.wires import Bench

from netarium.errors import UsageError
from netarium.journey import Drop
from netarium.wire.ethernet import Frame

TYPE = 0x88B5  # for local experiments (IEEE 802)


def frame_with(data: int, tag: int = -1) -> Frame:
    return Frame(1 << 41, 1 << 42, TYPE, None, None, b"x" * data, None, tag)


@pytest.mark.parametrize(("data", "total"), [(0, 64), (1, 64), (46, 64), (47, 65), (1500, 1518)])
def test_r010_totals(data: int, total: int) -> None:
    on_the_wire = frame_with(data).bytes_with_fcs()
    assert len(on_the_wire) == total
    assert on_the_wire[14 : 14 + data] == b"x" * data
    assert on_the_wire[14 + data : -4] == bytes(total - 18 - data), "padded with zeros"


def test_r010_a_tag_makes_it_1522() -> None:
    assert len(frame_with(1500, tag=10).bytes_with_fcs()) == 1522


def test_r010_1501_bytes_are_refused() -> None:
    with pytest.raises(UsageError, match="1501 bytes of data; at most 1500"):
        frame_with(1501).bytes_with_fcs()
    with pytest.raises(UsageError, match="1501 bytes of data; at most 1500"):
        frame_with(1501, tag=10).bytes_with_fcs()


@pytest.mark.parametrize("tag", [-1, 10])
def test_r010_a_cable_carries_1500_bytes_and_drops_1501_by_name(tag: int) -> None:
    bench = Bench()
    (sender, _), (receiver, keeper) = bench.port(), bench.port()
    bench.cable(sender, receiver)
    sender.transmit(frame_with(1500, tag))
    sender.transmit(frame_with(1501, tag))
    bench.run()
    assert keeper.frames == [frame_with(1500, tag)]
    assert bench.drops.reasons == [Drop.FRAME_TOO_LONG]
