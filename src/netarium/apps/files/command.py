"""The command line of the file transfer: `serve`, `put`, `get`, `ls`."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from netarium.apps import arguments
from netarium.apps.arguments import say
from netarium.apps.files.client import FileClient, Server
from netarium.apps.files.folder import Folder
from netarium.apps.files.pace import parse_size
from netarium.apps.files.progress import Bar
from netarium.apps.files.protocol import ALGORITHMS, PORT, Broken, PeerError, Refused
from netarium.apps.files.transfer import Options
from netarium.apps.security import PinError
from netarium.apps.text import neutralise

SECONDS_MAX = 86_400


def parser() -> argparse.ArgumentParser:
    """All options, with help."""
    top = arguments.Parser(
        prog="netarium files",
        description="File transfer with resume: what arrives is verified by its digest.",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="serve|put|get|ls")
    serve = commands.add_parser("serve", help="serve a directory")
    serve.add_argument("directory", metavar="DIR")
    serve.add_argument("--write", action="store_true", help="let clients put files (otherwise read-only)")
    serve.add_argument(
        "--connections", type=_count(1), default=64, metavar="N", help="connections at once (default 64)"
    )
    serve.add_argument("--max-size", type=_size, default=0, metavar="SIZE", help="the largest file taken")
    arguments.add_server_options(serve, PORT)
    _add_common(serve)
    put = commands.add_parser("put", help="send files and directories")
    put.add_argument("server", metavar="HOST[:PORT]")
    put.add_argument("paths", nargs="+", metavar="PATH")
    put.add_argument("--into", default="", metavar="DIR", help="the directory on the server to put them into")
    put.add_argument(
        "--as", dest="rename", default="", metavar="NAME", help="the name on the server, for one PATH"
    )
    get = commands.add_parser("get", help="fetch a file or a directory")
    get.add_argument("server", metavar="HOST[:PORT]")
    get.add_argument("name", metavar="NAME", help="its name on the server")
    get.add_argument(
        "local", nargs="?", default=".", metavar="LOCAL", help="a new name, or DIR/ to put it into"
    )
    ls = commands.add_parser("ls", help="list a directory of the server")
    ls.add_argument("server", metavar="HOST[:PORT]")
    ls.add_argument("name", nargs="?", default="", metavar="NAME")
    ls.add_argument("--recursive", "-r", action="store_true", help="and all below it")
    for client in (put, get, ls):
        arguments.add_client_options(client)
        client.add_argument(
            "--retries", type=_count(0), default=3, metavar="N", help="new tries after a break (default 3)"
        )
        _add_common(client)
    for client in (put, get):
        client.add_argument("--quiet", "-q", action="store_true", help="no progress bar, no summary")
        client.add_argument(
            "--digest",
            choices=ALGORITHMS,
            default="sha256",
            help="how it is verified (default sha256; none: not at all)",
        )
    return top


def _add_common(target: argparse.ArgumentParser) -> None:
    target.add_argument("--limit", type=_size, default=0, metavar="RATE", help="at most this rate, as 5MB/s")
    target.add_argument(
        "--fsync", action="store_true", help="bring files to the disk before they count as received"
    )
    target.add_argument(
        "--stall", type=_seconds, default=30.0, metavar="S", help="seconds a peer may be silent (default 30)"
    )


def _size(text: str) -> int:
    try:
        return parse_size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _count(minimum: int) -> Callable[[str], int]:
    def count(text: str) -> int:
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
        if number < minimum:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number of {minimum} or more")
        return number

    return count


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= SECONDS_MAX:  # not so for NaN either
        raise argparse.ArgumentTypeError(
            f"{text!r} is no number of seconds; more than 0 and at most {SECONDS_MAX} is"
        )
    return seconds


def serve(options: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM."""
    from netarium.apps.files.server import FileServer

    token = arguments.token_of(options)
    tls, fingerprint = arguments.server_tls(options)
    server = FileServer(
        Folder(options.directory),
        options.write,
        token,
        Options(options.limit, options.fsync, size_max=options.max_size),
        tls,
        options.connections,
        options.stall,
        log=lambda line: say(f"{time.strftime('%H:%M:%S')} {line}"),
    )
    host, port = server.listen(options.host, options.port)
    shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    print(f"files: listening on {shown}; {'read and write' if options.write else 'read-only'}", flush=True)
    if fingerprint:
        print(f"files: certificate {fingerprint}", flush=True)
    arguments.warn_in_the_open(options.host, tls is not None, token)
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGTERM, lambda number, frame: server.stop())
    try:
        server.serve()
    except KeyboardInterrupt:
        server.stop()
    return 0


