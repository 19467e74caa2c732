"""Health checks of a balancer: connect to every server again and again, and say by `control` who is dead or alive.

An ordinary program: one thread a server, blocking sockets. A server is dead after `fails` checks in a row that failed
and alive again after `passes` that did not. A check is a TCP handshake within the time-out, closed at once.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from netarium import control

TCP = 6
NS_PER_S = 1_000_000_000


@dataclass(frozen=True)
class Target:
    """One server of the TCP service at `service_port`; times in seconds."""

    service_port: int
    address: str
    port: int
    interval_s: float
    timeout_s: float
    fails: int
    passes: int


class Verdict:
    """What the checks of one server say so far: it begins alive."""

    def __init__(self, fails: int, passes: int) -> None:
        self.fails = fails
        self.passes = passes
        self.alive = True
        self.against = 0
        """Checks in a row that speak against the verdict."""

    def take(self, passed: bool) -> bool:
        """Take one check; whether the verdict has changed."""
        if passed == self.alive:
            self.against = 0
            return False
        self.against += 1
        if self.against < (self.passes if passed else self.fails):
            return False
        self.alive = passed
        self.against = 0
        return True


def connects(target: Target) -> str:
    """Empty when the server takes a connection, else why not."""
    try:
        socket.create_connection((target.address, target.port), timeout=target.timeout_s).close()
    except OSError as error:
        return str(error) or type(error).__name__
    return ""


def watch(target: Target, tell: Callable[[Target, bool], None]) -> None:
    """Check one server for ever."""
    verdict = Verdict(target.fails, target.passes)
    while True:
        began = time.monotonic()
        why = connects(target)
        if verdict.take(not why):
            word = "alive" if verdict.alive else f"dead: {why}"
            print(f"{target.address}:{target.port} is {word}", flush=True)
            tell(target, verdict.alive)
        time.sleep(max(0.0, began + target.interval_s - time.monotonic()))


def tell_balancer(target: Target, alive: bool) -> None:
    """Let this host's balancer know."""
    server = (int.from_bytes(socket.inet_aton(target.address), "big"), target.port)
    control.here().set_server_alive(TCP, target.service_port, server, alive)


def main(targets: Sequence[Target]) -> None:
    """Check all targets for ever."""
    threads = [
        threading.Thread(target=watch, args=(each, tell_balancer), name=f"check {each.address}:{each.port}")
        for each in targets
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
