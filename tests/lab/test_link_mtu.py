"""The MTU of a link is the MTU of the NICs at its ends, now, when it changes, and after a boot."""

from __future__ import annotations

import socket

import pytest

from netarium import Net
from netarium.journey import Drop


def transfer(net: Net) -> bytes:
    def serve() -> bytes:
        listener = socket.create_server(("", 5000))
        connection, _ = listener.accept()
        got = b""
        while data := connection.recv(65536):
            got += data
        return got

    def send() -> None:
        with socket.create_connection(("10.0.0.1", 5000)) as connection:
            connection.sendall(bytes(50_000))

    sink = net["s"].run(serve)
    net["c"].run(send, after={"listening": "s:5000"})
    net.run()
    return sink.result  # type: ignore[return-value]


@pytest.mark.parametrize("mtu", [128, 576, 1400, 1500])
def test_tcp_fits_its_segments_into_the_link(mtu: int) -> None:
    net = Net(seed=1)
    net.host("s", address="10.0.0.1/24")
    net.host("c", address="10.0.0.2/24")
    net.link("s", "c", mtu=mtu)
    assert transfer(net) == bytes(50_000)
    assert Drop.FRAME_TOO_LONG.name not in net.watching.counters.by_name()


def test_a_router_before_a_small_link_says_so_and_both_tcp_and_ping_go_on() -> None:
    net = Net(seed=1)
    net.router("r", interfaces={"a": "10.0.1.1/24", "b": "10.0.0.254/24"})
    net.host("s", address="10.0.0.1/24", gateway="10.0.0.254")
    net.host("c", address="10.0.1.2/24", gateway="10.0.1.1")
    net.link("c", "r:a")
    net.link("r:b", "s", mtu=576)
    assert transfer(net) == bytes(50_000)
    echo = net["c"].run("ping -c 2 -W 1 -s 1000 10.0.0.1")
    net.run()
    assert "From 10.0.1.1 icmp_seq=1 Frag needed and DF set" in echo.stdout
    assert "1 received" in echo.stdout, "the second went in fragments that fit"


def test_it_can_be_set_later_and_survives_a_boot() -> None:
    net = Net(seed=1)
    net.host("s", address="10.0.0.1/24")
    net.host("c", address="10.0.0.2/24")
    link = net.link("s", "c")
    link.mtu = 600
    net["s"].crash()
    net["s"].boot()
    assert net["s"].node.stack.interfaces["eth0"].mtu == 600
    assert transfer(net) == bytes(50_000)
