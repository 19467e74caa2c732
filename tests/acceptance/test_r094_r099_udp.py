"""R094: UDP loses and does not send again, boundaries hold. R095: what is lost is seen. R096: how large. R097: what
does not fit is cut off. R099: the same stream over UDP and over TCP. R075: what stands in which layer; ping is ICMP.
"""

from __future__ import annotations

import errno
import socket
from typing import Any

from tests.acceptance.frames_seen import FramesSeen

from netarium import Net
from netarium.journey import Drop
from netarium.story.layers import parts_of
from netarium.wire.ethernet import Frame
from netarium.wire.icmp import IcmpHeader
from netarium.wire.udp import UdpHeader

COUNT = 200


def lan(loss: float = 0.0) -> tuple[Net, Any, Any]:
    net = Net(seed=5)
    switch = net.switch("s")
    a = net.host("a", address="10.0.0.1/24", link=switch)
    b = net.host("b", address="10.0.0.2/24", link=switch)
    a.call(send, ["learn"])
    net.run(until="1s")
    net.link("a", "s").loss = loss
    return net, a, b


def send(texts: list[str]) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for text in texts:
            sock.sendto(text.encode(), ("10.0.0.2", 9000))
    return len(texts)


def send_numbered() -> int:
    import time

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for number in range(COUNT):
            sock.sendto(f"frame {number}".encode(), ("10.0.0.2", 9000))
            time.sleep(0.01)
    return COUNT


def hear() -> list[str]:
    heard = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("", 9000))
        sock.settimeout(5)
        try:
            while True:
                heard.append(sock.recv(100).decode())
        except TimeoutError:
            return heard


def test_r094_and_r095_what_is_lost_is_seen_and_nothing_is_sent_again() -> None:
    for loss, fewest in ((0.2, COUNT // 10), (0.05, 3)):
        net, a, b = lan(loss)
        seen = FramesSeen(net)
        listener, sender = b.run(hear), a.run(send_numbered)
        net.run_until(listener)
        assert sender.result == COUNT
        sent = [f for f in seen.packets_by("a:eth0") if isinstance(f.transport, UdpHeader)]
        assert len(sent) == COUNT, "none twice"
        arrived = [f for name, f in seen.received if name == "b:eth0" and isinstance(f.transport, UdpHeader)]
        heard = listener.result
        assert [bytes(f.payload).decode() for f in arrived] == heard, "boundaries hold"
        missing = [number for number in range(COUNT) if f"frame {number}" not in heard]
        assert len(missing) >= fewest and len(missing) + len(heard) == COUNT
        net.close()


class Lost:
    """An observer of the datagrams that a link loses."""

    def __init__(self, net: Net) -> None:
        self.frames: list[Frame] = []
        net.watch.add(self)

    def drop(self, now: int, place: str, reason: Drop, frame: Frame | None, detail: str = "") -> None:
        assert reason.layer == "link", reason
        if frame is not None and isinstance(frame.transport, UdpHeader):
            self.frames.append(frame)


def view() -> str:
    """What a viewer of the numbered frames shows: one mark for each, `x` for a broken one."""
    heard = {int(text.split()[1]) for text in hear()}
    return "".join("." if number in heard else "x" for number in range(COUNT))


def test_r095_the_viewer_shows_exactly_the_missing_frames_as_broken() -> None:
    net, a, b = lan(0.05)
    seen, lost = FramesSeen(net), Lost(net)
    viewer, sender = b.run(view), a.run(send_numbered)
    net.run_until(viewer)
    assert sender.result == COUNT
    sent = [bytes(f.payload) for f in seen.packets_by("a:eth0") if isinstance(f.transport, UdpHeader)]
    assert sent == [b"frame %d" % number for number in range(COUNT)], "each once, none again"
    broken = {int(bytes(frame.payload).split()[1]) for frame in lost.frames}
    assert 3 <= len(broken) <= 20
    assert viewer.result == "".join("x" if number in broken else "." for number in range(COUNT))
    net.close()


def test_r096_the_largest_datagram() -> None:
    _net, a, b = lan()

    def largest() -> tuple[int, int]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            taken = sock.sendto(bytes(65_507), ("10.0.0.2", 9000))
            try:
                sock.sendto(bytes(65_508), ("10.0.0.2", 9000))
            except OSError as error:
                return taken, error.errno or 0
        return taken, 0

    def hear_one() -> int:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("", 9000))
            return len(sock.recv(70_000))

    listener = b.run(hear_one)
    assert a.call(largest) == (65_507, errno.EMSGSIZE)
    _net.run_until(listener)
    assert listener.result == 65_507


def test_r097_what_does_not_fit_is_lost_and_the_next_call_gets_the_next() -> None:
    net, a, b = lan()

    def hear_ten() -> list[bytes]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("", 9000))
            return [sock.recvfrom(10)[0] for _ in range(2)]

    listener = b.run(hear_ten)
    a.run(send, ["x" * 100, "second"])
    net.run_until(listener)
    assert listener.result == [b"x" * 10, b"second"]


