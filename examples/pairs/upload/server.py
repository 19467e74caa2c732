"""Receives one file: 4 bytes with the header's length, the header as JSON, then the data."""

import hashlib
import json
import socket
import struct
import sys


def receive_exactly(connection, count):
    parts = []
    while count:
        part = connection.recv(min(count, 65536))
        if not part:
            raise ConnectionError("the client left in the middle")
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


how = sys.argv[1]
listener = socket.create_server(("127.0.0.1", 20108))
connection, address = listener.accept()
(length,) = struct.unpack("!I", receive_exactly(connection, 4))
header = json.loads(receive_exactly(connection, length))
print("file", header["file_name"], "of", header["file_size"], "bytes")
if how == "loop":
    data = receive_exactly(connection, header["file_size"])
else:
    data = connection.recv(header["file_size"])
print("short" if len(data) < header["file_size"] else "whole")
if how == "loop":
    print("digest", "equal" if hashlib.sha256(data).hexdigest() == header["sha256"] else "different")
connection.close()
listener.close()
