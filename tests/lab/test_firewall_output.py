"""What a host's own `output` chain stops: its programs are answered as by the kernel (nft, a chain of hook output)."""

from __future__ import annotations

import errno
import select
import socket
import time

import pytest

from netarium import Net

ADDRESSES = {4: "10.0.0.2", 6: "2001:db8::2"}
FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}


def pair(rule: str) -> Net:
    net = Net(seed=1)
    net.host("a", ["10.0.0.1/24", "2001:db8::1/64"], firewall={"rules": [rule]})
    net.host("b", ["10.0.0.2/24", "2001:db8::2/64"])
    net.link("a", "b")

    def serve() -> None:
        listener = socket.create_server(("::", 8080), family=socket.AF_INET6, dualstack_ipv6=True)
        while True:
            listener.accept()[0].sendall(b"hello")

    net["b"].run(serve, daemon=True)
    return net


def connecting(family: int, seconds: float) -> str:
    """What a blocking connect ends with."""
    time.sleep(2)
    with socket.socket(FAMILIES[family], socket.SOCK_STREAM) as sock:
        sock.settimeout(seconds)
        try:
            sock.connect((ADDRESSES[family], 8080))
        except TimeoutError:
            return "timed out"
        except OSError as error:
            return errno.errorcode[error.errno or 0]
        return "connected"


def connecting_later(family: int) -> tuple[str, str]:
    """What a connect that does not block answers, and what the socket's error is 100 ms later."""
    time.sleep(2)
    with socket.socket(FAMILIES[family], socket.SOCK_STREAM) as sock:
        sock.setblocking(False)
        at_once = errno.errorcode.get(sock.connect_ex((ADDRESSES[family], 8080)), "OK")
        select.select([], [sock], [], 0.1)
        later = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return at_once, errno.errorcode.get(later, "none")


def sending(family: int) -> list[str]:
    """What a datagram's send answers, and the receive after it."""
    time.sleep(2)
    found = []
    with socket.socket(FAMILIES[family], socket.SOCK_DGRAM) as sock:
        sock.connect((ADDRESSES[family], 8080))
        sock.settimeout(0.1)
        for call in (lambda: sock.send(b"x"), lambda: sock.recv(9)):
            try:
                call()
                found.append("OK")
            except TimeoutError:
                found.append("timed out")
            except OSError as error:
                found.append(errno.errorcode[error.errno or 0])
    return found


@pytest.mark.parametrize("family", [4, 6])
def test_dropped_syns_are_repeated_until_the_program_has_waited_enough(family: int) -> None:
    net = pair("drop output tcp dport 8080")
    assert net["a"].call(connecting, family, 4) == "timed out"
    found = net["a"].node.stack.hooks.filter
    assert found is not None
    (rule,) = found.firewall.chains["output"].rules
    assert rule.packets == 3, "at 0, 1 and 3 s"


def test_nobody_who_waits_for_ever_is_told_that_it_was_forbidden() -> None:
    net = pair("drop output tcp dport 8080")
    net["a"].node.stack.settings.set("net.ipv4.tcp_syn_retries", 2)

    def connect() -> str:
        with socket.socket() as sock:
            try:
                sock.connect(("10.0.0.2", 8080))
            except OSError as error:
                return errno.errorcode[error.errno or 0]
        return "connected"

    assert net["a"].call(connect) == "ETIMEDOUT"


@pytest.mark.parametrize("family", [4, 6])
def test_a_connect_that_does_not_block_is_in_progress(family: int) -> None:
    assert pair("drop output tcp dport 8080")["a"].call(connecting_later, family) == ("EINPROGRESS", "none")
    assert pair("reject output tcp dport 8080")["a"].call(connecting_later, family) == (
        "EINPROGRESS",
        "ECONNREFUSED",
    )


@pytest.mark.parametrize("family", [4, 6])
def test_a_rejected_connect_is_refused_at_once(family: int) -> None:
    net = pair("reject output tcp dport 8080")
    assert net["a"].call(connecting, family, 4) == "ECONNREFUSED"
    assert net.now_ns < 2_100_000_000


@pytest.mark.parametrize("family", [4, 6])
def test_a_datagrams_sender_is_told(family: int) -> None:
    assert pair("drop output udp dport 8080")["a"].call(sending, family) == ["EPERM", "timed out"]
    assert pair("reject output udp dport 8080")["a"].call(sending, family) == ["EPERM", "ECONNREFUSED"]


@pytest.mark.parametrize("family", [4, 6])
def test_other_connections_are_not_touched(family: int) -> None:
    assert pair("drop output tcp dport 8081")["a"].call(connecting, family, 4) == "connected"
