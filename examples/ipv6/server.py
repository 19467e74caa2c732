import socket

listener = socket.create_server(("::", 8000), family=socket.AF_INET6)
connection, address = listener.accept()
print("from", address[0])
connection.sendall(connection.recv(1024).upper())
connection.close()
listener.close()
