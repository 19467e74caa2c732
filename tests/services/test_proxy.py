"""The caching proxy: what it keeps and for how long, what it forwards, transparent or known to its clients."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from netarium import Net
from netarium.services import proxy
from netarium.services.proxy import Answer, Cache, freshness_s


@pytest.mark.parametrize(
    ("status", "headers", "fresh_s"),
    [
        (200, {}, 300.0),
        (200, {"Cache-Control": "max-age=60"}, 60.0),
        (200, {"Cache-Control": "public, s-maxage=7, max-age=60"}, 7.0),
        (200, {"Cache-Control": "max-age=soon"}, 0.0),
        (200, {"Cache-Control": "no-store"}, 0.0),
        (200, {"cache-control": "Private"}, 0.0),
        (200, {"Cache-Control": "no-cache"}, 0.0),
        (200, {"Vary": "Accept"}, 0.0),
        (200, {"Set-Cookie": "a=b"}, 0.0),
        (404, {}, 300.0),
        (500, {}, 0.0),
        (302, {}, 0.0),
    ],
)
def test_what_may_be_stored_and_how_long(status: int, headers: dict[str, str], fresh_s: float) -> None:
    assert freshness_s(status, list(headers.items()), 300.0) == fresh_s


def test_the_cache_forgets_what_is_old_and_the_oldest_when_it_is_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(proxy, "ENTRIES_MAX", 2)
    cache = Cache()
    keys = [("h", 80, "h", f"/{number}") for number in range(3)]
    for number, key in enumerate(keys):
        cache.store(key, Answer(200, "OK", [], b"", float(number), 10.0))
    assert [cache.find(key, 9.0) is not None for key in keys] == [False, True, True]
    assert cache.find(keys[1], 11.0) is None and cache.find(keys[2], 11.0) is not None


def origin() -> None:
    """A web server; what it says about a page depends on its path, and it counts."""
    asked: dict[str, int] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked[self.path] = asked.get(self.path, 0) + 1
            if self.path == "/slow":
                time.sleep(1)
            body = f"{asked[self.path]}".encode()
            self.send_response(404 if self.path == "/missing" else 200)
            self.send_header("Content-Length", str(len(body)))
            if self.path == "/private":
                self.send_header("Cache-Control", "private")
            if self.path == "/minute":
                self.send_header("Cache-Control", "max-age=60")
            self.send_header("X-Via", self.headers.get("Via", ""))
            self.send_header("X-Host", self.headers.get("Host", ""))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).upper()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    ThreadingHTTPServer(("", 80), Handler).serve_forever()


@pytest.fixture
def net() -> Net:
    net = Net(seed=1)
    switch = net.switch("switch")
    for number, name in enumerate(("client", "other", "cache", "web"), 1):
        net.host(name, address=f"10.0.0.{number}/24", link=switch)
    net["web"].run(origin, root=True, daemon=True)
    net["cache"].run("python -m netarium.services.proxy 3128 --fresh 300", daemon=True)
    return net


def ask(path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> tuple[int, str, Any]:
    """(status, body, headers) of a request by the proxy, with a whole URL."""
    connection = http.client.HTTPConnection("10.0.0.3", 3128, timeout=100)
    connection.request(
        method, f"http://web{path}", body, {key.replace("_", "-"): text for key, text in headers.items()}
    )
    response = connection.getresponse()
    return response.status, response.read().decode(), response.headers


def test_the_second_one_is_served_from_the_cache_until_it_is_stale(net: Net) -> None:
    client, other = net["client"], net["other"]
    status, body, headers = client.call(ask, "/page")
    assert (status, body, headers["X-Cache"]) == (200, "1", "MISS from cache")
    assert headers["X-Via"] == "1.1 cache" and headers["X-Host"] == "web"
    _, body, headers = other.call(ask, "/page")
    assert (body, headers["X-Cache"]) == ("1", "HIT from cache")
    client.call(time.sleep, 100)
    _, body, headers = other.call(ask, "/page")
    assert (body, headers["Age"]) == ("1", "100")
    client.call(time.sleep, 201)
    assert other.call(ask, "/page")[1] == "2"


def test_what_the_origin_says_of_freshness_counts(net: Net) -> None:
    client = net["client"]
    assert [client.call(ask, "/private")[1] for _ in range(2)] == ["1", "2"]
    assert [client.call(ask, "/minute")[1] for _ in range(2)] == ["1", "1"]
    client.call(time.sleep, 61)
    assert client.call(ask, "/minute")[1] == "2"


def test_a_client_may_insist_and_personal_requests_are_not_shared(net: Net) -> None:
    client = net["client"]
    assert client.call(ask, "/page")[1] == "1"
    insisted = client.call(lambda: ask("/page", Cache_Control="no-cache"))
    assert insisted[1] == "2"
    assert client.call(lambda: ask("/page", Authorization="Basic x"))[1] == "3"
    assert client.call(ask, "/page")[1] == "1", "and what is stored is still there"


def test_two_at_once_make_one_request(net: Net) -> None:
    one, other = net["client"].run(lambda: ask("/slow")), net["other"].run(lambda: ask("/slow"))
    net.run()
    assert one.result[1] == other.result[1] == "1"  # type: ignore[index]


def test_post_is_forwarded_and_ends_what_was_stored(net: Net) -> None:
    client = net["client"]
    assert client.call(ask, "/page")[1] == "1"
    assert client.call(ask, "/page", "POST", b"hello")[1] == "HELLO"
    assert client.call(ask, "/page")[1] == "2"


def test_head_has_no_body_and_is_answered_from_a_stored_get(net: Net) -> None:
    client = net["client"]
    assert client.call(ask, "/page")[1] == "1"
    status, body, headers = client.call(ask, "/page", "HEAD")
    assert (status, body, headers["Content-Length"], headers["X-Cache"]) == (200, "", "1", "HIT from cache")


def test_an_origin_that_is_not_there_is_a_bad_gateway(net: Net) -> None:
    def fetch() -> int:
        connection = http.client.HTTPConnection("10.0.0.3", 3128, timeout=100)
        connection.request("GET", "http://10.0.0.4:81/")
        return connection.getresponse().status

    assert net["client"].call(fetch) == 502
    assert net["client"].call(ask, "/missing")[0] == 404


def test_a_request_without_a_host_is_refused(net: Net) -> None:
    def fetch(path: str) -> int:
        try:
            with urllib.request.urlopen(
                urllib.request.Request(f"http://10.0.0.3:3128{path}", headers={"Host": ""})
            ) as r:
                return int(r.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    assert net["client"].call(fetch, "/") == 400
