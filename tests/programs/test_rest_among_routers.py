"""Rest and deadlock in a net that never falls silent: OSPF routers say hello for ever between server and client."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from netarium import DeadlockError, Net
from netarium.lab.lifecycle import End

SERVER = ("10.0.2.2", 8000)
CONVERGED = "60s"


@pytest.fixture
def routed() -> Iterator[tuple[Net, Any, Any]]:
    """(net, server, client), each behind a router of its own."""
    with Net(seed=2) as net:
        west = net.router("west", interfaces={"lan": "10.0.1.1/24", "wan": "172.16.0.1/30"}, routing="ospf")
        east = net.router("east", interfaces={"lan": "10.0.2.1/24", "wan": "172.16.0.2/30"}, routing="ospf")
        net.link("west:wan", "east:wan", delay="5ms")
        client = net.host("client", address="10.0.1.2/24", gateway="10.0.1.1")
        server = net.host("server", address="10.0.2.2/24", gateway="10.0.2.1")
        net.link(client, "west:lan", delay="1ms")
        net.link("east:lan", server, delay="1ms")
        assert west is not east
        yield net, server, client


def http_server() -> None:
    import http.server

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"page")

        def log_message(self, format: str, *args: Any) -> None:
            pass

    http.server.HTTPServer(("", 8000), Handler).serve_forever()


def threading_server() -> None:
    import socketserver

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.rfile.readline()
            self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\npage")

    socketserver.ThreadingTCPServer(("", 8000), Handler).serve_forever()


async def asyncio_server() -> None:
    import asyncio

    async def handle(reader: Any, writer: Any) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\n\r\npage")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(handle, "", 8000) as server:
        await server.serve_forever()


def pool_server() -> None:
    import socket
    from concurrent.futures import ThreadPoolExecutor

    def handle(connection: Any) -> None:
        with connection:
            connection.recv(1000)
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\npage")

    listener = socket.create_server(("", 8000))
    with ThreadPoolExecutor(3) as pool:
        while True:
            pool.submit(handle, listener.accept()[0])


def flask_server() -> None:
    import logging

    import flask

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    flask.cli.show_server_banner = lambda *args: None
    app = flask.Flask("page")
    app.add_url_rule("/", "page", lambda: "page")
    app.run("0.0.0.0", 8000, threaded=True, use_reloader=False)


def uvicorn_server() -> None:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    app = Starlette(routes=[Route("/", lambda request: PlainTextResponse("page"))])
    uvicorn.run(app, host="0.0.0.0", port=8000, log_level="warning")


def fetch() -> bytes:
    import urllib.request

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open("http://10.0.2.2:8000/", timeout=30) as answer:
        return answer.read()


@pytest.mark.parametrize(
    "program", [http_server, threading_server, asyncio_server, pool_server, flask_server, uvicorn_server]
)
def test_servers_rest_when_their_clients_have_ended(routed: tuple[Net, Any, Any], program: Any) -> None:
    net, server, client = routed
    service = server.run(program)
    clients = [client.run(fetch, at=CONVERGED), client.run(fetch, at="90s")]
    assert net.run() is End.DRAINED
    assert [each.result for each in clients] == [b"page", b"page"], service.stderr + clients[0].stderr
    assert service.at_rest
    assert net.now_ns < 180 * 10**9


def lock_order() -> None:
    first, second = threading.Lock(), threading.Lock()

    def other() -> None:
        with second:
            time.sleep(1)
            with first:
                pass

    threading.Thread(target=other).start()
    with first:
        time.sleep(1)
        with second:
            pass


def waits_for_ever() -> None:
    threading.Event().wait()


def lost_answer() -> None:
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"hello", SERVER)
        sock.recvfrom(100)


async def awaits_for_ever() -> None:
    import asyncio

    await asyncio.get_running_loop().create_future()


def trio_for_ever() -> None:
    import trio

    trio.run(trio.sleep_forever)


@pytest.mark.parametrize(
    ("program", "told"),
    [
        (
            lock_order,
            r"client: acquire\(\) of a lock held by Thread-1 .*, test_rest_among_routers\.py line \d+\n",
        ),
        (waits_for_ever, r"client: Event\.wait\(\), test_rest_among_routers\.py line \d+"),
        (lost_answer, r"client: recvfrom\(\).*, test_rest_among_routers\.py line \d+"),
        (awaits_for_ever, r"client \(awaits_for_ever\): await\(\), test_rest_among_routers\.py line \d+"),
        (trio_for_ever, r"client: epoll\(\)"),
    ],
)
def test_what_is_stuck_is_a_deadlock(routed: tuple[Net, Any, Any], program: Any, told: str) -> None:
    net, server, client = routed
    net.drop({"udp": 8000})

    def answer() -> None:
        import socket

        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("", 8000))
        while True:
            data, address = sock.recvfrom(100)
            sock.sendto(data, address)

    service = server.run(answer)
    client.run(program, at=CONVERGED)
    with pytest.raises(DeadlockError, match=told) as caught:
        net.run()
    assert service.at_rest and "server" not in str(caught.value)
    assert net.now_ns >= 660 * 10**9  # ten virtual minutes of patience with what the background might bring


def test_two_ends_in_sendall(routed: tuple[Net, Any, Any]) -> None:
    net, server, client = routed

    def serve() -> None:
        import socket

        connection, _ = socket.create_server(("", 8000)).accept()
        connection.sendall(bytes(20_000_000))

    def talk() -> None:
        import socket

        socket.create_connection(SERVER).sendall(bytes(20_000_000))

    server.run(serve)
    client.run(talk, at=CONVERGED)
    with pytest.raises(DeadlockError, match=r"client: sendall\(\) to 10\.0\.2\.2:8000") as caught:
        net.run()
    assert "server: sendall() to 10.0.1.2:" in str(caught.value)


LAB = """
nodes:
  west: {kind: router, interfaces: {lan: 10.0.1.1/24, wan: 172.16.0.1/30}, routing: ospf}
  east: {kind: router, interfaces: {lan: 10.0.2.1/24, wan: 172.16.0.2/30}, routing: ospf}
  client: {kind: host, address: 10.0.1.2/24, gateway: 10.0.1.1}
links:
  - {between: [west:wan, east:wan]}
  - {between: [client, west:lan]}
programs:
  - {on: client, run: stuck.py, at: 1s}
"""


def test_the_command_line_ends_with_3(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(LAB)
    (tmp_path / "stuck.py").write_text("import threading\n\nthreading.Event().wait()\n")
    done = subprocess.run(
        [sys.executable, "-m", "netarium", "run", "lab.yaml"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 3, done.stderr
    assert "client: Event.wait(), stuck.py line 3" in done.stderr
