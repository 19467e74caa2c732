"""ioctls of sockets: what netdevice(7), tcp(7), udp(7) and unix(7) say, on `lo`, where both backends have the same."""

from __future__ import annotations

import array
import ctypes
import errno
import fcntl
import os
import socket
import struct
import termios
from collections.abc import Callable
from typing import Any

import pytest

from netarium import Net

Both = Callable[[Callable[[], Any]], Any]

SIOCGIFNAME, SIOCGIFCONF, SIOCGIFFLAGS, SIOCGIFADDR = 0x8910, 0x8912, 0x8913, 0x8915
SIOCGIFDSTADDR, SIOCGIFBRDADDR, SIOCGIFNETMASK, SIOCGIFMETRIC = 0x8917, 0x8919, 0x891B, 0x891D
SIOCGIFMTU, SIOCGIFHWADDR, SIOCGIFINDEX, SIOCGIFTXQLEN = 0x8921, 0x8927, 0x8933, 0x8942
SIOCSIFMTU, SIOCOUTQNSD = 0x8922, 0x894B
READ = (
    SIOCGIFFLAGS,
    SIOCGIFADDR,
    SIOCGIFDSTADDR,
    SIOCGIFBRDADDR,
    SIOCGIFNETMASK,
    SIOCGIFMETRIC,
    SIOCGIFMTU,
    SIOCGIFHWADDR,
    SIOCGIFINDEX,
    SIOCGIFTXQLEN,
)


def answered(sock: Any, request: int, argument: Any) -> Any:
    try:
        return fcntl.ioctl(sock, request, argument)
    except OSError as error:
        return errno.errorcode[error.errno or 0]


def test_every_field_of_lo_is_byte_for_byte_the_kernels(both: Both) -> None:
    def seen() -> Any:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            return [fcntl.ioctl(sock, request, b"lo".ljust(16, b"\0") + b"\xff" * 24) for request in READ]

    def filled(value: bytes) -> bytes:
        return b"lo".ljust(16, b"\0") + value.ljust(24, b"\xff")

    def address(text: str) -> bytes:
        return filled(struct.pack("=HxxI", 2, int.from_bytes(socket.inet_aton(text), "little")) + bytes(8))

    assert both(seen) == [
        filled(struct.pack("=H", 0x49)),
        address("127.0.0.1"),
        address("127.0.0.1"),
        address("0.0.0.0"),
        address("255.0.0.0"),
        filled(bytes(4)),
        filled(struct.pack("=i", 65536)),
        filled(struct.pack("=H6x", 772)),
        filled(struct.pack("=i", 1)),
        filled(struct.pack("=i", 1000)),
    ]


def test_interfaces_and_labels_that_are_not_there(both: Both) -> None:
    def seen() -> Any:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            return [
                {answered(sock, request, struct.pack("256s", b"nope")) for request in READ},
                answered(sock, SIOCGIFADDR, struct.pack("40s", b"lo:1")),
                answered(sock, SIOCGIFMTU, struct.pack("40s", b"lo:1"))[16:20],
                answered(sock, SIOCGIFNAME, struct.pack("16si20x", b"", 1))[:3],
                answered(sock, SIOCGIFNAME, struct.pack("16si20x", b"", 999_999)),
                answered(sock, SIOCGIFINDEX, b"lo"),
                answered(sock, SIOCGIFINDEX, "lo"),
                answered(sock, 0x8B01, struct.pack("40s", b"lo")),
            ]

    missing, label, mtu, name, no_name, cut, text, wireless = both(seen)
    assert missing == {"ENODEV"}
    assert (label, mtu) == ("EADDRNOTAVAIL", struct.pack("=i", 65536))
    assert (name, no_name) == (b"lo\0", "ENODEV")
    assert (cut, text) == (b"lo", b"lo")
    assert wireless == "ENOTTY"


def test_what_families_of_sockets_can_be_asked(both: Both) -> None:
    def seen() -> Any:
        found = []
        for family in (socket.AF_INET, socket.AF_UNIX):
            with socket.socket(family, socket.SOCK_STREAM) as sock:
                lo = struct.pack("40s", b"lo")
                found += [answered(sock, SIOCGIFADDR, lo)[:2], answered(sock, SIOCGIFFLAGS, lo)[16:18]]
        reader, writer = os.pipe()
        found.append(answered(reader, SIOCGIFADDR, struct.pack("40s", b"lo")))
        os.close(reader)
        os.close(writer)
        return found

    assert both(seen) == [b"lo", b"I\0", "EN", b"I\0", "ENOTTY"]


