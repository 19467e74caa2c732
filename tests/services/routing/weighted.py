"""Random weighted networks of routers, and what Dijkstra's algorithm (networkx) says of them.

Every link has a cost for each direction. Links are cables between two routers or switches with three or more; every
router has a stub network of its own, 172.16.N.0/24 for router N.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import networkx

from netarium import Net
from netarium.addresses import ipv4_text, parse_ipv4
from netarium.link.cable import Cable

Prefix = tuple[int, int]


@dataclass
class Weighted:
    """A net of routers and its graph: `costs[prefix][router]` is what it costs that router to send there."""

    net: Net
    protocol: str
    costs: dict[Prefix, dict[str, int]] = field(default_factory=dict)
    cables: dict[Prefix, list[Any]] = field(default_factory=dict)
    owners: dict[int, str] = field(default_factory=dict)
    cut: list[Prefix] = field(default_factory=list)

    @property
    def routers(self) -> list[Any]:
        return [box for box in self.net.boxes.values() if box.kind == "router"]

    def pass_time(self, seconds: float) -> None:
        """Let time pass, whether anybody has work or not."""
        pass_time(self.net, self.net.now_ns / 1e9 + seconds)

    def distances(self) -> dict[str, dict[Prefix, int]]:
        """Router -> prefix -> cost of the best path, for those that are on and reachable.

        With RIP a router on a network tells of its own way to it, even where a way around would cost less.
        """
        graph = self._graph()
        routers = [node for node in graph if isinstance(node, str)]
        found: dict[str, dict[Prefix, int]] = {router: {} for router in routers}
        reverse = graph.reverse()
        for prefix, costs in self.costs.items():
            if prefix not in reverse:
                continue
            judged = reverse
            if self.protocol == "rip":
                judged = reverse.copy()
                others = [edge for edge in reverse.edges if edge[1] in costs and edge[0] != prefix]
                judged.remove_edges_from(others)
            reached = networkx.single_source_dijkstra_path_length(judged, prefix)
            for router in routers:
                if router in reached:
                    found[router][prefix] = reached[router]
        return found

    def _graph(self) -> networkx.DiGraph:
        alive = [box.name for box in self.routers if box.on]
        graph = networkx.DiGraph()
        graph.add_nodes_from(alive)
        for prefix, costs in self.costs.items():
            for router, cost in costs.items():
                # A link without a carrier is no network to tell of, as with Linux' FRR.
                if router in alive and prefix not in self.cut:
                    graph.add_edge(router, prefix, weight=cost)
                    graph.add_edge(prefix, router, weight=0)
        return graph

    def expected(self, infinity: int = 1 << 30) -> dict[str, dict[Prefix, int]]:
        """What each router's protocol should have installed: all but its own networks."""
        return {
            router: {
                prefix: cost
                for prefix, cost in reached.items()
                if router not in self.costs[prefix] and cost < infinity
            }
            for router, reached in self.distances().items()
        }

    def installed(self) -> dict[str, dict[Prefix, int]]:
        """What is in the tables."""
        return {
            box.name: {
                (route.prefix, route.length): route.metric
                for route in box.node.stack.routes.routes
                if route.protocol == self.protocol
            }
            for box in self.routers
            if box.on
        }

    def walk(self, start: str, prefix: Prefix) -> int | None:
        """Follow the tables from `start` to a network; what it costs, None where a router has no route or it loops."""
        router, total = start, 0
        for _ in range(len(self.routers) + 1):
            route = self.net[router].node.stack.routes.lookup(prefix[0] + 1 if prefix[1] < 31 else prefix[0])
            if route is None:
                return None
            if router in self.costs[prefix]:
                return total + self.costs[prefix][router]
            link = next(
                (
                    other
                    for other, costs in self.costs.items()
                    if router in costs and (route.gateway ^ other[0]) >> (32 - other[1]) == 0
                ),
                None,
            )
            if link is None:
                return None
            total += self.costs[link][router]
            router = self.owners[route.gateway]
        return None

    def check(self, infinity: int = 1 << 30) -> None:
        """The tables have exactly the best costs, and lead there at that cost."""
        expected, installed = self.expected(infinity), self.installed()
        for router in expected:
            assert installed[router] == expected[router], f"{router} at {self.net.now_ns / 1e9} s"
        for router, reached in expected.items():
            for prefix, cost in reached.items():
                walked = self.walk(router, prefix)
                # A router on the network delivers by its own link, although a way around may be cheaper.
                right = walked == cost if len(self.costs[prefix]) == 1 else walked is not None
                assert right, f"{router} to {ipv4_text(prefix[0])}/{prefix[1]}: {walked} instead of {cost}"

    def loops(self) -> list[tuple[str, Prefix]]:
        """Where the tables lead in a circle, now."""
        found = []
        for box in self.routers:
            for prefix in self.costs:
                seen, router = [box.name], box.name
                while router not in self.costs[prefix]:
                    route = self.net[router].node.stack.routes.lookup(prefix[0] + 1)
                    if route is None or not route.gateway or route.gateway not in self.owners:
                        break
                    router = self.owners[route.gateway]
                    if router in seen:
                        found.append((box.name, prefix))
                        break
                    seen.append(router)
        return found


