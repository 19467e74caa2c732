"""R125: an HTTP GET and an FTP get between hosts that find each other by DHCP and DNS."""

from __future__ import annotations

import urllib.request
from ftplib import FTP
from pathlib import Path

import pytest
from tests.acceptance.naming import authority, zone

from netarium import Net

FTP_SERVER = """
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer

authorizer = DummyAuthorizer()
authorizer.add_anonymous(".")


class Handler(FTPHandler):
    pass


Handler.authorizer = authorizer
FTPServer(("0.0.0.0", 21), Handler).serve_forever()
"""


def net_with_server(folder: Path):
    net = Net(seed=1, names=False)
    wire = net.switch("wire")
    names = zone(".", "ns.", "10.0.0.1", "server.example. 600 IN A 10.0.0.2")
    net.host(
        "ns", address="10.0.0.1/24", link=wire, services=authority(names),
        dhcp={"eth0": {"range": "10.0.0.100-10.0.0.110", "dns": "10.0.0.1"}},
    )  # fmt: skip
    server = net.host("server", address="10.0.0.2/24", link=wire)
    (folder / "page.txt").write_text("a line of text\n" * 1000)
    return net, server, net.host("pc", address="dhcp", link=wire)


def result(net, pc, function):
    service = pc.run(function, after="dhcp", stdin="")
    net.run_until(service)
    if service.exception is not None:
        raise service.exception
    return service.result


def by_http() -> bytes:
    with urllib.request.urlopen("http://server.example/page.txt", timeout=10) as response:
        return response.read()


def by_ftp() -> bytes:
    parts: list[bytes] = []
    with FTP("server.example", timeout=10) as ftp:
        ftp.login()
        ftp.retrbinary("RETR page.txt", parts.append)
    return b"".join(parts)


def test_r125_an_http_get_between_virtual_hosts(tmp_path):
    net, server, pc = net_with_server(tmp_path)
    server.run(f"python -m http.server 80 --directory {tmp_path}", root=True, daemon=True, stdin="")
    assert result(net, pc, by_http) == (tmp_path / "page.txt").read_bytes()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_r125_an_ftp_get_between_virtual_hosts(tmp_path):
    pytest.importorskip("pyftpdlib")
    net, server, pc = net_with_server(tmp_path)
    (tmp_path / "ftp_server.py").write_text(FTP_SERVER)
    server.run("ftp_server.py", directory=tmp_path, root=True, daemon=True, stdin="")
    assert result(net, pc, by_ftp) == (tmp_path / "page.txt").read_bytes()
