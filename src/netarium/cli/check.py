"""`netarium check`: read a lab, build its net, and say what is wrong and where; nothing is run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from netarium.cli.progress import doing
from netarium.lab.layer2 import broadcast_domains, collision_domains
from netarium.lab.net import Net

DUPLEX = "each cable, joined by hubs; with full duplex, as here, nothing collides"


def check(lab: Path, *, domains: bool) -> int:
    """Print that the lab is sound, and with `domains` its broadcast and collision domains. Raises LabError."""
    with doing(f"reading {lab}"):
        net = Net.load(lab)
    counted = ((len(net.boxes), "node"), (len(net.links), "link"), (len(net.services), "program"))
    print(f"{lab}: sound: {', '.join(_count(number, word) for number, word in counted)}")
    for notice in net.notices:
        print(f"netarium: {notice}", file=sys.stderr)
    if domains:
        print("\n".join(_domains(net)))
    return 0


def _domains(net: Net) -> Iterator[str]:
    boxes, cables = list(net.boxes.values()), [link.cable for link in net.links]
    broadcast = broadcast_domains(boxes, cables)
    yield _count(len(broadcast), "broadcast domain")
    for number, domain in enumerate(broadcast, 1):
        vlans = f", VLAN {', '.join(map(str, domain.vlans))}" if domain.vlans else ""
        networks = ", ".join(str(network) for network in domain.networks()) or "no addresses"
        yield f"  broadcast domain {number}{vlans}: {', '.join(domain.members)} ({networks})"
    collision = collision_domains(boxes, cables)
    yield f"{_count(len(collision), 'collision domain')} ({DUPLEX})"
    for number, shared in enumerate(collision, 1):
        hubs = f" (hub {', '.join(shared.hubs)})" if shared.hubs else ""
        yield f"  collision domain {number}: {', '.join(shared.ports) or 'nobody'}{hubs}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
