"""requests, urllib3 and httpx, unmodified, against the standard library's http.server."""

from __future__ import annotations

from typing import Any

URL = "http://10.0.0.1:8000"


def http_server() -> None:
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(self.path.encode() * 1000)

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])).upper())

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    ThreadingHTTPServer(("", 8000), Handler).serve_forever()


def test_requests_over_one_kept_connection(pair: Any) -> None:
    def client() -> list[bytes]:
        import requests

        with requests.Session() as session:
            answers = [
                session.get(f"{URL}/a", timeout=60),
                session.post(f"{URL}/", data=b"hello", timeout=60),
            ]
            return [answer.content for answer in answers]

    pair.serve(http_server)
    assert pair.ask(client) == [b"/a" * 1000, b"HELLO"]


def test_requests_tells_a_refused_port(pair: Any) -> None:
    def client() -> str:
        import requests

        try:
            requests.get("http://10.0.0.1:81/", timeout=60)
        except requests.ConnectionError as error:
            return str(error)
        return ""

    assert "Connection refused" in pair.ask(client)


def test_urllib3_pool_with_threads(pair: Any) -> None:
    def client() -> list[int]:
        from concurrent.futures import ThreadPoolExecutor

        import urllib3

        pool = urllib3.PoolManager(maxsize=4, retries=urllib3.Retry(3))
        with ThreadPoolExecutor(4) as workers:
            answers = list(workers.map(lambda n: pool.request("GET", f"{URL}/{n}"), range(8)))
        pool.clear()
        return [len(answer.data) for answer in answers]

    pair.serve(http_server)
    assert pair.ask(client) == [2000] * 8


def test_httpx_blocking(pair: Any) -> None:
    def client() -> bytes:
        import httpx

        with httpx.Client(base_url=URL, timeout=60, trust_env=False) as session:
            return session.get("/x").content[:2] + session.post("/", content=b"y").content

    pair.serve(http_server)
    assert pair.ask(client) == b"/xY"


def test_httpx_asyncio_gathers(pair: Any) -> None:
    async def client() -> list[int]:
        import asyncio

        import httpx

        async with httpx.AsyncClient(base_url=URL, timeout=60, trust_env=False) as session:
            answers = await asyncio.gather(*(session.get(f"/{n}") for n in range(5)))
        return [answer.status_code for answer in answers]

    pair.serve(http_server)
    assert pair.ask(client) == [200] * 5
