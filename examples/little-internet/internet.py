"""A little internet of names: a root, five top-level domains, twenty zones, a provider's resolver and a PC.

    python examples/little-internet/internet.py [NAME ...]

Prints what the PC finds for each name (all thirty without arguments), and how many DNS messages it took.
"""

from __future__ import annotations

import socket
import sys

from netarium import Net

TOP_LEVEL = ("cn", "com", "org", "net", "example")
ZONES = {
    "cn": ("zdns", "school", "library", "harbour"),
    "com": ("abc", "xyz", "mail", "shop"),
    "org": ("museum", "orchestra", "garden", "chess"),
    "net": ("provider", "exchange", "mirror", "cable"),
    "example": ("alpha", "beta", "gamma", "delta"),
}
SOA = "nobody.invalid. 1 1800 900 604800 300"
ROOT, RESOLVER, PC = "10.0.0.1", "10.0.9.53", "10.0.9.2"


def addresses() -> dict[str, str]:
    """Zone -> the address of its name server."""
    found = {".": ROOT}
    for number, top in enumerate(TOP_LEVEL):
        found[f"{top}."] = f"10.0.1.{number + 1}"
        for place, name in enumerate(ZONES[top]):
            found[f"{name}.{top}."] = f"10.0.{2 + number}.{place + 1}"
    return found


def names() -> list[str]:
    """Thirty names: a web server in each zone, an alias in each fourth, and five that do not exist."""
    zones = [f"{name}.{top}" for top in TOP_LEVEL for name in ZONES[top]]
    return (
        [f"www.{zone}" for zone in zones]
        + [f"alias.{zone}" for zone in zones[::4]]
        + [f"nothing.{zone}" for zone in zones[1::4]]
    )


def zone_text(zone: str, servers: dict[str, str]) -> str:
    """A zone: its server, the delegations below it, and for a domain its hosts."""
    own = "ns." if zone == "." else f"ns.{zone}"
    lines = [
        f"{zone} 86400 IN SOA {own} {SOA}",
        f"{zone} 86400 IN NS {own}",
        f"{own} 86400 IN A {servers[zone]}",
    ]
    for below, address in servers.items():
        parent = below.partition(".")[2] or "."
        if below != zone and parent == zone and below != ".":
            lines += [f"{below} 172800 IN NS ns.{below}", f"ns.{below} 172800 IN A {address}"]
    if zone.count(".") == 2:
        host = servers[zone].rpartition(".")[0] + ".1" + servers[zone].rpartition(".")[2]
        lines += [f"www.{zone} 600 IN A {host}", f"alias.{zone} 600 IN CNAME www.{zone}"]
        lines += [f"two.{zone} 600 IN A {host}", f"two.{zone} 600 IN A {host}0"]
    return "\n".join(lines) + "\n"


def build(seed: int = 1) -> Net:
    """The whole net: every server hangs on one backbone."""
    net = Net(seed=seed, names=False)
    backbone = net.switch("backbone")
    servers = addresses()
    for zone, address in servers.items():
        name = "root" if zone == "." else zone.rstrip(".").replace(".", "-")
        net.host(
            name,
            address=f"{address}/16",
            link=backbone,
            delay="5ms",
            services=[{"dns": {"zones": {zone: zone_text(zone, servers)}}}],
        )
    net.host(
        "resolver",
        address=f"{RESOLVER}/16",
        link=backbone,
        delay="1ms",
        services=[{"dns": {"recursive": True, "roots": [ROOT]}}],
    )
    net.host("pc", address=f"{PC}/16", link=backbone, delay="1ms", dns=RESOLVER)
    return net


def look_up(name: str) -> str:
    """A name's addresses as a program gets them, or why there are none."""
    try:
        found = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
    except OSError as error:
        return str(error.strerror)
    return " ".join(entry[4][0] for entry in found)


def main(wanted: list[str]) -> None:
    """Look the names up on the PC, one after the other."""
    net = build()
    stub = net["pc"].resolver.stub
    for name in wanted or names():
        begun_ns = net.now_ns
        found = net["pc"].call(look_up, name)
        print(f"{name:24} {found:32} {(net.now_ns - begun_ns) / 1e6:7.1f} ms")
    print(
        f"the PC asked {stub.queries_sent} times; its cache has {len(stub.cache.listing(net.now_ns))} names"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
