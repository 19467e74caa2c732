"""dhclient: ask for an address by DHCP, with the output of ISC dhclient.

    dhclient [-v] [-1] [-r | -x] [INTERFACE]

Gets a lease, configures the host with it and leaves a daemon behind that renews it, or goes on asking when no server
answered; `-v` tells the steps. `-r` gives the lease back, `-x` only ends the daemon, `-1` tries once. Exit code 0, 1
when there is no such interface, 2 when `-1` got no lease or the arguments are wrong.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import time
from collections.abc import Callable

from netarium import control
from netarium.addresses import ipv4_text
from netarium.control import Control
from netarium.errors import UsageError
from netarium.services.dhcp import lease_setup
from netarium.services.dhcp.client import DhcpClient, pid_file, release_message
from netarium.wire.dhcp import CLIENT_PORT, SERVER_PORT


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="dhclient", description="Get an address by DHCP.")
    parser.add_argument("-v", dest="verbose", action="store_true", help="tell what it does")
    parser.add_argument("-1", dest="once", action="store_true", help="end when no server answers")
    parser.add_argument("-r", dest="release", action="store_true", help="give the lease back")
    parser.add_argument("-x", dest="stop", action="store_true", help="end the daemon, keep the lease")
    parser.add_argument("interface", metavar="INTERFACE", nargs="?", default="")
    return parser.parse_args(arguments)


def stop_daemon(door: Control, interface: str) -> None:
    """End the daemon of an interface, if there is one."""
    pid = door.disk.pop(pid_file(interface), None)
    if pid is not None:
        try:
            os.kill(int(pid), signal.SIGKILL)
        except OSError:
            return  # it was before a reboot
        time.sleep(0.01)  # it lets go of its sockets as it dies


def release(door: Control, interface: str, verbose: bool) -> int:
    """RFC 2131 4.4.6: tell the server, and take back from the host what the lease gave."""
    stop_daemon(door, interface)
    lease = lease_setup.remembered(door, interface)
    if lease is None:
        return 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((ipv4_text(lease.address), CLIENT_PORT))
        if verbose:
            server = ipv4_text(lease.server)
            print(f"DHCPRELEASE of {ipv4_text(lease.address)} on {interface} to {server} port 67")
        try:
            sock.sendto(
                release_message(door, interface, lease).emit(), (ipv4_text(lease.server), SERVER_PORT)
            )
        except OSError as error:
            print(f"send_packet: {error.strerror}", file=sys.stderr)
    lease_setup.remove(door, interface, lease)
    lease_setup.remember(door, interface, None)
    return 0


def keep(interface: str) -> Callable[[], None]:
    """The daemon that stays behind."""

    def main() -> None:
        door = control.here()
        lease = lease_setup.remembered(door, interface)
        DhcpClient(interface, door).run(lease)

    return main


def main(arguments: list[str]) -> int:
    """Run dhclient; the exit code."""
    chosen = read_arguments(arguments)
    door = control.here()
    if not door.privileged:
        print("dhclient: Operation not permitted; run it as root", file=sys.stderr)
        return 2
    cards = [each.name for each in door.interfaces() if not each.is_loopback]
    interface = chosen.interface or (cards[0] if cards else "")
    if interface not in cards:
        print(
            f'Cannot find device "{interface}"; this host has {", ".join(cards) or "none"}', file=sys.stderr
        )
        return 1
    if chosen.release:
        return release(door, interface, chosen.verbose)
    stop_daemon(door, interface)
    if chosen.stop:
        return 0
    try:
        client = DhcpClient(interface, door, quiet=not chosen.verbose)
    except (UsageError, OSError) as error:
        print(f"dhclient: {error}", file=sys.stderr)
        return 2
    lease = client.acquire()
    client.close()
    if lease is None and chosen.once:
        if chosen.verbose:
            print("Unable to obtain a lease on first try.  Exiting.")
        return 2
    if lease is None and chosen.verbose:
        print("No working leases in persistent database - sleeping.")
    door.start_daemon("dhclient", keep(interface))
    return 0
