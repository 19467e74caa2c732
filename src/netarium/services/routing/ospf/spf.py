"""Shortest paths over the database, and the routes that follow.

Read first: RFC 2328 16.1 (the tree), 16.1.1 (next hops), 16.4 (external routes). Vertices are (ROUTER, router id) and
(NETWORK, address of the designated router). Equal costs keep all next hops, in the order in which they were found.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from netarium.services.routing.installer import Hop, Prefix, Wanted
from netarium.services.routing.ospf.constants import DOWN
from netarium.wire.ospf_lsa import (
    EXTERNAL,
    NETWORK,
    POINT_TO_POINT,
    ROUTER,
    ROUTER_EXTERNAL,
    STUB,
    TRANSIT,
    ExternalBody,
    NetworkBody,
    RouterBody,
    RouterLink,
)

if TYPE_CHECKING:
    from netarium.services.routing.ospf.instance import Instance

Routes = dict[Prefix, Wanted]
Vertex = tuple[int, int]
Hops = tuple[Hop, ...]


class _Graph:
    """What the living LSAs say, by vertex."""

    def __init__(self, instance: Instance) -> None:
        now = instance.alarms.now
        self.routers: dict[int, RouterBody] = {}
        self.networks: dict[int, NetworkBody] = {}
        self.externals: list[tuple[int, int, ExternalBody]] = []
        for entry in instance.database.living(ROUTER, now):
            body = entry.parsed
            if isinstance(body, RouterBody):
                self.routers[entry.lsa.header.router] = body
        for entry in instance.database.living(NETWORK, now):
            body = entry.parsed
            if isinstance(body, NetworkBody) and entry.lsa.header.router in body.routers:
                self.networks[entry.lsa.header.link_state_id] = body
        for entry in instance.database.living(EXTERNAL, now):
            body = entry.parsed
            if isinstance(body, ExternalBody):
                self.externals.append((entry.lsa.header.link_state_id, entry.lsa.header.router, body))

    def edges(self, vertex: Vertex) -> Iterator[tuple[Vertex, int, RouterLink | None]]:
        """(neighbor, cost, link) of a vertex, those that point back only (16.1, step 2b)."""
        kind, number = vertex
        if kind == NETWORK:
            for router in self.networks[number].routers:
                body = self.routers.get(router)
                if body is not None and self.link_back(body, TRANSIT, number) is not None:
                    yield (ROUTER, router), 0, None
            return
        for link in self.routers[number].links:
            if link.type == POINT_TO_POINT:
                body = self.routers.get(link.link_id)
                if body is not None and self.link_back(body, POINT_TO_POINT, number) is not None:
                    yield (ROUTER, link.link_id), link.cost, link
            elif link.type == TRANSIT:
                network = self.networks.get(link.link_id)
                if network is not None and number in network.routers:
                    yield (NETWORK, link.link_id), link.cost, link

    @staticmethod
    def link_back(body: RouterBody, type: int, link_id: int) -> RouterLink | None:
        """The link of this type to this id; None without one."""
        for link in body.links:
            if link.type == type and link.link_id == link_id:
                return link
        return None


def routes(instance: Instance) -> Routes:
    """Every route of this router beyond its own links: prefix -> (cost, next hops)."""
    graph = _Graph(instance)
    own: Vertex = (ROUTER, instance.router_id)
    if instance.router_id not in graph.routers:
        return {}
    tree = _tree(instance, graph, own)
    found: Routes = {}
    for (kind, number), (cost, hops) in tree.items():
        if kind == NETWORK:
            mask = graph.networks[number].mask
            _offer(found, (number & mask, mask.bit_count()), cost, hops)
    for (kind, number), (cost, hops) in tree.items():
        if kind == ROUTER:
            for link in graph.routers[number].links:
                if link.type == STUB:
                    prefix = (link.link_id & link.data, link.data.bit_count())
                    _offer(found, prefix, cost + link.cost, hops)
    _external(graph, tree, found, own)
    for interface in instance.interfaces.values():
        if interface.state != DOWN:
            for prefix in ((interface.link.network, interface.link.length), *interface.link.others):
                found.pop(prefix, None)
    return {prefix: route for prefix, route in found.items() if route[1] and route[1][0][0]}


def _offer(found: Routes, prefix: Prefix, cost: int, hops: Hops) -> None:
    old = found.get(prefix)
    if old is None or cost < old[0]:
        found[prefix] = (cost, hops)
    elif cost == old[0]:
        found[prefix] = (cost, _merged(old[1], hops))


def _merged(one: Hops, other: Hops) -> Hops:
    return one + tuple(hop for hop in other if hop not in one)


def _tree(instance: Instance, graph: _Graph, own: Vertex) -> dict[Vertex, tuple[int, Hops]]:
    """Dijkstra's algorithm (16.1): vertex -> (cost, next hops). Networks are taken before routers of equal cost."""
    found: dict[Vertex, tuple[int, Hops]] = {}
    best: dict[Vertex, tuple[int, Hops]] = {own: (0, ())}
    # Type 2 first: a network of equal cost may lie on the way to a router (16.1, step 3).
    heap: list[tuple[int, int, int]] = [(0, -own[0], own[1])]
    while heap:
        cost, kind, number = heappop(heap)
        vertex = (-kind, number)
        if vertex in found:
            continue
        hops = best[vertex][1]
        found[vertex] = (cost, hops)
        for other, step, link in graph.edges(vertex):
            if other in found:
                continue
            total = cost + step
            old = best.get(other)
            if old is not None and old[0] < total:
                continue
            way = _hops(instance, graph, own, vertex, other, hops, link)
            if not way:
                continue
            if old is not None and old[0] == total:
                best[other] = (total, _merged(old[1], way))
            else:
                best[other] = (total, way)
                heappush(heap, (total, -other[0], other[1]))
    return found


