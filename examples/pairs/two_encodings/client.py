import socket

with socket.create_connection(("127.0.0.1", 20109)) as client:
    client.sendall("你好，世界".encode("gbk"))
    print("sent as GBK")
