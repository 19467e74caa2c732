"""1,000 hosts behind 50 routers that run OSPF: built, converged, and one packet from every host to another far away.

    python -m bench.internet [--broadcast]

Each router has a switch with 20 hosts; the routers are a random connected graph of 100 cables with random costs,
point-to-point by default, with `--broadcast` with designated routers and their 40 s of waiting. Measured are building
the net, the virtual and wall time until every table holds every network, and 1,000 UDP packets across it.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from typing import Any

ROUTERS, HOSTS_EACH, CABLES = 50, 20, 100
Result = dict[str, float]


def build(network: str = "point-to-point", seed: int = 1) -> Any:
    """The net. Router N has 10.1.N.0/24, cable K is 10.2.K.0/30."""
    from netarium import Net

    stream = random.Random(seed)
    ends = [(stream.randrange(number), number) for number in range(1, ROUTERS)]
    while len(ends) < CABLES:
        pair = tuple(sorted(stream.sample(range(ROUTERS), 2)))
        if pair not in ends:
            ends.append((pair[0], pair[1]))
    interfaces: list[dict[str, str]] = [{"lan": f"10.1.{number}.1/24"} for number in range(ROUTERS)]
    costs: list[dict[str, int]] = [{} for _ in range(ROUTERS)]
    for index, pair in enumerate(ends):
        for side, number in enumerate(pair):
            interfaces[number][f"e{index}"] = f"10.2.{index}.{side + 1}/30"
            costs[number][f"e{index}"] = stream.randint(1, 20)
    net = Net(seed=seed, name="internet", digest=False)
    for number in range(ROUTERS):
        kinds = dict.fromkeys(costs[number], network)
        routing = {"protocol": "ospf", "passive": "lan", "cost": costs[number], "network": kinds}
        net.router(f"r{number}", interfaces=interfaces[number], routing=routing)
    for index, (one, other) in enumerate(ends):
        net.link(f"r{one}:e{index}", f"r{other}:e{index}", delay="1ms")
    for number in range(ROUTERS):
        switch = net.switch(f"s{number}")
        net.link(f"r{number}:lan", switch)
        for host in range(HOSTS_EACH):
            address = f"10.1.{number}.{host + 2}/24"
            net.host(f"h{number}-{host}", address=address, gateway=f"10.1.{number}.1", link=switch)
    return net


def complete(net: Any) -> bool:
    """Whether every router has a route to each of the 150 networks, its own counted."""
    wanted = ROUTERS + CABLES
    return all(len(net[f"r{number}"].node.stack.routes.routes) >= wanted for number in range(ROUTERS))


def converge(net: Any) -> float:
    """Drive until the tables are complete, and 10 s longer for the last costs; the virtual seconds it took to fill."""
    while not complete(net):
        net.drive(net.now_ns + 10**9, lambda: False)
        assert net.now_ns < 120 * 10**9, "not converged after two minutes"
    filled_s: float = net.now_ns / 1e9
    net.drive(net.now_ns + 10 * 10**9, lambda: False)
    return filled_s


def talk(net: Any) -> int:
    """Every host sends one datagram to the host of the same number behind a router far away; how many arrived."""
    arrived: list[int] = []

    def listen() -> None:
        import socket

        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("", 9000))
        while True:
            sock.recvfrom(100)
            arrived.append(1)

    def send(target: str) -> None:
        import socket

        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"hello", (target, 9000))

    for number in range(ROUTERS):
        for host in range(HOSTS_EACH):
            box = net[f"h{number}-{host}"]
            box.run(listen, daemon=True)
            box.run(send, f"10.1.{(number + ROUTERS // 2) % ROUTERS}.{host + 2}")
    net.run()
    return len(arrived)


def internet(network: str = "point-to-point") -> Result:
    """Build, converge, talk; seconds of each, and the peak memory."""
    began = time.perf_counter()
    net = build(network)
    built = time.perf_counter()
    filled_s = converge(net)
    converged = time.perf_counter()
    spent_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    arrived = talk(net)
    talked = time.perf_counter()
    assert arrived == ROUTERS * HOSTS_EACH, f"{arrived} of {ROUTERS * HOSTS_EACH} packets arrived"
    frames = sum(port.frames_received for box in net.boxes.values() for port in box.node.ports.values())
    return {
        "seconds": talked - began,
        "build s": built - began,
        "converge s": converged - built,
        "talk s": talked - converged,
        "converged after virtual s": filled_s,
        "frames": frames,
        "converged MB": spent_mb,
        "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    print(json.dumps(internet("broadcast" if "--broadcast" in sys.argv else "point-to-point")))
