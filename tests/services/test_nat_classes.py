"""What a NAT is, found from outside by programs, as RFC 4787 and RFC 5780 define it; and hole punching through two.

Method: a client inside asks a server with two addresses and two ports (RFC 5780 section 4) whom it seems to be, and
from where it can be reached. The class found must be the class configured, for all nine pairs.
"""

from __future__ import annotations

import itertools
import json
import socket
import time

import pytest

from netarium import Net
from netarium.stack.filter.mappings import (
    ADDRESS_AND_PORT_DEPENDENT,
    ADDRESS_DEPENDENT,
    CLASSES,
    ENDPOINT_INDEPENDENT,
)

PRIMARY, ALTERNATE = "203.0.113.1", "203.0.113.2"
PORT, OTHER_PORT = 3478, 3479


def probe_server() -> None:
    """Tells who asks, from the address and port that are asked for: {"from": [address, port]} (CHANGE-REQUEST)."""
    sockets = {}
    for address, port in itertools.product((PRIMARY, ALTERNATE), (PORT, OTHER_PORT)):
        sockets[address, port] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sockets[address, port].bind((address, port))
    import select

    by_fd = {sock.fileno(): (key, sock) for key, sock in sockets.items()}
    while True:
        for fd in select.select(list(by_fd), [], [])[0]:
            asked, sock = by_fd[fd]
            data, peer = sock.recvfrom(1000)
            wanted = json.loads(data).get("from") or asked
            answer = json.dumps({"you": peer, "id": json.loads(data)["id"]}).encode()
            sockets[tuple(wanted)].sendto(answer, peer)


class Probe:
    """Asks the server; one socket, as one application has."""

    def __init__(self) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("", 5000))
        self.serial = 0

    def ask(self, to: tuple[str, int], answer_from: tuple[str, int] | None = None) -> tuple[str, int] | None:
        """Who we seem to be to `to`; None when no answer comes through within a second."""
        self.serial += 1
        self.sock.sendto(json.dumps({"id": self.serial, "from": answer_from}).encode(), to)
        limit = time.monotonic() + 1
        while (left := limit - time.monotonic()) > 0:
            self.sock.settimeout(left)
            try:
                said = json.loads(self.sock.recvfrom(1000)[0])
            except TimeoutError:
                return None
            if said["id"] == self.serial:
                return (said["you"][0], said["you"][1])
        return None


def find_mapping() -> str:
    """RFC 5780 section 4.3."""
    probe = Probe()
    first = probe.ask((PRIMARY, PORT))
    second = probe.ask((ALTERNATE, PORT))
    if first == second:
        return ENDPOINT_INDEPENDENT
    third = probe.ask((ALTERNATE, OTHER_PORT))
    return ADDRESS_DEPENDENT if second == third else ADDRESS_AND_PORT_DEPENDENT


def find_filtering() -> str:
    """RFC 5780 section 4.4."""
    probe = Probe()
    assert probe.ask((PRIMARY, PORT)) is not None
    if probe.ask((PRIMARY, PORT), (ALTERNATE, OTHER_PORT)) is not None:
        return ENDPOINT_INDEPENDENT
    if probe.ask((PRIMARY, PORT), (PRIMARY, OTHER_PORT)) is not None:
        return ADDRESS_DEPENDENT
    return ADDRESS_AND_PORT_DEPENDENT


def behind(mapping: str | None, filtering: str | None) -> Net:
    net = Net(seed=1)
    nat = {"outside": "wan", "mapping": mapping, "filtering": filtering}
    net.router("gw", interfaces={"lan": "192.168.1.1/24", "wan": "203.0.113.9/24"}, nat=nat)
    net.link(net.host("inside", address="192.168.1.2/24", gateway="192.168.1.1"), "gw:lan")
    net.link(net.host("stun", address=[f"{PRIMARY}/24", f"{ALTERNATE}/24"]), "gw:wan")
    net["stun"].run(probe_server, daemon=True)
    return net


@pytest.mark.parametrize(("mapping", "filtering"), list(itertools.product(CLASSES, CLASSES)))
def test_the_class_found_from_outside_is_the_class_configured(mapping: str, filtering: str) -> None:
    assert behind(mapping, filtering)["inside"].call(find_mapping) == mapping
    assert behind(mapping, filtering)["inside"].call(find_filtering) == filtering


def test_without_a_class_the_nat_is_as_linux() -> None:
    """The port is kept while nothing clashes (so mapping looks independent), and only the one asked may answer."""
    assert behind(None, None)["inside"].call(find_mapping) == ENDPOINT_INDEPENDENT
    assert behind(None, None)["inside"].call(find_filtering) == ADDRESS_AND_PORT_DEPENDENT


