"""curl: transfer a URL, with the output, messages and exit codes of curl. HTTP and HTTPS by http.client.

    curl [-f] [-s] [-S] [-v] [-I] [-i] [-L] [-o FILE | -O] [-H 'NAME: VALUE'] [-d DATA] [-X METHOD] [-A AGENT]
         [-m SECONDS] [--connect-timeout SECONDS] [-4 | -6] [-w FORMAT] URL...

Exit codes: 0 done, 1 unsupported protocol, 2 wrong usage, 3 bad URL, 6 host not resolved, 7 not connected, 18 cut
short, 22 HTTP error under -f, 23 not written, 28 timed out, 47 too many redirects, 52 empty reply, 56 receiving failed.
There is no progress meter. What it says is what curl 8.5.0 says; `curl_facts` is what -w can print.
"""

from __future__ import annotations

import argparse
import http.client
import socket
import sys
import time
from contextlib import suppress
from typing import BinaryIO, NoReturn
from urllib.parse import SplitResult, urljoin, urlsplit

from netarium.tools.curl_facts import Facts

UNSUPPORTED_PROTOCOL = 1
USAGE = 2
BAD_URL = 3
NOT_RESOLVED = 6
NOT_CONNECTED = 7
PARTIAL = 18
HTTP_ERROR = 22
NOT_WRITTEN = 23
TIMED_OUT = 28
TLS_FAILED = 35
TOO_MANY_REDIRECTS = 47
EMPTY_REPLY = 52
RECEIVE_FAILED = 56

AGENT = "curl/8.5.0"
CHUNK_BYTES = 65_536
REDIRECTS_MAX = 50
PORTS = {"http": 80, "https": 443}


class CurlError(Exception):
    """What ends a transfer; `code` is the exit code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Parser(argparse.ArgumentParser):
    """Errors end with exit code 2, as curl's do."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong."""
        self.exit(USAGE, f"curl: {message}\ncurl: try 'curl --help' for more information\n")


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = Parser(prog="curl", description="Transfer a URL.")
    parser.add_argument("urls", nargs="+", metavar="URL")
    parser.add_argument(
        "-f", "--fail", action="store_true", help="no output and exit code 22 for HTTP errors"
    )
    parser.add_argument("-s", "--silent", action="store_true", help="no messages")
    parser.add_argument("-S", "--show-error", action="store_true", help="messages of errors, even with -s")
    parser.add_argument("-v", "--verbose", action="store_true", help="tell the exchange")
    parser.add_argument("-I", "--head", action="store_true", help="only the headers")
    parser.add_argument("-i", "--include", action="store_true", help="headers before the body")
    parser.add_argument("-L", "--location", action="store_true", help="follow redirects")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the body there")
    parser.add_argument(
        "-O", "--remote-name", action="store_true", help="write it to a file of the URL's name"
    )
    parser.add_argument("-H", "--header", action="append", default=[], metavar="LINE")
    parser.add_argument(
        "-d", "--data", action="append", metavar="DATA", help="send this by POST; @FILE for a file"
    )
    parser.add_argument("-X", "--request", metavar="METHOD")
    parser.add_argument("-A", "--user-agent", default=AGENT, metavar="AGENT")
    parser.add_argument("-m", "--max-time", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--connect-timeout", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument(
        "-w",
        "--write-out",
        default="",
        metavar="FORMAT",
        help="print this afterwards: %%{http_code} and so on",
    )
    family = parser.add_mutually_exclusive_group()
    family.add_argument(
        "-4", "--ipv4", dest="family", action="store_const", const=socket.AF_INET, default=0, help="IPv4 only"
    )
    family.add_argument(
        "-6", "--ipv6", dest="family", action="store_const", const=socket.AF_INET6, help="IPv6 only"
    )
    parser.add_argument("-k", "--insecure", action="store_true", help="believe every TLS certificate")
    return parser.parse_args(arguments)


