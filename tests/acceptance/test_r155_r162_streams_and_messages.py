"""R155 to R162: TCP is a stream: messages stick together and are cut; how programs frame them. UDP keeps them apart."""

from __future__ import annotations

import hashlib
import json
import random
import socket
import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.acceptance.conversations import converse, receive_exactly, sleep_until, two_hosts

from netarium import Net


def send_each(*messages: bytes, pause_s: float = 0.0):  # type: ignore[no-untyped-def]
    def send(connection: socket.socket) -> None:
        for message in messages:
            connection.send(message)
            if pause_s:
                time.sleep(pause_s)
        time.sleep(60)

    return send


def receive_late(at_s: float, *counts: int):  # type: ignore[no-untyped-def]
    def receive(connection: socket.socket) -> list[bytes]:
        sleep_until(at_s)
        return [connection.recv(count) for count in counts]

    return receive


def received(net: Net, server, client):  # type: ignore[no-untyped-def]
    service, _ = converse(net, server, client)
    net.run()
    return service.result


def test_r155_two_sends_are_one_recv_when_the_receiver_reads_later(net: Net) -> None:
    two_hosts(net)
    assert received(net, receive_late(0.1, 1024), send_each(b"hello", b"world")) == [b"helloworld"]


def test_r155_a_receiver_that_waits_may_get_the_first_alone(net: Net) -> None:
    two_hosts(net)
    got = received(
        net,
        lambda connection: [connection.recv(1024), connection.recv(1024)],
        send_each(b"hello", b"world", pause_s=1),
    )
    assert got == [b"hello", b"world"]


def test_r156_what_was_sent_while_the_link_was_down_comes_as_one(net: Net) -> None:
    two_hosts(net)
    link = net.link("a", "b")

    def send(connection: socket.socket) -> None:
        sleep_until(1.1)
        for number in range(5):
            connection.send(b"message%d" % number)
            time.sleep(0.1)
        time.sleep(60)

    net.at("1s", link.cut)
    net.at("2s", link.heal)
    assert received(net, receive_late(5, 1024), send) == [b"message0message1message2message3message4"]


def test_r156_a_receiver_that_waits_already_gets_the_first_alone(net: Net) -> None:
    two_hosts(net)
    link = net.link("a", "b")

    def send(connection: socket.socket) -> None:
        connection.send(b"first")
        sleep_until(1.1)
        connection.send(b"second")
        connection.send(b"third")
        time.sleep(60)

    net.at("1s", link.cut)
    net.at("2s", link.heal)

    def receive(connection: socket.socket) -> list[bytes]:
        first = connection.recv(1024)
        sleep_until(5)
        return [first, connection.recv(1024)]

    assert received(net, receive, send) == [b"first", b"secondthird"]


def test_r157_two_messages_that_have_arrived_are_read_by_one_recv(net: Net) -> None:
    two_hosts(net)
    one, other = b"1" * 32, b"2" * 32
    assert received(net, receive_late(1, 64), send_each(one, other)) == [one + other]


def test_r158_the_rest_of_the_first_mixes_with_the_second(net: Net) -> None:
    two_hosts(net)
    got = received(net, receive_late(1, 1024, 1024, 1024), send_each(b"1" * 1500, b"2" * 1500))
    assert got == [b"1" * 1024, b"1" * 476 + b"2" * 548, b"2" * 952]


def test_r159_six_sends_are_read_by_three_recvs(net: Net) -> None:
    two_hosts(net)
    sent = [bytes([number]) * 1024 for number in range(6)]
    got = received(net, receive_late(1, 2048, 2048, 2048), send_each(*sent))
    assert got == [sent[0] + sent[1], sent[2] + sent[3], sent[4] + sent[5]]


