import socket
import sys

client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for word in sys.argv[1:]:
    client.sendto(word.encode(), ("127.0.0.1", 20105))
    data, address = client.recvfrom(2048)
    print(data.decode(), "from port", address[1])
client.close()
