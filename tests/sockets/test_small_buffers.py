"""A receive buffer smaller than a segment: data flows at the speed of the reader, and no probe is counted as lost."""

from __future__ import annotations

import socket
import time
from typing import Any

from netarium import Net

BYTES = 400_000


def test_a_buffer_smaller_than_a_segment_needs_no_timer() -> None:
    def send_and_read() -> tuple[int, float]:
        import threading

        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            client = socket.create_connection(listener.getsockname())
            server, _ = listener.accept()
        thread = threading.Thread(target=lambda: (client.sendall(bytes(BYTES)), client.close()))
        began = time.monotonic()
        thread.start()
        got = 0
        with server:
            while data := server.recv(65536):
                got += len(data)
        thread.join()
        return got, time.monotonic() - began

    got, took_s = Net(seed=1).host("host", address="10.0.0.1/24").call(send_and_read)
    assert got == BYTES
    assert took_s < 0.1


def test_a_slow_reader_with_a_small_buffer_is_not_given_up() -> None:
    net = Net(seed=1)
    one = net.host("one", address="10.0.0.1/24")
    other = net.host("other", address="10.0.0.2/24", link=one, delay="1ms")

    def serve() -> int:
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
            listener.bind(("", 8080))
            listener.listen()
            server, _ = listener.accept()
        got = 0
        with server:
            while data := server.recv(700):
                got += len(data)
                time.sleep(1)
        return got

    def send() -> Any:
        with socket.create_connection(("10.0.0.2", 8080)) as client:
            client.sendall(bytes(60_000))

    server = other.run(serve)
    one.run(send, at="10ms")
    net.run()
    assert server.result == 60_000
