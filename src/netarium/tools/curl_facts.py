"""What curl -w can print of a transfer: the variables of curl's manual page, as far as there is something to tell."""

from __future__ import annotations

import http.client
import re
import socket
import sys

_VARIABLE = re.compile(r"%%|%\{([^}]*)\}|\\([nrt])")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_HTTP_VERSIONS = {9: "0.9", 10: "1", 11: "1.1"}
TIMES = ("time_namelookup", "time_connect", "time_starttransfer")


class Facts:
    """What is known of one transfer, gathered as it goes. Times are seconds from its beginning."""

    def __init__(self, url: str, method: str) -> None:
        self.given = self.url = url
        self.method = method
        self.status = self.redirects = self.connects = self.size_download = 0
        self.version = "0"
        self.content_type = ""
        self.remote: tuple[str, int] = ("", -1)
        self.local: tuple[str, int] = ("", -1)
        self.times = dict.fromkeys(TIMES, 0.0)

    def connected(self, sock: socket.socket, after_s: float) -> None:
        """A connection stands."""
        self.connects += 1
        self.remote, self.local = sock.getpeername()[:2], sock.getsockname()[:2]
        self.times["time_connect"] = after_s

    def take(self, response: http.client.HTTPResponse, after_s: float) -> None:
        """The head of an answer has come."""
        self.status = response.status
        self.version = _HTTP_VERSIONS.get(response.version, "1.1")
        self.content_type = response.getheader("Content-Type") or ""
        self.times["time_starttransfer"] = after_s

    def write_out(self, template: str, code: int, why: str, total_s: float) -> None:
        """Print the format: `%{variable}`, `%%`, and \\n, \\r, \\t; %{stderr} and %{stdout} say where the rest goes."""
        out, end = sys.stdout, 0
        values = self._values(code, why, total_s)
        for found in _VARIABLE.finditer(template):
            out.write(template[end : found.start()])
            end = found.end()
            name, escape = found.groups()
            if name in ("stderr", "stdout"):
                out = sys.stderr if name == "stderr" else sys.stdout
            elif name is not None and name not in values:
                print(f"curl: unknown --write-out variable: '{name}'", file=sys.stderr)
            else:
                out.write(
                    "%" if name is None and escape is None else values[name] if name else _ESCAPES[escape]
                )
        out.write(template[end:])
        sys.stdout.flush()

    def _values(self, code: int, why: str, total_s: float) -> dict[str, str]:
        return {
            "http_code": f"{self.status:03}", "response_code": f"{self.status:03}", "http_version": self.version,
            "url": self.given, "url_effective": self.url, "method": self.method, "content_type": self.content_type,
            "scheme": self.url.partition(":")[0].upper() if self.connects else "",
            "remote_ip": self.remote[0], "remote_port": str(self.remote[1]),
            "local_ip": self.local[0], "local_port": str(self.local[1]),
            "num_connects": str(self.connects), "num_redirects": str(self.redirects),
            "size_download": str(self.size_download),
            "speed_download": str(round(self.size_download / total_s) if total_s else 0),
            "time_total": f"{total_s:.6f}", "exitcode": str(code), "errormsg": why,
            **{name: f"{time_s:.6f}" for name, time_s in self.times.items()},
        }  # fmt: skip
