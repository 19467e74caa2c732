"""The cores without sockets: two OSPF instances over a queue, and whatever a neighbour may send. Nothing raises.

Method: the packets of a whole adjacency are recorded; then, at any step of another one, mutated copies of them (with
right checksums, so that they get far) are put in between. The instance must take them all, and when that is over the
two must be fully adjacent again within RouterDeadInterval, another election and a few retransmissions.
"""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netarium.services.routing.alarms import SECOND_NS, Alarms
from netarium.services.routing.links import LinkView
from netarium.services.routing.options import LinkOptions, RoutingOptions
from netarium.services.routing.ospf.constants import N_FULL, N_LOADING
from netarium.services.routing.ospf.instance import Instance
from netarium.services.routing.ospf.spf import Routes
from netarium.services.routing.rip.instance import Instance as RipInstance
from netarium.wire.checksum import checksum, word_sum
from netarium.wire.ospf_lsa import HEADER_BYTES, Lsa, RouterBody, lsa_checksum
from netarium.wire.rip import PORT, RESPONSE, RipEntry, RipMessage

NETWORK = 0x0A000000
DELAY_NS = 1_000_000


class End:
    """One router with one interface towards the other and one stub network."""

    def __init__(self, pair: Pair, number: int, kind: str) -> None:
        self.pair = pair
        self.number = number
        self.alarms = Alarms(0)
        self.routes: Routes = {}
        self.links = [
            LinkView("m", 2, NETWORK + number, 24, 1500),
            LinkView("lan", 3, 0xAC100001 + (number << 8), 24, 1500),
        ]
        options = RoutingOptions(
            "ospf", links={"m": LinkOptions(network=kind), "lan": LinkOptions(passive=True)}
        )
        self.instance = Instance(
            options, number, self.alarms, random.Random(number), self, self.install, lambda: self.links
        )

    def install(self, routes: Routes) -> None:
        self.routes = routes

    def send(self, interface: str, destination: int, data: bytes) -> None:
        self.pair.send(self, data)

    def hear_designated(self, interface: str, wanted: bool) -> None:
        pass

    def receive(self, now: int, data: bytes, source: int) -> None:
        self.alarms.now = now
        self.instance.receive("m", source, data)
        self.instance.flush()

    def wake(self, now: int) -> None:
        self.alarms.now = now
        self.alarms.fire_due()
        self.instance.flush()


class Pair:
    """Two ends and the packets between them."""

    def __init__(self, kind: str) -> None:
        self.now = 0
        self.queue: list[tuple[int, End, bytes]] = []
        self.recorded: list[bytes] = []
        self.ends = [End(self, number, kind) for number in (1, 2)]
        for end in self.ends:
            end.instance.look_at_links()
            end.instance.flush()

    def send(self, sender: End, data: bytes) -> None:
        self.recorded.append(data)
        self.queue.append((self.now + DELAY_NS, self.ends[2 - sender.number], data))

    def step(self) -> None:
        """The next packet or alarm."""
        due = [(end.alarms.next_ns(), index, end) for index, end in enumerate(self.ends)]
        next_ns, _, end = min(due, key=lambda each: each[:2])
        if self.queue and self.queue[0][0] <= next_ns:
            self.now, target, data = self.queue.pop(0)
            target.receive(self.now, data, NETWORK + 3 - target.number)
        else:
            self.now = next_ns
            end.wake(next_ns)

    def run(self, seconds: float) -> None:
        end_ns = self.now + int(seconds * SECOND_NS)
        while self.now < end_ns:
            self.step()

    def agree(self) -> bool:
        one, two = (end.instance.database.entries for end in self.ends)
        return {key: (e.lsa.header.sequence, e.lsa.body) for key, e in one.items()} == {
            key: (e.lsa.header.sequence, e.lsa.body) for key, e in two.items()
        }

    def routed(self) -> bool:
        return [list(end.routes) for end in self.ends] == [[(0xAC100200, 24)], [(0xAC100100, 24)]]


KINDS = ("point-to-point", "broadcast")


@pytest.mark.parametrize("kind", KINDS)
def test_two_instances_agree_without_sockets(kind: str) -> None:
    pair = Pair(kind)
    pair.run(60)
    assert pair.agree() and pair.routed()


def test_what_was_asked_for_may_come_from_somebody_else() -> None:
    """RFC 2328 13.3, step 1b: an LSA on a neighbor's request list that comes another way is asked for no more."""
    pair = Pair("point-to-point")
    pair.run(60)
    instance = pair.ends[0].instance
    (neighbor,) = instance.interfaces["m"].neighbors.values()
    wanted, newer = (Lsa.build(1, 7, 7, sequence, RouterBody(0, []).emit()) for sequence in (5, 6))
    neighbor.requests[wanted.header.key] = wanted.header
    neighbor.state = N_LOADING
    instance.flooding.flood(newer, None)
    instance.flooding.install(newer, flooded=True)
    instance.flush()
    assert neighbor.requests == {}
    assert neighbor.state == N_FULL


