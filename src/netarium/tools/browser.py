"""browser: open a page and what it shows, and tell what was done; with a cache of names of its own, as browsers have.

    browser URL...           open each in turn
    browser --show-cache     the names it remembers
    browser --clear-cache    forget them

Exit code 0 when every page came (200 to 399), 1 when one did not, 2 for wrong arguments.
"""

from __future__ import annotations

import argparse
import http.client
import json
import socket
import time
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from netarium import control
from netarium.addresses import AddressError, parse_ipv4

CACHE_FILE = "/home/user/.cache/browser/names"
CACHE_SECONDS = 60
"""How long a name is remembered: the system's resolver tells no TTL (Chromium: a minute)."""
TIMEOUT_S = 30.0
REDIRECTS_MAX = 5
SHOWN = {"img": "src", "script": "src", "link": "href", "iframe": "src"}
"""Elements whose resource is fetched with the page, and the attribute that names it."""


class Names:
    """The browser's own cache, on its user's disk."""

    def __init__(self) -> None:
        self.door = control.here()
        self._kept: dict[str, list[float | str]] = json.loads(self.door.disk.get(CACHE_FILE, "{}"))

    def look_up(self, name: str) -> str:
        """The address of a name: from the cache, else from the system. OSError when there is none."""
        if _is_address(name):
            return name
        known = self._kept.get(name.lower())
        hit = known is not None and float(known[1]) > time.monotonic()
        self.door.tell_step(
            name, {"stage": "browser cache", "hit": hit, "answer": [known[0]] if hit and known else []}
        )
        if hit and known is not None:
            print(f"  {name} is {known[0]} (browser cache)")
            return str(known[0])
        address = str(socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)[0][4][0])
        print(f"  {name} is {address} (asked the system)")
        self._kept[name.lower()] = [address, time.monotonic() + CACHE_SECONDS]
        self._write()
        return address

    def show(self) -> None:
        """Every name that is remembered, with the seconds it has left."""
        for name, (address, expires) in self._kept.items():
            left = float(expires) - time.monotonic()
            if left > 0:
                print(f"{name} {address} {left:.0f}s")

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()
        self._write()

    def _write(self) -> None:
        self.door.disk[CACHE_FILE] = json.dumps(self._kept)


def _is_address(name: str) -> bool:
    try:
        parse_ipv4(name)
    except AddressError:
        return False
    return True


class Links(HTMLParser):
    """What a page shows beside its text, and its title."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.title = ""
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect what is fetched with the page."""
        self._in_title = tag == "title"
        for name, value in attrs:
            if name == SHOWN.get(tag) and value and value not in self.found:
                self.found.append(value)

    def handle_endtag(self, tag: str) -> None:
        """The title has ended."""
        self._in_title = False

    def handle_data(self, data: str) -> None:
        """The title's text."""
        if self._in_title:
            self.title += data


def fetch(url: str, names: Names) -> tuple[int, str, bytes, str]:
    """(status, content type, body, final URL) of a GET; follows redirects. OSError, or HTTPException."""
    for _ in range(REDIRECTS_MAX + 1):
        parts = urlsplit(url)
        host = parts.hostname or ""
        address = names.look_up(host)
        port = parts.port or 80
        connection = http.client.HTTPConnection(address, port, timeout=TIMEOUT_S)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            connection.request("GET", path, headers={"Host": parts.netloc, "User-Agent": "browser"})
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        print(f"  GET {url} from {address}:{port}: {response.status} {response.reason}, {len(body)} bytes")
        target = response.getheader("Location")
        if response.status not in (301, 302, 303, 307, 308) or not target:
            return response.status, response.getheader("Content-Type", ""), body, url
        url = urljoin(url, target)
    raise OSError(f"more than {REDIRECTS_MAX} redirects")


def visit(url: str, names: Names) -> bool:
    """Open a page with what it shows; whether the page came."""
    print(f"open {url}")
    try:
        status, kind, body, final = fetch(url, names)
    except (OSError, http.client.HTTPException) as error:
        print(f"  failed: {error.strerror if isinstance(error, OSError) and error.strerror else error}")
        return False
    if kind.startswith("text/html"):
        links = Links()
        links.feed(body.decode("utf-8", "replace"))
        if links.title:
            print(f"  title: {links.title.strip()}")
        for each in links.found:
            target = urljoin(final, each)
            if urlsplit(target).scheme != "http":
                print(f"  {target}: only http is fetched")
                continue
            try:
                fetch(target, names)
            except (OSError, http.client.HTTPException) as error:
                print(f"  {target}: failed: {error}")
    return 200 <= status < 400


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="browser", description="Open pages and what they show.")
    parser.add_argument("--show-cache", action="store_true", help="the names it remembers")
    parser.add_argument("--clear-cache", action="store_true", help="forget them")
    parser.add_argument("urls", nargs="*", metavar="URL")
    chosen = parser.parse_args(arguments)
    if not chosen.urls and not chosen.show_cache and not chosen.clear_cache:
        parser.error("a URL is needed, such as http://www.example/")
    for index, url in enumerate(chosen.urls):
        if "://" not in url:
            chosen.urls[index] = f"http://{url}"
        try:
            parts = urlsplit(chosen.urls[index])
            usable = parts.scheme == "http" and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            parser.error(f"{url}: only http URLs can be opened, such as http://www.example/")
    return chosen


def main(arguments: list[str]) -> int:
    """Run the browser; the exit code."""
    chosen = read_arguments(arguments)
    names = Names()
    if chosen.clear_cache:
        names.clear()
    came = [visit(url, names) for url in chosen.urls]
    if chosen.show_cache:
        names.show()
    return 0 if all(came) else 1
