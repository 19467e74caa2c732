"""Stacks joined by hand: no engine, no cables. Frames are values in a FIFO, time passes when a test says so."""

from __future__ import annotations

from collections import deque
from random import Random
from typing import NamedTuple

from netarium.addresses import parse_ipv4
from netarium.journey import Drop, Watch
from netarium.stack.interface import Interface
from netarium.stack.routes import Route
from netarium.stack.settings import Settings
from netarium.stack.stack import Stack
from netarium.wire.ethernet import ETHERTYPE_ARP, ETHERTYPE_IPV4, Frame

SECOND = 1_000_000_000
MS = 1_000_000


def ip(text: str) -> int:
    return parse_ipv4(text)


class Sent(NamedTuple):
    """One frame put on a segment: when, by whom, and what."""

    time_ns: int
    host: str
    frame: Frame


class Joined:
    """Hosts on segments. A segment is a list of interfaces; each hears what the others send, at once."""

    def __init__(self) -> None:
        self.watch = Watch()
        self.now = 0
        self.stacks: dict[str, Stack] = {}
        self.sent: list[Sent] = []
        self.waiting: deque[tuple[Interface, Frame]] = deque()
        self.lose = lambda sent: False
        self.serial = 0

    def host(self, name: str, *addresses: str, gateway: str = "", **settings: object) -> Stack:
        """A host with an interface eth0, eth1 ... for each `address/length`."""
        values = {"net.ipv4." + key: value for key, value in settings.items()}
        stack = Stack(name, Settings(values), Random(name), self.watch)
        self.stacks[name] = stack
        for number, text in enumerate(addresses):
            self.serial += 1
            interface = stack.add_interface(f"eth{number}", 0x020000000000 + self.serial)
            address, _, length = text.partition("/")
            if address:
                stack.add_address(interface.name, ip(address), int(length))
        if gateway:
            route_via(stack, "0.0.0.0/0", gateway)
        return stack

    def segment(self, *interfaces: Interface) -> None:
        """Join interfaces as a hub does."""
        for interface in interfaces:
            others = [each for each in interfaces if each is not interface]

            def transmit(frame: Frame, interface: Interface = interface, others: list = others) -> None:  # type: ignore[type-arg]
                sent = Sent(self.now, interface.stack.name, frame)
                self.sent.append(sent)
                if not self.lose(sent):
                    self.waiting.extend((each, frame) for each in others)

            interface.transmit = transmit

    def quiesce(self) -> None:
        """Deliver all that is on its way; no time passes."""
        for stack in self.stacks.values():
            stack.settle()
        while self.waiting:
            interface, frame = self.waiting.popleft()
            interface.stack.receive(interface, frame, self.now)

    def wait(self, duration_ns: int) -> None:
        """Let time pass: every deadline is met at its time."""
        end = self.now + duration_ns
        self.quiesce()
        while True:
            due = [each for each in (s.next_deadline() for s in self.stacks.values()) if each is not None]
            if not due or min(due) > end:
                break
            self.now = max(self.now, min(due))
            for stack in self.stacks.values():
                deadline = stack.next_deadline()
                if deadline is not None and deadline <= self.now:
                    stack.poll(self.now)
            self.quiesce()
        self.now = end
        for stack in self.stacks.values():
            stack.enter(end)

    def take(self) -> list[Sent]:
        """What was sent since the last `take`."""
        sent, self.sent = self.sent, []
        return sent


def route_via(stack: Stack, prefix: str, gateway: str, metric: int = 0) -> None:
    address, _, length = prefix.partition("/")
    towards = stack.routes.lookup(ip(gateway))
    assert towards is not None
    assert stack.routes.add(Route(ip(address), int(length), towards.interface, ip(gateway), metric=metric))


def pair() -> tuple[Joined, Stack, Stack]:
    """Two hosts on one segment: a 10.0.0.1/24 and b 10.0.0.2/24."""
    joined = Joined()
    a, b = joined.host("a", "10.0.0.1/24"), joined.host("b", "10.0.0.2/24")
    joined.segment(a.interfaces["eth0"], b.interfaces["eth0"])
    return joined, a, b


def routed() -> tuple[Joined, Stack, Stack, Stack]:
    """a 10.0.1.1/24 - router r - b 10.0.2.1/24; the router has .254 in both."""
    joined = Joined()
    a = joined.host("a", "10.0.1.1/24", gateway="10.0.1.254")
    r = joined.host("r", "10.0.1.254/24", "10.0.2.254/24", ip_forward=1)
    b = joined.host("b", "10.0.2.1/24", gateway="10.0.2.254")
    joined.segment(a.interfaces["eth0"], r.interfaces["eth0"])
    joined.segment(r.interfaces["eth1"], b.interfaces["eth0"])
    return joined, a, r, b


def arps(sent: list[Sent]) -> list[Frame]:
    return [each.frame for each in sent if each.frame.ethertype == ETHERTYPE_ARP]


def packets(sent: list[Sent]) -> list[Frame]:
    return [each.frame for each in sent if each.frame.ethertype == ETHERTYPE_IPV4]


def drops(stack: Stack) -> dict[str, int]:
    return {reason.name: count for reason, count in stack.drops.items()}


__all__ = [
    "MS",
    "SECOND",
    "Drop",
    "Joined",
    "Sent",
    "arps",
    "drops",
    "ip",
    "packets",
    "pair",
    "route_via",
    "routed",
]
