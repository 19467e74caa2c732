"""What is known while a trace is read: who has which address now, what things are about, which packets are under way.

Everything that is remembered is bounded; what has been unused longest is forgotten first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from netarium.story.facts import Flight, Subject
from netarium.story.flights import Flights

SUBJECTS_MAX: Final = 4096
ALIASES_MAX: Final = 16384
PORTS_MAX: Final = 1024
RECENT_NS: Final = 3_000_000_000
"""Linux gives up an address nobody answers for after 3 s: what began that long ago is over."""
TRACEROUTE: Final = "traceroute"
"""The chapter of the probes of one traceroute."""
TRACE_NS: Final = 10_000_000_000
"""A probe that comes so much later is another traceroute's: it waits 5 s for each answer."""
TRACES_MAX: Final = 256
LOOPBACK: Final = ("127.", "::1")
_PROBES: Final = range(33434, 33535)
"""Ports that traceroute asks by custom, because nobody listens there."""
Record = dict[str, Any]


class Node:
    """One node as the trace describes it, kept up to date while it is read."""

    def __init__(self, name: str, told: dict[str, Any]) -> None:
        self.name = name
        self.kind = str(told.get("kind", ""))
        self.ports: dict[str, Any] = dict(told.get("ports") or {})
        self.roles: list[str] = list(told.get("roles") or ())
        self.forwards = bool(told.get("forwards"))
        self.addresses: dict[str, list[str]] = dict(told.get("addresses") or {})
        self.gateways: list[str] = list(told.get("gateways") or ())
        self.servers: list[str] = list(told.get("servers") or ())

    @property
    def is_host(self) -> bool:
        """An end, not a box that passes on what is for others."""
        return self.kind == "host" and not self.forwards


