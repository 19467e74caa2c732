"""`netarium demo`: a PC that knows nothing opens a web page on the other side of the internet, told step by step."""

from __future__ import annotations

from pathlib import Path

import netarium
from netarium.capture.pcapng import Capture
from netarium.cli.progress import progress
from netarium.errors import NetariumError, UsageError
from netarium.lab.boxes import Host
from netarium.lab.net import Net
from netarium.story.chapters import told
from netarium.story.watcher import Watcher
from netarium.units import format_duration

DRAWINGS = {
    "whole-flow": """\
A PC is plugged in and opens a page. Between it and the page: a switch, a gateway with NAT, two routers.

  pc --- office --- gw ------ isp ------ core --- backbone --- web
                               |                   |  |  |
                            isp-dns             root  |  zdns-dns
                                                    cn-dns
"""
}
_LEGEND = """\
Every line below happened in this run. The seconds are virtual time; in brackets are the numbers of the frames
in the capture, and the way they took. A frame is captured at both ends of each cable: sent, and received."""


def labs() -> Path:
    """The folder of the labs that come with the package: package data, or the checkout's examples."""
    inside = Path(netarium.__file__).parent / "examples" / "labs"
    return inside if inside.is_dir() else Path(netarium.__file__).parents[2] / "examples" / "labs"


def demo(pcap: Path, trace: Path, lab: str = "whole-flow") -> int:
    """Run a lab of the package, tell it, and leave capture and trace there. The exit code.

    Raises UsageError for a lab there is not and a file that cannot be written, ProgramError when a program fails.
    """
    path = labs() / f"{lab}.yaml"
    known = sorted(each.stem for each in labs().glob("*.yaml"))
    if lab not in known:
        raise UsageError(f"the package has no lab {lab!r}; it has {', '.join(known)}")
    net = Net.load(path, typed=False)
    capture = _begin_files(net, pcap, trace)
    watcher = Watcher(net, capture)
    with progress(net):
        net.run(check=True)
    net.close()
    print(DRAWINGS.get(lab) or f"The lab {path}\n")
    print(_LEGEND)
    for line in told(watcher.facts, watcher.owners()):
        print(line)
    took = format_duration(net.now_ns)
    print(f"\n{capture.frames} frames, {took} of virtual time; the same every time: digest {net.digest}.")
    _print_next(next(iter(watcher.heroes.values())), path, pcap, trace)
    return 0


def _begin_files(net: Net, pcap: Path, trace: Path) -> Capture:
    """Open both, or leave neither."""
    new = not pcap.exists()
    capture = net.watching.capture(pcap, [])
    try:
        net.watching.trace_to(trace, capture)
    except NetariumError:
        if new:
            pcap.unlink()
        raise
    return capture


def _print_next(hero: Host, lab: Path, pcap: Path, trace: Path) -> None:
    port = next(iter(hero.node.ports.values())).name
    print(f"\nLeft here: {pcap}, the capture, and {trace}, the trace (one JSON object a line).")
    print(f"Next: open {pcap} in Wireshark, one interface at a time: put into the filter line")
    print(f'  frame.interface_name == "{port}"')
    print(f"The lab is {lab}: copy it, change it, and `netarium run` it.")
