"""The files that describe a machine, as a program's own host has them: /etc/hosts and its like, /proc/net, ...

What of the kernel's network is not here is refused by name: the real machine's would be a silent escape.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from netarium import control
from netarium.addresses import mac_text
from netarium.errors import UsageError
from netarium.names import ports
from netarium.programs.shims.interface_ioctl import flags
from netarium.programs.shims.os import refuse
from netarium.programs.shims.process_files import process_file
from netarium.programs.task import Task
from netarium.sockets.readiness import IN, OUT, RDNORM, WRNORM, Pollable

_NETWORK: Final = ("/proc/net/", "/proc/self/net/", "/proc/sys/net/", "/sys/class/net/")
_RANDOM: Final = ("/dev/urandom", "/dev/random")
_ROUTE_UP, _ROUTE_GATEWAY, _ROUTE_HOST = 1, 2, 4


class RandomSource(Pollable):
    """/dev/urandom: the process' own stream."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self._random = task.process.random

    def readiness(self) -> int:
        """Always."""
        return IN | RDNORM | OUT | WRNORM

    def receive(self, count: int, peek: int = 0) -> bytes:
        """`count` bytes."""
        return self._random.randbytes(count)

    def send(self, data: bytes) -> int:
        """What is written changes nothing."""
        return len(data)


def random_source(task: Task, path: str) -> int:
    """A descriptor of the machine's source of randomness; -1 for every other path."""
    return task.process.descriptors.add(RandomSource(task)) if path in _RANDOM else -1


def machine_file(task: Task, path: str) -> str | None:
    """What the program's host says in this file; None for a file that is the real one."""
    if not path.startswith(("/etc/", "/proc/", "/sys/")):
        return None
    writer: Callable[[Task], str] | None = _FILES.get(path)
    if writer is not None:
        return writer(task)
    if not path.startswith(_NETWORK):
        return process_file(task, path) if path.startswith("/proc/") else None
    text = _setting(path) if path.startswith("/proc/sys/net/") else _of_interface(task, path)
    if text is None:
        refuse(f"open {path}", "it is the real machine's; the tools ip, ss and sysctl say what the host has")(
            task
        )
    return text


def _setting(path: str) -> str | None:
    try:
        value = control.here().setting(path.removeprefix("/proc/sys/").replace("/", "."))
    except UsageError:
        return None
    words: Any = (
        value if isinstance(value, list | tuple) else (int(value) if isinstance(value, bool) else value,)
    )
    return "\t".join(str(each) for each in words) + "\n"


def _of_interface(task: Task, path: str) -> str | None:
    """/sys/class/net/INTERFACE/WHAT."""
    name, _, what = path.removeprefix("/sys/class/net/").partition("/")
    interface = task.process.host.stack.interfaces.get(name)
    if interface is None or not path.startswith("/sys/class/net/"):
        return None
    found: dict[str, object] = {
        "address": mac_text(interface.mac),
        "mtu": interface.mtu,
        "ifindex": interface.number + 1,
        "flags": hex(flags(interface)),
        "carrier": int(interface.carrier),
        "operstate": "unknown" if interface.is_loopback else "up" if interface.carrier else "down",
        "statistics/rx_bytes": interface.bytes_in,
        "statistics/tx_bytes": interface.bytes_out,
        "statistics/rx_packets": interface.frames_in,
        "statistics/tx_packets": interface.frames_out,
        "statistics/rx_dropped": interface.drops_in,
        "statistics/tx_dropped": interface.drops_out,
    }
    return f"{found[what]}\n" if what in found else None


def _devices(task: Task) -> str:
    """/proc/net/dev."""
    lines = [
        "Inter-|   Receive                                                |  Transmit",
        " face |bytes    packets errs drop fifo frame compressed multicast|"
        "bytes    packets errs drop fifo colls carrier compressed",
    ]
    for each in task.process.host.stack.interfaces.values():
        received = f"{each.bytes_in:8} {each.frames_in:7} {0:4} {each.drops_in:4} {0:4} {0:5} {0:10} {0:9}"
        sent = f"{each.bytes_out:8} {each.frames_out:7} {0:4} {each.drops_out:4} {0:4} {0:5} {0:7} {0:10}"
        lines.append(f"{each.name:>6}: {received} {sent}")
    return "\n".join(lines) + "\n"


def _neighbors(task: Task) -> str:
    """/proc/net/arp."""
    lines = ["IP address       HW type     Flags       HW address            Mask     Device"]
    for each in control.here().neighbors():
        number = ".".join(str(part) for part in each.address.to_bytes(4, "big"))
        known = "0x6" if each.state == "PERMANENT" else "0x2" if each.mac else "0x0"
        lines.append(
            f"{number:<16} 0x1         {known:<10}  {mac_text(each.mac):<20}  *        {each.interface}"
        )
    return "\n".join(lines) + "\n"


def _routes(task: Task) -> str:
    """/proc/net/route: addresses in hexadecimal, in the order the machine has them in memory."""

    def field(address: int) -> str:
        return address.to_bytes(4, "big")[::-1].hex().upper()

    lines = ["Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT"]
    for each in task.process.host.stack.routes.routes:
        mask = 0xFFFFFFFF << (32 - each.length) & 0xFFFFFFFF
        kind = _ROUTE_UP | (_ROUTE_GATEWAY if each.gateway else 0) | (_ROUTE_HOST if each.length == 32 else 0)
        first = f"{each.interface.name}\t{field(each.prefix)}\t{field(each.gateway)}\t{kind:04X}"
        lines.append(f"{first}\t0\t0\t{each.metric}\t{field(mask)}\t0\t0\t0")
    return "\n".join(line.ljust(127) for line in lines) + "\n"


def _uptime(task: Task) -> str:
    seconds = task.scheduler.engine.now / 1e9
    return f"{seconds:.2f} {seconds:.2f}\n"


def _identity(task: Task, text: str) -> str:
    """32 hexadecimal digits that a host has, the same in every run."""
    from hashlib import sha256

    return sha256(f"{text} of {task.process.host.name}".encode()).hexdigest()[:32]


def _boot_identity(task: Task) -> str:
    digits = _identity(task, "boot")
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}\n"


def _host_name(task: Task) -> str:
    return task.scheduler.resolver(task.process.host).hostname + "\n"


def _services(task: Task) -> str:
    return "".join(f"{each.name}\t{each.port}/{each.protocol}\n" for each in ports.OFFICIAL)


_FILES: Final = {
    "/etc/hosts": lambda task: task.scheduler.resolver(task.process.host).hosts_text(),
    "/etc/resolv.conf": lambda task: task.scheduler.resolver(task.process.host).configuration_text(),
    "/etc/services": _services,
    "/etc/hostname": _host_name,
    "/etc/nsswitch.conf": lambda task: "hosts: files dns\n",
    "/etc/machine-id": lambda task: _identity(task, "machine") + "\n",
    "/proc/net/dev": _devices,
    "/proc/net/arp": _neighbors,
    "/proc/net/route": _routes,
    "/proc/self/net/dev": _devices,
    "/proc/uptime": _uptime,
    "/proc/loadavg": lambda task: "0.00 0.00 0.00 1/1 1\n",
    "/proc/sys/kernel/hostname": _host_name,
    "/proc/sys/kernel/random/boot_id": _boot_identity,
}
