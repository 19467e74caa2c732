"""The ioctls that read a host's interfaces, byte for byte as Linux: struct ifreq and ifconf.

Read first: netdevice(7); Linux net/core/dev_ioctl.c (`dev_ifsioc`), net/ipv4/devinet.c (`devinet_ioctl`). Who changes
interfaces uses the tool `ip`: those requests are EPERM for an ordinary user, and refused by name for root.
"""

from __future__ import annotations

import errno
import struct
from typing import Final

from netarium.programs.shims import memory
from netarium.programs.shims.os import refuse
from netarium.programs.task import Task
from netarium.sockets.base import AF_INET, AF_PACKET, Socket
from netarium.sockets.errno import os_error
from netarium.stack.interface import Interface, InterfaceAddress
from netarium.stack.stack import Stack

SIOCGIFNAME: Final = 0x8910
SIOCGIFCONF: Final = 0x8912
SIOCGIFFLAGS: Final = 0x8913
SIOCGIFADDR: Final = 0x8915
SIOCGIFDSTADDR: Final = 0x8917
SIOCGIFBRDADDR: Final = 0x8919
SIOCGIFNETMASK: Final = 0x891B
SIOCGIFMETRIC: Final = 0x891D
SIOCGIFMTU: Final = 0x8921
SIOCGIFHWADDR: Final = 0x8927
SIOCGIFINDEX: Final = 0x8933
SIOCGIFTXQLEN: Final = 0x8942
OF_ADDRESSES: Final = (SIOCGIFADDR, SIOCGIFDSTADDR, SIOCGIFBRDADDR, SIOCGIFNETMASK)
OF_INTERFACES: Final = (
    SIOCGIFFLAGS,
    SIOCGIFMETRIC,
    SIOCGIFMTU,
    SIOCGIFHWADDR,
    SIOCGIFINDEX,
    SIOCGIFTXQLEN,
)
CHANGES: Final = {
    0x8914: "SIOCSIFFLAGS",
    0x8916: "SIOCSIFADDR",
    0x891A: "SIOCSIFBRDADDR",
    0x891C: "SIOCSIFNETMASK",
    0x8922: "SIOCSIFMTU",
    0x8924: "SIOCSIFHWADDR",
    0x890B: "SIOCADDRT",
    0x890C: "SIOCDELRT",
}
REQUESTS: Final = frozenset((SIOCGIFNAME, SIOCGIFCONF, *OF_ADDRESSES, *OF_INTERFACES, *CHANGES))

NAME_BYTES: Final = 16
REQUEST_BYTES: Final = 40
"""sizeof(struct ifreq)."""
_CONF: Final = struct.Struct("=ixxxxQ")
_ADDRESS: Final = struct.Struct("=HxxI8x")
QUEUE_LENGTH: Final = 1000
IFF_UP: Final = 0x1
IFF_BROADCAST: Final = 0x2
IFF_LOOPBACK: Final = 0x8
IFF_RUNNING: Final = 0x40
IFF_MULTICAST: Final = 0x1000
ARPHRD_ETHER: Final = 1
ARPHRD_LOOPBACK: Final = 772


def answer(task: Task, sock: Socket, request: int, given: bytes) -> bytes:
    """The argument as the kernel leaves it. ENODEV, EADDRNOTAVAIL."""
    stack = sock.stack
    if request == SIOCGIFCONF:
        return _all_addresses(stack, given)
    if request == SIOCGIFNAME:
        return _name(stack, given)
    if request in CHANGES:
        if not sock.credentials.may("net_admin"):
            raise os_error(errno.EPERM)
        refuse(f"ioctl {CHANGES[request]}", "interfaces and routes are changed by `ip`")(task)
    name = given[: NAME_BYTES - 1].split(b"\0")[0].decode("utf-8", "surrogateescape")
    if request in OF_ADDRESSES:
        if sock.family not in (AF_INET, AF_PACKET):
            raise os_error(errno.ENOTTY)
        value = _of_address(_interface(stack, name), name, request, given)
    else:
        value = _of_interface(_interface(stack, name), request)
    return given[:NAME_BYTES] + value + given[NAME_BYTES + len(value) :]


def _interface(stack: Stack, name: str) -> Interface:
    """By its name; what follows a colon is the label of an address."""
    found = stack.interfaces.get(name.partition(":")[0])
    if found is None:
        raise os_error(errno.ENODEV)
    return found


def _name(stack: Stack, given: bytes) -> bytes:
    index = struct.unpack_from("=i", given, NAME_BYTES)[0]
    for interface in stack.interfaces.values():
        if interface.number + 1 == index:
            return interface.name.encode().ljust(NAME_BYTES, b"\0") + given[NAME_BYTES:]
    raise os_error(errno.ENODEV)


def _of_address(interface: Interface, label: str, request: int, given: bytes) -> bytes:
    """A struct sockaddr_in. Of several addresses of this label that of the argument, else the first."""
    candidates = [each for each in interface.addresses if (each.label or interface.name) == label]
    family, wanted = struct.unpack_from("=HxxI", given, NAME_BYTES)
    same = [each for each in candidates if family == AF_INET and _network_order(each.address) == wanted]
    if not candidates:
        raise os_error(errno.EADDRNOTAVAIL)
    address = (same or candidates)[0]
    if request == SIOCGIFNETMASK:
        value = address.mask
    elif request == SIOCGIFBRDADDR:
        value = 0 if interface.is_loopback else address.broadcast
    else:
        value = address.address
    return _socket_address(value)


def _network_order(address: int) -> int:
    return int.from_bytes(address.to_bytes(4, "big"), "little")


def _socket_address(address: int) -> bytes:
    return _ADDRESS.pack(AF_INET, _network_order(address))


def _of_interface(interface: Interface, request: int) -> bytes:
    if request == SIOCGIFFLAGS:
        return struct.pack("=H", flags(interface))
    if request == SIOCGIFHWADDR:
        kind = ARPHRD_LOOPBACK if interface.is_loopback else ARPHRD_ETHER
        return struct.pack("=H", kind) + interface.mac.to_bytes(6, "big")
    if request == SIOCGIFMTU:
        return struct.pack("=i", interface.mtu)
    if request == SIOCGIFINDEX:
        return struct.pack("=i", interface.number + 1)
    return struct.pack("=i", QUEUE_LENGTH if request == SIOCGIFTXQLEN else 0)


def flags(interface: Interface) -> int:
    """IFF_... as `ifconfig` shows them."""
    found = IFF_LOOPBACK if interface.is_loopback else IFF_BROADCAST | IFF_MULTICAST
    if interface.up:
        found |= IFF_UP | (IFF_RUNNING if interface.carrier else 0)
    return found


def _all_addresses(stack: Stack, given: bytes) -> bytes:
    """struct ifconf: as many struct ifreq as fit are put where it points to; without a pointer their size is told."""
    room, pointer = _CONF.unpack_from(given)
    pairs = [(each, address) for each in stack.interfaces.values() for address in each.addresses]
    entries = b"".join(_entry(each, address) for each, address in pairs)
    if pointer:
        entries = entries[: max(room, 0) // REQUEST_BYTES * REQUEST_BYTES]
        if entries:
            memory.poke(pointer, entries)
    return struct.pack("=i", len(entries)) + given[4:]


def _entry(interface: Interface, address: InterfaceAddress) -> bytes:
    name = (address.label or interface.name).encode()[: NAME_BYTES - 1].ljust(NAME_BYTES, b"\0")
    return (name + _socket_address(address.address)).ljust(REQUEST_BYTES, b"\0")
