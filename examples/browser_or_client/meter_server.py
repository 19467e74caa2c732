"""The server of a client-server pair: whoever connects is sent one number, as a length and its text."""

import socket
import sys

answer = sys.argv[1].encode()
with socket.create_server(("", 7000)) as listener:
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(len(answer).to_bytes(2, "big") + answer)