def test_in_a_class_an_outside_port_belongs_to_one_mapping_only() -> None:
    net = behind(ADDRESS_AND_PORT_DEPENDENT, ADDRESS_AND_PORT_DEPENDENT)

    def ports() -> list[int]:
        probe = Probe()
        servers = itertools.product((PRIMARY, ALTERNATE), (PORT, OTHER_PORT))
        return [answer[1] for each in servers if (answer := probe.ask(each)) is not None]

    found = net["inside"].call(ports)
    assert len(found) == 4 and len(set(found)) == 4
    assert found[0] == 5000, "the first one is preserved"


# Hole punching (RFC 5128 3.3): two hosts behind two NATs learn their outside endpoints from a server and speak at once.


def rendezvous() -> None:
    """Tells each of two peers the outside endpoint of the other."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("", PORT))
    peers = {}
    while len(peers) < 2:
        name, peer = server.recvfrom(100)
        peers[name] = peer
    a, b = peers.values()
    server.sendto(json.dumps(b).encode(), a)
    server.sendto(json.dumps(a).encode(), b)


def punch(name: str) -> bool:
    """Whether a packet of the peer arrives within 5 s, while we send one each half second."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("", 5000))
    sock.sendto(name.encode(), ("203.0.113.1", PORT))
    host, port = json.loads(sock.recvfrom(100)[0])
    if name == "late":
        time.sleep(1)
    sock.settimeout(0.5)
    heard = False
    for _ in range(10):
        sock.sendto(b"hole", (host, port))
        try:
            heard = sock.recvfrom(100)[0] == b"hole" or heard
        except OSError:
            pass
    return heard


def two_nats(one: tuple[str, str] | None, other: tuple[str, str] | None) -> Net:
    net = Net(seed=1)
    middle = net.switch("middle")
    net.host("server", address="203.0.113.1/24", link=middle)
    for number, (name, classes) in enumerate((("early", one), ("late", other)), 1):
        # Both hosts use port 5000: behind their own NAT each.
        nat: dict[str, object] = {"outside": "wan"}
        if classes is not None:
            nat["mapping"], nat["filtering"] = classes
        interfaces = {"lan": "192.168.1.1/24", "wan": f"203.0.113.1{number}/24"}
        net.router(f"nat-{name}", interfaces=interfaces, nat=nat)
        net.link(f"nat-{name}:wan", middle)
        net.link(net.host(name, address="192.168.1.2/24", gateway="192.168.1.1"), f"nat-{name}:lan")
    return net


def can_be_punched(early: tuple[str, str], late: tuple[str, str]) -> bool:
    """By the classes alone: do both hear each other? Each sends to the endpoint that the server saw of the other."""

    def hears(hearer: tuple[str, str], speaker: tuple[str, str], answered: bool) -> bool:
        (mapping, filtering), independent = hearer, speaker[0] == ENDPOINT_INDEPENDENT
        if filtering == ENDPOINT_INDEPENDENT:
            return True  # the endpoint the server saw takes packets from anybody
        if mapping != ENDPOINT_INDEPENDENT:
            return (
                False  # that endpoint belongs to the server's mapping: whom we speak to is not admitted there
            )
        if filtering == ADDRESS_DEPENDENT or independent:
            return True  # we have spoken to the speaker's address, or even to the port it sends from
        return answered  # a speaker with another port for us is heard only in a conversation that we began

    # The early one's packets are there before the late one speaks: where they get in, the late one's are answers.
    return hears(early, late, late[1] == ENDPOINT_INDEPENDENT) and hears(late, early, False)


PAIRS = list(itertools.product(CLASSES, CLASSES))


@pytest.mark.parametrize("one", PAIRS, ids=lambda pair: "-".join(word[:8] for word in pair))
def test_hole_punching_works_or_fails_as_the_classes_say(one: tuple[str, str]) -> None:
    for other in PAIRS:
        net = two_nats(one, other)
        net["server"].run(rendezvous)
        early, late = net["early"].run(punch, "early"), net["late"].run(punch, "late")
        net.run()
        both = bool(early.result) and bool(late.result)
        assert both is can_be_punched(one, other), f"{one} with {other}: {early.result}, {late.result}"


def test_hole_punching_works_between_two_linux_gateways() -> None:
    net = two_nats(None, None)
    net["server"].run(rendezvous)
    early, late = net["early"].run(punch, "early"), net["late"].run(punch, "late")
    net.run()
    assert (early.result, late.result) == (True, True)
