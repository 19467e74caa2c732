import socket

with socket.create_server(("127.0.0.1", 20103)) as listener:
    connection, address = listener.accept()
    with connection:
        request = connection.recv(1024)
        print("asked:", request.decode())
        connection.sendall(b"the answer to " + request)