def _client(options: argparse.Namespace, moved: Callable[[int], None]) -> FileClient:
    host, port = arguments.split_address(options.server, PORT)
    server = Server(
        host,
        port,
        arguments.token_of(options),
        arguments.pins_of(options),
        options.fingerprint,
        options.trust_new,
        options.stall,
        options.retries,
        say,
    )
    transfer = Options(options.limit, options.fsync, moved)
    return FileClient(server, transfer, getattr(options, "digest", "sha256"))


class Tally:
    """What was done, for the summary."""

    def __init__(self) -> None:
        self.results: dict[str, int] = {}
        self.bytes = 0  # that went over the line
        self.failed = 0
        self._start = time.monotonic()

    def add(self, result: str) -> None:
        """A file is done."""
        self.results[result] = self.results.get(result, 0) + 1

    def fail(self, name: str, error: Exception) -> None:
        """A file could not be done."""
        self.failed += 1
        say(f"files: {neutralise(name)}: {neutralise(str(error))}")

    def summary(self, algorithm: str) -> str:
        """One line."""
        seconds = max(time.monotonic() - self._start, 1e-9)
        parts = [f"{count} {result}" for result, count in self.results.items()]
        parts += [f"{self.failed} failed"] if self.failed else []
        line = f"files: {', '.join(parts) or 'nothing to do'}"
        if self.bytes:
            line += f"; {self.bytes} bytes moved in {seconds:.2f} s ({self.bytes / seconds / 1e6:.1f} MB/s)"
        if self.results:
            line += ", not verified" if algorithm == "none" else f", {algorithm} verified"
        return line


def put(options: argparse.Namespace) -> int:
    """Send every path."""
    if options.rename and len(options.paths) > 1:
        raise ValueError("--as names one file or directory; there are several paths")
    work: list[tuple[str, str, str, int]] = []  # folder, name in it, name there, size (-1: a directory)
    tally = Tally()
    for path in options.paths:
        name = options.rename or os.path.basename(os.path.abspath(path))  # as typed, be it a symlink
        top = "/".join(part for part in (options.into.strip("/"), name) if part)
        work += _to_send(os.path.realpath(path), top, tally)
    total = sum(max(size, 0) for *_, size in work)
    with Bar(total, not options.quiet) as bar:
        client = _client(options, bar.moved)
        for path, items in itertools.groupby(work, key=lambda item: item[0]):
            with contextlib.closing(
                Folder(path)
            ) as folder:  # one open at a time, however many paths there are
                for _, local, remote, size in items:
                    bar.file(remote)
                    try:
                        if size < 0:
                            client.make_directory(remote)
                        else:
                            tally.add(client.put(folder, local, remote))
                    except (Refused, PeerError) as error:
                        tally.fail(remote, error)
        client.close()
    tally.bytes = client.carried
    return _end(options, tally)


