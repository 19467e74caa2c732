"""A net described for the head of a trace: who is there, with which cables and addresses; and what changes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netarium.addresses import ip_text, ipv4_text, mac_text
from netarium.lab.boxes import Host

if TYPE_CHECKING:
    from netarium.capture.pcapng import Capture
    from netarium.capture.recorder import Event
    from netarium.lab.boxes import Box
    from netarium.lab.net import Net


def header_of(net: Net, capture: Capture | None) -> Event:
    """`lab`, `capture` (the file's name, and `capture_on` if it is of some ports only), `epoch_ns`, and `nodes`.

    A node has `kind`, `ports` (name -> MAC, and `to`: the port at the other end of its cable); one with IP also
    `addresses` (interface -> those with prefix), `gateways`, `servers` (DNS), `forwards` and `roles`: what it does for
    others besides (nat, firewall, dhcp, dns, ospf, rip).
    """
    header: Event = {"lab": net.name, "epoch_ns": net.scheduler.epoch_ns}
    if capture is not None:
        header["capture"] = capture.path.name
        if capture.selection.patterns:
            header["capture_on"] = list(capture.selection.patterns)
    header["nodes"] = {name: _node(box) for name, box in net.boxes.items()}
    return header


def _node(box: Box) -> dict[str, Any]:
    told: dict[str, Any] = {"kind": box.kind, "ports": {}}
    if not box.on:
        told["on"] = False
    for name, port in box.node.ports.items():
        told["ports"][name] = {"mac": mac_text(port.mac)}
        if port.cable is not None:
            other = port.cable.b if port.cable.a is port else port.cable.a
            told["ports"][name]["to"] = other.name
    if isinstance(box, Host):
        told |= belongings(box)
        told["forwards"] = box.node.setup.forwarding
        told["roles"] = _roles(box)
    return told


def _roles(box: Host) -> list[str]:
    """What a box does for others besides forwarding."""
    found = []
    rules = box.node.stack.hooks.filter
    if rules is not None and rules.nat is not None:
        found.append("nat")
    if rules is not None and any(map(rules.firewall.is_needed, rules.firewall.chains)):
        found.append("firewall")
    daemons = {service.stem for service in box.services if service.of_node}
    names = {"dhcpd": "dhcp", "named": "dns", "ospfd": "ospf", "ripd": "rip"}
    return found + [role for daemon, role in names.items() if daemon in daemons]


def belongings(box: Host) -> dict[str, Any]:
    """What a host has: addresses with prefix by interface, default gateways, name servers."""
    stack = box.node.stack
    gateways = [
        ipv4_text(route.gateway) for route in stack.routes.routes if not route.length and route.gateway
    ]
    if stack.ipv6 is not None:
        gateways += [
            ip_text(6, route.gateway)
            for route in stack.ipv6.routes.routes
            if not route.length and route.gateway
        ]
    stub = box.resolver.stub
    return {
        "addresses": {name: found for name, found in box.addresses.items() if found},
        "gateways": gateways,
        "servers": [] if stub is None else list(stub.configuration.servers),
    }


class Belongings:
    """Tells when what a host has is not what it had. It looks only where the host's tables have changed."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self._seen: dict[str, tuple[object, ...]] = {}
        self._told: dict[str, dict[str, Any]] = {}
        for name, box in net.boxes.items():
            if isinstance(box, Host):
                self._seen[name] = _state(box)
                self._told[name] = belongings(box)

    def changed(self, node: str) -> dict[str, Any] | None:
        """What a host has now, if that is new since it was asked for last; None if not, and for what is no host."""
        box = self.net.boxes.get(node)
        if not isinstance(box, Host):
            return None
        state = _state(box)
        if self._seen.get(node) == state:
            return None
        self._seen[node] = state
        now = belongings(box)
        if self._told.get(node) == now:
            return None
        self._told[node] = now
        return now


def _state(box: Host) -> tuple[object, ...]:
    stub = box.resolver.stub
    stack = box.node.stack
    return (id(stack), stack.routes.generation, () if stub is None else tuple(stub.configuration.servers))
