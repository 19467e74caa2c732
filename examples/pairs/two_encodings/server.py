import socket

with socket.create_server(("127.0.0.1", 20109)) as listener:
    connection, address = listener.accept()
    with connection:
        data = connection.recv(1024)
        try:
            print("understood:", data.decode("utf-8"))
        except UnicodeDecodeError as error:
            print("not understood:", error)
        print("read as GBK:", data.decode("gbk"))