class Transfer:
    """One URL."""

    def __init__(self, chosen: argparse.Namespace, url: str) -> None:
        self.chosen = chosen
        self.url = url if "://" in url else f"http://{url}"
        self.began = time.monotonic()
        self.method = chosen.request or ("HEAD" if chosen.head else "POST" if chosen.data else "GET")
        self.body = self._data()
        self.received = 0
        self.facts = Facts(self.url, self.method)

    def run(self) -> None:
        """Do it, redirects included. Raises CurlError."""
        for _ in range(REDIRECTS_MAX + 1):
            target = self._exchange(split_url(self.url))
            if target is None:
                return
            self.url = urljoin(self.url, target)
            self.facts.url, self.facts.redirects = self.url, self.facts.redirects + 1
            self._tell(f"* Issue another request to this URL: '{self.url}'")
        raise CurlError(TOO_MANY_REDIRECTS, f"Maximum ({REDIRECTS_MAX}) redirects followed")

    def _data(self) -> bytes:
        parts = []
        for each in self.chosen.data or ():
            if each.startswith("@"):
                try:
                    with open(each[1:], "rb") as file:
                        parts.append(file.read().replace(b"\n", b"").replace(b"\r", b""))
                except OSError:
                    raise CurlError(26, f"Failed to open {each[1:]}") from None
            else:
                parts.append(each.encode())
        return b"&".join(parts)

    def _exchange(self, url: SplitResult) -> str | None:
        """One request and its answer; where a redirect that is to be followed leads."""
        host, port = url.hostname or "", url.port or PORTS[url.scheme]
        connection = self._connect(url.scheme, host, port)
        try:
            self._send(connection, url)
            try:
                response = connection.getresponse()
            except http.client.RemoteDisconnected:
                raise CurlError(EMPTY_REPLY, "Empty reply from server") from None
            except http.client.HTTPException:
                raise CurlError(1, "Received HTTP/0.9 when not allowed") from None
            self.facts.take(response, self._elapsed_s())
            self._tell_response(response)
            location = response.getheader("Location")
            if self.chosen.location and location and response.status in (301, 302, 303, 307, 308):
                if response.status in (301, 302, 303) and self.method == "POST":
                    self.method, self.body = "GET", b""
                    self.facts.method = self.method
                return location
            if self.chosen.fail and response.status >= 400:
                raise CurlError(HTTP_ERROR, f"The requested URL returned error: {response.status}")
            self._write(response, url)
        except TimeoutError:
            raise self._timed_out() from None
        except OSError as error:
            raise CurlError(RECEIVE_FAILED, f"Recv failure: {error.strerror or error}") from None
        finally:
            self._tell("* Closing connection")
            with suppress(OSError):
                connection.close()
        return None

    def _connect(self, scheme: str, host: str, port: int) -> http.client.HTTPConnection:
        limit = self.chosen.connect_timeout or self.chosen.max_time or None
        try:
            found = socket.getaddrinfo(host, port, self.chosen.family, socket.SOCK_STREAM)
        except socket.gaierror:
            self._tell(f"* Could not resolve host: {host}")
            raise CurlError(NOT_RESOLVED, f"Could not resolve host: {host}") from None
        self.facts.times["time_namelookup"] = self._elapsed_s()
        for family, kind, protocol, _, address in found:
            self._tell(f"*   Trying {address[0]}:{port}...")
            sock = socket.socket(family, kind, protocol)
            sock.settimeout(limit)
            try:
                sock.connect(address)
            except TimeoutError:
                sock.close()
                if limit is not None:
                    raise CurlError(
                        TIMED_OUT, f"Connection timed out after {self._elapsed_ms()} milliseconds"
                    ) from None
                continue
            except OSError as error:
                self._tell(f"* connect to {address[0]} port {port} failed: {error.strerror}")
                sock.close()
                continue
            self._tell(f"* Connected to {host} ({address[0]}) port {port}")
            self.facts.connected(sock, self._elapsed_s())
            return self._connection(scheme, host, port, sock)
        raise CurlError(
            NOT_CONNECTED,
            f"Failed to connect to {host} port {port} after {self._elapsed_ms()} ms: Couldn't connect to server",
        )

    def _connection(
        self, scheme: str, host: str, port: int, sock: socket.socket
    ) -> http.client.HTTPConnection:
        sock.settimeout(self.chosen.max_time or None)
        connection = http.client.HTTPConnection(host, port)
        if scheme == "https":
            import ssl

            context = ssl.create_default_context()
            if self.chosen.insecure:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            try:
                sock = context.wrap_socket(sock, server_hostname=host)
            except ssl.SSLCertVerificationError as error:
                raise CurlError(60, f"SSL certificate problem: {error.verify_message}") from None
            except OSError as error:
                raise CurlError(TLS_FAILED, f"TLS connect error: {error}") from None
        connection.sock = sock
        return connection

    def _send(self, connection: http.client.HTTPConnection, url: SplitResult) -> None:
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        connection.putrequest(self.method, path, skip_host=True, skip_accept_encoding=True)
        self._tell(f"> {self.method} {path} HTTP/1.1")
        for name, value in self._headers(url).items():
            connection.putheader(name, value)
            self._tell(f"> {name}: {value}")
        self._tell("> ")
        connection.endheaders(self.body or None)

    def _headers(self, url: SplitResult) -> dict[str, str]:
        host = url.netloc.rpartition("@")[2]
        headers = {"Host": host, "User-Agent": self.chosen.user_agent, "Accept": "*/*"}
        if self.body or self.method == "POST":
            headers["Content-Length"] = str(len(self.body))
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        for line in self.chosen.header:
            name, _, value = line.partition(":")
            for known in list(headers):
                if known.lower() == name.strip().lower():
                    del headers[known]
            if value.strip():
                headers[name.strip()] = value.strip()
        return headers

    def _tell_response(self, response: http.client.HTTPResponse) -> None:
        if response.version == 10 and response.will_close:
            self._tell("* HTTP 1.0, assume close after body")
        for line in response_lines(response):
            self._tell(f"< {line}")
        self._tell("< ")

    def _write(self, response: http.client.HTTPResponse, url: SplitResult) -> None:
        """Headers if they are wanted, then the body, as it comes."""
        name = self.chosen.output
        if self.chosen.remote_name:
            name = url.path.rpartition("/")[2]
            if not name:
                raise CurlError(NOT_WRITTEN, "Remote file name has no length")
        try:
            file = self._output(name)
        except OSError as error:
            raise CurlError(NOT_WRITTEN, f"Failed to open the file {name}: {error.strerror}") from None
        try:
            if self.chosen.head or self.chosen.include:
                file.write(
                    "".join(f"{line}\r\n" for line in [*response_lines(response), ""]).encode("latin-1")
                )
            self._copy(response, file)
        finally:
            if file is sys.stdout.buffer:
                sys.stdout.flush()
            else:
                file.close()

    def _output(self, name: str | None) -> BinaryIO:
        return sys.stdout.buffer if not name or name == "-" else open(name, "wb")

    def _copy(self, response: http.client.HTTPResponse, file: BinaryIO) -> None:
        while True:
            self._check_time()
            try:
                chunk = response.read1(CHUNK_BYTES)
            except http.client.IncompleteRead as error:
                raise CurlError(
                    PARTIAL, f"transfer closed with {error.expected} bytes remaining to read"
                ) from None
            except http.client.HTTPException:
                raise CurlError(PARTIAL, "transfer closed with outstanding read data remaining") from None
            if not chunk:
                break
            self.received += len(chunk)
            self.facts.size_download = self.received
            file.write(chunk)
        if response.length:
            raise CurlError(PARTIAL, f"transfer closed with {response.length} bytes remaining to read")

    def _check_time(self) -> None:
        if self.chosen.max_time and time.monotonic() - self.began >= self.chosen.max_time:
            raise self._timed_out()

    def _timed_out(self) -> CurlError:
        text = (
            f"Operation timed out after {self._elapsed_ms()} milliseconds with {self.received} bytes received"
        )
        return CurlError(TIMED_OUT, text)

    def _elapsed_s(self) -> float:
        return time.monotonic() - self.began

    def _elapsed_ms(self) -> int:
        return round(self._elapsed_s() * 1000)

    def _tell(self, line: str) -> None:
        if self.chosen.verbose:
            print(line, file=sys.stderr)


