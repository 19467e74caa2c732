"""What each layer adds to a message on the way down and takes off on the way up, and which devices work on which layer.

Called by `showing` for `--layers 4|5|7`; the words are in `layers_text`. The sizes are counted from the bytes of the
frame as the trace has them. Read first: RFC 1122 section 1.1.3 (four layers), ISO/IEC 7498-1
(the seven of OSI).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from netarium.names.ports import all_with

MODELS: Final = {
    4: ("application", "transport", "internet", "access"),
    5: ("application", "transport", "network", "link", "physical"),
    7: ("application", "presentation", "session", "transport", "network", "link", "physical"),
}
"""The layers of a model from the top; keys of the catalogue `layers`. RFC 1122 has four, textbooks five, OSI seven."""

ETHERNET_BYTES: Final = 14
TAG_BYTES: Final = 4
FCS_BYTES: Final = 4
_TYPE_VLAN, _TYPE_IPV4, _TYPE_IPV6, _TYPE_ARP = 0x8100, 0x0800, 0x86DD, 0x0806
_TCP, _UDP, _ICMP, _ICMPV6 = 6, 17, 1, 58
_IPV6_BYTES: Final = 40
_UDP_BYTES: Final = 8
_KNOWN_PROTOCOLS: Final = {"domain": "DNS", "bootps": "DHCP", "bootpc": "DHCP"}


@dataclass(frozen=True)
class Part:
    """One header round the message: by which `layer` (application, transport, network, link), of which protocol.

    `adds` bytes make it `size` bytes long, and it is called `unit` from then on (message, segment, datagram, packet,
    frame). `trailer` are the bytes of `adds` that stand behind: padding and FCS.
    """

    layer: str
    protocol: str
    adds: int
    size: int
    unit: str
    trailer: int = 0
    padding: int = 0


@dataclass(frozen=True)
class Device:
    """A device on the way: its node, what it is (host, router, switch, hub ...), and the highest layer it reads."""

    node: str
    kind: str
    layer: str


@dataclass(frozen=True)
class Encapsulation:
    """The parts of one packet from the inside out, and the devices of its way."""

    parts: tuple[Part, ...]
    devices: tuple[Device, ...]


def parts_of(data: bytes, size: int) -> tuple[Part, ...]:
    """The parts of a frame from the inside out. `data` is as much of it as there is, `size` its length without FCS.

    What is no IP is carried by Ethernet alone. () for what is no frame.
    """
    if len(data) < ETHERNET_BYTES:
        return ()
    start, ethertype = ETHERNET_BYTES, int.from_bytes(data[12:14], "big")
    if ethertype == _TYPE_VLAN and len(data) >= ETHERNET_BYTES + TAG_BYTES:
        start, ethertype = start + TAG_BYTES, int.from_bytes(data[16:18], "big")
    if ethertype == _TYPE_IPV4 and len(data) >= start + 20:
        inner = _ipv4(data[start:])
    elif ethertype == _TYPE_IPV6 and len(data) >= start + _IPV6_BYTES:
        inner = _ipv6(data[start:])
    else:
        inner = [_link_only(data, start, ethertype, size)]
    carried = inner[-1].size
    padding = max(size - start - carried, 0)
    frame = Part(
        layer="link",
        protocol="802.1Q" if start > ETHERNET_BYTES else "Ethernet",
        adds=start + padding + FCS_BYTES,
        size=start + carried + padding + FCS_BYTES,
        unit="frame",
        trailer=padding + FCS_BYTES,
        padding=padding,
    )
    return (*inner, frame)


def _link_only(data: bytes, start: int, ethertype: int, size: int) -> Part:
    """What Ethernet carries without IP: ARP, a spanning tree's BPDU, something unknown."""
    if ethertype == _TYPE_ARP:
        return Part("access", "ARP", 28, 28, "message")
    if ethertype <= 1500:  # the length of what follows (IEEE 802.3 with LLC): spanning tree
        return Part("access", "STP", ethertype, ethertype, "message")
    rest = max(size - start, 0)
    return Part("access", f"0x{ethertype:04x}", rest, rest, "message")


def _ipv4(packet: bytes) -> list[Part]:
    header, total = (packet[0] & 15) * 4, int.from_bytes(packet[2:4], "big")
    fragment = int.from_bytes(packet[6:8], "big") & 0x1FFF
    inner = _transport(packet[9], packet[header:], total - header, is_fragment=bool(fragment))
    unit = "datagram" if packet[9] in (_UDP, _TCP) else "packet"
    return [*inner, Part("network", "IPv4", header, total, unit)]


def _ipv6(packet: bytes) -> list[Part]:
    carried = int.from_bytes(packet[4:6], "big")
    inner = _transport(packet[6], packet[_IPV6_BYTES:], carried, is_fragment=False)
    return [*inner, Part("network", "IPv6", _IPV6_BYTES, _IPV6_BYTES + carried, "packet")]


def _transport(protocol: int, data: bytes, size: int, *, is_fragment: bool) -> list[Part]:
    """The message and its transport header."""
    if is_fragment:
        return [Part("network", "fragment", size, size, "fragment")]
    if protocol == _TCP and len(data) >= 20:
        header = (data[12] >> 4) * 4
        message = _message(size - header, data, "tcp")
        return [*message, Part("transport", "TCP", header, size, "segment")]
    if protocol == _UDP and len(data) >= _UDP_BYTES:
        message = _message(size - _UDP_BYTES, data, "udp")
        return [*message, Part("transport", "UDP", _UDP_BYTES, size, "datagram")]
    name = {_ICMP: "ICMP", _ICMPV6: "ICMPv6", 89: "OSPF", 2: "IGMP"}.get(protocol, str(protocol))
    return [Part("network", name, size, size, "message")]


def _message(size: int, header: bytes, transport: str) -> list[Part]:
    """What the program gave to be sent; nothing where a segment has no data."""
    if size <= 0:
        return []
    ports = (int.from_bytes(header[2:4], "big"), int.from_bytes(header[0:2], "big"))
    names = [each.name for port in ports for each in all_with(port) if each.protocol == transport]
    name = _KNOWN_PROTOCOLS.get(names[0], names[0].upper()) if names else ""
    return [Part("application", name, size, size, "message")]


def device_of(node: str, told: Any) -> Device:
    """What a node is and how high it reads, from what the trace's head says of it (`scene.Node`; None: unknown)."""
    kind = getattr(told, "kind", "host")
    roles = getattr(told, "roles", [])
    if kind in ("hub", "cable"):
        return Device(node, kind, "physical")
    if kind == "switch":
        layer_3 = getattr(told, "forwards", False)
        return Device(node, "switch3" if layer_3 else "switch", "network" if layer_3 else "link")
    if kind == "balancer":
        return Device(node, "balancer", "transport")
    if kind in ("router", "home_router") or getattr(told, "forwards", False):
        if "firewall" in roles:
            return Device(node, "nat_firewall" if "nat" in roles else "firewall", "transport")
        if "nat" in roles:
            return Device(node, "nat_router", "transport")
        return Device(node, "router", "network")
    return Device(node, "host", "application")


def layer_in(model: int, layer: str) -> str:
    """The layer of a model that does the work of `layer`: in the model of four, link and physical are one."""
    names = MODELS[model]
    if layer in names:
        return layer
    if layer in ("network", "internet"):
        return "internet" if model == 4 else "network"
    if layer in ("link", "physical", "access"):
        return "access" if model == 4 else "link"
    return "application"
