"""Counters per conversation: who sent how much to whom, by protocol, addresses and ports."""

from __future__ import annotations

from typing import NamedTuple

from netarium.addresses import ip_text
from netarium.capture.summary import flags_text
from netarium.journey import PortLike, Stop
from netarium.wire.ethernet import Frame
from netarium.wire.ipv4 import Ipv4Header
from netarium.wire.ipv6 import Ipv6Header
from netarium.wire.tcp import TcpHeader
from netarium.wire.udp import UdpHeader


class FlowKey(NamedTuple):
    """One direction of a conversation: addresses as ints; ports 0 where the protocol has none."""

    protocol: int
    source: int
    source_port: int
    destination: int
    destination_port: int
    version: int = 4

    @property
    def reverse(self) -> FlowKey:
        """The other direction."""
        return FlowKey(
            self.protocol,
            self.destination,
            self.destination_port,
            self.source,
            self.source_port,
            self.version,
        )

    def __str__(self) -> str:
        source, destination = ip_text(self.version, self.source), ip_text(self.version, self.destination)
        if self.version == 6:
            source, destination = f"[{source}]", f"[{destination}]"
        return f"{self.protocol} {source}:{self.source_port} > {destination}:{self.destination_port}"


class Flow:
    """What went one way. `frame_bytes` without FCS; `payload_bytes` what the transport carried, repetitions
    included.

    `flags` are all TCP flags seen, or-ed; `port` is the port that sent the first frame, and the only one that
    counts, so that a frame is not counted again at every hop.
    """

    __slots__ = ("first_ns", "flags", "frame_bytes", "frames", "last_ns", "payload_bytes", "port")

    def __init__(self, port: PortLike, now: int) -> None:
        self.port = port
        self.first_ns = now
        self.last_ns = now
        self.frames = 0
        self.frame_bytes = 0
        self.payload_bytes = 0
        self.flags = 0

    def __repr__(self) -> str:
        return f"Flow({self.frames} frames, {self.payload_bytes} bytes, {flags_text(self.flags)})"


class Flows:
    """An observer that counts frames by conversation; `table` in the order of first frames."""

    __slots__ = ("table",)

    def __init__(self) -> None:
        self.table: dict[FlowKey, Flow] = {}

    def frame(self, now: int, port: PortLike, stop: Stop, frame: Frame) -> None:
        """Count a frame at the port where its conversation was first seen being sent."""
        network = frame.network
        if stop is not Stop.LINK_SENT or not isinstance(network, Ipv4Header | Ipv6Header):
            return
        header = frame.transport
        source_port = destination_port = 0
        if isinstance(header, TcpHeader | UdpHeader):
            source_port, destination_port = header.source_port, header.destination_port
        version = 4 if isinstance(network, Ipv4Header) else 6
        key = FlowKey(
            network.protocol, network.source, source_port, network.destination, destination_port, version
        )
        flow = self.table.get(key)
        if flow is None:
            flow = self.table[key] = Flow(port, now)
        elif flow.port is not port:
            return
        flow.last_ns = now
        flow.frames += 1
        flow.frame_bytes += frame.size_bytes
        flow.payload_bytes += len(frame.payload)
        if isinstance(header, TcpHeader):
            flow.flags |= header.flags
