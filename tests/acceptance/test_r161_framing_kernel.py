"""R161: a 4-byte length in network byte order, a JSON header {file_size, file_name, md5}, then the data.

Two framed messages in one buffer, or one cut bytewise, decode the same; the digest is checked.
"""

from __future__ import annotations

import hashlib
import socket
import struct
import threading

import pytest

from netarium.apps.framing import FrameReader, Message, encode

pytestmark = pytest.mark.kernel
FILES = {"a.txt": b"first file", "b.bin": bytes(range(256)) * 40}


def framed(name: str, data: bytes) -> bytes:
    return encode({"file_size": len(data), "file_name": name, "md5": hashlib.md5(data).hexdigest()}) + data


class Receiver:
    """Takes bytes as they come and hands out whole files, digests checked."""

    def __init__(self) -> None:
        self.reader, self.header, self.data = FrameReader(), None, b""
        self.files: dict[str, bytes] = {}
        self.refused: list[str] = []

    def feed(self, data: bytes) -> None:
        self.reader.feed(data)
        while self._step():
            pass

    def _step(self) -> bool:
        if self.header is None:
            self.header = self.reader.next()
            return self.header is not None
        header: Message = self.header
        self.data += self.reader.take(header["file_size"] - len(self.data))
        if len(self.data) < header["file_size"]:
            return False
        good = hashlib.md5(self.data).hexdigest() == header["md5"]
        if good:
            self.files[header["file_name"]] = self.data
        else:
            self.refused.append(header["file_name"])
        self.header, self.data = None, b""
        return True


def over_the_kernel(pieces: list[bytes]) -> Receiver:
    """Send the pieces one by one over loopback TCP, without Nagle; decode what `recv` gives."""
    receiver = Receiver()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def send() -> None:
            with socket.create_connection(listener.getsockname()) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for piece in pieces:
                    connection.sendall(piece)

        thread = threading.Thread(target=send)
        thread.start()
        connection, _ = listener.accept()
        with connection:
            while data := connection.recv(65536):
                receiver.feed(data)
        thread.join()
    return receiver


def test_r161_the_header_is_a_length_in_network_order_and_json_on_kernel_sockets() -> None:
    message = framed("a.txt", b"first file")
    (size,) = struct.unpack("!I", message[:4])
    assert message[4 : 4 + size].startswith(b'{"file_size":10,"file_name":"a.txt","md5":"')


@pytest.mark.parametrize("cut", ["in one buffer", "bytewise", "in the midst of the length"])
def test_r161_messages_decode_the_same_however_they_are_cut_on_kernel_sockets(cut: str) -> None:
    stream = b"".join(framed(name, data) for name, data in FILES.items())
    pieces = {"in one buffer": [stream], "in the midst of the length": [stream[:2], stream[2:]]}
    receiver = over_the_kernel(pieces.get(cut) or [bytes([byte]) for byte in stream])
    assert receiver.files == FILES and receiver.refused == []


def test_r161_a_wrong_digest_is_refused_and_the_next_file_still_decodes_on_kernel_sockets() -> None:
    bad = framed("bad", b"hello").replace(b"hello", b"hellO")
    receiver = over_the_kernel([bad + framed("good", b"fine")])
    assert receiver.files == {"good": b"fine"} and receiver.refused == ["bad"]