def _hops(
    instance: Instance,
    graph: _Graph,
    own: Vertex,
    parent: Vertex,
    other: Vertex,
    hops: Hops,
    link: RouterLink | None,
) -> Hops:
    """The next hops to `other` by way of `parent` (16.1.1); empty when they cannot be known yet."""
    if parent == own:
        assert link is not None
        for interface in instance.interfaces.values():
            if interface.link.address == link.data and interface.state != DOWN:
                if other[0] == NETWORK:
                    return ((0, interface.name),)
                gateway = instance.neighbor_address(interface, other[1])
                return ((gateway, interface.name),) if gateway else ()
        return ()
    if parent[0] == NETWORK and hops and hops[0][0] == 0:
        back = graph.link_back(graph.routers[other[1]], TRANSIT, parent[1])
        assert back is not None
        return tuple(
            (back.data, interface) if not gateway else (gateway, interface) for gateway, interface in hops
        )
    return hops


def _external(graph: _Graph, tree: dict[Vertex, tuple[int, Hops]], found: Routes, own: Vertex) -> None:
    """AS external routes (16.4): type 1 adds the cost of the way, type 2 is compared by its metric first.

    Routes within the area go before them, whatever their cost. A forwarding address of others is not used.
    """
    best: dict[Prefix, tuple[tuple[int, int, int], Wanted]] = {}
    for prefix, router, body in graph.externals:
        if (ROUTER, router) == own or (ROUTER, router) not in tree or body.metric >= 0xFFFFFF:
            continue
        if not graph.routers[router].flags & ROUTER_EXTERNAL:
            continue
        cost, hops = tree[ROUTER, router]
        rank = (1, body.metric, cost) if body.type_2 else (0, cost + body.metric, 0)
        key = (prefix & body.mask, body.mask.bit_count())
        if key in found:
            continue
        old = best.get(key)
        if old is None or rank < old[0]:
            best[key] = (rank, (rank[1], hops))
        elif rank == old[0]:
            best[key] = (rank, (rank[1], _merged(old[1][1], hops)))
    for key, (_, route) in best.items():
        found[key] = route
