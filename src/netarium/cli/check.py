"""`netarium check`: read a lab, build its net, and say what is wrong and where; nothing is run."""

from __future__ import annotations

from pathlib import Path

from netarium.lab.layer2 import broadcast_domains
from netarium.lab.net import Net


def check(lab: Path, *, domains: bool) -> int:
    """Print that the lab is sound, and with `domains` its broadcast domains. Raises LabError when it is not."""
    net = Net.load(lab)
    counted = ((len(net.boxes), "node"), (len(net.links), "link"), (len(net.services), "program"))
    print(f"{lab}: sound: {', '.join(_count(number, word) for number, word in counted)}")
    if domains:
        for number, domain in enumerate(
            broadcast_domains(net.boxes.values(), (link.cable for link in net.links)), 1
        ):
            networks = ", ".join(str(network) for network in domain.networks()) or "no addresses"
            print(f"  broadcast domain {number}: {', '.join(domain.members)} ({networks})")
    return 0


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
