"""A TAP device of a namespace, as a box of the net with one port: what comes by its cable the kernel receives."""

from __future__ import annotations

import fcntl
import os
import struct
from typing import TYPE_CHECKING

from netarium.errors import UsageError, WireError
from netarium.lab.boxes import Box
from netarium.lab.building import place
from netarium.link.port import Port, PortOwner
from netarium.nodes.node import Node
from netarium.wire.ethernet import Frame

if TYPE_CHECKING:
    from netarium.lab.net import Net
    from netarium.outside.namespace import Namespace

TUNSETIFF = 0x400454CA
IFF_TAP = 0x0002
IFF_NO_PI = 0x1000
FRAME_BYTES_MAX = 65_600


class TapNode(Node):
    """The node of a TAP device: frames off the cable are written to it, frames read from it go onto the cable."""

    kind = "tap"

    def attach(self, descriptor: int) -> None:
        """Use this open device."""
        self.descriptor = descriptor
        self.refused = 0

    def owner(self) -> PortOwner:
        """The node itself."""
        return self

    def receive(self, port: Port, frame: Frame) -> None:
        """A frame off the cable: to the kernel."""
        try:
            os.write(self.descriptor, bytes(frame))
        except OSError:
            self.refused += 1  # the device is down or full, as a cable may lose it

    def carrier_changed(self, port: Port, up: bool) -> None:
        """Nothing: the device stays as it is."""

    def read(self) -> int:
        """Put what the kernel has sent onto the cable; the number of frames."""
        count = 0
        (port,) = self.ports.values()
        while True:
            try:
                data = os.read(self.descriptor, FRAME_BYTES_MAX)
            except BlockingIOError:
                return count
            try:
                frame = Frame.parse(data)
            except WireError:
                continue
            port.transmit(frame)
            count += 1


class Tap(Box):
    """A TAP device `name` in `namespace`, placed in a net; link it to anything. Raises UsageError."""

    node: TapNode

    def __init__(self, net: Net, namespace: Namespace, name: str = "tap0") -> None:
        if len(name.encode()) > 15:
            raise UsageError(f"{name!r} is too long for a device; 15 bytes at most")
        with namespace.entered():
            descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
        node = TapNode(name, net.engine, net.streams, net.watch, net.port_numbers)
        node.attach(descriptor)
        node.new_port("eth0", 0)
        super().__init__(net, node)
        self.namespace = namespace
        place(net, self, None)

    def free_port(self, interface: str = "") -> Port:
        """Its only port."""
        (port,) = self.node.ports.values()
        if port.cable is not None or interface not in ("", "eth0"):
            raise UsageError(f"{self.name} has one port, eth0, and one cable")
        return port

    def up(self, *addresses: str, mtu: int = 1500) -> None:
        """Give the kernel's end its MTU and addresses (`10.0.0.1/24`, `2001:db8::1/64`) and switch it on."""
        run = self.namespace.run
        run("ip", "link", "set", self.name, "mtu", str(mtu), "up")
        for address in addresses:
            family = ["-6"] if ":" in address else []
            nodad = ["nodad"] if ":" in address else []
            run("ip", *family, "addr", "add", address, "dev", self.name, *nodad)

    def close(self) -> None:
        """Close the device, which goes with that."""
        os.close(self.node.descriptor)
