"""Sends a text to the print server and says what it answers."""

import socket
import struct
import sys


def send(host, port, text):
    data = text.encode()
    with (
        socket.create_connection((host, port), timeout=10) as connection,
        connection.makefile("rb") as stream,
    ):
        connection.sendall(struct.pack("!I", len(data)) + data)
        (size,) = struct.unpack("!I", stream.read(4))
        return stream.read(size).decode()


if __name__ == "__main__":
    print(send(sys.argv[1], int(sys.argv[2]), " ".join(sys.argv[3:]) or "A test page.\nTwo lines."))
