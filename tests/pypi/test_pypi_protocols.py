"""dnspython, redis-py with fakeredis, paramiko, pyftpdlib and aiosmtpd, unmodified, server and client."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest


def test_dnspython_asks_a_server_written_with_dnspython(pair: Any) -> None:
    def server() -> None:
        import socket

        import dns.message
        import dns.rrset

        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("", 53))
        while True:
            data, address = sock.recvfrom(4096)
            query = dns.message.from_wire(data)
            answer = dns.message.make_response(query)
            name = query.question[0].name
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "A", "192.0.2.7"))
            sock.sendto(answer.to_wire(), address)

    def client() -> list[str]:
        import dns.resolver

        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers = ["10.0.0.1"]
        resolver.timeout, resolver.lifetime = 2, 60
        return [str(resolver.resolve(f"www{number}.example.", "A")[0]) for number in range(10)]

    pair.server.run(server, root=True)
    assert pair.ask(client) == ["192.0.2.7"] * 10


def test_redis_client_and_fakeredis_server(pair: Any) -> None:
    def server() -> None:
        from fakeredis import TcpFakeServer

        TcpFakeServer(("0.0.0.0", 6379), server_type="redis").serve_forever()

    def client() -> list[Any]:
        import redis

        with redis.Redis("10.0.0.1", 6379, socket_timeout=60, decode_responses=True) as store:
            store.set("name", "net")
            with store.pipeline() as pipe:
                for number in range(50):
                    pipe.rpush("list", number)
                pipe.execute()
            return [store.get("name"), store.incr("count"), store.llen("list"), store.get("none")]

    pair.serve(server)
    assert pair.ask(client) == ["net", 1, 50, None]


def paramiko_server(key: Any) -> None:
    import socket
    import threading

    import paramiko

    class Server(paramiko.ServerInterface):
        def __init__(self) -> None:
            self.asked = threading.Event()
            self.command = b""

        def check_auth_password(self, username: str, password: str) -> int:
            right = (username, password) == ("user", "secret")
            return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

        def check_channel_request(self, kind: str, chanid: int) -> int:
            return paramiko.OPEN_SUCCEEDED

        def check_channel_exec_request(self, channel: Any, command: bytes) -> bool:
            self.command = command
            self.asked.set()
            return True

    listener = socket.create_server(("", 2222))
    while True:
        connection, _ = listener.accept()
        transport = paramiko.Transport(connection)
        transport.add_server_key(key)
        server = Server()
        transport.start_server(server=server)
        channel = transport.accept(60)
        server.asked.wait(60)
        channel.sendall(b"ran " + server.command)
        channel.send_exit_status(3)
        channel.close()
        transport.join()


def test_paramiko_client_and_server(pair: Any) -> None:
    import paramiko

    key = paramiko.ECDSAKey.generate()

    def client() -> tuple[bytes, int]:
        with paramiko.SSHClient() as ssh:
            ssh.set_missing_host_key_policy(paramiko.AutoAddPolicy())
            ssh.connect(
                "10.0.0.1", 2222, "user", "secret", look_for_keys=False, allow_agent=False, timeout=60,
                banner_timeout=60, auth_timeout=60,
            )  # fmt: skip
            _, output, _ = ssh.exec_command("uptime", timeout=60)
            return output.read(), output.channel.recv_exit_status()

    pair.serve(paramiko_server, key)
    assert pair.ask(client) == (b"ran uptime", 3)


@pytest.mark.filterwarnings("ignore:The asyn(core|chat) module is deprecated:DeprecationWarning")
@pytest.mark.parametrize("passive", [True, False], ids=["passive", "active"])
def test_pyftpdlib_server_and_ftplib_client(pair: Any, tmp_path: Path, passive: bool) -> None:
    content = bytes(range(256)) * 1000
    (tmp_path / "big.bin").write_bytes(content)

    def server() -> None:
        import logging

        from pyftpdlib.authorizers import DummyAuthorizer
        from pyftpdlib.handlers import FTPHandler
        from pyftpdlib.servers import FTPServer

        logging.disable(logging.CRITICAL)
        authorizer = DummyAuthorizer()
        authorizer.add_user("user", "12345", str(tmp_path), perm="elradfmwMT")

        class Handler(FTPHandler):
            pass

        Handler.authorizer = authorizer
        FTPServer(("0.0.0.0", 2121), Handler).serve_forever()

    def client() -> tuple[list[str], bytes]:
        import ftplib
        import io

        with ftplib.FTP(timeout=60) as ftp:
            ftp.connect("10.0.0.1", 2121)
            ftp.login("user", "12345")
            ftp.set_pasv(passive)
            got = io.BytesIO()
            ftp.retrbinary("RETR big.bin", got.write)
            ftp.storbinary("STOR up.bin", io.BytesIO(got.getvalue()[::-1]))
            return sorted(ftp.nlst()), hashlib.sha256(got.getvalue()).digest()

    pair.serve(server)
    names, digest = pair.ask(client)
    assert names == ["big.bin", "up.bin"] and digest == hashlib.sha256(content).digest()
    assert (tmp_path / "up.bin").read_bytes() == content[::-1]


def test_aiosmtpd_server_and_smtplib_client(pair: Any) -> None:
    mails: list[tuple[str, list[str], bytes]] = []

    class Handler:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
            return "250 OK"

    async def server() -> None:
        import asyncio

        from aiosmtpd.smtp import SMTP

        loop = asyncio.get_running_loop()
        serving = await loop.create_server(lambda: SMTP(Handler(), hostname="server"), "0.0.0.0", 2525)
        await serving.serve_forever()

    def client() -> None:
        import smtplib

        with smtplib.SMTP("10.0.0.1", 2525, timeout=60) as smtp:
            smtp.sendmail("a@example.com", ["b@example.com"], "Subject: x\r\n\r\n" + "line\r\n" * 2000)

    pair.serve(server)
    pair.ask(client)
    assert [(sender, to, len(text)) for sender, to, text in mails] == [
        ("a@example.com", ["b@example.com"], 14 + 6 * 2000)
    ]
