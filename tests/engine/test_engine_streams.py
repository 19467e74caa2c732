"""Named streams: each depends on the seed and its name, and on nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from netarium.engine.streams import Streams


def draw(streams: Streams, name: str, count: int = 5) -> list[float]:
    return [streams(name).random() for _ in range(count)]


def test_the_same_seed_and_name_give_the_same_numbers() -> None:
    assert draw(Streams(7), "link:a>b:loss") == draw(Streams(7), "link:a>b:loss")


def test_another_seed_or_another_name_gives_other_numbers() -> None:
    assert draw(Streams(7), "x") != draw(Streams(8), "x")
    assert draw(Streams(7), "x") != draw(Streams(7), "y")


@given(st.integers(), st.lists(st.text(), unique=True, min_size=1, max_size=6), st.data())
def test_who_else_draws_and_when_does_not_matter(seed: int, names: list[str], data: st.DataObject) -> None:
    alone = {name: draw(Streams(seed), name) for name in names}
    together = Streams(seed)
    order = data.draw(st.permutations([name for name in names for _ in range(5)]))
    drawn: dict[str, list[float]] = {name: [] for name in names}
    for name in order:
        drawn[name].append(together(name).random())
    assert drawn == alone


def test_asking_twice_goes_on_with_the_stream() -> None:
    streams = Streams(7)
    assert draw(streams, "x", 2) + draw(streams, "x", 3) == draw(Streams(7), "x", 5)
