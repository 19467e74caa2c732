"""Sends one file: 4 bytes with the header's length, the header as JSON, then the data."""

import hashlib
import json
import random
import socket
import struct

data = random.Random(5).randbytes(5_000_000)
header = json.dumps(
    {"file_name": "picture.bin", "file_size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
).encode()
client = socket.create_connection(("127.0.0.1", 20108))
try:
    client.sendall(struct.pack("!I", len(header)) + header + data)
    client.shutdown(socket.SHUT_WR)
    client.recv(1)
except ConnectionError:
    pass
print("sent")
client.close()
