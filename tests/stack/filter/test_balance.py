"""The choice of a server: methods, stickiness, the dead, the backups; what they count."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from tests.stack.filter.gateways import SERVER, A, B, Gateway, text
from tests.stack.joined import SECOND, ip

from netarium.stack.filter.balance import (
    LEAST_CONNECTIONS,
    METHODS,
    RANDOM,
    ROUND_ROBIN,
    Server,
    VirtualService,
)
from netarium.wire.ipv4 import PROTOCOL_TCP, PROTOCOL_UDP
from netarium.wire.tcp import ACK, FIN, RST, SYN


def service(method: str = ROUND_ROBIN, count: int = 3, **more: object) -> VirtualService:
    servers = [Server(number, 80) for number in range(1, count + 1)]
    return VirtualService(PROTOCOL_TCP, 0, 80, servers, method, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_uses_all_the_living_and_never_a_dead_one(method: str) -> None:
    chosen: Counter[int] = Counter()
    balanced = service(method)
    balanced.servers[1].alive = False
    for _ in range(100):
        server = balanced.choose(7, 0, Random(len(chosen)) if method != RANDOM else RANDOMNESS)
        assert server is not None
        server.connections += 1
        chosen[server.address] += 1
    assert sorted(chosen) == [1, 3]


RANDOMNESS = Random(1)


def test_least_connections_goes_to_the_one_with_the_fewest_open_ones() -> None:
    balanced = service(LEAST_CONNECTIONS)
    for server, load in zip(balanced.servers, (5, 2, 3), strict=True):
        server.connections = load
    chosen = balanced.choose(7, 0, RANDOMNESS)
    assert chosen is balanced.servers[1]
    balanced.servers[1].connections = 3
    balanced.servers[1].ending = 1
    assert balanced.choose(7, 0, RANDOMNESS) is balanced.servers[2], "one that is ending counts a little"


def test_backups_are_used_only_while_no_other_lives() -> None:
    balanced = service(count=2)
    balanced.servers.append(Server(9, 80, backup=True))
    assert {balanced.choose(7, 0, RANDOMNESS).address for _ in range(10)} == {1, 2}  # type: ignore[union-attr]
    for server in balanced.servers[:2]:
        server.alive = False
    assert balanced.choose(7, 0, RANDOMNESS).address == 9  # type: ignore[union-attr]
    balanced.servers[2].alive = False
    assert balanced.choose(7, 0, RANDOMNESS) is None
    balanced.servers[0].alive = True
    assert balanced.choose(7, 0, RANDOMNESS).address == 1  # type: ignore[union-attr]


def test_a_sticky_client_stays_while_it_comes_and_its_server_lives() -> None:
    balanced = service(sticky_ns=10 * SECOND)
    first = balanced.choose(7, 0, RANDOMNESS)
    assert balanced.choose(8, 0, RANDOMNESS) is not first
    assert balanced.choose(7, 9 * SECOND, RANDOMNESS) is first
    assert balanced.choose(7, 18 * SECOND, RANDOMNESS) is first, "each time it comes the time begins anew"
    assert balanced.choose(7, 28 * SECOND, RANDOMNESS) is not first, "10 s later it is a new client"
    other = balanced.choose(7, 29 * SECOND, RANDOMNESS)
    assert other is not None
    other.alive = False
    assert balanced.choose(7, 30 * SECOND, RANDOMNESS) is not other


def farm(protocol: int = PROTOCOL_TCP, **more: object) -> tuple[Gateway, VirtualService]:
    """The gateway as a balancer of its outside address, the hosts a and b as servers."""
    gateway = Gateway()
    made = VirtualService(protocol, 0, 80, [Server(ip(A), 80), Server(ip(B), 80)], **more)  # type: ignore[arg-type]
    gateway.filter.balancer.add(made)
    return gateway, made


def test_counts_of_connections_follow_their_ends() -> None:
    gateway, made = farm()
    one = made.servers[0]
    gateway.a.ipv4.input.protocols.pop(PROTOCOL_TCP)
    gateway.server.ipv4.input.protocols.pop(PROTOCOL_TCP)
    gateway.joined.lose = lambda sent: sent.frame.network.protocol == 1 if sent.frame.transport else False
    gateway.tcp(gateway.server, "202.20.65.5", 5000, 80, SYN)
    gateway.settle()
    assert (one.connections, one.ending, one.total) == (1, 0, 1)
    gateway.tcp(gateway.a, SERVER, 80, 5000, SYN | ACK)
    gateway.tcp(gateway.server, "202.20.65.5", 5000, 80, ACK)
    gateway.tcp(gateway.server, "202.20.65.5", 5000, 80, FIN | ACK)
    gateway.settle()
    assert (one.connections, one.ending, one.total) == (0, 1, 1)
    gateway.wait(125)
    assert (one.connections, one.ending, one.total) == (0, 0, 1)


def test_a_segment_from_the_midst_of_nothing_is_answered_by_the_balancer_itself() -> None:
    gateway, made = farm()
    gateway.tcp(gateway.server, "202.20.65.5", 5000, 80, ACK)
    (_, reset) = gateway.settle()
    assert text(reset) == f"202.20.65.5:80>{SERVER}:5000" and reset.transport.flags & RST
    assert [each.total for each in made.servers] == [0, 0]


def test_no_backend_is_a_named_drop_and_an_icmp_error() -> None:
    gateway, made = farm(PROTOCOL_UDP)
    for server in made.servers:
        gateway.filter.set_alive(server, False)
    gateway.udp(gateway.server, "202.20.65.5", 5000, 80)
    (_, error) = gateway.settle()
    assert (error.transport.type, error.transport.code) == (3, 3)
    assert gateway.drops() == {"NO_BACKEND": 1}
    assert gateway.filter.table.entries == {}


def test_masquerade_lets_servers_see_the_balancer() -> None:
    gateway, _ = farm(PROTOCOL_UDP, masquerade=True)
    gateway.udp(gateway.server, "202.20.65.5", 5000, 80)
    frames = [text(frame) for frame in gateway.settle()]
    assert f"192.168.1.1:5000>{A}:80" in frames


def test_another_port_of_the_balancer_is_not_balanced() -> None:
    gateway, made = farm()
    gateway.tcp(gateway.server, "202.20.65.5", 5000, 81, SYN)
    assert gateway.settle()[1].transport.flags & RST
    assert [each.total for each in made.servers] == [0, 0]
