"""The ways that packets have gone (`stack.way`): known or not, the same comes of every packet."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.stack.joined import SECOND, drops, ip, routed

from netarium.stack.interface import Interface
from netarium.stack.routes import Route
from netarium.wire.ethernet import ETHERTYPE_IPV4, MAC_BROADCAST, Frame
from netarium.wire.ipv4 import MORE_FRAGMENTS, PROTOCOL_UDP, Ipv4Header
from netarium.wire.udp import UdpHeader

PORT = 9
A, R, B = "10.0.1.1", "10.0.1.254", "10.0.2.1"


class World:
    """a - r - b, where r and b keep what they know of ways, or (`full`) never know any."""

    def __init__(self, *, full: bool) -> None:
        self.joined, self.a, self.r, self.b = routed()
        self.taps: list[str] = []
        self.sockets = []
        for stack in (self.r, self.b):
            socket = stack.udp.open()
            socket.bind(0, PORT)
            self.sockets.append(socket)
        self.full = full
        for _ in range(2):  # the first one waits for ARP
            self.send(A, B)
            self.send(A, R)

    def frame(self, source: str, destination: str, **changed: int | bytes) -> Frame:
        values: dict[str, int | bytes] = {"ttl": 64, "fragment": 0x4000, "tos": 0, "options": b"", "size": 20}
        values["mac"] = self.r.interfaces["eth0"].mac
        values.update(changed)
        header = Ipv4Header(
            ip(source), ip(destination), PROTOCOL_UDP,
            values["ttl"], 7, values["fragment"], values["tos"], values["options"],
        )  # fmt: skip
        transport = None if values["fragment"] & 0x3FFF else UdpHeader(5, PORT)
        return Frame(values["mac"], 0x02AA, ETHERTYPE_IPV4, header, transport, bytes(values["size"]))

    def send(self, source: str, destination: str, **changed: int | bytes) -> None:
        """Let a frame arrive at r, and what comes of it everywhere."""
        if self.full:
            for stack in (self.a, self.r, self.b):
                stack.routes.trodden.clear()
        self.r.receive(self.r.interfaces["eth0"], self.frame(source, destination, **changed), self.joined.now)
        self.joined.quiesce()

    def facts(self) -> list[object]:
        """Everything that can be seen of it."""
        told: list[object] = [(each.time_ns, each.host, bytes(each.frame)) for each in self.joined.sent]
        for stack in (self.a, self.r, self.b):
            told.append(
                (
                    stack.name,
                    drops(stack),
                    stack.ipv4.input.received,
                    stack.ipv4.forward.forwarded,
                    stack.ipv4.output.sent,
                )
            )
            for each in stack.interfaces.values():
                told.append(
                    (
                        each.name,
                        each.frames_in,
                        each.bytes_in,
                        each.drops_in,
                        each.frames_out,
                        each.bytes_out,
                        each.drops_out,
                    )
                )
        told.append([[bytes(each.payload) for each in socket.queue] for socket in self.sockets])
        return [*told, self.taps]


def tap(world: World) -> None:
    world.r.interfaces["eth1"].taps = [lambda frame, interface, outgoing: world.taps.append(frame.describe())]


def untap(world: World) -> None:
    world.r.interfaces["eth1"].taps = None


def refuse(frame: Frame, interface_in: object, interface_out: object) -> Frame | None:
    return None if len(frame.payload) > 20 else frame


CHANGES: dict[str, Callable[[World], object]] = {
    "no forwarding": lambda world: world.r.settings.set("net.ipv4.ip_forward", 0),
    "forwarding": lambda world: world.r.settings.set("net.ipv4.ip_forward", 1),
    "public": lambda world: setattr(world.r.ipv4.forward, "public", True),
    "neighbour gone": lambda world: world.r.interfaces["eth1"].neighbors.delete(ip(B)),
    "another MAC": lambda world: world.b.set_mac("eth0", 0x02BB),
    "small MTU": lambda world: world.r.set_mtu("eth1", 600),
    "interface down": lambda world: world.r.set_up("eth1", False),
    "the way in down": lambda world: world.r.set_up("eth0", False),
    "interface up": lambda world: world.r.set_up("eth1", True),
    "host route back": lambda world: world.r.routes.add(Route(ip(B), 32, world.r.interfaces["eth0"], ip(A))),
    "address gone": lambda world: world.r.remove_address("eth0", ip(R)),
    "the destination is ours": lambda world: world.r.add_address("eth1", ip(B), 32),
    "the source is ours": lambda world: world.r.add_address("eth1", ip(A), 32),
    "hook": lambda world: world.r.hooks.add("forward", 0, refuse),
    "input hook": lambda world: world.r.hooks.add("input", 0, refuse),
    "no hook": lambda world: world.r.hooks.remove("forward", refuse),
    "raw socket": lambda world: world.r.raw.open(PROTOCOL_UDP),
    "tap": tap,
    "no tap": untap,
    "time": lambda world: setattr(world.joined, "now", world.joined.now + 61 * SECOND),
}

PACKETS = st.fixed_dictionaries(
    {},
    optional={
        "ttl": st.sampled_from([0, 1, 2, 255]),
        "fragment": st.sampled_from([0, 0x4000, MORE_FRAGMENTS, 3]),
        "tos": st.sampled_from([0, 3, 0xB8]),
        "options": st.sampled_from([b"\1\1\1\0", b"\x83\x03\x04\0", b"\x07\x02\0\0"]),
        "size": st.sampled_from([0, 20, 700, 1472, 1480]),
        "mac": st.sampled_from([MAC_BROADCAST, 0x02DD]),
    },
)
STEPS = st.one_of(
    st.sampled_from(sorted(CHANGES)),
    st.tuples(st.sampled_from([A, "10.0.1.9", "127.0.0.1"]), st.sampled_from([B, R]), PACKETS),
)  # fmt: skip


@given(st.lists(STEPS, max_size=12))
def test_a_known_way_leaves_what_the_full_way_leaves(steps):
    worlds = World(full=False), World(full=True)
    for step in steps:
        for world in worlds:
            if isinstance(step, str):
                CHANGES[step](world)
            else:
                world.send(step[0], step[1], **step[2])
    assert worlds[0].facts() == worlds[1].facts()


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_what_changes_between_two_packets_counts_for_the_second(change):
    worlds = World(full=False), World(full=True)
    for world in worlds:
        CHANGES[change](world)
        world.send(A, B, size=700)
        world.send(A, R, size=700)
    assert worlds[0].facts() == worlds[1].facts()


@pytest.mark.pure("a method of a compiled class cannot be replaced")
def test_a_packet_goes_the_way_of_those_before_it_without_being_looked_at(monkeypatch):
    world = World(full=False)
    looked_at: list[str] = []
    monkeypatch.setattr(Interface, "receive_frame", lambda interface, frame: looked_at.append(interface.name))
    world.send(A, B)
    assert not looked_at
    assert len(world.sockets[1].queue) == 3
    world.send(A, B, ttl=1)
    assert looked_at == ["eth0"]
