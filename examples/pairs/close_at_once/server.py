import socket

listener = socket.create_server(("127.0.0.1", 20106))
connection, address = listener.accept()
connection.close()
listener.close()
print("closed")
