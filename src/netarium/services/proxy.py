"""A caching HTTP proxy, also a transparent one: connections that a NAT redirects to it are served as if by the origin.

    python -m netarium.services.proxy [PORT] [--fresh SECONDS]

Read first: RFC 9111 sections 3 and 4 (what may be stored, how long it is fresh), RFC 9110 7.6 (what a proxy forwards).
An ordinary program on sockets. Where a connection was meant for it asks the kernel (SO_ORIGINAL_DST); a client that
knows the proxy writes the whole URL. Only GET and HEAD are answered from the cache. A response that does not say how
long it is fresh counts as fresh for `--fresh` seconds (300). Two who ask at once for the same share one request.
"""

from __future__ import annotations

import argparse
import http.client
import socket
import struct
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import urlsplit

from netarium.units import is_whole

SO_ORIGINAL_DST = 80
PORT = 3128
FRESH_S = 300.0
ENTRIES_MAX = 1000
BODY_BYTES_MAX = 16 << 20
"""Larger bodies are passed on and not stored."""
TIMEOUT_S = 60.0

HOP_BY_HOP = (
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade",
)  # fmt: skip
"""RFC 9110 7.6.1: these concern one connection and are not forwarded."""
STORABLE = (200, 203, 300, 301, 404, 410)
"""RFC 9110 15.1: heuristically cacheable statuses that we take."""

Key = tuple[str, int, str, str]
"""(host, port, Host header, path)."""


