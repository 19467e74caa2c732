"""The digest: what changes it, what does not, and where two runs differ first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.link.wires import Bench, numbered

from netarium.capture.digest import Digest
from netarium.journey import Cause, Drop, Stop
from netarium.link.port import Port
from netarium.wire.ethernet import Frame


def traffic(digest: Digest, *, seed: int = 1, observer: object = None, **numbers: object) -> str:
    bench = Bench(seed)
    bench.watch.add(digest)
    if observer is not None:
        bench.watch.add(observer)
    a, _ = bench.port()
    b, _ = bench.port()
    cable = bench.cable(a, b, **numbers)
    for number in range(100):
        a.transmit(numbered(number))
    bench.run(until_ns=20_000)
    cable.cut()
    cable.heal()
    b.transmit(numbered(7))
    bench.run()
    return digest.hexdigest()


class Everything:
    def __init__(self) -> None:
        self.seen = 0

    def _see(self, *args: object) -> None:
        self.seen += 1

    frame = drop = state = step = call = _see


def test_the_same_run_has_the_same_digest_with_observers_and_with_encoding_too() -> None:
    plain = traffic(Digest(), loss=0.3, jitter_ns=3_000)
    observer = Everything()
    assert traffic(Digest(), loss=0.3, jitter_ns=3_000) == plain
    assert traffic(Digest(), loss=0.3, jitter_ns=3_000, observer=observer) == plain
    assert observer.seen > 100
    assert traffic(Digest(), loss=0.3, jitter_ns=3_000, wire_bytes=True) == plain
    assert traffic(Digest(keep=True), loss=0.3, jitter_ns=3_000) == plain


def test_another_seed_another_delay_and_another_loss_have_other_digests() -> None:
    digests = {
        traffic(Digest(), loss=0.3),
        traffic(Digest(), loss=0.3, seed=2),
        traffic(Digest(), loss=0.3, delay_ns=10_001),
        traffic(Digest(), loss=0.0),
    }
    assert len(digests) == 4


def events(port: Port) -> list[tuple[str, tuple[object, ...]]]:
    frame = numbered(1)
    return [
        ("frame", (5, port, Stop.LINK_SENT, frame)),
        ("frame", (6, port, Stop.LINK_RECEIVED, frame)),
        ("drop", (7, "a", Drop.NO_ROUTE, frame, "")),
        ("drop", (7, "a", Drop.NO_ROUTE, None, "")),
        ("state", (8, "a", "tcp x", "LISTEN", "SYN-SENT", Cause.PROGRAM)),
    ]


def test_every_ingredient_of_an_event_counts() -> None:
    bench = Bench()
    port, _ = bench.port()
    other, _ = bench.port()

    def one(kind: str, *args: object) -> str:
        digest = Digest()
        getattr(digest, kind)(*args)
        assert digest.events == 1
        return digest.hexdigest()

    frame = numbered(1)
    tagged = Frame(2, 1, 0x88B5, None, None, frame.payload, None, 5)
    changes = [
        ("frame", (6, port, Stop.LINK_SENT, frame)),
        ("frame", (5, other, Stop.LINK_SENT, frame)),
        ("frame", (5, port, Stop.LINK_SENT, numbered(2))),
        ("frame", (5, port, Stop.LINK_SENT, tagged)),
        ("drop", (7, "b", Drop.NO_ROUTE, frame, "")),
        ("drop", (7, "a", Drop.TTL_EXPIRED, frame, "")),
        ("drop", (7, "a", Drop.NO_ROUTE, numbered(2), "")),
        ("state", (8, "a", "tcp y", "LISTEN", "SYN-SENT", Cause.PROGRAM)),
        ("state", (8, "a", "tcp x", "CLOSED", "SYN-SENT", Cause.PROGRAM)),
        ("state", (8, "a", "tcp x", "LISTEN", "CLOSED", Cause.PROGRAM)),
        ("state", (8, "a", "tcp x", "LISTEN", "SYN-SENT", Cause.SEGMENT)),
    ]
    all_events = events(port) + changes
    assert len({one(kind, *args) for kind, args in all_events}) == len(all_events)
    assert one("drop", 7, "a", Drop.NO_ROUTE, frame, "said otherwise") == one(*_flat(events(port)[2]))


def _flat(event: tuple[str, tuple[object, ...]]) -> tuple[str, *tuple[object, ...]]:
    return (event[0], *event[1])


@given(st.integers(0, 12_000), st.integers(1, 12_000))
def test_the_first_difference_is_found(first: int, length: int) -> None:
    bench = Bench()
    port, _ = bench.port()
    frame = numbered(1)
    one, other = Digest(keep=True), Digest(keep=True)
    for number in range(length):
        one.frame(number, port, Stop.LINK_SENT, frame)
        other.frame(number, port, Stop.LINK_RECEIVED if number == first else Stop.LINK_SENT, frame)
    difference = one.first_difference(other)
    if first >= length:
        assert difference is None
        assert one.hexdigest() == other.hexdigest()
    else:
        assert difference is not None
        assert (difference.number, difference.time_ns) == (first, first)
        assert "frame sent at a:eth0" in difference.first
        assert "frame received at a:eth0" in difference.second


def test_a_run_that_ends_before_the_other_differs_at_its_end() -> None:
    bench = Bench()
    port, _ = bench.port()
    one, other = Digest(keep=True), Digest(keep=True)
    for number in range(10):
        one.frame(number, port, Stop.LINK_SENT, numbered(1))
        if number < 6:
            other.frame(number, port, Stop.LINK_SENT, numbered(1))
    difference = one.first_difference(other)
    assert difference is not None
    assert (difference.number, difference.second) == (6, "")
    assert str(difference).endswith("/ the end")