def test_r160_udp_never_sticks(net: Net) -> None:
    two_hosts(net)

    def receive() -> list[bytes]:
        server = socket.socket(type=socket.SOCK_DGRAM)
        server.bind(("", 5000))
        sleep_until(1)
        return [server.recvfrom(1024)[0], server.recvfrom(1024)[0]]

    def send() -> None:
        client = socket.socket(type=socket.SOCK_DGRAM)
        client.sendto(b"hello", ("a", 5000))
        client.sendto(b"world", ("a", 5000))

    service = net["a"].run(receive)
    net["b"].run(send, after={"listening": "a:5000"})
    net.run()
    assert service.result == [b"hello", b"world"]


def framed(name: str, data: bytes) -> bytes:
    header = {"file_size": len(data), "file_name": name, "md5": hashlib.md5(data).hexdigest()}
    text = json.dumps(header).encode()
    return struct.pack("!I", len(text)) + text + data


def decode(connection: socket.socket) -> tuple[str, bytes]:
    (length,) = struct.unpack("!I", receive_exactly(connection, 4))
    header = json.loads(receive_exactly(connection, length))
    data = receive_exactly(connection, header["file_size"])
    assert hashlib.md5(data).hexdigest() == header["md5"]
    return header["file_name"], data


FILES = [("one.txt", b"first file"), ("two.bin", bytes(range(256)) * 20)]


def decode_two(connection: socket.socket) -> list[tuple[str, bytes]]:
    return [decode(connection), decode(connection)]


def test_r161_two_framed_messages_in_one_buffer_decode(net: Net) -> None:
    two_hosts(net)

    def late(connection: socket.socket) -> list[tuple[str, bytes]]:
        sleep_until(1)
        return decode_two(connection)

    whole = b"".join(framed(*file) for file in FILES)
    assert received(net, late, send_each(whole)) == FILES


def test_r161_and_cut_bytewise_they_decode_the_same(net: Net) -> None:
    two_hosts(net)
    whole = b"".join(framed(name, data[:50]) for name, data in FILES)

    def bytewise(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for index in range(len(whole)):
            connection.send(whole[index : index + 1])

    assert received(net, decode_two, bytewise) == [(name, data[:50]) for name, data in FILES]


@given(st.lists(st.integers(1, 2000), max_size=8))
def test_r161_however_the_stream_is_cut(cuts: list[int]) -> None:
    whole = b"".join(framed(*file) for file in FILES)

    def in_pieces(connection: socket.socket) -> None:
        at = 0
        for count in cuts:
            connection.sendall(whole[at : at + count])
            at += count
            time.sleep(0.01)
        connection.sendall(whole[at:])

    net = two_hosts(Net())
    assert received(net, decode_two, in_pieces) == FILES


def test_r161_a_wrong_digest_is_noticed(net: Net) -> None:
    two_hosts(net)
    spoilt = framed("one.txt", b"first file")[:-1] + b"!"
    service, _ = converse(net, decode, send_each(spoilt))
    net.run()
    assert isinstance(service.exception, AssertionError)


FIVE_MEGABYTES = random.Random(162).randbytes(5_000_000)


@pytest.mark.parametrize("how", ["loop", "single"])
def test_r162_a_loop_gets_the_whole_file_and_a_single_recv_is_cut_short(net: Net, how: str) -> None:
    two_hosts(net)

    def receive(connection: socket.socket) -> bytes:
        if how == "loop":
            return receive_exactly(connection, len(FIVE_MEGABYTES))
        return connection.recv(len(FIVE_MEGABYTES))

    def send(connection: socket.socket) -> None:
        try:
            connection.sendall(FIVE_MEGABYTES)
        except ConnectionError:
            pass  # the one that reads once closes with bytes unread

    got = received(net, receive, send)
    if how == "loop":
        assert hashlib.sha256(got).digest() == hashlib.sha256(FIVE_MEGABYTES).digest()
    else:
        assert 0 < len(got) < len(FIVE_MEGABYTES)
        assert FIVE_MEGABYTES.startswith(got)