def tcp_numbered() -> None:
    import time

    with socket.create_connection(("10.0.0.2", 9001)) as sock:
        for number in range(COUNT):
            sock.sendall(b"%5d" % number)
            time.sleep(0.01)


def tcp_hear() -> tuple[list[int], float]:
    import time

    with socket.create_server(("", 9001)) as listener:
        sock, _ = listener.accept()
        numbers: list[int] = []
        longest, last, rest = 0.0, time.monotonic(), b""
        while data := sock.recv(4096):
            now = time.monotonic()
            longest, last = max(longest, now - last), now
            rest += data
            while len(rest) >= 5:
                numbers.append(int(rest[:5]))
                rest = rest[5:]
        return numbers, longest


def test_r099_udp_shows_gaps_tcp_shows_delay() -> None:
    net, a, b = lan(0.05)
    listener = b.run(hear)
    a.run(send_numbered)
    net.run_until(listener)
    assert 0 < len(listener.result) < COUNT, "gaps"
    net, a, b = lan(0.05)
    receiver = b.run(tcp_hear)
    a.run(tcp_numbered)
    net.run_until(receiver)
    numbers, longest = receiver.result
    assert numbers == list(range(COUNT)), "no gaps"
    assert longest > 0.05, "but somebody waited for what was sent again"


def speak_to(port: int) -> None:
    """A line by TCP, whatever speaks there."""
    with socket.create_connection(("10.0.0.2", port)) as sock:
        sock.sendall(b"a line\r\n")


def test_r075_each_protocol_is_listed_under_its_layer_and_ping_is_icmp() -> None:
    net, a, b = lan()
    seen = FramesSeen(net)
    ping = a.run("ping -c 1 10.0.0.2")
    net.run_until(ping)
    assert "1 received" in ping.stdout
    carried = [f.transport for f in seen.packets_by("a:eth0")]
    assert carried and all(isinstance(each, IcmpHeader) for each in carried), "ping works by ICMP"

    def welcome() -> None:
        for listener in [socket.create_server(("", port)) for port in (21, 23, 80)]:
            connection = listener.accept()[0]
            while connection.recv(100):
                pass

    b.run(welcome, root=True)
    net.run(until="2s")
    for port in (21, 23, 80):
        a.call(speak_to, port)
    a.call(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"?", ("10.0.0.2", 53)))
    listed: dict[str, set[str]] = {}
    for _port, frame in seen.sent:
        for part in parts_of(bytes(frame), frame.size_bytes):
            listed.setdefault(part.layer, set()).add(part.protocol)
    assert listed == {
        "application": {"FTP", "TELNET", "HTTP", "DNS"},
        "transport": {"TCP", "UDP"},
        "network": {"IPv4", "ICMP"},
        "link": {"Ethernet"},
    }
