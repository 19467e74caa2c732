import socket

HOST = "127.0.0.1"
PORT = 20102

client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
client.connect((HOST, PORT))
print("connected with", HOST)
while True:
    message = input("your turn: ")
    client.sendall(message.encode())
    if message == "q":
        break
    answer = client.recv(1024).decode()
    if answer in ("", "q"):
        print("the server has left")
        break
    print("server:", answer)
client.close()
