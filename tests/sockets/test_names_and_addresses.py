"""What bind, connect and the resolver say of odd addresses and names, on the kernel and on the virtual stack."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Both = Callable[[Callable[[], Any]], Any]


def attempt(call: Callable[..., Any], *arguments: Any) -> Any:
    """What it gives, or the error's number, or the error's class where it has none."""
    try:
        return call(*arguments)
    except OSError as error:
        return error.errno
    except Exception as error:
        return type(error).__name__


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_bind_looks_at_the_address_before_it_asks_whether_it_is_bound(both: Both, kind: int) -> None:
    def program() -> list[Any]:
        with socket.socket(socket.AF_INET, kind) as sock:
            sock.bind(("127.0.0.1", 0))
            return [attempt(sock.bind, ("8.8.8.8", 0)), attempt(sock.bind, ("127.0.0.1", 0))]

    assert both(program) == [99, 22]


@pytest.mark.parametrize("address", ["224.0.0.1", "255.255.255.255"])
def test_tcp_may_bind_to_groups_and_broadcasts_and_speaks_from_an_own_address_then(
    both: Both, address: str
) -> None:
    def program() -> list[Any]:
        with socket.socket() as listener, socket.socket() as client:
            seen = [attempt(listener.bind, (address, 0)), attempt(listener.listen)]
            client.bind((address, 0))
            with socket.create_server(("127.0.0.1", 0)) as server:
                client.connect(server.getsockname())
                accepted, peer = server.accept()
                with accepted:
                    return [*seen, client.getsockname()[0], peer == client.getsockname()]

    assert both(program) == [None, None, "127.0.0.1", True]


def test_an_address_of_nobody_here_is_bound_to_with_ip_freebind(both: Both) -> None:
    def program() -> list[Any]:
        with socket.socket() as sock, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
            seen = []
            for each in (sock, datagrams):
                seen.append(attempt(each.bind, ("192.0.2.9", 0)))
                each.setsockopt(socket.IPPROTO_IP, 15, 1)
                each.bind(("192.0.2.9", 0))
                seen.append(each.getsockname()[0])
            return [*seen, attempt(sock.connect, ("127.0.0.1", 1))]

    assert both(program) == [99, "192.0.2.9", 99, "192.0.2.9", 101]


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET])
def test_a_file_that_is_no_socket_refuses(both: Both, kind: int, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")

    def program() -> list[Any]:
        with socket.socket(socket.AF_UNIX, kind) as sock:
            names = ("plain", "", "plain/x", "none")
            return [attempt(sock.connect, str(tmp_path / name)) for name in names]

    assert both(program) == [111, 111, 20, 2]


def test_raw_sockets_of_af_unix_are_datagram_sockets(both: Both) -> None:
    def program() -> list[Any]:
        left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_RAW)
        with left, right, socket.socket(socket.AF_UNIX, socket.SOCK_RAW) as other:
            left.send(b"ab")
            left.send(b"cd")
            sizes = [right.recv(1), right.recv(10)]
            kind = other.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE)
            return [*sizes, int(other.type), int(left.type), kind == socket.SOCK_DGRAM]

    assert both(program) == [b"a", b"cd", 3, 3, True]


@pytest.mark.parametrize("name", ["x" * 64, "a." + "y" * 70, "a..b", "."])
def test_a_name_that_no_label_can_have_is_a_unicode_error(both: Both, name: str) -> None:
    def program() -> list[Any]:
        calls = (socket.gethostbyname, socket.gethostbyname_ex, lambda each: socket.getaddrinfo(each, 80))
        return [attempt(call, name) for call in calls]

    assert all(each in ("UnicodeError", "UnicodeEncodeError") for each in both(program))


def test_names_of_the_wrong_kind(both: Both) -> None:
    def program() -> list[Any]:
        seen = [attempt(socket.gethostbyname, each) for each in ("a\0b", b"a\0b", None, 5)]
        with socket.socket() as sock:
            seen.append(attempt(sock.connect, ("a\0b", 80)))
        seen.append(attempt(socket.getaddrinfo, None, None))
        seen.append(attempt(socket.getaddrinfo, "127.0.0.1\0x", 80)[0][4])
        return seen

    assert both(program) == [*["TypeError"] * 5, socket.EAI_NONAME, ("127.0.0.1", 80)]
