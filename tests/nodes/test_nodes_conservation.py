"""Whole nets under chance and faults: no frame is lost without a name, every run ends, and the digest is the run's."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.nodes.boxes import World, ipv4

from netarium.capture.digest import Digest
from netarium.link.cable import Cable
from netarium.nodes.host import Host


class Act:
    """Something somebody does at a time: an event of the engine."""

    def fire(self, argument: Any) -> None:
        argument()


def build(
    seed: int, chances: dict[str, Any], acts: list[tuple[str, int, int]], recorded: bool
) -> tuple[World, list[Cable], Digest]:
    """Hosts a, b on a switch, a router, hosts c, d on a hub: `acts` are (what, which, virtual ms)."""
    world = World(seed)
    if not recorded:
        world.watch.remove(world.recorder)
    digest = Digest(keep=True)
    world.watch.add(digest)
    a, b = (world.host(name, f"10.0.1.{n}/24", gateway="10.0.1.254") for n, name in ((1, "a"), (2, "b")))
    c, d = (world.host(name, f"10.0.2.{n}/24", gateway="10.0.2.254") for n, name in ((3, "c"), (4, "d")))
    hosts: list[Host] = [a, b, c, d]
    router = world.router("r", "10.0.1.254/24", "10.0.2.254/24")
    switch, hub = world.switch("switch"), world.hub("hub")
    pairs = [
        (a, switch),
        (b, switch),
        (router.ports["eth0"], switch),
        (router.ports["eth1"], hub),
        (c, hub),
        (d, hub),
    ]
    cables = [world.link(one, other, **chances) for one, other in pairs]

    def ping(which: int) -> None:
        sender, receiver = hosts[which % 4], hosts[which // 4 % 4]
        if sender.on:
            world.ping(sender, f"10.0.{1 + which // 8 % 2}.{1 + which // 4 % 4}", which)
            endpoint = sender.stack.udp.open()
            sender.stack.enter(world.engine.now)
            endpoint.send_to(
                bytes(100 * which), ipv4(f"10.0.{1 if receiver in (a, b) else 2}.{which // 4 % 4 + 1}"), 9
            )
            sender.stack.settle()

    does = {
        "ping": ping,
        "cut": lambda which: cables[which % 6].cut(),
        "heal": lambda which: cables[which % 6].heal(),
        "crash": lambda which: [*hosts, switch, router][which % 6].crash(),
        "boot": lambda which: [*hosts, switch, router][which % 6].boot(),
    }
    for what, which, at_ms in acts:
        world.engine.at(at_ms * 1_000_000, Act(), lambda what=what, which=which: does[what](which))
    return world, cables, digest


chance = st.sampled_from([0.0, 0.0, 0.1, 0.4])
all_chances = st.fixed_dictionaries(
    {
        "loss": chance,
        "duplicate": chance,
        "reorder": chance,
        "corrupt": chance,
        "corrupt_after_fcs": st.booleans(),
        "jitter_ns": st.sampled_from([0, 8_000, 3_000_000]),
        "queue_frames": st.sampled_from([1, 1000]),
    }
)
all_acts = st.lists(
    st.tuples(
        st.sampled_from(["ping", "ping", "ping", "ping", "cut", "heal", "crash", "boot"]),
        st.integers(0, 15),
        st.integers(0, 8000),
    ),
    min_size=3,
    max_size=25,
)


@given(st.integers(0, 1 << 32), all_chances, all_acts)
@settings(max_examples=40, deadline=None)
def test_frames_sent_are_delivered_or_dropped_by_name_and_every_run_ends(
    seed: int, chances: dict[str, Any], acts: list[tuple[str, int, int]]
) -> None:
    world, cables, _ = build(seed, chances, acts, recorded=False)
    world.run(3600)
    assert world.engine.heap == []
    assert world.engine.foreground == 0
    for cable in cables:
        for direction in cable.directions:
            arrived = direction.receiver.frames_received + direction.receiver.frames_damaged
            dropped = sum(direction.drops.values())
            assert direction.sender.frames_sent + direction.duplicated == arrived + dropped


@given(st.integers(0, 1 << 32), all_chances, all_acts)
@settings(max_examples=20, deadline=None)
def test_the_same_seed_gives_the_same_digest_watched_or_not_and_encoded_or_not(
    seed: int, chances: dict[str, Any], acts: list[tuple[str, int, int]]
) -> None:
    def run(recorded: bool, wire_bytes: bool) -> Digest:
        world, _, digest = build(seed, {**chances, "wire_bytes": wire_bytes}, acts, recorded)
        world.run(3600)
        return digest

    plain = run(recorded=False, wire_bytes=False)
    for recorded, wire_bytes in ((False, False), (True, False), (False, True)):
        other = run(recorded, wire_bytes)
        assert other.first_difference(plain) is None
        assert other.hexdigest() == plain.hexdigest()
    assert plain.events > 0 or all(what in ("heal", "boot") for what, _, _ in acts)  # of what is whole and on
