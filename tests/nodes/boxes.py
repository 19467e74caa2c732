"""A small net built from nodes and cables directly, below the lab: the workbench of node tests and rows of layer 2."""

from __future__ import annotations

from netarium.capture.recorder import Event, Recorder
from netarium.engine.events import Engine
from netarium.engine.streams import Streams
from netarium.journey import Watch
from netarium.link.cable import Cable
from netarium.link.port import Port
from netarium.nodes.host import Host, InterfaceSetup, RouteSetup
from netarium.nodes.hub import Hub
from netarium.nodes.node import Node, PortNumbers
from netarium.nodes.router import Router
from netarium.nodes.switch import Switch
from netarium.wire.icmp import IcmpHeader
from netarium.wire.ipv4 import PROTOCOL_ICMP

SECOND = 1_000_000_000


def ipv4(text: str) -> int:
    a, b, c, d = map(int, text.split("."))
    return a << 24 | b << 16 | c << 8 | d


class World:
    """One net. Everything that happens is in `trace`."""

    def __init__(self, seed: int = 1) -> None:
        self.engine = Engine()
        self.streams = Streams(seed)
        self.watch = Watch()
        self.recorder = Recorder(seed=seed)
        self.watch.add(self.recorder)
        self.numbers = PortNumbers()
        self.macs = 0x020000000000

    def common(self, name: str) -> tuple[str, Engine, Streams, Watch, PortNumbers]:
        return name, self.engine, self.streams, self.watch, self.numbers

    def setup(self, *addresses: str, mtu: int = 1500) -> InterfaceSetup:
        self.macs += 1
        pairs = [address.split("/") for address in addresses]
        return InterfaceSetup(self.macs, [(ipv4(address), int(length)) for address, length in pairs], mtu)

    def host(self, name: str, *addresses: str, gateway: str = "0.0.0.0", **options: object) -> Host:
        interfaces = {"eth0": self.setup(*addresses)}
        return Host(*self.common(name), interfaces=interfaces, gateway=ipv4(gateway), **options)  # type: ignore[arg-type]

    def router(self, name: str, *addresses: str, routes: list[RouteSetup] | None = None) -> Router:
        interfaces = {f"eth{number}": self.setup(address) for number, address in enumerate(addresses)}
        return Router(*self.common(name), interfaces=interfaces, routes=routes or [])

    def switch(self, name: str) -> Switch:
        return Switch(*self.common(name))

    def hub(self, name: str) -> Hub:
        return Hub(*self.common(name))

    def link(self, a: Node | Port, b: Node | Port, **numbers: object) -> Cable:
        ends = [end if isinstance(end, Port) else self.free_port(end) for end in (a, b)]
        return Cable(ends[0], ends[1], self.engine, self.streams, self.watch, **numbers)  # type: ignore[arg-type]

    def free_port(self, node: Node) -> Port:
        if isinstance(node, Hub | Switch):
            return node.add_port()
        return next(port for port in node.ports.values() if port.cable is None)

    def run(self, seconds: float = 60) -> None:
        end = self.engine.now + int(seconds * SECOND)
        while (time_ns := self.engine.next_time()) is not None and time_ns <= end:
            self.engine.step()
        self.engine.now = max(self.engine.now, end)

    def ping(self, host: Host, address: str, sequence: int = 1) -> None:
        """Ask for one echo; nothing is awaited."""
        stack = host.stack
        stack.enter(self.engine.now)
        stack.ipv4.send_packet(0, ipv4(address), PROTOCOL_ICMP, IcmpHeader(8, 0, sequence), b"ping")
        stack.settle()

    def trace(self, **wanted: object) -> list[Event]:
        """The events that have all these values."""
        return [
            event
            for event in self.recorder.events
            if all(event.get(key) == value for key, value in wanted.items())
        ]

    def is_answered(self, host: Host, address: str, sequence: int = 1) -> bool:
        """Ping and say whether the answer came."""
        before = len(self.trace(event="received", at=f"{host.name}:eth0", protocol="ICMP", type=0))
        self.ping(host, address, sequence)
        self.run()
        return (
            len(self.trace(event="received", at=f"{host.name}:eth0", protocol="ICMP", type=0)) == before + 1
        )
