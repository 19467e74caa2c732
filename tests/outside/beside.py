"""Nets of ours beside the kernel's stack, at a TAP device."""

from __future__ import annotations

import subprocess

from netarium import Net
from netarium.outside.namespace import Namespace
from netarium.outside.pacing import RealTime
from netarium.outside.tap import Tap


def said_by(process: subprocess.Popen[str], real: RealTime, within_s: float = 60.0) -> str:
    """What a started command has said by its end, while our side answers."""
    real.run_until(lambda: process.poll() is not None, within_s)
    assert process.stdout is not None
    with process.stdout as output:
        return output.read()


class Beside:
    """One of our hosts (10.0.0.1, 2001:db8::1) and the kernel (.2, ::2) at one cable."""

    def __init__(self) -> None:
        self.space = Namespace()
        self.net = Net(seed=1, digest=False)
        self.tap = Tap(self.net, self.space)
        self.host = self.net.host("ours", address=["10.0.0.1/24", "2001:db8::1/64"])
        self.net.link(self.tap, self.host)
        self.tap.up("10.0.0.2/24", "2001:db8::2/64")
        self.real = RealTime(self.net, [self.tap])

    def kernel(self, *command: str, within_s: float = 60.0) -> str:
        """A command of the kernel's side, run while our side answers."""
        return said_by(self.space.start(*command), self.real, within_s)

    def close(self) -> None:
        self.tap.close()
        self.space.close()


def three_routers(namespace: Namespace, narrow: int = 1500) -> tuple[Net, Tap]:
    """The kernel 10.0.0.2 / 2001:db8::2 - r1 - r2 - r3 - far (10.0.4.9, 2001:db8:4::9); r2 to r3 carries `narrow`."""
    net = Net(seed=1, digest=False)
    tap = Tap(net, namespace)
    for n in (1, 2, 3):
        there = [
            {"to": "10.0.4.0/24", "via": f"10.0.{n}.2"},
            {"to": "2001:db8:4::/64", "via": f"2001:db8:{n}::2"},
        ]
        back = [
            {"to": "10.0.0.0/24", "via": f"10.0.{n - 1}.1"},
            {"to": "2001:db8::/64", "via": f"2001:db8:{n - 1}::1"},
        ]
        left = "2001:db8::1/64" if n == 1 else f"2001:db8:{n - 1}::2/64"
        net.router(
            f"r{n}",
            interfaces={
                "a": [f"10.0.{n - 1}.{1 if n == 1 else 2}/24", left],
                "b": [f"10.0.{n if n < 3 else 4}.1/24", f"2001:db8:{n if n < 3 else 4}::1/64"],
            },
            routes=(there if n < 3 else []) + (back if n > 1 else []),
        )
    far = net.host("far", address=["10.0.4.9/24", "2001:db8:4::9/64"], gateway=["10.0.4.1", "2001:db8:4::1"])
    for one, other in ((tap, "r1:a"), ("r1:b", "r2:a"), ("r2:b", "r3:a"), ("r3:b", far)):
        net.link(one, other, mtu=narrow if one == "r2:b" else 1500)
    tap.up("10.0.0.2/24", "2001:db8::2/64")
    namespace.run("ip", "route", "add", "default", "via", "10.0.0.1")
    namespace.run("ip", "-6", "route", "add", "default", "via", "2001:db8::1")
    return net, tap
