"""A router to place: a host that forwards packets between its interfaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netarium.engine.events import Engine
from netarium.engine.streams import Streams
from netarium.journey import Watch
from netarium.nodes.host import Host, InterfaceSetup, RouteSetup
from netarium.nodes.node import PortNumbers


class Router(Host):
    """A host with `net.ipv4.ip_forward` on from its first moment."""

    kind = "router"

    def __init__(
        self,
        name: str,
        engine: Engine,
        streams: Streams,
        watch: Watch,
        port_numbers: PortNumbers,
        *,
        interfaces: Mapping[str, InterfaceSetup],
        gateway: int = 0,
        routes: Sequence[RouteSetup] = (),
        settings: Mapping[str, object] | None = None,
        on: bool = True,
    ) -> None:
        super().__init__(
            name,
            engine,
            streams,
            watch,
            port_numbers,
            interfaces=interfaces,
            gateway=gateway,
            routes=routes,
            forwarding=True,
            settings=settings,
            on=on,
        )
