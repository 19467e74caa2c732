"""The command line of the chat: `serve` and `join`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import getpass
import importlib.util
import signal
import sys
import time

from netarium.apps import arguments
from netarium.apps.arguments import say
from netarium.apps.chat.rules import PORT, Limits
from netarium.apps.security import PinError, state_folder
from netarium.apps.text import neutralise


def parser() -> argparse.ArgumentParser:
    """All options, with help."""
    top = argparse.ArgumentParser(
        prog="netarium chat", description="A chat with rooms, history and resume, for terminals and browsers."
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="serve|join")
    serve = commands.add_parser("serve", help="run the server; browsers may join at http://HOST:PORT/")
    arguments.add_server_options(serve, PORT)
    serve.add_argument(
        "--db", metavar="FILE", help="where messages are kept (default: in ~/.local/state/netarium)"
    )
    serve.add_argument("--no-web", action="store_true", help="no page for browsers")
    defaults = Limits()
    _add_limit(serve, "--clients", int, defaults.clients, "clients at once")
    _add_limit(
        serve, "--flood", float, defaults.messages_per_second, "requests a second of one client; 0: no limit"
    )
    _add_limit(
        serve, "--queue", int, defaults.queue_bytes, "bytes a client may be behind before it is dropped"
    )
    _add_limit(serve, "--heartbeat", float, defaults.heartbeat, "seconds of silence before a client is asked")
    _add_limit(serve, "--grace", float, defaults.grace, "seconds a lost client stays in its rooms")
    _add_limit(serve, "--keep-days", float, defaults.history / 86400, "days messages are kept")
    join = commands.add_parser("join", help="join a chat in this terminal")
    join.add_argument("server", metavar="HOST[:PORT]")
    join.add_argument("--name", help="your nick name (default: your user name)")
    join.add_argument("--room", default="lobby", help="the room to join (default lobby)")
    join.add_argument(
        "--pace", type=float, default=0.0, metavar="S", help="with piped input: seconds after each line"
    )
    join.add_argument("--plain", action="store_true", help="no prompt, no line editing")
    arguments.add_client_options(join)
    return top


def _add_limit(target: argparse.ArgumentParser, flag: str, kind: type, default: float, text: str) -> None:
    def positive(value: str) -> float:
        number = kind(value)
        if not 0 <= number < 1e12:
            raise ValueError
        return float(number) if kind is float else int(number)

    positive.__name__ = "number"
    target.add_argument(
        flag, type=positive, default=default, metavar="N", help=f"{text} (default {default:g})"
    )


def limits_of(options: argparse.Namespace) -> Limits:
    """The limits the options of `serve` set."""
    return Limits(
        clients=options.clients,
        queue_bytes=options.queue,
        messages_per_second=options.flood,
        messages_burst=max(3 * options.flood, 1.0),
        heartbeat=max(options.heartbeat, 0.05),
        grace=options.grace,
        history=options.keep_days * 86400.0,
    )


async def serve(options: argparse.Namespace) -> int:
    """Run the server until SIGINT or SIGTERM."""
    from netarium.apps.chat.server import ChatServer
    from netarium.apps.chat.store import Store

    token = arguments.token_of(options)
    tls, fingerprint = arguments.server_tls(options)
    web = not options.no_web and has_websockets()
    allow_descriptors(options.clients)
    store = Store(options.db or state_folder() / "chat.db")
    server = ChatServer(
        store,
        limits_of(options),
        token,
        log=lambda line: say(f"{time.strftime('%H:%M:%S')} {line}"),
        web=web,
    )
    host, port = await server.start(options.host, options.port, tls)
    shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    page = "" if not web else f"; browsers: {'https' if tls else 'http'}://{shown}/"
    print(f"chat: listening on {shown}{page}", flush=True)
    if fingerprint:
        print(f"chat: certificate {fingerprint}", flush=True)
    arguments.warn_in_the_open(options.host, tls is not None, token)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError, OSError):
            loop.add_signal_handler(number, server.stop)
    await server.serve()
    return 0


def allow_descriptors(count: int) -> None:
    """Raise the soft limit of open files, often 1,024, as far as these connections need it and the hard one allows."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = count + 100 if hard == resource.RLIM_INFINITY else min(count + 100, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        if wanted < count + 100:
            say(f"warning: the system allows {wanted} open files, so fewer than {count} clients (ulimit -n)")


def has_websockets() -> bool:
    """Whether browsers can be served; says so if not."""
    if importlib.util.find_spec("websockets") is not None:
        return True
    say("no page for browsers: that needs the extra (pip install netarium[apps])")
    return False


async def join(options: argparse.Namespace) -> int:
    """Talk until the person leaves."""
    from netarium.apps.chat.client import ChatClient
    from netarium.apps.chat.conversation import Conversation
    from netarium.apps.chat.terminal import Terminal, talk

    host, port = arguments.split_address(options.server, PORT)
    pins = arguments.pins_of(options)
    room = options.room.removeprefix("#").casefold()
    conversation = Conversation(options.name or default_name(), room, arguments.token_of(options))

    def make(terminal: Terminal) -> ChatClient:
        return ChatClient(
            conversation, host, port, terminal.show, pins, options.fingerprint, options.trust_new
        )

    return 1 if await talk(make, room, options.plain, options.pace) else 0


def default_name() -> str:
    """The user's name, or guest."""
    with contextlib.suppress(Exception):
        return getpass.getuser()
    return "guest"


def main(argv: list[str]) -> int:
    """Run the command; the exit code: 0 good, 1 refused or failed, 2 bad usage, 130 interrupted."""
    try:
        options = parser().parse_args(argv)
    except SystemExit as end:
        return int(end.code or 0) if not isinstance(end.code, str) else 2
    from netarium.apps.chat.client import ChatError
    from netarium.apps.chat.store import StoreError

    try:
        return asyncio.run(serve(options) if options.command == "serve" else join(options))
    except KeyboardInterrupt:
        return 130
    except ImportError as error:
        say(f"chat: this needs the extra (pip install netarium[apps]): {error}")
        return 1
    except (OSError, ValueError, ChatError, PinError, StoreError) as error:
        say(f"chat: {neutralise(str(error))}")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
