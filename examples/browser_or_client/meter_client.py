"""The client of the pair: it knows the one thing that it is made for."""

import socket
import sys


def receive(connection, count):
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise SystemExit("the server has closed too early")
        data += piece
    return data


with socket.create_connection((sys.argv[1], 7000)) as connection:
    length = int.from_bytes(receive(connection, 2), "big")
    print(sys.argv[1], receive(connection, length).decode())
