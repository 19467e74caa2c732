import socket

listener = socket.create_server(("127.0.0.1", 20104), backlog=5)
while True:
    connection, address = listener.accept()
    name = connection.recv(1024).decode()
    print("serving", name)
    connection.sendall(b"welcome " + name.encode())
    while True:
        message = connection.recv(1024)
        if not message:
            break
        print(name, "says", message.decode())
        connection.sendall(message[::-1])
    print(name, "has left")
    connection.close()
