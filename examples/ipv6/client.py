import socket

connection = socket.create_connection(("server", 8000))
print("I am", connection.getsockname()[0])
connection.sendall(b"hello over ipv6")
print(connection.recv(1024).decode())
connection.close()
