import socket
import sys
import time

name = sys.argv[1]
if name == "bob":
    time.sleep(0.3)
client = socket.create_connection(("127.0.0.1", 20104))
print("connected")
client.sendall(name.encode())
print(client.recv(1024).decode())
for word in ("one", "two", "three"):
    time.sleep(0.2)
    client.sendall(word.encode())
    print("back comes", client.recv(1024).decode())
client.close()