def response_lines(response: http.client.HTTPResponse) -> list[str]:
    """Status line and headers."""
    version = {9: "0.9", 10: "1.0", 11: "1.1"}.get(response.version, "1.1")
    status = f"HTTP/{version} {response.status} {response.reason}".rstrip()
    return [status, *(f"{name}: {value}" for name, value in response.getheaders())]


def split_url(url: str) -> SplitResult:
    """The parts of a URL. Raises CurlError."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  (a port that is none is found out when it is asked for)
    except ValueError:
        raise CurlError(BAD_URL, "URL rejected: Malformed input to a URL function") from None
    if parts.scheme not in PORTS:
        raise CurlError(UNSUPPORTED_PROTOCOL, f'Protocol "{parts.scheme}" not supported')
    if not parts.hostname:
        raise CurlError(BAD_URL, "URL rejected: No host part in the URL")
    return parts


def main(arguments: list[str]) -> int:
    """Run curl; the exit code is that of the last URL."""
    chosen = read_arguments(arguments)
    code = 0
    for url in chosen.urls:
        transfer = Transfer(chosen, url)
        why = ""
        try:
            transfer.run()
            code = 0
        except CurlError as error:
            code, why = error.code, str(error)
            if not chosen.silent or chosen.show_error:
                print(f"curl: ({code}) {error}", file=sys.stderr)
        if chosen.write_out:
            transfer.facts.write_out(chosen.write_out, code, why, time.monotonic() - transfer.began)
    return code
