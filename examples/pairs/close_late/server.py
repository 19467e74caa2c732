import socket
import sys
import time

listener = socket.create_server(("127.0.0.1", 20107))
connection, address = listener.accept()
time.sleep(float(sys.argv[1]))
connection.close()
listener.close()
print("closed")
