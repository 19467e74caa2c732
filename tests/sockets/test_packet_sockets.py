"""Packet sockets, as packet(7) and Linux have them."""

from __future__ import annotations

import errno
import os
import socket

import pytest

from netarium import Net

ETH_P_ARP, ETH_P_ALL, ETH_P_IP = 0x0806, 3, 0x0800


def two_hosts():
    net = Net(seed=3)
    switch = net.switch("switch")
    a = net.host("a", address="10.0.0.1/24", link=switch)
    b = net.host("b", address="10.0.0.2/24", link=switch)
    return net, a, b


def open_packet(kind=socket.SOCK_RAW, ethertype=ETH_P_ALL, interface="eth0"):
    sock = socket.socket(socket.AF_PACKET, kind, socket.htons(ethertype))
    sock.bind((interface, 0))
    sock.settimeout(5)
    return sock


def test_an_ordinary_user_may_not_open_one():
    _, a, _ = two_hosts()
    with pytest.raises(PermissionError):
        a.call(open_packet)


def run_root(net, host, function):
    service = host.run(function, root=True, stdin="")
    net.run_until(service)
    if service.exception is not None:
        raise service.exception
    return service.result


def test_a_frame_goes_out_as_it_was_given_and_arrives_so():
    net, a, b = two_hosts()
    frame = b"\xff" * 6 + b"\x02\0\0\0\0\x99" + b"\x88\xb5" + b"hello".ljust(46, b"\0")

    def hear():
        with open_packet(ethertype=0x88B5) as sock:
            return sock.recvfrom(2000)

    def speak():
        with open_packet() as sock:
            return sock.send(frame)

    hearer = b.run(hear, root=True, stdin="")
    assert run_root(net, a, speak) == len(frame)
    net.run_until(hearer)
    data, address = hearer.result
    assert data == frame
    assert address == ("eth0", 0x88B5, 1, 1, b"\x02\0\0\0\0\x99")


def test_one_ethertype_hears_what_arrives_all_hear_what_leaves_too():
    net, a, _ = two_hosts()

    def ping_and_listen():
        every, arp = open_packet(), open_packet(ethertype=ETH_P_ARP)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.sendto(b"x", ("10.0.0.2", 9))
            seen = [every.recvfrom(2000)[1][1:3] for _ in range(4)]
            heard = [arp.recvfrom(2000)[1][1:3]]
            arp.settimeout(0.1)
            with pytest.raises(TimeoutError):
                arp.recvfrom(2000)
        return seen, heard

    seen, heard = run_root(net, a, ping_and_listen)
    # ARP request out, answer in, datagram out, port unreachable in.
    assert seen == [(ETH_P_ARP, 4), (ETH_P_ARP, 0), (ETH_P_IP, 4), (ETH_P_IP, 0)]
    assert heard == [(ETH_P_ARP, 0)]


def test_datagram_mode_leaves_the_ethernet_header_to_the_socket():
    net, a, b = two_hosts()
    mac = b.node.ports["eth0"].mac.to_bytes(6, "big")

    def hear():
        with open_packet(socket.SOCK_DGRAM, 0x88B5) as sock:
            return sock.recvfrom(2000)[0]

    def speak():
        with open_packet(socket.SOCK_DGRAM, 0x88B5) as sock:
            sock.sendto(b"hi" * 30, ("eth0", 0x88B5, 0, 1, mac))

    hearer = b.run(hear, root=True, stdin="")
    run_root(net, a, speak)
    net.run_until(hearer)
    assert hearer.result == b"hi" * 30


def test_unknown_interfaces_and_long_frames_are_errors():
    net, a, _ = two_hosts()

    def errors():
        found = []
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as sock:
            for act in (
                lambda: sock.bind(("eth9", 0)),
                lambda: sock.send(bytes(60)),
                lambda: sock.sendto(bytes(1515), ("eth0", 0)),
                lambda: sock.sendto(bytes(5), ("eth0", 0)),
            ):
                try:
                    act()
                except OSError as error:
                    found.append(error.errno)
        return found

    assert run_root(net, a, errors) == [errno.ENODEV, errno.ENXIO, errno.EMSGSIZE, errno.EINVAL]


def hear_on_lo():
    with open_packet(interface="lo") as tap, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.sendto(b"hello", sock.getsockname())
        port = sock.getsockname()[1].to_bytes(2, "big")
        found = []
        while len(found) < 2:  # the machine's lo has frames of others too
            frame, address = tap.recvfrom(2000)
            if frame[36:38] == port:
                found.append((len(frame), frame[42:], address))
        return found


@pytest.mark.parametrize("where", ["virtual", pytest.param("linux", marks=pytest.mark.kernel)])
def test_frames_of_lo_are_heard_going_out_and_coming_in_and_are_not_padded(where):
    net, a, _ = two_hosts()
    if where == "linux" and os.geteuid():
        pytest.skip("packet sockets are root's")
    found = run_root(net, a, hear_on_lo) if where == "virtual" else hear_on_lo()
    assert found == [
        (47, b"hello", ("lo", ETH_P_IP, kind, 772, bytes(6)))
        for kind in (socket.PACKET_OUTGOING, socket.PACKET_HOST)
    ]


def test_what_goes_out_is_not_padded_yet_and_what_comes_in_is():
    net, a, _ = two_hosts()

    def hear():
        with (
            open_packet(ethertype=ETH_P_ALL) as tap,
            socket.socket(socket.AF_INET, socket.SOCK_RAW, 1) as sock,
        ):
            sock.sendto(b"\x08\0\xf7\xff\0\0\0\0", ("10.0.0.2", 0))
            return [(len(frame), address[2]) for frame, address in (tap.recvfrom(2000) for _ in range(4))]

    assert sorted(run_root(net, a, hear)) == [
        (42, socket.PACKET_OUTGOING),
        (42, socket.PACKET_OUTGOING),
        (60, socket.PACKET_HOST),
        (60, socket.PACKET_HOST),
    ]