def _to_send(path: str, top: str, tally: Tally) -> list[tuple[str, str, str, int]]:
    """What to send of a path: folder, name in it, name there, size. What cannot be read counts as failed."""
    if not os.path.isdir(path):
        return [(os.path.dirname(path), os.path.basename(path), top, os.stat(path).st_size)]
    work = [(path, "", top, -1)]
    with contextlib.closing(Folder(path)) as folder:
        entries = list(folder.list(recursive=True))
    for entry in entries:
        if entry.kind == "unreadable":
            tally.fail(entry.name, Refused(entry.why))
        elif entry.kind == "other":
            say(f"files: {neutralise(entry.name)} is no regular file: left out")
        else:
            work.append((path, entry.name, f"{top}/{entry.name}", entry.size if entry.kind == "file" else -1))
    return work


def get(options: argparse.Namespace) -> int:
    """Fetch a file, or a directory and all below it."""
    client, tally = _client(options, lambda count: None), Tally()
    name = _remote(options.name)
    entries = client.list(name, recursive=True)
    is_file = len(entries) == 1 and entries[0].name == name and entries[0].kind == "file"
    base = name.rpartition("/")[2]
    target = Path(options.local)
    # A directory fetched under a new name goes there again when it is there already: the same command resumes.
    if os.path.basename(options.local) in ("", ".", "..") or (is_file and target.is_dir()):
        target = target / base if base else target
    target = target.absolute()
    holder = target.parent if is_file else target
    holder.mkdir(parents=True, exist_ok=True)
    folder = Folder(holder)
    with Bar(sum(entry.size for entry in entries), not options.quiet) as bar:
        client.report = bar.moved
        for entry in entries:
            local = target.name if is_file else entry.name[len(name) + 1 :] if name else entry.name
            bar.file(entry.name)
            try:
                if entry.kind == "unreadable":
                    tally.fail(entry.name, Refused(entry.why))
                elif entry.kind == "directory":
                    folder.make_directory(local)
                elif entry.kind == "other":
                    say(f"files: {neutralise(entry.name)} is no regular file: left out")
                else:
                    tally.add(client.get(entry.name, folder, local))
            except (Refused, PeerError) as error:
                tally.fail(entry.name, error)
    client.close()
    tally.bytes = client.carried
    return _end(options, tally)


def _remote(name: str) -> str:
    """A name as the server takes it: "." and "/" are the directory it serves."""
    return name.strip("/").removeprefix("./") if name != "." else ""


def _end(options: argparse.Namespace, tally: Tally) -> int:
    if not options.quiet:
        say(tally.summary(options.digest))
    return 1 if tally.failed else 0


def ls(options: argparse.Namespace) -> int:
    """Print a listing: mode, size, time, name."""
    client = _client(options, lambda count: None)
    failed = 0
    for entry in client.list(_remote(options.name), options.recursive):
        if entry.kind == "unreadable":
            say(f"files: {neutralise(entry.name)}: {neutralise(entry.why)}")
            failed = 1
            continue
        kind = {"directory": "d", "file": "-"}.get(entry.kind, "?")
        bits = "".join(flag if entry.mode >> (8 - i) & 1 else "-" for i, flag in enumerate("rwxrwxrwx"))
        stamp = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.mtime_ns // 1_000_000_000))
        print(f"{kind}{bits} {entry.size:>14} {stamp} {neutralise(entry.name)}")
    client.close()
    return failed


def main(argv: list[str]) -> int:
    """Run the command; the exit code: 0 good, 1 refused or failed, 2 bad usage, 130 interrupted."""
    try:
        options = parser().parse_args(argv)
    except SystemExit as end:
        return int(end.code or 0) if not isinstance(end.code, str) else 2
    commands = {"serve": serve, "put": put, "get": get, "ls": ls}
    try:
        return commands[options.command](options)
    except KeyboardInterrupt:
        return 130
    except ImportError as error:
        say(f"files: this needs the extra (pip install netarium[apps]): {error}")
        return 1
    except (OSError, ValueError, Refused, PeerError, Broken, PinError) as error:
        say(f"files: {neutralise(_words(error))}")
        return 1


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{os.fsdecode(error.filename)}: {error.strerror.lower()}"
    return str(error)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
