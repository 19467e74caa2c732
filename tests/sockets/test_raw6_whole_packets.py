"""Raw sockets of IPv6 that bring their own header (IPPROTO_RAW, IPV6_HDRINCL): judged by what the kernel does."""

from __future__ import annotations

import errno
import socket

import pytest

from netarium import Net
from netarium.wire.ipv6 import Ipv6Header
from netarium.wire.udp import UdpHeader

TO = "2001:db8::2"
IPV6_HDRINCL = 36


def whole(payload_bytes: int = 9, source: str = "2001:db8::77", version: int = 6) -> bytes:
    """A datagram from 5555 to 7777, its hop limit 9, its checksum right or wrong."""
    ends = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, TO)
    head = bytes([version << 4, 0, 0, 0]) + payload_bytes.to_bytes(2, "big") + bytes([17, 9]) + ends
    ports = (5555).to_bytes(2, "big") + (7777).to_bytes(2, "big") + (9).to_bytes(2, "big")
    return head + ports + bytes.fromhex("f7dc") + b"x"


def sent(data: bytes, protocol: int = 255, included: bool | None = None) -> tuple[str, list[object], int]:
    """What sendto answers, the IPv6 packets of UDP on the cable, and what IPV6_HDRINCL reads."""
    net = Net(seed=1)
    net.host("a", "2001:db8::1/64")
    net.host("b", TO + "/64")
    net.link("a", "b")
    seen: list[object] = []

    class Observer:
        def frame(self, now: int, port: object, stop: object, frame: object) -> None:
            if isinstance(frame.network, Ipv6Header) and frame.network.protocol == 17:  # type: ignore[attr-defined]
                seen.append(frame)

    net.watch.add(Observer())
    answers: list[object] = []

    def send() -> None:
        import time

        time.sleep(3)
        with socket.socket(socket.AF_INET6, socket.SOCK_RAW, protocol) as sock:
            if included is not None:
                sock.setsockopt(socket.IPPROTO_IPV6, IPV6_HDRINCL, included)
            answers.append(sock.getsockopt(socket.IPPROTO_IPV6, IPV6_HDRINCL))
            try:
                answers.append(str(sock.sendto(data, (TO, 0))))
            except OSError as error:
                answers.append(errno.errorcode[error.errno or 0])
        time.sleep(1)

    net["a"].run(send, root=True)
    net.run(check=True)
    return str(answers[1]), seen, int(str(answers[0]))


def test_the_packet_leaves_as_it_is() -> None:
    answer, frames, included = sent(whole())
    assert (answer, included) == ("49", 1)
    frame = frames[0]
    assert (frame.network.ttl, frame.network.protocol) == (9, 17)  # type: ignore[attr-defined]
    assert frame.network.source == int.from_bytes(socket.inet_pton(socket.AF_INET6, "2001:db8::77"), "big")  # type: ignore[attr-defined]
    header = frame.transport  # type: ignore[attr-defined]
    assert isinstance(header, UdpHeader) and (header.source_port, header.destination_port) == (5555, 7777)


@pytest.mark.parametrize(
    ("data", "answer"),
    [(b"abc", "EINVAL"), (whole()[:39], "EINVAL"), (whole() + bytes(1500), "EMSGSIZE")],
)
def test_what_is_no_packet_is_refused(data: bytes, answer: str) -> None:
    assert sent(data)[:2] == (answer, [])


def test_a_socket_of_another_protocol_is_told_by_the_option() -> None:
    answer, frames, included = sent(whole(), 17, True)
    assert (answer, included) == ("49", 1)
    assert frames[0].network.ttl == 9  # type: ignore[attr-defined]
    assert sent(whole()[40:], 17)[2] == 0
