"""AF_INET6 sockets: the virtual stack and the kernel agree on families, mapped addresses, options and errors."""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Callable
from typing import Any

import pytest
from tests.sockets.conftest import run_linux

from netarium import Net

Both = Callable[[Callable[[], Any]], Any]


def run_virtual6(function: Callable[[], Any]) -> Any:
    net = Net(seed=1)
    return net.host("host", address=["10.0.0.1/24", "2001:db8::1/64"]).call(function)


@pytest.fixture(params=["virtual", pytest.param("linux", marks=pytest.mark.kernel)])
def both6(request: pytest.FixtureRequest) -> Both:
    if request.param == "linux" and not socket.has_ipv6:
        pytest.skip("this Python has no IPv6")
    return run_virtual6 if request.param == "virtual" else run_linux


def number_of(call: Callable[[], Any]) -> int:
    try:
        call()
    except OSError as error:
        return error.errno or 0
    return 0


def test_a_dual_stack_listener_takes_both_families(both6: Both) -> None:
    def program() -> Any:
        with socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listener:
            port = listener.getsockname()[1]
            seen = []
            for family, host in ((socket.AF_INET6, "::1"), (socket.AF_INET, "127.0.0.1")):
                with socket.socket(family) as client:
                    client.connect((host, port))
                    served, address = listener.accept()
                    with served:
                        client.sendall(b"hello")
                        seen.append((served.family, address[0], served.getsockname()[0], served.recv(10)))
            return listener.getsockname()[0], seen

    assert both6(program) == (
        "::",
        [
            (socket.AF_INET6, "::1", "::1", b"hello"),
            (socket.AF_INET6, "::ffff:127.0.0.1", "::ffff:127.0.0.1", b"hello"),
        ],
    )


def test_a_listener_of_ipv6_alone_leaves_the_port_to_ipv4(both6: Both) -> None:
    def program() -> Any:
        with socket.create_server(("::1", 0), family=socket.AF_INET6) as six:
            port = six.getsockname()[1]
            with socket.create_server(("127.0.0.1", port)), socket.socket(socket.AF_INET6) as client:
                client.connect(("::1", port))
                return six.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)

    assert both6(program) == 1


def test_the_wildcard_of_both_families_stands_against_ipv4(both6: Both) -> None:
    def program() -> Any:
        with (
            socket.socket(socket.AF_INET6) as dual,
            socket.socket() as four,
            socket.socket(socket.AF_INET6) as six,
        ):
            dual.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            dual.bind(("::", 0))
            dual.listen()
            port = dual.getsockname()[1]
            first = number_of(lambda: four.bind(("0.0.0.0", port)))
            six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            second = number_of(lambda: six.bind(("::", port)))
            late = number_of(lambda: dual.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1))
            return first, second, late

    assert both6(program) == (errno.EADDRINUSE, errno.EADDRINUSE, errno.EINVAL)


def test_datagrams_of_both_families_at_one_socket(both6: Both) -> None:
    def program() -> Any:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as dual:
            dual.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            dual.bind(("::", 0))
            dual.settimeout(5)
            port = dual.getsockname()[1]
            with (
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as four,
                socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as six,
            ):
                four.settimeout(5)
                four.sendto(b"four", ("127.0.0.1", port))
                data, address = dual.recvfrom(10)
                dual.sendto(b"back", address)
                answer = four.recvfrom(10)
                six.sendto(b"six", ("::1", port))
                other = dual.recvfrom(10)
                return data, address[0], answer[0], answer[1][0], other[0], other[1][0], other[1][2:]

    assert both6(program) == (b"four", "::ffff:127.0.0.1", b"back", "127.0.0.1", b"six", "::1", (0, 0))


def test_a_mapped_address_is_ipv4(both6: Both) -> None:
    def program() -> Any:
        with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket(socket.AF_INET6) as client:
            client.connect(("::ffff:127.0.0.1", listener.getsockname()[1]))
            served, address = listener.accept()
            served.close()
            return client.getpeername()[0], address[0]

    assert both6(program) == ("::ffff:127.0.0.1", "127.0.0.1")


def test_what_cannot_be(both6: Both) -> None:
    def program() -> Any:
        numbers = []
        with socket.socket(socket.AF_INET6) as sock:
            numbers.append(number_of(lambda: sock.bind(("fe80::1", 0))))
            numbers.append(number_of(lambda: sock.connect(("fe80::1", 80))))
            numbers.append(number_of(lambda: sock.bind(("2001:db8:77::1", 0))))
            numbers.append(number_of(lambda: sock.connect(("::1", 1))))
        with socket.socket(socket.AF_INET6) as only:
            only.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            numbers.append(number_of(lambda: only.bind(("::ffff:127.0.0.1", 0))))
            numbers.append(number_of(lambda: only.connect(("::ffff:127.0.0.1", 1))))
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            numbers.append(number_of(lambda: sock.send(b"x")))
        return numbers

    assert both6(program) == [
        errno.EINVAL,
        errno.EINVAL,
        errno.EADDRNOTAVAIL,
        errno.ECONNREFUSED,
        errno.EINVAL,
        errno.ENETUNREACH,
        errno.EDESTADDRREQ,
    ]


