"""The observer that collects the facts of a run. It asks hosts for what they have and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netarium.addresses import ipv4_text, mask_of, parse_ipv4
from netarium.journey import Cause, PortLike, Stop
from netarium.lab.boxes import Host
from netarium.story.facts import Fact, Kind
from netarium.story.flights import Flights
from netarium.story.reading import Reader

if TYPE_CHECKING:
    from netarium.capture.pcapng import Capture
    from netarium.lab.net import Net
    from netarium.lab.service import Service
    from netarium.wire.ethernet import Frame


class Watcher:
    """Collects `facts` in the order they happened; numbers are those of `capture`, which was added before.

    `heroes` are the hosts whose side is told closely (next hops, name look-ups): those that ask by DHCP, or all.
    """

    def __init__(self, net: Net, capture: Capture) -> None:
        self.net = net
        self.capture = capture
        self.facts: list[Fact] = []
        hosts = [box for box in net.boxes.values() if isinstance(box, Host)]
        self.heroes = {box.name: box for box in hosts if box.dhcp_interfaces}
        self.heroes = self.heroes or {box.name: box for box in hosts}
        self._flights = Flights()
        self._reader = Reader()
        self._hops_told: set[tuple[str, str]] = set()
        self._entries: dict[tuple[str, str], dict[str, Any]] = {}
        self._replies: set[tuple[str, str]] = set()
        self._asked: dict[str, list[Fact]] = {}
        self._begun: dict[str, str] = {}
        net.watch.add(self)
        for service in net.services:
            if service.of_node:  # a daemon of the host says in its log what its messages say
                continue
            service.listeners.append(self.wrote)

    def frame(self, now: int, port: PortLike, stop: Stop, frame: Frame) -> None:
        """A frame is sent or received."""
        number = self.capture.number_at(port, stop)
        if number is None:
            return
        self._reader.note(frame)
        node = port.name.partition(":")[0]
        if stop is not Stop.LINK_SENT and not port.name.endswith(":lo"):
            self._flights.received(number, node, frame)
            return
        flight, new = self._flights.sent(number, node, frame)
        if new:
            kind, values = self._reader.read(frame)
            fact = Fact(now, kind, node, values, flight)
            self.facts.append(fact)
            if kind is Kind.ARP:
                self._match_arp(fact)
            elif kind is Kind.DHCP and values["name"] == "DHCPOFFER":
                self._match_offer(fact)

    def state(self, now: int, place: str, subject: str, before: str, after: str, cause: Cause) -> None:
        """Something changed its state."""
        what, _, rest = subject.partition(" ")
        host = self.heroes.get(place)
        if what == "tcp":
            if host is not None and after == "SYN-SENT":
                self._next_hop(now, host, rest.partition("-")[2].rpartition(":")[0], "TCP")
            values = {"subject": rest, "before": before, "after": after}
            self.facts.append(Fact(now, Kind.TCP_STATE, place, values))
        elif subject == "host" and after == "on" and host is not None and host.dhcp_interfaces:
            self.facts.append(Fact(now, Kind.BOOTED, place, _belongings(host)))
        elif what == "dhcp" and after == "BOUND" and host is not None:
            self.facts.append(Fact(now, Kind.CONFIGURED, place, _belongings(host)))
        elif what in ("ospf", "rip") and after.startswith("via "):
            self.facts.append(
                Fact(
                    now, Kind.ROUTE_LEARNED, place, {"protocol": what.upper(), "prefix": rest, "route": after}
                )
            )

    def step(self, now: int, place: str, stop: Stop, subject: str, details: dict[str, object]) -> None:
        """A step on a byte's journey."""
        host = self.heroes.get(place)
        if stop is Stop.NAME and host is not None and "hit" in details:
            self.facts.append(Fact(now, Kind.NAME_STAGE, place, {"name": subject, **details}))
        elif stop is Stop.DATAGRAM and host is not None:
            self._next_hop(now, host, subject.rpartition(">")[2].rpartition(":")[0], "UDP")
        elif stop in (Stop.FILTER_OUT, Stop.FILTER_IN) and details.get("rule"):
            self._nat(now, place, subject, details)

    def wrote(self, service: Service, stream: str, text: str) -> None:
        """A program has written (a listener of Service): whole lines are told."""
        *lines, rest = (self._begun.get(service.name, "") + text).split("\n")
        self._begun[service.name] = rest
        for line in lines:
            values = {"program": service.name, "line": line, "stream": stream}
            self.facts.append(Fact(self.net.now_ns, Kind.PRINTED, service.host.name, values))

    def owners(self) -> dict[str, str]:
        """Address -> the node that has it now."""
        found: dict[str, str] = {}
        for box in self.net.boxes.values():
            if isinstance(box, Host):
                for addresses in box.addresses.values():
                    found.update((each.partition("/")[0], box.name) for each in addresses)
        return found

    def _nat(self, now: int, place: str, subject: str, details: dict[str, Any]) -> None:
        connection = (place, subject)
        if details["decision"] == "new connection":
            self._entries[connection] = {
                "lines_before": list(details["table_before"]),
                "lines_after": list(details["table_after"]),
            }
        elif details["decision"] == "translate":
            values = {"connection": subject, "before": details["before"], "after": details["after"]}
            entry = self._entries.pop(connection, None)
            if entry is not None:
                values["rule"] = details["rule"]
                self.facts.append(Fact(now, Kind.NAT_ENTRY, place, {**values, **entry}))
            elif details["direction"] == "reply" and connection not in self._replies:
                self._replies.add(connection)
                self.facts.append(Fact(now, Kind.NAT_REPLY, place, values))

    def _next_hop(self, now: int, host: Host, text: str, transport: str) -> None:
        """Is the destination in the host's own network? The AND that decides it (RFC 1122 3.3.1.1)."""
        told = (host.name, text)
        if told in self._hops_told or "." not in text:
            return
        self._hops_told.add(told)
        destination = parse_ipv4(text)
        candidates = host.node.stack.routes.candidates(destination)
        if not candidates or not candidates[0].interface.addresses:
            return
        route, own = candidates[0], candidates[0].interface.addresses[0]
        mask = mask_of(own.length)
        values = {
            "transport": transport,
            "own": ipv4_text(own.address),
            "mask": ipv4_text(mask),
            "destination": text,
            "own_network": ipv4_text(own.address & mask),
            "destination_network": ipv4_text(destination & mask),
            "gateway": ipv4_text(route.gateway) if route.gateway else "",
        }
        self.facts.append(Fact(now, Kind.NEXT_HOP, host.name, values))

    def _match_arp(self, fact: Fact) -> None:
        """Mark the requests that a reply answers."""
        values = fact.values
        if values["operation"] == "request":
            self._asked.setdefault(values["target"], []).append(fact)
            return
        for asked in self._asked.pop(values["sender"], []):
            asked.values["answered"] = True

    def _match_offer(self, fact: Fact) -> None:
        """A server asked for the address before it offered it: that is why (RFC 2131 4.3.1)."""
        for asked in self._asked.get(fact.values["given"], []):
            if asked.place == fact.place and asked.values["purpose"] == "resolve":
                asked.values["purpose"] = "offer"


def _belongings(host: Host) -> dict[str, Any]:
    """What a host has: addresses with prefix, the default gateway, name servers."""
    routes = host.node.stack.routes.routes
    gateways = [ipv4_text(route.gateway) for route in routes if route.length == 0 and route.gateway]
    stub = host.resolver.stub
    return {
        "addresses": [each for addresses in host.addresses.values() for each in addresses],
        "gateways": gateways,
        "servers": [] if stub is None else list(stub.configuration.servers),
    }
