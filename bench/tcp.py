"""How much of a clean line TCP uses, what a loss costs, and whether flows share: `python -m bench.tcp [--all]`.

All in virtual time, so the figures are the same on every machine. The share is of what the line can carry as payload:
1448 of every 1518 bytes.
"""

from __future__ import annotations

import math
import sys
import time
from typing import Any

MS = 1_000_000
PAYLOAD_SHARE = 1448 / 1518
RATES = {"10Mbps": 10e6, "100Mbps": 100e6, "1Gbps": 1e9, "10Gbps": 10e9}
RTTS_MS = (0.1, 1, 10, 50, 200)
LOSSES = ((20, 0.01), (100, 0.001))
"""(round trip in ms, share of packets lost) that the rate at random loss is measured at."""


def two_hosts(rate: str, rtt_ms: float, **link: Any) -> tuple[Any, float]:
    """client - server with buffers for the bandwidth-delay product; (net, that product in bytes)."""
    from netarium import Net

    product = RATES[rate] / 8 * rtt_ms / 1000
    most = max(6_291_456, int(6 * product))
    settings = {
        "net.ipv4.tcp_rmem": (4096, 131_072, most),
        "net.ipv4.tcp_wmem": (4096, 16_384, most),
        "net.core.rmem_max": most,
    }
    net = Net(seed=1)
    client = net.host("client", address="10.0.0.1/24", settings=settings)
    server = net.host("server", address="10.0.0.2/24", settings=settings)
    net.link(client, server, delay=f"{rtt_ms * 500}us", rate=rate, **link)
    return net, product


def sender(total_bytes: int, port: int = 5000) -> Any:
    def send() -> None:
        import socket

        chunk = bytes(1 << 18)
        connection = socket.create_connection(("10.0.0.2", port))
        for _ in range(-(-total_bytes // len(chunk))):
            connection.sendall(chunk)
        connection.close()

    return send


def receiver(port: int = 5000) -> Any:
    def receive() -> int:
        import socket

        listener = socket.create_server(("", port))
        connection, _ = listener.accept()
        count = 0
        while data := connection.recv(1 << 20):
            count += len(data)
        return count

    return receive


def received(net: Any) -> list[int]:
    """Bytes each connection of the server has taken so far."""
    connections = net["server"].node.stack.tcp.connections.values()
    return [c.bytes_received for c in sorted(connections, key=lambda c: c.local_port)]


def share_of_line(rate: str, rtt_ms: float, seconds: float = 0) -> tuple[float, int]:
    """(share of the line used in the second half of a transfer, frames its own queue dropped)."""
    net, _ = two_hosts(rate, rtt_ms)
    seconds = seconds or max(0.05, 40 * rtt_ms / 1000, 30e6 / RATES[rate])
    net["server"].run(receiver())
    net["client"].run(sender(int(RATES[rate] / 8 * seconds * 2) + (1 << 20)))
    net.run(until=f"{int(seconds * 5e8)}ns")
    (half,) = received(net)
    net.run(until=f"{int(seconds * 1e9)}ns")
    (whole,) = received(net)
    link = net.links_between(net["client"], net["server"])[0].cable
    drops = sum(sum(direction.drops.values()) for direction in link.directions)
    return (whole - half) * 8 / (seconds / 2) / (RATES[rate] * PAYLOAD_SHARE), drops


def rate_under_loss(algorithm: str, rtt_ms: float, loss: float, seconds: int = 60) -> tuple[float, float]:
    """(Mbit/s measured, Mbit/s by the model of Mathis et al. 1997) of one flow at a random loss."""
    net, _ = two_hosts("1Gbps", rtt_ms)
    for name in ("client", "server"):
        net[name].node.stack.settings.set("net.ipv4.tcp_congestion_control", algorithm)
    link = net.links_between(net["client"], net["server"])[0]
    net["server"].run(receiver())
    net["client"].run(sender(1 << 30))
    net.run(until="100ms")
    link.loss = loss
    net.run(until="5s")
    begin = sum(received(net))
    net.run(until=f"{seconds + 5}s")
    measured = (sum(received(net)) - begin) * 8 / seconds / 1e6
    segments = math.sqrt(1.5 / loss)  # every segment acknowledged
    return measured, segments * 1448 * 8 / (rtt_ms / 1000) / 1e6


def fairness(flows: int = 4, seconds: int = 60) -> tuple[float, list[float]]:
    """(Jain's index of the second half, Mbit/s of each) of hosts that share a 100 Mbit/s line of 20 ms.

    The queue before it holds the bandwidth-delay product; the flows begin a quarter of a second apart.
    """
    from netarium import Net

    net = Net(seed=1)
    server = net.host("server", address="10.0.0.2/24", gateway="10.0.0.1")
    router = net.router(
        "router", interfaces={"out": "10.0.0.1/24"} | {f"in{n}": f"10.1.{n}.1/24" for n in range(flows)}
    )
    net.link("router:out", server, delay="10ms", rate="100Mbps", queue=170)
    for number in range(flows):
        client = net.host(f"client{number}", address=f"10.1.{number}.2/24", gateway=f"10.1.{number}.1")
        net.link(client, f"{router.name}:in{number}", rate="1Gbps")
        server.run(receiver(5000 + number), name=f"sink{number}")
        client.run(sender(100_000_000 // 8 * seconds, 5000 + number), at=f"{1 + number * 250}ms")
    net.run(until=f"{seconds // 2}s")
    half = received(net)
    net.run(until=f"{seconds}s")
    rates = [(late - early) * 16 / seconds / 1e6 for early, late in zip(half, received(net), strict=True)]
    return sum(rates) ** 2 / (len(rates) * sum(each * each for each in rates)), rates


def print_rates_under_loss() -> None:
    """A table: what each algorithm gets at random loss, beside the model."""
    print("| algorithm | round trip | loss | measured | model | difference |")
    for algorithm in ("reno", "cubic"):
        for rtt_ms, loss in LOSSES:
            measured, model = rate_under_loss(algorithm, rtt_ms, loss)
            print(
                f"| {algorithm} | {rtt_ms} ms | {loss:.1%} | {measured:.2f} Mbit/s | {model:.2f} Mbit/s "
                f"| {measured / model - 1:+.0%} |"
            )


def main(arguments: list[str]) -> int:
    """Print the tables; the exit code."""
    print("| rate | " + " | ".join(f"{rtt} ms" for rtt in RTTS_MS) + " |")
    for rate, rate_bps in RATES.items():
        cells = []
        for rtt_ms in RTTS_MS:
            if rate_bps * rtt_ms > 2e11 and "--all" not in arguments:
                cells.append("(--all)")
                continue
            began = time.perf_counter()
            share, drops = share_of_line(rate, rtt_ms)
            cells.append(f"{share:.1%}" + (f", {drops} dropped" if drops else ""))
            print(
                f"  {rate} {rtt_ms} ms: {cells[-1]} in {time.perf_counter() - began:.1f} s", file=sys.stderr
            )
        print(f"| {rate} | " + " | ".join(cells) + " |")
    print_rates_under_loss()
    index, rates = fairness()
    print(f"fairness of four: {index:.3f}, " + ", ".join(f"{each:.1f}" for each in rates) + " Mbit/s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
