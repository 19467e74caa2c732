"""What every box has in common: a name, ports, a power switch.

A node that is switched off takes no frames: its ports' owner is then `Off`, which drops them (NODE_DOWN). So
no box asks at every frame whether it is on.
"""

from __future__ import annotations

from typing import Final

from netarium.engine.events import Engine
from netarium.engine.streams import Streams
from netarium.errors import UsageError
from netarium.journey import Cause, Drop, Watch
from netarium.link.port import Port, PortOwner
from netarium.wire.ethernet import Frame


class Off:
    """The owner of the ports of a node that is switched off."""

    __slots__ = ()

    def receive(self, port: Port, frame: Frame) -> None:
        """Drop a frame: NODE_DOWN."""
        port.drop(Drop.NODE_DOWN, frame)

    def carrier_changed(self, port: Port, up: bool) -> None:
        """Nothing: nobody is there."""


OFF: Final = Off()


class PortNumbers:
    """Numbers the ports of one net, from 0: the interface ids of its captures."""

    __slots__ = ("next",)

    def __init__(self) -> None:
        self.next = 0

    def __call__(self) -> int:
        """The next number."""
        number = self.next
        self.next = number + 1
        return number


class Node:
    """A box with ports. `ports` by the name of the interface, in order of adding; `on` until it crashes."""

    kind = "node"

    def __init__(
        self, name: str, engine: Engine, streams: Streams, watch: Watch, port_numbers: PortNumbers
    ) -> None:
        if not name or ":" in name or "/" in name or name != name.strip():
            raise UsageError(
                f"{name!r} is no name for a node; give a word without ':', '/' or spaces around it"
            )
        self.name = name
        self.engine = engine
        self.streams = streams
        self.watch = watch
        self.port_numbers = port_numbers
        self.ports: dict[str, Port] = {}
        self.on = True

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    def owner(self) -> PortOwner:
        """Who takes the frames of its ports while it is on."""
        raise NotImplementedError

    def new_port(self, name: str, mac: int) -> Port:
        """Add a port called `name`. Raises UsageError when there is one of that name."""
        if name in self.ports:
            raise UsageError(f"{self.name} already has a port {name}; give another name")
        owner = self.owner() if self.on else OFF
        port = Port(f"{self.name}:{name}", self.port_numbers(), mac, owner, self.engine, self.watch)
        self.ports[name] = port
        return port

    def owns_mac(self, mac: int) -> bool:
        """Whether one of its ports has this MAC address."""
        return any(port.mac == mac for port in self.ports.values())

    def owns_address(self, address: int) -> bool:
        """Whether one of its interfaces has this IP address; a box without IP has none."""
        return False

    def crash(self) -> None:
        """Switch it off at once: all it knew is lost, and frames that reach it are dropped (NODE_DOWN)."""
        if self.on:
            self.on = False
            for port in self.ports.values():
                port.owner = OFF
            self._lose_state()
            self._tell("on", "off", Cause.NODE_DOWN)

    def boot(self) -> None:
        """Switch it on: it starts with its configuration and nothing else."""
        if not self.on:
            self.on = True
            self._start()
            for port in self.ports.values():
                port.owner = self.owner()
            self._tell("off", "on", Cause.OPERATOR)

    def _lose_state(self) -> None:
        """Forget everything that is no configuration."""

    def _start(self) -> None:
        """Begin as after power-on."""

    def _tell(self, before: str, after: str, cause: Cause) -> None:
        if self.watch.state is not None:
            self.watch.state(self.engine.now, self.name, self.kind, before, after, cause)