def test_a_closed_port_refuses_datagrams(both6: Both) -> None:
    def program() -> Any:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.settimeout(5)
            sock.connect(("::1", 1))
            sock.send(b"x")
            return number_of(lambda: sock.recv(10))

    assert both6(program) == errno.ECONNREFUSED


def test_ancillary_data(both6: Both) -> None:
    def program() -> Any:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.bind(("::1", 0))
            sock.settimeout(5)
            for option in (socket.IPV6_RECVHOPLIMIT, socket.IPV6_RECVTCLASS, socket.IPV6_RECVPKTINFO):
                sock.setsockopt(socket.IPPROTO_IPV6, option, 1)
            hops = [(socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT, struct.pack("i", 9))]
            classed = [(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, struct.pack("i", 0x20))]
            sock.sendmsg([b"hello"], hops + classed, 0, sock.getsockname())
            data, told, flags, _ = sock.recvmsg(100, 1024)
            found = {kind: content for level, kind, content in told if level == socket.IPPROTO_IPV6}
            sock.sendto(b"again", sock.getsockname())
            cut = sock.recvmsg(2, 20)
            return (
                data,
                struct.unpack("i", found[socket.IPV6_HOPLIMIT]),
                struct.unpack("i", found[socket.IPV6_TCLASS]),
                found[socket.IPV6_PKTINFO][:16],
                flags,
                cut[0],
                bool(cut[2] & socket.MSG_TRUNC),
                bool(cut[2] & socket.MSG_CTRUNC),
                number_of(lambda: sock.sendmsg([b"x"], [(41, 52, b"\1")], 0, sock.getsockname())),
            )

    loopback = bytes(15) + b"\1"
    assert both6(program) == (b"hello", (9,), (0x20,), loopback, 0, b"ag", True, True, errno.EINVAL)


def test_the_error_queue_tells_who_refused(both6: Both) -> None:
    def program() -> Any:
        found = []
        for family, level, option, host in (
            (socket.AF_INET6, socket.IPPROTO_IPV6, 25, "::1"),
            (socket.AF_INET, socket.IPPROTO_IP, 11, "127.0.0.1"),
        ):
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                sock.setsockopt(level, option, 1)
                none = number_of(lambda sock=sock: sock.recvmsg(100, 512, 0x2000))  # type: ignore[misc]
                sock.sendto(b"hello", (host, 1))
                import time

                time.sleep(0.1)
                data, told, flags, address = sock.recvmsg(100, 512, 0x2000)
                ((at, kind, content),) = told
                number, origin, icmp_type, code = struct.unpack_from("IBBB", content)
                found.append((none, data, (at, kind), flags, address[:2], number, origin, icmp_type, code))
        return found

    assert both6(program) == [
        (errno.EAGAIN, b"hello", (41, 25), 0x2000, ("::1", 1), errno.ECONNREFUSED, 3, 1, 4),
        (errno.EAGAIN, b"hello", (0, 11), 0x2000, ("127.0.0.1", 1), errno.ECONNREFUSED, 2, 3, 3),
    ]


def test_options_have_their_defaults_and_limits(both6: Both) -> None:
    def program() -> Any:
        level = socket.IPPROTO_IPV6
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            names = (
                socket.IPV6_V6ONLY, socket.IPV6_UNICAST_HOPS, socket.IPV6_MULTICAST_HOPS, socket.IPV6_MULTICAST_LOOP,
                socket.IPV6_TCLASS, socket.IPV6_MULTICAST_IF, socket.IPV6_RECVPKTINFO,
            )  # fmt: skip
            values = [sock.getsockopt(level, name) for name in names]
            sock.setsockopt(level, socket.IPV6_UNICAST_HOPS, 7)
            return (
                values,
                sock.getsockopt(level, socket.IPV6_UNICAST_HOPS),
                number_of(lambda: sock.setsockopt(level, socket.IPV6_UNICAST_HOPS, 256)),
                number_of(lambda: sock.setsockopt(level, socket.IPV6_JOIN_GROUP, bytes(20))),
                number_of(lambda: sock.setsockopt(level, socket.IPV6_MULTICAST_IF, 9999)),
            )

    assert both6(program) == ([0, 64, 1, 1, 0, 0, 0], 7, errno.EINVAL, errno.EINVAL, errno.ENODEV)


def test_a_group_is_heard_on_the_link() -> None:
    net = Net(seed=1)
    switch = net.switch("s")
    a = net.host("a", address="2001:db8::1/64", link=switch)
    b = net.host("b", address="2001:db8::2/64", link=switch)
    group = "ff02::77"

    def hear() -> Any:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.bind(("", 5000))
            index = socket.if_nametoindex("eth0")
            request = socket.inet_pton(socket.AF_INET6, group) + struct.pack("I", index)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, request)
            data, address = sock.recvfrom(100)
            return data, address

    def speak() -> None:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex("eth0"))
            sock.sendto(b"hello", (group, 5000))

    service = b.run(hear)
    a.run(speak, at="1s")
    net.run_until(service)
    assert service.result[0] == b"hello"
    assert service.result[1][0].startswith("fe80::") and service.result[1][3] == 2, (
        "its scope is the interface"
    )
