"""The options both command lines share, and what they mean: where, TLS, token."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netarium.apps import security

if TYPE_CHECKING:
    import ssl


class Parser(argparse.ArgumentParser):
    """Takes options between the other words too: argparse holds a word that may be left out for left out there."""

    _within = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As in argparse, intermixed. The parser with the commands cannot be, and need not."""
        if self._within or self._subparsers is not None:
            return super().parse_known_args(args, namespace)
        self._within = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._within = False


def add_server_options(parser: argparse.ArgumentParser, port: int) -> None:
    """--host --port --token --token-file --tls --tls-cert --tls-key."""
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1; 0.0.0.0: all)"
    )
    parser.add_argument(
        "--port", type=port_number, default=port, help=f"port to listen on (default {port}; 0: any)"
    )
    _add_token(
        parser, "the token a client must show (better: --token-file, or NETARIUM_TOKEN in the environment)"
    )
    parser.add_argument("--tls", action="store_true", help="TLS with a certificate made at first start")
    parser.add_argument("--tls-cert", type=Path, metavar="FILE", help="TLS with this certificate (PEM)")
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="the key of --tls-cert (PEM)")


def add_client_options(parser: argparse.ArgumentParser) -> None:
    """--token --token-file --tls --fingerprint --trust-new --known."""
    _add_token(
        parser, "the token the server wants (better: --token-file, or NETARIUM_TOKEN in the environment)"
    )
    parser.add_argument(
        "--tls", action="store_true", help="TLS; the server's certificate is pinned at first sight"
    )
    parser.add_argument(
        "--fingerprint", default="", help="the server's fingerprint, as it printed it (implies --tls)"
    )
    parser.add_argument(
        "--trust-new", action="store_true", help="take an unknown server's certificate unseen"
    )
    parser.add_argument("--known", type=Path, metavar="FILE", help="file of pinned fingerprints")


def _add_token(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--token", default=None, help=text)
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="read the token from this file")


def port_number(text: str) -> int:
    """An argparse type: 0 to 65535."""
    try:
        port = int(text)
    except ValueError:
        port = -1
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; 0 to 65535 is")
    return port


def token_of(options: argparse.Namespace) -> str:
    """The token by option, file or environment; "" for none. ValueError for a token file without a token."""
    if options.token is not None:
        return str(options.token)
    if options.token_file is not None:
        token = str(options.token_file.read_text(encoding="utf-8")).strip()
        if not token:
            raise ValueError(f"{options.token_file} is to hold a token, and is empty")
        return token
    return os.environ.get("NETARIUM_TOKEN", "")


def server_tls(options: argparse.Namespace) -> tuple[ssl.SSLContext | None, str]:
    """The TLS context a server's options ask for, and its certificate's fingerprint;

    (None, "") without TLS.
    """
    certificate, key = options.tls_cert, options.tls_key
    if (certificate is None) != (key is None):
        raise ValueError("--tls-cert and --tls-key go together")
    if certificate is None:
        if not options.tls:
            return None, ""
        certificate, key = security.own_certificate(security.state_folder())
    return security.server_context(certificate, key), security.certificate_fingerprint(certificate)


def pins_of(options: argparse.Namespace) -> security.Pins | None:
    """The pinned servers when TLS is wanted, else None."""
    if not (options.tls or options.fingerprint):
        return None
    return security.Pins(options.known or security.state_folder() / "known_servers")


def split_address(text: str, port: int) -> tuple[str, int]:
    """HOST, HOST:PORT, [V6]:PORT or a bare IPv6 address to (host, port)."""
    host, colon, number = text.rpartition(":")
    if text.startswith("[") and text.endswith("]"):
        return text[1:-1], port
    if not colon or (":" in host and not host.startswith("[")):
        return text, port
    try:
        return host.strip("[]"), port_number(number)
    except argparse.ArgumentTypeError as error:
        raise ValueError(f"{text!r}: {error}") from None


def say(text: str) -> None:
    """A notice on stderr; stdout is for results."""
    print(text, file=sys.stderr, flush=True)


def warn_in_the_open(host: str, tls: bool, token: str) -> None:
    """Say what listening beyond this machine means when it is done without TLS or token."""
    if host in ("127.0.0.1", "::1", "localhost"):
        return
    if not tls:
        say("warning: without --tls everyone on the way can read and change what is sent, the token included")
    if not token:
        say("warning: without --token everyone who reaches this port is let in")
