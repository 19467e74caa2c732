"""TLS with the stock ssl module: blocking, non-blocking and asyncio, between two hosts."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path
from typing import Any

import pytest

from netarium import Net

# A server that rests when the run ends still has its transports; nobody closes them.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for `server`, with its key, in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "server")])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    names = [x509.DNSName("server"), x509.IPAddress(ipaddress.ip_address("10.0.0.1"))]
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        + built.public_bytes(serialization.Encoding.PEM)
    )
    return path


def server_context(path: Path) -> Any:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def client_context(path: Path) -> Any:
    import ssl

    return ssl.create_default_context(cafile=str(path))


def serve(path: Path, size: int) -> int:
    import socket

    listener = socket.create_server(("", 4433))
    with server_context(path).wrap_socket(listener, server_side=True) as tls:
        connection, _ = tls.accept()
        received = 0
        while received < size:
            received += len(connection.recv(70_000))
        connection.sendall(b"got " + str(received).encode())
        connection.unwrap()
        connection.close()
    return received


def send(path: Path, size: int) -> tuple[str, bytes, bytes]:
    import socket

    plain = socket.create_connection(("server", 4433))
    with client_context(path).wrap_socket(plain, server_hostname="server") as tls:
        version = str(tls.version())
        tls.sendall(bytes(size))
        answer, end = tls.recv(100), tls.recv(100)
        tls.unwrap()
        return version, answer, end


def test_blocking_tls_carries_a_megabyte(lan: tuple[Net, Any, Any], certificate: Path) -> None:
    net, server, client = lan
    served = server.run(serve, certificate, 1_000_000)
    sent = client.run(send, certificate, 1_000_000, at="100ms")
    net.run()
    assert served.result == 1_000_000, served.stderr + sent.stderr
    assert sent.result == ("TLSv1.3", b"got 1000000", b"")


def test_a_certificate_for_another_name_is_refused(lan: tuple[Net, Any, Any], certificate: Path) -> None:
    net, server, client = lan

    def wrong(path: Path) -> str:
        import socket
        import ssl

        plain = socket.create_connection(("server", 4433))
        try:
            client_context(path).wrap_socket(plain, server_hostname="elsewhere")
        except ssl.SSLCertVerificationError as error:
            return error.verify_message
        return ""

    server.run(serve, certificate, 10)
    refused = client.run(wrong, certificate, at="100ms")
    net.run(check=False)
    assert "elsewhere" in refused.result


def test_non_blocking_tls_with_select(lan: tuple[Net, Any, Any], certificate: Path) -> None:
    net, server, client = lan

    def by_select(path: Path, size: int) -> bytes:
        import select
        import socket
        import ssl

        plain = socket.create_connection(("server", 4433))
        plain.setblocking(False)
        tls = client_context(path).wrap_socket(plain, server_hostname="server", do_handshake_on_connect=False)

        def until_done(step: Any) -> Any:
            while True:
                try:
                    return step()
                except ssl.SSLWantReadError:
                    select.select([tls], [], [])
                except ssl.SSLWantWriteError:
                    select.select([], [tls], [])

        until_done(tls.do_handshake)
        left = size
        while left:
            piece = bytes(min(left, 50_000))
            left -= until_done(lambda piece=piece: tls.send(piece))
        return until_done(lambda: tls.recv(100))

    server.run(serve, certificate, 3_000_000)
    sent = client.run(by_select, certificate, 3_000_000, at="100ms")
    net.run()
    assert sent.result == b"got 3000000"


def test_asyncio_tls(lan: tuple[Net, Any, Any], certificate: Path) -> None:
    net, server, client = lan

    async def serving(path: Path) -> None:
        import asyncio

        async def handle(reader: Any, writer: Any) -> None:
            writer.write((await reader.readline()).upper())
            await writer.drain()
            writer.close()

        listening = await asyncio.start_server(handle, "", 4433, ssl=server_context(path))
        await listening.serve_forever()

    async def asking(path: Path) -> bytes:
        import asyncio

        reader, writer = await asyncio.open_connection("server", 4433, ssl=client_context(path))
        writer.write(b"hello\n")
        answer = await reader.readline()
        writer.close()
        return answer

    service = server.run(serving, certificate)
    asked = client.run(asking, certificate, at="1s")
    net.run()
    assert asked.result == b"HELLO\n" and service.at_rest


def test_a_handshake_that_times_out(lan: tuple[Net, Any, Any], certificate: Path) -> None:
    net, server, client = lan

    def silent() -> None:
        import socket
        import time

        connection, _ = socket.create_server(("", 4433)).accept()
        time.sleep(10)
        connection.close()

    def impatient(path: Path) -> str:
        import socket

        plain = socket.create_connection(("server", 4433), timeout=2)
        try:
            client_context(path).wrap_socket(plain, server_hostname="server")
        except TimeoutError as error:
            return str(error)
        return ""

    server.run(silent)
    waited = client.run(impatient, certificate, at="1s")
    net.run()
    assert waited.result == "The handshake operation timed out"