def pass_time(net: Net, until_s: float) -> None:
    """Drive until then; a net where only daemons live gives control back every ten minutes."""
    until_ns = int(until_s * 10**9)
    while net.now_ns < until_ns:
        net.drive(until_ns, lambda: False)


def prefix_of(text: str) -> Prefix:
    address, _, length = text.partition("/")
    return parse_ipv4(address), int(length)


def build(
    protocol: str,
    links: list[tuple[dict[int, int], str]],
    routers: int,
    *,
    seed: int = 1,
    stub_cost: int = 1,
    **options: Any,
) -> Weighted:
    """A net of `routers` and links: each a mapping router -> cost, and the kind of network. Two ends make a cable."""
    net = Net(seed=seed)
    made = Weighted(net, protocol)
    interfaces: dict[int, dict[str, str]] = {number: {} for number in range(routers)}
    costs: dict[int, dict[str, int]] = {number: {} for number in range(routers)}
    kinds: dict[int, dict[str, str]] = {number: {} for number in range(routers)}
    for index, (ends, kind) in enumerate(links):
        base = f"10.{index >> 8}.{index & 255}"
        for position, (router, cost) in enumerate(ends.items()):
            interfaces[router][f"e{index}"] = f"{base}.{position + 1}/24"
            costs[router][f"e{index}"] = cost
            kinds[router][f"e{index}"] = kind
            made.owners[parse_ipv4(f"{base}.{position + 1}")] = f"r{router}"
        made.costs[prefix_of(f"{base}.0/24")] = {f"r{router}": cost for router, cost in ends.items()}
    for number in range(routers):
        interfaces[number]["stub"] = f"172.16.{number}.1/24"
        costs[number]["stub"] = stub_cost
        made.costs[prefix_of(f"172.16.{number}.0/24")] = {f"r{number}": stub_cost}
        given: dict[str, Any] = {"protocol": protocol, "cost": costs[number], **options}
        if protocol == "ospf":
            given["network"] = kinds[number]
        net.router(f"r{number}", interfaces=interfaces[number], routing=given)
    for index, (ends, _) in enumerate(links):
        prefix = prefix_of(f"10.{index >> 8}.{index & 255}.0/24")
        names = [f"r{router}:e{index}" for router in ends]
        if len(names) == 2:
            made.cables[prefix] = [net.link(names[0], names[1])]
        else:
            switch = net.switch(f"s{index}")
            made.cables[prefix] = [net.link(name, switch) for name in names]
    return made


def random_links(
    stream: random.Random, routers: int, extra: int, cost_max: int, lans: int = 0
) -> list[tuple[dict[int, int], str]]:
    """A random connected graph: a tree, `extra` more cables, and switches with three to five routers."""
    found: list[tuple[dict[int, int], str]] = []

    def ends(*numbers: int) -> dict[int, int]:
        return {number: stream.randint(1, cost_max) for number in numbers}

    for number in range(1, routers):
        kind = stream.choice(["point-to-point", "point-to-point", "broadcast"])
        found.append((ends(stream.randrange(number), number), kind))
    for _ in range(extra):
        kind = stream.choice(["point-to-point", "broadcast"])
        found.append((ends(*stream.sample(range(routers), 2)), kind))
    for _ in range(lans):
        size = min(routers, stream.randint(3, 5))
        found.append((ends(*stream.sample(range(routers), size)), "broadcast"))
    return found


def cables_of(made: Weighted) -> list[tuple[Prefix, Cable]]:
    """The cables between two routers."""
    return [(prefix, links[0].cable) for prefix, links in made.cables.items() if len(links) == 1]