@dataclass
class Answer:
    """What an origin said; `stored` is the time it came, `fresh_s` how long it may be used."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes
    stored: float
    fresh_s: float

    def age_s(self, now: float) -> float:
        """How old it is."""
        return now - self.stored


@dataclass
class Cache:
    """Answers by what was asked, the oldest first. `hits` and `misses` count requests."""

    fresh_s: float = FRESH_S
    answers: dict[Key, Answer] = field(default_factory=dict)
    locks: dict[Key, threading.Lock] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    hits: int = 0
    misses: int = 0

    def lock_of(self, key: Key) -> threading.Lock:
        """Held by the one who asks the origin for it."""
        with self.lock:
            return self.locks.setdefault(key, threading.Lock())

    def find(self, key: Key, now: float) -> Answer | None:
        """A fresh answer."""
        found = self.answers.get(key)
        if found is not None and found.age_s(now) >= found.fresh_s:
            del self.answers[key]
            return None
        return found

    def store(self, key: Key, answer: Answer) -> None:
        """Keep an answer; the oldest gives way."""
        self.answers.pop(key, None)
        while len(self.answers) >= ENTRIES_MAX:
            oldest = next(iter(self.answers))
            del self.answers[oldest]
            self.locks.pop(oldest, None)
        self.answers[key] = answer


def freshness_s(status: int, headers: list[tuple[str, str]], otherwise_s: float) -> float:
    """How long an answer may be used, in seconds; 0 when it must not be stored (RFC 9111 3, 4.2.1)."""
    if status not in STORABLE:
        return 0.0
    named = {name.lower(): value for name, value in headers}
    if named.get("vary", "").strip() or "set-cookie" in named:
        return 0.0
    directives = {}
    for part in named.get("cache-control", "").lower().split(","):
        name, _, value = part.strip().partition("=")
        directives[name] = value.strip('"')
    if any(each in directives for each in ("no-store", "no-cache", "private")):
        return 0.0
    for name in ("s-maxage", "max-age"):
        if name in directives:
            return float(directives[name]) if is_whole(directives[name]) else 0.0
    return otherwise_s


def original_destination(connection: socket.socket) -> tuple[str, int] | None:
    """Where a redirected connection was meant for; None when it was meant for the proxy."""
    try:
        raw = connection.getsockopt(socket.SOL_IP, SO_ORIGINAL_DST, 16)
    except OSError:
        return None
    port, address = struct.unpack("!2xH4s8x", raw)
    meant = (socket.inet_ntoa(address), int(port))
    return None if meant == connection.getsockname()[:2] else meant


class Handler(BaseHTTPRequestHandler):
    """One client's connection."""

    protocol_version = "HTTP/1.1"
    server_version = "netarium-proxy"
    timeout = TIMEOUT_S
    cache: ClassVar[Cache]
    own_name: ClassVar[str]

    def do_GET(self) -> None:
        """From the cache if it may be, else from the origin."""
        target = self._target()
        if target is None:
            return
        key, body = target, self._body()
        allowed = (
            "no-cache" not in self.headers.get("Cache-Control", "") and "Authorization" not in self.headers
        )
        if body or not allowed or "Range" in self.headers:
            self._answer(self._ask(key, body), "MISS")
            return
        with self.cache.lock_of(key):
            found = self.cache.find(key, time.monotonic())
            if found is not None:
                self.cache.hits += 1
                self._answer(found, "HIT")
                return
            self.cache.misses += 1
            answer = self._ask(key, b"")
            if self.command == "GET" and answer.fresh_s and len(answer.body) <= BODY_BYTES_MAX:
                self.cache.store(key, answer)
        self._answer(answer, "MISS")

    do_HEAD = do_GET

    def do_POST(self) -> None:
        """To the origin and back; what was stored of this URL is no longer right (RFC 9111 4.4)."""
        target = self._target()
        if target is not None:
            answer = self._ask(target, self._body())
            self.cache.answers.pop(target, None)
            self._answer(answer, "MISS")

    do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_POST

    def _target(self) -> Key | None:
        """Whom to ask for what; an error is answered here."""
        url = urlsplit(self.path)
        host_header = url.netloc or self.headers.get("Host", "")
        path = url.path or "/"
        if url.query:
            path += f"?{url.query}"
        meant = original_destination(self.connection)
        if meant is not None and not url.netloc:
            return (*meant, host_header or meant[0], path)
        if not host_header or url.scheme not in ("", "http"):
            self.send_error(400, "Whom to ask is not said: no URL, no Host")
            return None
        host, _, port = host_header.partition(":")
        if port and not is_whole(port):
            self.send_error(400, "The port in Host is no number")
            return None
        return (host, int(port or 80), host_header, path)

    def _body(self) -> bytes:
        size = self.headers.get("Content-Length", "0")
        return self.rfile.read(int(size)) if is_whole(size) and size != "0" else b""

    def _ask(self, key: Key, body: bytes) -> Answer:
        """What the origin says; an origin that cannot be reached is 502, one that is silent 504."""
        host, port, host_header, path = key
        headers = {
            name: value for name, value in self.headers.items() if name.lower() not in (*HOP_BY_HOP, "host")
        }
        headers["Host"] = host_header
        headers["Via"] = self._via()
        origin = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
        try:
            origin.request(self.command, path, body or None, headers)
            response = origin.getresponse()
            content = response.read()
            passed = [each for each in response.getheaders() if each[0].lower() not in HOP_BY_HOP]
            fresh_s = freshness_s(response.status, passed, self.cache.fresh_s)
            return Answer(response.status, response.reason, passed, content, time.monotonic(), fresh_s)
        except (OSError, http.client.HTTPException) as error:
            status = 504 if isinstance(error, TimeoutError) else 502
            text = f"{host}:{port}: {error}\n".encode()
            return Answer(status, http.client.responses[status], [], text, time.monotonic(), 0.0)
        finally:
            origin.close()

    def _answer(self, answer: Answer, how: str) -> None:
        self.send_response_only(answer.status, answer.reason)
        length = str(len(answer.body))
        for name, value in answer.headers:
            if name.lower() == "content-length":
                length = value if self.command == "HEAD" else length
            else:
                self.send_header(name, value)
        if answer.status not in (204, 304):
            self.send_header("Content-Length", length)
        if how == "HIT":
            self.send_header("Age", str(int(answer.age_s(time.monotonic()))))
        self.send_header("Via", self._via())
        self.send_header("X-Cache", f"{how} from {self.own_name}")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        self.log_message('"%s" %s %s', self.requestline, answer.status, how)

    def _via(self) -> str:
        return f"1.1 {self.own_name}"

    def log_message(self, format: str, *args: object) -> None:
        """One line a request, on standard output."""
        print(f"{self.client_address[0]} {format % args}", flush=True)


def serve(port: int = PORT, fresh_s: float = FRESH_S) -> None:
    """Serve for ever."""
    handler = type(
        "ProxyHandler", (Handler,), {"cache": Cache(fresh_s), "own_name": socket.gethostname() or "proxy"}
    )
    ThreadingHTTPServer(("", port), handler).serve_forever()


def main(arguments: list[str]) -> int:
    """Run the proxy."""
    parser = argparse.ArgumentParser(
        prog="proxy", description="A caching HTTP proxy, also a transparent one."
    )
    parser.add_argument("port", type=int, nargs="?", default=PORT)
    parser.add_argument(
        "--fresh", type=float, default=FRESH_S, metavar="SECONDS", help="for answers that do not say"
    )
    chosen = parser.parse_args(arguments)
    serve(chosen.port, chosen.fresh)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
