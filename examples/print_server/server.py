"""A print server: clients send text, it goes to the printer (here: stdout), one job after the other.

A job is a 4-byte length in network byte order and that many bytes of UTF-8; the answer is framed likewise.
"""

import socket
import struct
import sys


def receive_exactly(connection, count):
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise EOFError("the client has gone")
        data += piece
    return data


def serve(host, port):
    jobs = 0
    with socket.create_server((host, port)) as listener:
        print(f"print server on {host}:{listener.getsockname()[1]}", flush=True)
        while True:
            connection, address = listener.accept()
            with connection:
                try:
                    connection.settimeout(10)
                    (size,) = struct.unpack("!I", receive_exactly(connection, 4))
                    if size > 1_000_000:
                        raise ValueError("the job is too large")
                    text = receive_exactly(connection, size).decode()
                    jobs += 1
                    print(f"--- job {jobs} from {address[0]}\n{text}", flush=True)
                    answer = f"job {jobs}: {len(text.splitlines())} lines printed"
                except (OSError, EOFError, ValueError) as error:
                    answer = f"not printed: {error}"
                try:
                    connection.sendall(struct.pack("!I", len(answer.encode())) + answer.encode())
                except OSError:
                    pass


if __name__ == "__main__":
    serve(sys.argv[1] if len(sys.argv) > 1 else "0.0.0.0", int(sys.argv[2]) if len(sys.argv) > 2 else 9100)
