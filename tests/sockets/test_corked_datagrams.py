"""MSG_MORE and UDP_CORK: several sends make one datagram, as on the kernel."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from typing import Any

import pytest

Both = Callable[[Callable[[], Any]], Any]
MORE = 0x8000
UDP_CORK = 1
LOOPBACK = ("127.0.0.1", 0)


def told(function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, "nothing")


def receivers(count: int) -> list[socket.socket]:
    found = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
    for each in found:
        each.bind(LOOPBACK)
        each.settimeout(0.1)
    return found


def sender_to(peer: socket.socket) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect(peer.getsockname())
    return sock


@pytest.mark.parametrize("call", ["send", "sendall", "sendmsg"])
def test_parts_go_as_one_when_a_send_without_the_flag_comes(both: Both, call: str) -> None:
    def run() -> Any:
        (peer,) = receivers(1)
        with peer, sender_to(peer) as sock:
            if call == "sendmsg":
                sock.sendmsg([b"a", b"b"], [], MORE)
                nothing = told(peer.recv, 50)
                sock.sendmsg([b"cd"])
            else:
                getattr(sock, call)(b"ab", MORE)
                nothing = told(peer.recv, 50)
                getattr(sock, call)(b"cd")
            return nothing, peer.recv(50), told(peer.recv, 50)

    assert both(run) == ("nothing", b"abcd", "nothing")


def test_an_empty_send_lets_the_datagram_go(both: Both) -> None:
    def run() -> Any:
        (peer,) = receivers(1)
        with peer, sender_to(peer) as sock:
            sock.send(b"ab", MORE)
            sock.send(b"")
            return peer.recv(50)

    assert both(run) == b"ab"


def test_the_first_part_says_where_to_and_the_socket_has_a_port_then(both: Both) -> None:
    def run() -> Any:
        first, second = receivers(2)
        with first, second, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"12", MORE, first.getsockname())
            name = sock.getsockname()
            sock.sendto(b"34", second.getsockname())
            return name[0], name[1] > 0, told(second.recv, 50), first.recv(50)

    assert both(run) == ("0.0.0.0", True, "nothing", b"1234")


def test_connect_sends_what_has_begun_to_the_new_peer(both: Both) -> None:
    def run() -> Any:
        first, second = receivers(2)
        with first, second, sender_to(first) as sock:
            sock.send(b"ab", MORE)
            sock.connect(second.getsockname())
            sock.send(b"cd")
            return told(first.recv, 50), second.recv(50)

    assert both(run) == ("nothing", b"abcd")


def test_what_grows_too_long_is_thrown_away(both: Both) -> None:
    def run() -> Any:
        (peer,) = receivers(1)
        with peer, sender_to(peer) as sock:
            sock.send(b"x" * 40_000, MORE)
            failed = told(sock.send, b"x" * 40_000, MORE)
            sock.send(b"new")
            return failed, peer.recv(70_000)

    assert both(run) == ("EMSGSIZE", b"new")


def test_a_cork_keeps_datagrams_back_until_it_is_pulled(both: Both) -> None:
    def run() -> Any:
        (peer,) = receivers(1)
        with peer, sender_to(peer) as sock:
            sock.setsockopt(socket.IPPROTO_UDP, UDP_CORK, 1)
            sock.send(b"q")
            sock.send(b"r")
            held = told(peer.recv, 50), sock.getsockopt(socket.IPPROTO_UDP, UDP_CORK)
            sock.setsockopt(socket.IPPROTO_UDP, UDP_CORK, 0)
            first = peer.recv(50)
            sock.send(b"free")
            return held, first, peer.recv(50)

    assert both(run) == (("nothing", 1), b"qr", b"free")


def test_what_has_begun_may_end_after_a_shutdown_and_is_lost_by_close(both: Both) -> None:
    def run() -> Any:
        (peer,) = receivers(1)
        with peer:
            with sender_to(peer) as sock:
                sock.send(b"ab", MORE)
                sock.shutdown(socket.SHUT_WR)
                found = [sock.send(b"cd"), peer.recv(50), told(sock.send, b"x")]
            with sender_to(peer) as sock:
                sock.send(b"lost", MORE)
            return [*found, told(peer.recv, 50)]

    assert both(run) == [2, b"abcd", "EPIPE", "nothing"]


def test_without_a_peer_there_is_nothing_to_begin(both: Both) -> None:
    def run() -> Any:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            return told(sock.send, b"x", MORE)

    assert both(run) == "EDESTADDRREQ"