def test_buffers_are_changed_in_their_place(both: Both) -> None:
    class Request(ctypes.Structure):
        _fields_ = [("name", ctypes.c_char * 16), ("index", ctypes.c_int), ("rest", ctypes.c_char * 20)]

    def seen() -> Any:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            room = bytearray(struct.pack("40s", b"lo"))
            structure = Request(b"lo")
            kept = bytearray(struct.pack("40s", b"lo"))
            return [
                fcntl.ioctl(sock, SIOCGIFINDEX, room),
                bytes(room[16:20]),
                fcntl.ioctl(sock, SIOCGIFINDEX, structure),
                structure.index,
                fcntl.ioctl(sock, SIOCGIFINDEX, kept, False)[16:20],
                bytes(kept[16:20]),
                answered(sock, SIOCGIFINDEX, 0),
                answered(sock, termios.FIONREAD, 0),
                answered(sock, termios.TIOCGWINSZ, 0),
            ]

    one = struct.pack("=i", 1)
    assert both(seen) == [0, one, 0, 1, one, bytes(4), "EFAULT", "EFAULT", "ENOTTY"]


def test_siocgifconf_fills_the_room_it_points_to(both: Both) -> None:
    def seen() -> Any:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            room = array.array("B", b"\0" * 4096)
            where, length = room.buffer_info()
            answer = fcntl.ioctl(sock, SIOCGIFCONF, struct.pack("iL", length, where))
            written = struct.unpack("iL", answer)[0]
            needed = struct.unpack("iL", fcntl.ioctl(sock, SIOCGIFCONF, struct.pack("iL", 0, 0)))[0]
            too_small = struct.unpack("iL", fcntl.ioctl(sock, SIOCGIFCONF, struct.pack("iL", 39, where)))[0]
            nowhere = answered(sock, SIOCGIFCONF, struct.pack("iL", 4096, 8))
            first = room.tobytes()[:40]
            return written == needed, written % 40, written > 0, too_small, nowhere, first

    lo = b"lo".ljust(16, b"\0") + struct.pack("=HxxI", 2, 0x0100007F) + bytes(16)
    assert both(seen) == (True, 0, True, 0, "EFAULT", lo)


def test_bytes_that_wait_in_each_kind_of_socket(both: Both) -> None:
    def count(sock: Any, request: int = termios.FIONREAD) -> Any:
        found = answered(sock, request, bytes(4))
        return struct.unpack("=i", found)[0] if isinstance(found, bytes) else found

    def seen() -> Any:
        found: list[Any] = []
        listener = socket.create_server(("127.0.0.1", 0))
        near = socket.create_connection(listener.getsockname())
        far = listener.accept()[0]
        near.sendall(b"12345")
        far.recv(1)
        found += [count(far), count(near), count(far, termios.TIOCOUTQ), count(near, SIOCOUTQNSD)]
        found += [count(listener), count(listener, termios.TIOCOUTQ)]
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        for message in (b"123", b"12345"):
            udp.sendto(message, udp.getsockname())
        found += [count(udp), count(udp, termios.TIOCOUTQ), count(udp, SIOCOUTQNSD)]
        one, other = socket.socketpair()
        one.send(b"ab")
        one.send(b"cd")
        found.append(count(other))
        packets = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        packets[0].send(b"ab")
        packets[0].send(b"cde")
        found.append(count(packets[1]))
        for sock in (listener, near, far, udp, one, other, *packets):
            sock.close()
        return found

    assert both(seen) == [4, 0, 0, 0, "EINVAL", "EINVAL", 3, 0, "ENOTTY", 4, 2]


def test_the_classic_get_ip_address() -> None:
    net = Net(seed=1)
    host = net.host("h", address="10.0.0.1/24", link=net.switch("s"))

    def seen() -> Any:
        def field(request: int) -> bytes:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            return fcntl.ioctl(sock.fileno(), request, struct.pack("256s", b"eth0"))

        def ip(request: int) -> str:
            return socket.inet_ntoa(field(request)[20:24])

        return ip(SIOCGIFADDR), ip(SIOCGIFNETMASK), ip(SIOCGIFBRDADDR), field(SIOCGIFHWADDR)[18:24].hex(":")

    own, mask, broadcast, mac = host.call(seen)
    assert (own, mask, broadcast) == ("10.0.0.1", "255.255.255.0", "10.0.0.255")
    link = host.run("ip link show eth0")
    link.wait()
    assert f"link/ether {mac} " in link.stdout


def test_changing_an_interface_by_ioctl_is_refused_by_name() -> None:
    host = Net(seed=1).host("h", address="10.0.0.1/24")

    def change() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            fcntl.ioctl(sock, SIOCSIFMTU, struct.pack("16si20x", b"lo", 1000))

    with pytest.raises(PermissionError):
        host.call(change)
    root = host.run(change, root=True)
    assert root.wait() == 1
    assert "ioctl SIOCSIFMTU" in root.stderr and "by `ip`" in root.stderr