def recorded(kind: str) -> list[bytes]:
    pair = Pair(kind)
    pair.run(60)
    return list(dict.fromkeys(pair.recorded))


PACKETS = {kind: recorded(kind) for kind in KINDS}


def sealed(data: bytes, repair_lsas: bool) -> bytes:
    """With right length and checksums, so that the mutation is looked at."""
    raw = bytearray(data)
    raw[2:4] = len(raw).to_bytes(2, "big")
    raw[14:16] = bytes(2)
    if repair_lsas and raw[1] == 4 and len(raw) >= 28 + HEADER_BYTES:
        length = int.from_bytes(raw[46:48], "big")
        if HEADER_BYTES <= length <= len(raw) - 28:
            raw[44:46] = bytes(2)
            raw[44:46] = lsa_checksum(bytes(raw[30 : 28 + length])).to_bytes(2, "big")
    raw[12:14] = bytes(2)
    raw[12:14] = checksum(word_sum(bytes(raw[:16])) + word_sum(bytes(raw[24:]))).to_bytes(2, "big")
    return bytes(raw)


@st.composite
def mutations(draw: st.DrawFn, kind: str) -> bytes:
    raw = bytearray(draw(st.sampled_from(PACKETS[kind])))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(16, len(raw) - 1))
        raw[at] = draw(st.sampled_from([0, 1, 2, 3, 5, 7, 127, 128, 255]) | st.integers(0, 255))
    cut = draw(st.integers(0, 24))
    if cut < 12 and len(raw) - cut > 24:
        del raw[len(raw) - cut :]
    return sealed(bytes(raw), draw(st.booleans()))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_nothing_a_neighbour_sends_raises_and_they_are_adjacent_afterwards(
    kind: str, data: st.DataObject
) -> None:
    pair = Pair(kind)
    for _ in range(data.draw(st.integers(1, 12))):
        pair.run(data.draw(st.sampled_from([0.0, 0.002, 0.5, 4.0, 41.0])))
        target = pair.ends[data.draw(st.integers(0, 1))]
        target.receive(pair.now, data.draw(mutations(kind)), NETWORK + 3 - target.number)
    pair.run(41 + 41 + 30)
    # What was told in a router's name stays in the other's database, as without authentication it must; but they talk.
    for end in pair.ends:
        states = [
            each.state for each in end.instance.interfaces["m"].neighbors.values() if each.router_id < 3
        ]
        assert states == [N_FULL]


class Nowhere:
    def send(self, interface: str, destination: int, port: int, data: bytes) -> None:
        RipMessage.parse(data)


prefixes = st.sampled_from([0x0A010000, 0x0A020000, 0, 0xAC100000, 0x7F000000]) | st.integers(0, 2**32 - 1)
masks = st.sampled_from([0xFFFF0000, 0xFFFFFF00, 0, 0xFFFFFFFF, 0xFF00FF00])
entries = st.builds(RipEntry, prefixes, masks, st.integers(0, 18), st.integers(0, 2**32 - 1), st.just(0))


@given(
    st.lists(
        st.tuples(st.lists(entries, max_size=5), st.integers(1, 3), st.integers(0, 200 * SECOND_NS)),
        max_size=12,
    )
)
def test_rips_table_holds_what_can_be_whatever_neighbours_say(
    said: list[tuple[list[RipEntry], int, int]],
) -> None:
    """Metrics stay within 1 to 16, own networks are never replaced, and all that was learned ends in time."""
    alarms = Alarms(0)
    tables: list[object] = []
    link = LinkView("m", 2, NETWORK + 9, 24, 1500)
    instance = RipInstance(
        RoutingOptions("rip"), alarms, random.Random(1), Nowhere(), tables.append, lambda: [link]
    )
    instance.look_at_links()
    for listed, neighbour, pause_ns in said:
        instance.receive("m", NETWORK + neighbour, RipMessage(RESPONSE, listed).emit(), PORT)
        instance.flush()
        end_ns = alarms.now + pause_ns
        while alarms.next_ns() <= end_ns:
            alarms.now = alarms.next_ns()
            alarms.fire_due()
            instance.flush()
        alarms.now = end_ns
        for prefix, route in instance.table.routes.items():
            assert 1 <= route.metric <= 16
            assert (route.gateway == 0) == (prefix == (NETWORK, 24))
    end_ns = alarms.now + 301 * SECOND_NS
    while alarms.next_ns() <= end_ns:
        alarms.now = alarms.next_ns()
        alarms.fire_due()
        instance.flush()
    assert list(instance.table.routes) == [(NETWORK, 24)]
