import socket

HOST = "127.0.0.1"
PORT = 20102

listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind((HOST, PORT))
listener.listen(1)
print("waiting for somebody to talk to")
connection, address = listener.accept()
print("connected with", address[0])
while True:
    message = connection.recv(1024).decode()
    if message in ("", "q"):
        print("the client has left")
        break
    print("client:", message)
    answer = input("your turn: ")
    connection.sendall(answer.encode())
    if answer == "q":
        break
connection.close()
listener.close()
