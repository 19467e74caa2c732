"""`netarium demo`: the main job, told step by step: two ordinary scripts talk across a virtual network."""

from __future__ import annotations

from pathlib import Path

import netarium
from netarium.cli.telling import Teller, span
from netarium.lab.net import Net
from netarium.units import format_duration

_NETWORK = """\
Two hosts and a switch. On each host an ordinary Python script, written for real networks:

  server 192.168.15.68 ---- switch ---- client 192.168.15.46
  server.py: bind, listen,              client.py: connect,
  accept, recv, send                    send, recv

What follows was really sent, frame by frame; the numbers are those of the capture. A frame that crosses the
switch is in it four times: sent and received on each cable."""


def labs() -> Path:
    """The folder of the labs that come with the package: package data, or the checkout's examples."""
    inside = Path(netarium.__file__).parent / "examples" / "labs"
    return inside if inside.is_dir() else Path(netarium.__file__).parents[2] / "examples" / "labs"


def demo(pcap: Path | None = None) -> int:
    """Run lan.yaml and tell what happened; with `pcap` leave the capture there. The exit code."""
    net = Net.load(labs() / "lan.yaml", typed=False)
    net.watching.record(full=False)
    if pcap is not None:
        net.capture(pcap)
    teller = Teller(net)
    for service in net.services:
        service.listeners.append(teller.wrote)
    net.run(check=True)
    net.close()
    print(_NETWORK)
    for line in teller.told():
        print(line)
    _print_tables(net)
    _print_end(net, teller, pcap)
    return 0


def _print_tables(net: Net) -> None:
    print("\nWhat they know now:")
    for entry in net["switch"].mac_table:
        print(
            f"  switch: {entry.mac.to_bytes(6, 'big').hex(':')} is behind {entry.port.name.partition(':')[2]}"
        )
    for host in ("server", "client"):
        for socket in net[host].sockets:
            print(f"  {host}: {socket!r}")
    print("  A connection that was closed is kept in TIME-WAIT for 60 s, so that late segments do no harm.")


def _print_end(net: Net, teller: Teller, pcap: Path | None) -> None:
    print(f"\n{span(1, teller.frames)}, {format_duration(net.now_ns)} of virtual time; the same every time.")
    where = f"in {pcap}" if pcap is not None else "with --pcap demo.pcapng as a file for Wireshark"
    print(f"The capture: {where}. The lab and the scripts: {labs()}")
    print("Your own scripts: netarium run server.py client.py")
