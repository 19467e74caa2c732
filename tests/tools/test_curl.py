"""curl: its output, messages and exit codes, judged by what curl 8 prints."""

from __future__ import annotations

import socket
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from netarium import Net


def web() -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/move":
                self.send_response(302)
                self.send_header("Location", "/there")
                self.end_headers()
                return
            if self.path == "/cut":
                self.send_response(200)
                self.send_header("Content-Length", "100")
                self.end_headers()
                self.wfile.write(b"ten bytes.")
                return
            if self.path == "/slow":
                time.sleep(60)
            body = (
                f"{self.command} {self.path} {self.headers['User-Agent']} {self.headers['X-One']}\n".encode()
            )
            size = int(self.headers.get("Content-Length", 0))
            body += self.rfile.read(size)
            self.send_response(404 if self.path == "/missing" else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_POST = do_PUT = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    HTTPServer(("", 80), Handler).serve_forever()


def hang_up() -> None:
    listener = socket.create_server(("", 81))
    while True:
        connection, _ = listener.accept()
        connection.recv(1000)
        connection.close()


@pytest.fixture
def net() -> Net:
    net = Net(seed=1)
    server = net.host("server", address="10.0.0.1/24")
    net.host("client", address="10.0.0.2/24", link=server)
    server.run(web, root=True, daemon=True)
    server.run(hang_up, root=True, daemon=True)
    return net


@pytest.mark.parametrize(
    ("command", "code", "stdout", "stderr"),
    [
        ("server/page", 0, "GET /page curl/8.5.0 None\n", ""),
        ("-H 'X-One: 1' -A me http://server/", 0, "GET / me 1\n", ""),
        ("-H 'User-Agent:' http://server/", 0, "GET / None None\n", ""),
        ("-d a=1 -d b=2 http://server/", 0, "POST / curl/8.5.0 None\na=1&b=2", ""),
        ("-X PUT -d x http://server/", 0, "PUT / curl/8.5.0 None\nx", ""),
        ("http://server/missing", 0, "GET /missing curl/8.5.0 None\n", ""),
        ("-f http://server/missing", 22, "", "curl: (22) The requested URL returned error: 404\n"),
        ("-sf http://server/missing", 22, "", ""),
        ("-sSf http://server/missing", 22, "", "curl: (22) The requested URL returned error: 404\n"),
        ("-L http://server/move", 0, "GET /there curl/8.5.0 None\n", ""),
        ("http://server/move", 0, "", ""),
        ("http://nowhere/", 6, "", "curl: (6) Could not resolve host: nowhere\n"),
        (
            "http://server:99/", 7, "",
            "curl: (7) Failed to connect to server port 99 after 0 ms: Couldn't connect to server\n",
        ),
        ("ftp://server/", 1, "", 'curl: (1) Protocol "ftp" not supported\n'),
        ("http:///x", 3, "", "curl: (3) URL rejected: No host part in the URL\n"),
        ("http://server:80:80/", 3, "", "curl: (3) URL rejected: Malformed input to a URL function\n"),
        ("http://server/cut", 18, "ten bytes.", "curl: (18) transfer closed with 90 bytes remaining to read\n"),
        ("http://server:81/", 52, "", "curl: (52) Empty reply from server\n"),
        (
            "-m 2 http://server/slow", 28, "",
            "curl: (28) Operation timed out after 2000 milliseconds with 0 bytes received\n",
        ),
        (
            "-m 2 http://10.0.0.99/", 28, "", "curl: (28) Connection timed out after 2000 milliseconds\n",
        ),
    ],
)  # fmt: skip
def test_output_and_exit_code(net: Net, command: str, code: int, stdout: str, stderr: str) -> None:
    service = net["client"].run(f"curl {command}")
    assert service.wait() == code
    assert (service.stdout, service.stderr) == (stdout, stderr)


def test_wrong_usage_is_exit_code_2(net: Net) -> None:
    assert net["client"].run("curl --nothing http://server/").wait() == 2
    assert net["client"].run("curl").wait() == 2


def test_head_shows_the_headers_only(net: Net) -> None:
    service = net["client"].run("curl -I http://server/page")
    assert service.wait() == 0
    first, *headers = service.stdout.split("\r\n")
    assert first == "HTTP/1.0 200 OK"
    assert "Content-Length: 27" in headers and headers[-2:] == ["", ""]


def test_verbose_tells_the_exchange(net: Net) -> None:
    service = net["client"].run("curl -v http://server/page")
    assert service.wait() == 0
    told = service.stderr.splitlines()
    assert told[:3] == [
        "*   Trying 10.0.0.1:80...",
        "* Connected to server (10.0.0.1) port 80",
        "> GET /page HTTP/1.1",
    ]
    assert told.index("> ") == told.index("* HTTP 1.0, assume close after body") - 1
    assert told[-2:] == ["< ", "* Closing connection"]
    assert "> Host: server" in told and "< HTTP/1.0 200 OK" in told


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (
            "-w '%{http_code} %{size_download} %{remote_ip}:%{remote_port}\\n' http://server/page",
            0,
            "200 26 10.0.0.1:80\n",
        ),
        (
            "-L -w '%{url_effective} %{num_redirects} %{method}%%' http://server/move",
            0,
            "http://server/there 1 GET%",
        ),
        ("-w '%{http_code} %{exitcode} %{num_connects}' http://server:99/", 7, "000 7 0"),
        ("-w '%{http_code} %{time_namelookup}' -m 2 http://server/slow", 28, "000 0.000000"),
    ],
)
def test_write_out(net: Net, arguments: str, code: int, said: str) -> None:
    service = net["client"].run(f"curl -s -o /dev/null {arguments}")
    assert (service.wait(), service.stdout, service.stderr) == (code, said, "")


def test_write_out_to_standard_error_and_of_a_variable_there_is_not(net: Net) -> None:
    service = net["client"].run("curl -s -o /dev/null -w 'a%{nosuch}%{stderr}b' http://server/")
    assert (service.wait(), service.stdout) == (0, "a")
    assert service.stderr == "curl: unknown --write-out variable: 'nosuch'\nb"


def test_only_one_family_is_asked_for(net: Net) -> None:
    four = net["client"].run("curl -4 http://server/page")
    assert (four.wait(), four.stdout, four.stderr) == (0, "GET /page curl/8.5.0 None\n", "")
    six = net["client"].run("curl -6 http://server/page")
    assert (six.wait(), six.stdout) == (6, "")


def test_output_goes_to_a_file(net: Net, tmp_path: Path) -> None:
    service = net["client"].run("curl -s -o page.txt http://server/page", directory=tmp_path)
    assert service.wait() == 0
    assert (tmp_path / "page.txt").read_text() == "GET /page curl/8.5.0 None\n" and service.stdout == ""
    refused = net["client"].run("curl -o no/such/file http://server/page", directory=tmp_path)
    assert refused.wait() == 23