class Scene:
    """The net of a trace at the time that is being read."""

    def __init__(self, header: Record) -> None:
        self.header = header
        self.now_ns = 0
        self.nodes = {
            name: Node(name, told) for name, told in header["nodes"].items() if isinstance(told, dict)
        }
        self.flights = Flights()
        self._owners: dict[str, str] = {}
        self._subjects: dict[tuple[str, str], Subject] = {}
        self._aliases: dict[tuple[str, str, str], tuple[Subject, int]] = {}
        self._ends: dict[tuple[str, str], Subject] = {}
        """(protocol, `address:port`) -> the latest conversation with that end."""
        self._latest: dict[str, tuple[Subject, int]] = {}
        self._started: dict[str, tuple[int, tuple[Subject, int]]] = {}
        """Node -> when a program started there last, and what the node had to do with before."""
        self._traces: dict[tuple[str, str], tuple[Subject, int]] = {}
        """(asker, target) -> what the probes of a traceroute are about, and when the latest was sent."""
        self.services: dict[str, dict[str, Any]] = {}
        """Program -> the record that said it started."""
        self.ports: dict[str, None] = {}
        """Ports whose frames were read."""
        self.kinds: frozenset[str] | None = None
        """The kinds of facts that are wanted; None for all."""
        self.judged: dict[str, tuple[int, str, Flight]] = {}
        """Node -> when its firewall refused what, last; and the flight that its verdict is told with."""
        self.arrived: dict[str, tuple[int, Flight]] = {}
        """Node -> when it has seen a packet last, and which."""
        self._own()

    def is_told(self, kind: str) -> bool:
        """Whether facts of a kind are wanted."""
        return self.kinds is None or kind in self.kinds

    def owner(self, address: str) -> str:
        """The node that has an address now; "" when none of the net has, or more than one."""
        return self._owners.get(address, "")

    def has_address(self, name: str, address: str) -> bool:
        """Whether a node of that name has an address now; every node has those of the loopback."""
        node = self.nodes.get(name)
        if node is None:
            return False
        return address.startswith(LOOPBACK) or any(
            address == each.partition("/")[0] for found in node.addresses.values() for each in found
        )

    def host_changed(self, record: Record) -> None:
        """A `host` record: what a node has from now on."""
        node = self.nodes.get(record["at"])
        if node is None:
            node = self.nodes[record["at"]] = Node(record["at"], {"kind": "host"})
        node.addresses = dict(record.get("addresses") or {})
        node.gateways = list(record.get("gateways") or ())
        node.servers = list(record.get("servers") or ())
        self._own()

    def subject(self, kind: str, key: str, make: Callable[[], dict[str, Any]] | None = None) -> Subject:
        """The subject of that key; a new one has the label that `make` gives."""
        known = self._subjects.pop((kind, key), None)
        if known is None:
            known = Subject(kind, key, make() if make is not None else {})
            if len(self._subjects) >= SUBJECTS_MAX:
                del self._subjects[next(iter(self._subjects))]
        self._subjects[kind, key] = known
        return known

    def find(self, kind: str, key: str) -> Subject | None:
        """The subject of that key if there is one."""
        return self._subjects.get((kind, key))

    def conversation(
        self, protocol: str, source: str, destination: str, flight: Flight | None = None
    ) -> Subject:
        """The conversation between two ends `address:port`, whatever NAT has made of them on the way.

        The ends of a packet that is already part of one are its ends too. A new one was begun by `source`.
        """
        if flight is not None and flight.subject is not None and flight.subject.kind == protocol:
            known = flight.subject
            self._join(known, flight.side, protocol, source, destination)
            return known
        found = self._aliases.get((protocol, source, destination))
        if found is None:
            traced = self._trace_of(protocol, source, destination)
            found = (traced or self._new_conversation(protocol, source, destination), 0)
            self._join(*found, protocol, source, destination)
            self._begin_trace(found[0], protocol, source, destination)
        if flight is not None:
            flight.subject, flight.side = found
        return found[0]

    def known_conversation(self, protocol: str, source: str, destination: str) -> Subject | None:
        """The conversation between two ends if there is one, under whatever addresses."""
        found = self._aliases.get((protocol, source, destination))
        return found[0] if found is not None else None

    def conversation_with(self, protocol: str, end: str) -> Subject | None:
        """The latest conversation that has `address:port` as one of its ends."""
        return self._ends.get((protocol, end))

    def side_of(self, protocol: str, source: str, destination: str) -> tuple[Subject, int]:
        """The conversation between two ends, and the side of `source`: 0 for the one who began it, 1 for the other."""
        self.conversation(protocol, source, destination)
        return self._aliases[protocol, source, destination]

    def also_known(self, protocol: str, before: str, after: str) -> None:
        """NAT has made `C -> D` of a packet `A -> B`: those ends are ends of the same conversation."""
        source, arrow, destination = before.partition(" -> ")
        found = self._aliases.get((protocol, source, destination)) if arrow else None
        if found is not None and " -> " in after:
            new_source, _, new_destination = after.partition(" -> ")
            self._join(*found, protocol, new_source, new_destination)

    def forget_conversation(self, protocol: str, source: str, destination: str) -> None:
        """What comes between these ends from now on is another conversation."""
        self._aliases.pop((protocol, source, destination), None)
        self._aliases.pop((protocol, destination, source), None)
        self._subjects.pop((protocol, f"{source}-{destination}"), None)
        self._subjects.pop((protocol, f"{destination}-{source}"), None)

    def _trace_of(self, protocol: str, source: str, destination: str) -> Subject | None:
        """The traceroute that a new probe is one of: they go to a port each, and are one thing."""
        if protocol != "UDP" or not _is_probe(destination):
            return None
        known, time_ns = self._traces.get((address_of(source), address_of(destination)), (None, 0))
        return known if self.now_ns - time_ns <= TRACE_NS else None

    def _begin_trace(self, subject: Subject, protocol: str, source: str, destination: str) -> None:
        if protocol == "UDP" and _is_probe(destination):
            subject.phase = TRACEROUTE
            self._traces[address_of(source), address_of(destination)] = (subject, self.now_ns)
            if len(self._traces) > TRACES_MAX:
                del self._traces[next(iter(self._traces))]

    def _new_conversation(self, protocol: str, source: str, destination: str) -> Subject:
        client, server = self.owner(address_of(source)), self.owner(address_of(destination))
        self._subjects.pop((protocol, f"{source}-{destination}"), None)
        made = self.subject(
            protocol, f"{source}-{destination}", lambda: {"client": source, "server": destination}
        )
        made.nodes = [node for node in (client, server) if node]
        return made

    def _join(self, subject: Subject, side: int, protocol: str, source: str, destination: str) -> None:
        key = (protocol, source, destination)
        if key in self._aliases and self._aliases[key][0] is subject:
            return
        self._aliases[key] = (subject, side)
        self._aliases[protocol, destination, source] = (subject, 1 - side)
        for end in (source, destination):
            self._ends[protocol, end] = subject
            if len(self._ends) > ALIASES_MAX:
                del self._ends[next(iter(self._ends))]
        subject.pairs.append(f"{source}-{destination}" if side == 0 else f"{destination}-{source}")
        while len(self._aliases) > ALIASES_MAX:
            del self._aliases[next(iter(self._aliases))]

    def saw(self, port: str) -> None:
        """A frame was seen at a port."""
        if port not in self.ports and len(self.ports) < PORTS_MAX:
            self.ports[port] = None

    def touch(self, node: str, subject: Subject | None) -> None:
        """A node has to do with a subject: what it does next without saying why is about that."""
        if subject is not None:
            self._latest[node] = (subject, self.now_ns)

    def touch_flight(self, node: str, flight: Flight) -> None:
        """A node that sees a packet has to do with what it is about; hellos do not take its mind off something else."""
        self.arrived[node] = (self.now_ns, flight)
        subject = flight.subject
        if subject is not None and (subject.kind != "routing" or self.recent(node) is None):
            self._latest[node] = (subject, self.now_ns)

    def just_arrived(self, node: str) -> Subject | None:
        """What the packet is about that a node has seen at this moment."""
        found = self.arrived.get(node)
        return found[1].subject if found is not None and found[0] == self.now_ns else None

    def hosts_on_link(self, port: str) -> list[str]:
        """The hosts at the cable of a port, through switches and hubs, whatever their VLANs."""
        ends, known, found = [port], {port.partition(":")[0]}, []
        for end in ends:  # it grows
            node = self.nodes.get(end.partition(":")[0])
            ports = node.ports if node is not None else {}
            shown = [end.partition(":")[2]] if end == port else list(ports)
            for other in [str(ports.get(name, {}).get("to", "")) for name in shown]:
                name = other.partition(":")[0]
                if name in known or name not in self.nodes:
                    continue
                known.add(name)
                if self.nodes[name].is_host:
                    found.append(name)
                elif self.nodes[name].kind in ("switch", "hub"):
                    ends.append(other)
        return found

    def begins_anew(self, node: str) -> None:
        """A program starts on a node: what it does at once is not of what the node had to do with before."""
        known = self._latest.get(node)
        self._started.pop(node, None)
        if known is not None:
            self._started[node] = (self.now_ns, known)

    def recent(self, node: str) -> Subject | None:
        """What a node had to do with last, if that was not long ago."""
        found = self._latest.get(node)
        if found is None or self._started.get(node) == (self.now_ns, found):
            return None
        return found[0] if self.now_ns - found[1] <= RECENT_NS else None

    def _own(self) -> None:
        owners: dict[str, str] = {}
        for node in self.nodes.values():
            for addresses in node.addresses.values():
                for each in addresses:
                    address = each.partition("/")[0]
                    owners[address] = node.name if owners.get(address, node.name) == node.name else ""
        self._owners = owners


def _is_probe(destination: str) -> bool:
    port = destination.rpartition(":")[2]
    return port.isdigit() and int(port) in _PROBES


def address_of(end: str) -> str:
    """The address of `address:port`; an IPv6 address stands in brackets there."""
    return end.rpartition(":")[0].strip("[]")


def end_text(address: str, port: int) -> str:
    """`10.0.0.1:80` or `[2001:db8::1]:80`."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def end_name(owner: Callable[[str], str], node: str, local: str, remote: str) -> str:
    """The node; where both ends are on it, which of them: `server:5000`."""
    ends = [address_of(each) for each in (local, remote)]
    owners = [owner(each) for each in ends]
    is_inside = (
        ends[0] == ends[1] or owners[0] == owners[1] != "" or all(each.startswith("127.") for each in ends)
    )
    return f"{node}:{local.rpartition(':')[2]}" if is_inside else node
