"""For rows about names: a small internet of name servers, and the DNS messages that are seen in it."""

from __future__ import annotations

import socket
from collections.abc import Sequence

import dns.flags
import dns.message
import dns.rdatatype

from netarium import Net
from netarium.journey import Stop
from netarium.wire.ethernet import Frame
from netarium.wire.udp import UdpHeader

SOA = "nobody.invalid. 1 1800 900 604800 300"


def zone(origin: str, server: str, address: str, *records: str) -> dict[str, str]:
    """A zone's text: its SOA, its server `server` with `address`, and more records."""
    lines = [f"{origin} 86400 IN SOA {server} {SOA}", f"{origin} 86400 IN NS {server}"]
    if address:
        lines.append(f"{server} 86400 IN A {address}")
    return {origin: "\n".join([*lines, *records]) + "\n"}


def authority(*zones: dict[str, str]) -> list[dict[str, object]]:
    """`services` of an authoritative server."""
    together = {}
    for each in zones:
        together.update(each)
    return [{"dns": {"zones": together}}]


def xyz_and_abc(names: bool = False, seed: int = 1, ttl: int = 172800):
    """The example of R117: m.xyz.com asks dns.xyz.com, which asks root, dns.com and dns.abc.com."""
    net = Net(seed=seed, names=names)
    wire = net.switch("wire")
    net.host("root", address="10.0.0.1/24", link=wire, services=authority(
        zone(".", "a.root-servers.net.", "10.0.0.1",
             "com. 172800 IN NS dns.com.", "dns.com. 172800 IN A 10.0.0.2"),
    ))  # fmt: skip
    net.host("com", address="10.0.0.2/24", link=wire, services=authority(
        zone("com.", "dns.com.", "10.0.0.2",
             "abc.com. 172800 IN NS dns.abc.com.", "dns.abc.com. 172800 IN A 10.0.0.3"),
    ))  # fmt: skip
    net.host("abc", address="10.0.0.3/24", link=wire, services=authority(
        zone("abc.com.", "dns.abc.com.", "10.0.0.3", f"y.abc.com. {ttl} IN A 10.0.0.80"),
    ))  # fmt: skip
    net.host(
        "local", address="10.0.0.4/24", link=wire,
        services=[{"dns": {"recursive": True, "roots": ["10.0.0.1"]}}],
    )  # fmt: skip
    m = net.host("m", address="10.0.0.10/24", link=wire, dns="10.0.0.4")
    n = net.host("n", address="10.0.0.11/24", link=wire, dns="10.0.0.4")
    return net, m, n


class DnsSeen:
    """An observer: every DNS datagram, counted once at its sender (host, destination, message); and stages told."""

    def __init__(self, net: Net) -> None:
        self.messages: list[tuple[str, str, dns.message.Message]] = []
        self.stages: list[tuple[str, str, dict[str, object]]] = []
        self._owners = {
            address.partition("/")[0]: box.name
            for box in net.boxes.values()
            if hasattr(box, "addresses")
            for each in box.addresses.values()
            for address in each
        }
        self._net = net
        net.watch.add(self)

    def frame(self, now: int, port: object, stop: Stop, frame: Frame) -> None:
        sender = port.name.partition(":")[0]  # type: ignore[attr-defined]
        if stop is not Stop.LINK_SENT or type(frame.transport) is not UdpHeader:
            return
        if 53 not in (frame.transport.source_port, frame.transport.destination_port):
            return
        source = socket.inet_ntoa(frame.network.source.to_bytes(4, "big"))
        if self._owners.get(source) != sender:
            return  # a switch or router passes it on
        target = socket.inet_ntoa(frame.network.destination.to_bytes(4, "big"))
        message = dns.message.from_wire(bytes(frame.payload))
        self.messages.append((sender, self._owners.get(target, target), message))

    def step(self, now: int, place: str, stop: Stop, subject: str, details: dict[str, object]) -> None:
        if stop is Stop.NAME:
            self.stages.append((place, subject, details))

    def told(self) -> list[str]:
        """`m > local ? y.abc.com. A rd` and `root > local com. NS`: who asked and answered what."""
        return [f"{sender} > {target} {_what(message)}" for sender, target, message in self.messages]

    def take(self) -> list[str]:
        """What was told since the last `take`."""
        told = self.told()
        self.messages.clear()
        return told


def _what(message: dns.message.Message) -> str:
    question = message.question[0]
    recursion = " rd" if message.flags & dns.flags.RD else ""
    if not message.flags & dns.flags.QR:
        return f"? {question.name} {dns.rdatatype.to_text(question.rdtype)}{recursion}"
    if message.answer:
        return "= " + " ".join(str(each) for rrset in message.answer for each in rrset)
    if message.rcode():
        return f"! {message.rcode().name}"
    referred = [each for each in message.authority if each.rdtype == dns.rdatatype.NS]
    return f"-> {referred[0].name} {referred[0][0].target}" if referred else "no data"


def look_up(name: str, family: int = socket.AF_INET) -> list[str] | str:
    """The addresses of a name as a program gets them, or the error's text."""
    try:
        found = socket.getaddrinfo(name, 80, family, socket.SOCK_STREAM)
    except OSError as error:
        return str(error.strerror)
    return [each[4][0] for each in found]


def stages(seen: DnsSeen, host: str) -> list[tuple[str, object]]:
    """(stage, whether it hit) of one host's lookups, in order."""
    return [(str(d["stage"]), d["hit"]) for place, _, d in seen.stages if place == host and "hit" in d]


def addresses(found: Sequence[str] | str) -> list[str]:
    """The addresses, sorted; an error's text fails."""
    assert isinstance(found, list), found
    return sorted(found)
