import socket

with socket.create_connection(("127.0.0.1", 20103)) as client:
    client.sendall(b"what is a port?")
    print("answered:", client.recv(1024).decode())
