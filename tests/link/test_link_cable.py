"""The cable: rate, delay, order, queue, MTU, cutting. All times are exact."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.link.wires import Bench, Keeper, numbered, sized

from netarium.errors import UsageError
from netarium.journey import Drop
from netarium.link.cable import Cable
from netarium.wire.ethernet import Frame

GIGABIT = 1_000_000_000


def pair(bench: Bench, **numbers: object) -> tuple[Cable, Keeper]:
    a, _ = bench.port()
    b, keeper = bench.port()
    return bench.cable(a, b, **numbers), keeper


@pytest.mark.parametrize(
    ("size_bytes", "rate_bps", "delay_ns", "arrival_ns"),
    [
        (1514, GIGABIT, 0, 1518 * 8),
        (60, GIGABIT, 0, 64 * 8),
        (60, GIGABIT, 10_000, 512 + 10_000),
        (1514, 10_000_000, 0, 1_214_400),
        (60, 3, 0, 170_666_666_667),  # 512 bits at 3 bit/s are 170.666... s: rounded up
        (60, 512, 5, 1_000_000_005),
        (60, None, 5, 5),
        (60, 10**15, 0, 1),  # less than a nanosecond: a whole one
    ],
)
def test_a_frame_arrives_when_its_last_bit_has_travelled(
    size_bytes: int, rate_bps: int | None, delay_ns: int, arrival_ns: int
) -> None:
    bench = Bench()
    cable, keeper = pair(bench, rate_bps=rate_bps, delay_ns=delay_ns)
    frame = sized(size_bytes)
    cable.a.transmit(frame)
    bench.run()
    assert keeper.got == [(arrival_ns, frame)]


def test_frames_follow_each_other_at_the_rate_of_the_cable() -> None:
    bench = Bench()
    cable, keeper = pair(bench, delay_ns=100)
    for number in range(4):
        cable.a.transmit(numbered(number))
    bench.run()
    assert keeper.times == [612, 1124, 1636, 2148]
    assert keeper.numbers == [0, 1, 2, 3]


def test_the_directions_do_not_disturb_each_other() -> None:
    bench = Bench()
    a, at_a = bench.port()
    b, at_b = bench.port()
    bench.cable(a, b, delay_ns=0)
    a.transmit(sized(1514))
    b.transmit(sized(60))
    bench.run()
    assert at_a.times == [512]
    assert at_b.times == [12144]


@given(
    st.lists(st.tuples(st.integers(0, 20_000), st.integers(60, 1514)), max_size=30),
    st.sampled_from([GIGABIT, 100_000_000, 7_777_777, None]),
    st.integers(0, 100_000),
)
@settings(max_examples=50)
def test_arrivals_are_what_the_arithmetic_of_the_cable_says(
    sends: list[tuple[int, int]], rate_bps: int | None, delay_ns: int
) -> None:
    bench = Bench()
    cable, keeper = pair(bench, rate_bps=rate_bps, delay_ns=delay_ns)

    class Sender:
        def fire(self, argument: int) -> None:
            cable.a.transmit(sized(argument))

    now = free_at = 0
    expected = []
    for pause_ns, size_bytes in sends:
        now += pause_ns
        bench.engine.at(now, Sender(), size_bytes)
        bits_ns = (size_bytes + 4) * 8 * 10**9
        sending_ns = 0 if rate_bps is None else (bits_ns + rate_bps - 1) // rate_bps
        free_at = max(now, free_at) + sending_ns
        expected.append(free_at + delay_ns)
    bench.run()
    assert keeper.times == expected


@pytest.mark.parametrize("room", [0, 1, 5])
def test_a_queue_of_n_frames_holds_n_besides_the_one_being_sent(room: int) -> None:
    bench = Bench()
    cable, keeper = pair(bench, queue_frames=room)
    for number in range(room + 4):
        cable.a.transmit(numbered(number))
    bench.run()
    assert keeper.numbers == list(range(room + 1))
    assert bench.drops.reasons == [Drop.QUEUE_FULL] * 3
    assert cable.directions[0].drops == {Drop.QUEUE_FULL: 3}


@pytest.mark.parametrize("room", [{"queue_frames": 1}, {"queue_bytes": 60}])
def test_a_place_in_the_queue_is_free_at_the_instant_the_sending_starts(room: dict[str, object]) -> None:
    bench = Bench()
    cable, keeper = pair(bench, delay_ns=0, **room)

    class Sender:
        def fire(self, argument: int) -> None:
            cable.a.transmit(numbered(argument))

    for time_ns, number in [(0, 0), (0, 1), (511, 2), (512, 3), (1023, 4), (1024, 5)]:
        bench.engine.at(time_ns, Sender(), number)
    bench.run()
    assert keeper.numbers == [0, 1, 3, 5]


@pytest.mark.parametrize(("room_bytes", "waiting"), [(0, 0), (59, 0), (60, 1), (179, 2), (180, 3)])
def test_a_queue_of_bytes_holds_whole_frames(room_bytes: int, waiting: int) -> None:
    bench = Bench()
    cable, keeper = pair(bench, queue_bytes=room_bytes)
    for number in range(8):
        cable.a.transmit(numbered(number))
    bench.run()
    assert keeper.numbers == list(range(waiting + 1))


def test_a_small_frame_may_fit_into_a_queue_of_bytes_where_a_large_one_did_not() -> None:
    bench = Bench()
    cable, keeper = pair(bench, queue_bytes=200)
    for number, size_bytes in enumerate((1000, 150, 100, 50 + 10)):
        cable.a.transmit(numbered(number, size_bytes))
    bench.run()
    assert keeper.numbers == [0, 1]
    assert bench.drops.reasons == [Drop.QUEUE_FULL, Drop.QUEUE_FULL]


@pytest.mark.parametrize(
    ("size_bytes", "tag", "mtu", "arrives"),
    [
        (1514, -1, 1500, True),
        (1515, -1, 1500, False),
        (1518, 10, 1500, True),
        (1519, 10, 1500, False),
        (1518, -1, 1500, False),
        (9014, -1, 9000, True),
        (83, -1, 68, False),
    ],
)
def test_the_mtu_counts_what_follows_the_header_and_the_tag(
    size_bytes: int, tag: int, mtu: int, arrives: bool
) -> None:
    bench = Bench()
    cable, keeper = pair(bench, mtu=mtu)
    header = 14 if tag < 0 else 18
    cable.a.transmit(Frame(2, 1, 0x88B5, None, None, bytes(size_bytes - header), None, tag))
    bench.run()
    assert (len(keeper.got) == 1) is arrives
    assert bench.drops.reasons == ([] if arrives else [Drop.FRAME_TOO_LONG])


def test_a_delay_that_becomes_shorter_lets_no_frame_overtake() -> None:
    bench = Bench()
    cable, keeper = pair(bench, delay_ns=1_000_000)
    cable.a.transmit(numbered(1))
    cable.delay_ns = 0
    cable.a.transmit(numbered(2))
    bench.run()
    assert keeper.numbers == [1, 2]
    assert keeper.times == [1_000_512, 1_000_512]


def test_what_is_in_flight_when_the_cable_is_cut_is_lost_and_what_comes_after_healing_arrives() -> None:
    bench = Bench()
    cable, keeper = pair(bench, delay_ns=10_000)
    for number in range(3):
        cable.a.transmit(numbered(number))
    bench.run(until_ns=10_512)  # the first has arrived
    cable.cut()
    assert bench.engine.foreground == 0
    cable.a.transmit(numbered(10))
    cable.heal()
    cable.a.transmit(numbered(11))
    bench.run()
    assert keeper.numbers == [0, 11]
    assert bench.drops.all == [("a:eth0>b:eth0", Drop.LINK_DOWN)] * 2 + [("a:eth0", Drop.LINK_DOWN)]
    assert keeper.carrier == [True, False, True]
    assert bench.engine.foreground == 0


def test_a_queue_is_empty_after_a_cut() -> None:
    bench = Bench()
    cable, keeper = pair(bench, queue_frames=1)
    for number in range(2):
        cable.a.transmit(numbered(number))
    cable.cut()
    cable.heal()
    for number in range(10, 12):
        cable.a.transmit(numbered(number))
    bench.run()
    assert keeper.numbers == [10, 11]


def test_a_port_without_a_cable_drops_and_a_cable_can_be_moved() -> None:
    bench = Bench()
    cable, keeper = pair(bench)
    other, at_other = bench.port()
    cable.a.transmit(numbered(1))
    bench.run()
    cable.unplug()
    cable.a.transmit(numbered(2))
    bench.cable(cable.a, other)
    cable.a.transmit(numbered(3))
    bench.run()
    assert keeper.numbers == [1]
    assert at_other.numbers == [3]
    assert bench.drops.all == [("a:eth0", Drop.NO_CABLE)]
    assert cable.a.frames_refused == 1


def test_frames_in_flight_are_foreground_until_the_last_has_arrived() -> None:
    bench = Bench()
    cable, _ = pair(bench)
    for number in range(3):
        cable.a.transmit(numbered(number))
    cable.b.transmit(numbered(3))
    for _ in range(4):
        assert bench.engine.foreground
        bench.engine.step()
    assert bench.engine.foreground == 0


def test_frames_that_a_cut_takes_are_foreground_no_more() -> None:
    bench = Bench()
    cable, _ = pair(bench, reorder=0.5)
    for number in range(20):
        cable.a.transmit(numbered(number))
    assert bench.engine.foreground
    cable.cut()
    assert bench.engine.foreground == 0
    bench.run()
    assert bench.engine.foreground == 0


def test_one_event_per_direction_stands_in_the_heap_however_many_frames_are_in_flight() -> None:
    bench = Bench()
    cable, keeper = pair(bench, queue_frames=100)
    for number in range(100):
        cable.a.transmit(numbered(number))
    assert len(bench.engine.heap) == 1
    bench.run()
    assert bench.engine.fired == len(keeper.got) == 100


def test_frames_of_two_cables_that_arrive_together_come_in_the_order_of_sending() -> None:
    bench = Bench()
    order: list[str] = []
    ports = []
    for _ in range(2):
        a, _ = bench.port()
        b, _ = bench.port()
        bench.cable(a, b, rate_bps=None, delay_ns=5)

        class Tells(Keeper):
            def receive(self, port: object, frame: Frame) -> None:
                order.append(port.name)  # type: ignore[attr-defined]

        b.owner = Tells()
        ports.append(a)
    for index in (1, 0, 0, 1, 1, 0):
        ports[index].transmit(sized(60))
    bench.run()
    assert order == ["d:eth0", "b:eth0", "b:eth0", "d:eth0", "d:eth0", "b:eth0"]


def test_encoding_on_every_cable_changes_nothing_that_arrives() -> None:
    bench = Bench()
    cable, keeper = pair(bench, wire_bytes=True)
    frame = numbered(5)
    cable.a.transmit(frame)
    bench.run()
    assert keeper.frames == [frame]
    assert keeper.frames[0] is not frame


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"delay_ns": -1}, "delay_ns"),
        ({"rate_bps": 0}, "rate_bps"),
        ({"mtu": 67}, "mtu"),
        ({"loss": 1.5}, "loss 1.5 is no probability"),
        ({"corrupt": -0.1}, "corrupt"),
        ({"queue_frames": -1}, "queue"),
        ({"queue_bytes": -1}, "queue"),
        ({"jitter_ns": -1}, "jitter"),
    ],
)
def test_numbers_that_cannot_be_are_refused_by_name(numbers: dict[str, object], message: str) -> None:
    bench = Bench()
    with pytest.raises(UsageError, match=message):
        pair(bench, **numbers)


def test_a_port_takes_one_cable_only() -> None:
    bench = Bench()
    cable, _ = pair(bench)
    other, _ = bench.port()
    with pytest.raises(UsageError, match="a:eth0 already has a cable"):
        bench.cable(other, cable.a)
    with pytest.raises(UsageError, match="both ends"):
        bench.cable(other, other)
