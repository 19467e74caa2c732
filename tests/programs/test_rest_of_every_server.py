"""Servers of many kinds come to rest among routers that never fall silent, and sleeping or waiting clients do not."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from netarium import DeadlockError, Net

PAGE = b"HTTP/1.0 200 OK\r\n\r\npage"


@pytest.fixture
def routed() -> Iterator[tuple[Net, Any, Any]]:
    """(net, server, client), each behind an OSPF router of its own; a daemon sends datagrams for ever."""
    with Net(seed=2) as net:
        net.router("west", interfaces={"lan": "10.0.1.1/24", "wan": "172.16.0.1/30"}, routing="ospf")
        net.router("east", interfaces={"lan": "10.0.2.1/24", "wan": "172.16.0.2/30"}, routing="ospf")
        net.link("west:wan", "east:wan", delay="5ms")
        client = net.host("client", address="10.0.1.2/24", gateway="10.0.1.1")
        server = net.host("server", address="10.0.2.2/24", gateway="10.0.2.1")
        net.link(client, "west:lan", delay="1ms")
        net.link("east:lan", server, delay="1ms")
        server.run(asks_the_time, daemon=True)
        yield net, server, client


def asks_the_time() -> None:
    sock = socket.socket(type=socket.SOCK_DGRAM)
    while True:
        sock.sendto(b"time?", ("10.0.1.2", 123))
        time.sleep(16)


def answer(connection: socket.socket) -> None:
    with connection:
        connection.recv(1000)
        connection.sendall(PAGE)


def threading_http_server() -> None:
    import http.server

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.wfile.write(PAGE)

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()


def accept_with_a_timeout() -> None:
    with socket.create_server(("", 8000)) as listener:
        listener.settimeout(1)
        while True:
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            answer(connection)


def several_threads_in_accept() -> None:
    listener = socket.create_server(("", 8000))

    def serve() -> None:
        while True:
            answer(listener.accept()[0])

    threads = [threading.Thread(target=serve) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def workers(make_queue: Any, timeout: float | None) -> None:
    import queue

    waiting, listener = make_queue(), socket.create_server(("", 8000))

    def work() -> None:
        while True:
            try:
                connection = waiting.get(timeout=timeout)
            except queue.Empty:
                continue
            answer(connection)

    for _ in range(3):
        threading.Thread(target=work, daemon=True).start()
    while True:
        waiting.put(listener.accept()[0])


def queue_workers() -> None:
    import queue

    workers(queue.Queue, None)


def queue_workers_with_a_timeout() -> None:
    import queue

    workers(queue.Queue, 1)


def simple_queue_workers_with_a_timeout() -> None:
    import queue

    workers(queue.SimpleQueue, 1)


def main_thread_in_event_wait() -> None:
    threading.Thread(target=several_threads_in_accept, daemon=True).start()
    stop = threading.Event()
    while not stop.wait(1):
        pass


def main_thread_in_join() -> None:
    thread = threading.Thread(target=several_threads_in_accept, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.5)


def wsgi_server() -> None:
    from wsgiref.simple_server import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    def page(environment: Any, start: Any) -> list[bytes]:
        start("200 OK", [])
        return [b"page"]

    make_server("", 8000, page, handler_class=Quiet).serve_forever()


async def asyncio_with_housekeeping() -> None:
    import asyncio

    async def handle(reader: Any, writer: Any) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(PAGE)
        await writer.drain()
        writer.close()

    async def keep_house() -> None:
        while True:
            await asyncio.sleep(30)

    keeper = asyncio.create_task(keep_house())
    async with await asyncio.start_server(handle, "", 8000) as server:
        await server.serve_forever()
    await keeper


def trio_server() -> None:
    import trio

    async def handle(stream: Any) -> None:
        await stream.receive_some(1000)
        await stream.send_all(PAGE)
        await stream.aclose()

    trio.run(trio.serve_tcp, handle, 8000)


def twisted_server() -> None:
    from twisted.internet import reactor
    from twisted.web import resource, server

    class Page(resource.Resource):
        isLeaf = True

        def render_GET(self, request: Any) -> bytes:
            return b"page"

    reactor.listenTCP(8000, server.Site(Page()))  # type: ignore[attr-defined]
    reactor.run()  # type: ignore[attr-defined]


async def tornado_server() -> None:
    import asyncio

    import tornado.web

    class Page(tornado.web.RequestHandler):
        def get(self) -> None:
            self.write("page")

    tornado.web.Application([("/.*", Page)]).listen(8000)
    await asyncio.Event().wait()


async def aiohttp_server() -> None:
    import asyncio

    from aiohttp import web

    async def page(request: Any) -> Any:
        return web.Response(text="page")

    application = web.Application()
    application.router.add_get("/", page)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, port=8000).start()
    while True:
        await asyncio.sleep(3600)


def fetch() -> bytes:
    import urllib.request

    with urllib.request.urlopen("http://10.0.2.2:8000/", timeout=30) as page:
        return bytes(page.read())


@pytest.mark.parametrize(
    "program",
    [
        threading_http_server,
        accept_with_a_timeout,
        several_threads_in_accept,
        queue_workers,
        queue_workers_with_a_timeout,
        simple_queue_workers_with_a_timeout,
        main_thread_in_event_wait,
        main_thread_in_join,
        wsgi_server,
        asyncio_with_housekeeping,
        trio_server,
        twisted_server,
        tornado_server,
        aiohttp_server,
    ],
)
def test_a_server_rests_when_its_client_has_ended(routed: tuple[Net, Any, Any], program: Any) -> None:
    net, server, client = routed
    serving = server.run(program)
    asked = client.run(fetch, at="60s")
    net.run()
    assert asked.result == b"page", serving.stderr
    assert serving.exit_code is None, serving.stderr


def test_a_udp_server_with_a_timeout_rests(routed: tuple[Net, Any, Any]) -> None:
    net, server, client = routed

    def echo() -> None:
        sock = socket.socket(type=socket.SOCK_DGRAM)
        sock.bind(("", 8000))
        sock.settimeout(0.5)
        while True:
            try:
                sock.sendto(*sock.recvfrom(100))
            except TimeoutError:
                continue

    def ask() -> bytes:
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.settimeout(5)
            sock.sendto(b"echo", ("10.0.2.2", 8000))
            return sock.recv(100)

    server.run(echo)
    asked = client.run(ask, at="60s")
    net.run()
    assert asked.result == b"echo"
    assert net.now_ns < 70 * 10**9


def patient_in_recv() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.connect(("10.0.2.2", 8000))
        sock.settimeout(10)
        for _ in range(20):
            with pytest.raises(TimeoutError):
                sock.recv(1)


def patient_in_event_wait() -> None:
    for _ in range(100):
        threading.Event().wait(10)


async def patient_in_asyncio() -> None:
    import asyncio

    for _ in range(100):
        await asyncio.sleep(10)


@pytest.mark.parametrize("program", [patient_in_recv, patient_in_event_wait, patient_in_asyncio])
def test_who_waits_long_in_small_steps_comes_to_its_own_end(
    routed: tuple[Net, Any, Any], program: Any
) -> None:
    """Also beyond the ten minutes after which what is stuck is a deadlock."""
    net, _, client = routed
    waits = client.run(program)
    net.run()
    assert waits.exit_code == 0, waits.stderr


def test_a_client_that_polls_a_silent_server_for_ever_is_a_deadlock(routed: tuple[Net, Any, Any]) -> None:
    net, server, client = routed

    def silent() -> None:
        listener = socket.create_server(("", 8000))
        connection, _ = listener.accept()
        listener.accept()
        connection.close()

    def poll() -> None:
        with socket.create_connection(("10.0.2.2", 8000)) as sock:
            sock.settimeout(1)
            while True:
                try:
                    sock.recv(1)
                except TimeoutError:
                    continue

    server.run(silent)
    client.run(poll, at="60s")
    with pytest.raises(DeadlockError, match=r"client: recv\(\) from 10\.0\.2\.2:8000"):
        net.run()


def test_a_server_that_forks_says_so(routed: tuple[Net, Any, Any]) -> None:
    net, server, client = routed

    def forking() -> None:
        import socketserver

        socketserver.ForkingTCPServer(("", 8000), socketserver.StreamRequestHandler).serve_forever()

    serving = server.run(forking)
    client.run(fetch, at="60s")
    net.run(check=False)
    assert "os.fork() of program" in serving.stderr, serving.stderr


SLOW_TO_END = """
import gc
from netarium import Net

def serve():
    from aiohttp import web

    web.run_app(web.Application(), port=8000, print=None)

def run():
    with Net(seed=1) as net:
        net.host("server", address="10.0.0.1/24").run(serve)
        net.run()

for _ in range(2):
    run()
    gc.collect()
"""


def test_nothing_is_logged_of_asyncio_tasks_that_end_with_their_program() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SLOW_TO_END], capture_output=True, text=True, timeout=60, check=True
    )
    assert "Task was destroyed" not in ended.stderr
