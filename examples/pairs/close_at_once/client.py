import socket

client = socket.create_connection(("127.0.0.1", 20106))
print("received", client.recv(1024))
print("received", client.recv(1024))
client.close()
