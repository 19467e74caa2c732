import socket

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 20105))
while True:
    data, address = server.recvfrom(2048)
    server.sendto(data.upper(), address)
