"""The chat in a terminal. With prompt-toolkit what arrives does not break the line being typed; plain when piped."""

from __future__ import annotations

import asyncio
import contextlib
import io
import math
import sys
import threading
from collections.abc import AsyncIterator, Callable

from netarium.apps.chat.client import GONE_SECONDS, ChatClient, ChatError
from netarium.apps.chat.lines import HELP, Line, LineError, parse_line, parse_name, render
from netarium.apps.chat.rules import TEXT_CHARACTERS_MAX
from netarium.apps.framing import Message

QUIT_SECONDS = 3.0
# What answers a command; a piped one is awaited before the next line, which may depend on it.
ANSWERS = {"join": "entered", "leave": "exited", "name": "named"} | {
    verb: verb for verb in ("who", "rooms", "history")
}


class Terminal:
    """Joins a client to a person: lines typed go out, events are printed.

    With `in_turn`, for piped input, lines wait for the connection, and for the answer to the command before them.
    `refused` counts what did not come about.
    """

    def __init__(self, room: str, clock: bool = True, in_turn: bool = False) -> None:
        self.room, self._clock = room, clock
        self._asked_to_quit = False  # else the input ended: a piped one waits until all of it is sent
        self._told_of_break = False
        self._in_turn, self._news = in_turn, asyncio.Event()
        self._asked: Line | None = Line("join", room=room) if room else None  # what awaits its answer
        self.refused = 0
        self.client: ChatClient

    def show(self, event: Message) -> None:
        """Print an event; keep track of the room one is in."""
        kind = event.get("type")
        if kind == "welcome":
            self._told_of_break = False
        if kind == "entered":
            self.room = str(event["room"])
        for line in render(event, self.room, self._clock):
            print(line, flush=True)
        if kind == "exited" and event.get("room") == self.room:
            self.room = next(iter(self.client.conversation.rooms), "")
        self.refused += kind == "error"
        if self._asked is not None and _answers(event, self._asked):
            self._asked = None
        self._news.set()

    async def run(self, lines: AsyncIterator[str]) -> None:
        """Talk until the person leaves or the chat is over (ChatError)."""
        network = asyncio.ensure_future(self.client.run())
        typing = asyncio.ensure_future(self._type(lines))
        try:
            await asyncio.wait((network, typing), return_when=asyncio.FIRST_COMPLETED)
            if typing.done() and not network.done():
                typing.result()
                await self._quit(network)
            if network.done():
                network.result()
        finally:
            if not network.done() and not self.client.leaving:
                self.client.send({"type": "quit"})  # interrupted: the name is to be free at once
            for task in (network, typing):
                task.cancel()
            await asyncio.gather(network, typing, return_exceptions=True)

    async def _type(self, lines: AsyncIterator[str]) -> None:
        async for text in lines:
            if self._in_turn:  # the first line waits until we are in the room
                await self._until(lambda: self.client.was_welcome and self._asked is None)
            try:
                line = parse_line(text, self.room)
                if line.verb == "quit":
                    self._asked_to_quit = True
                    return
                if self._in_turn and line.verb in ANSWERS:
                    await self._ask(line)
                else:
                    self._do(line)
            except LineError as error:
                self.refused += 1
                print(f"! {error}", flush=True)

    async def _until(self, reached: Callable[[], bool]) -> None:
        while not reached():
            self._news.clear()
            await self._news.wait()

    async def _ask(self, line: Line) -> None:
        """Make a request and await its answer, over breaks of the connection."""
        conversation = self.client.conversation
        self._asked = line
        while self._asked is not None:
            await self._until(lambda: conversation.connected)
            self._request(line)
            await self._until(lambda: self._asked is None or not conversation.connected)

    def _do(self, line: Line) -> None:
        conversation = self.client.conversation
        if line.verb == "empty":
            print("! nothing typed: write something, or /help", flush=True)
        elif line.verb == "help":
            print(HELP, flush=True)
        elif line.verb in ("say", "tell"):
            if len(line.text) > TEXT_CHARACTERS_MAX:
                raise LineError(
                    f"a text has at most {TEXT_CHARACTERS_MAX} characters; this has {len(line.text)}"
                )
            if line.verb == "say":
                self.client.send(conversation.say(line.room, line.text))
            else:
                self.client.send(conversation.tell(line.to, line.text))
            if self.client.was_welcome and not conversation.connected and not self._told_of_break:
                self._told_of_break = True
                print("* not connected; what you say goes out when we are back", flush=True)
        else:
            self._request(line)

    def _request(self, line: Line) -> None:
        message: Message = {"type": line.verb}
        if line.room:
            message["room"] = line.room
        if line.verb == "name":
            message["name"] = line.text
        if not self.client.send(message):
            raise LineError("not connected; try again when we are back")

    async def _quit(self, network: asyncio.Future[None]) -> None:
        """Leave in order: first what is unsent, then the goodbye."""
        conversation = self.client.conversation
        deadline = asyncio.get_running_loop().time() + QUIT_SECONDS if self._asked_to_quit else math.inf
        while not network.done() and (conversation.unsent or not conversation.connected):
            if asyncio.get_running_loop().time() > deadline:
                lost = len(conversation.unsent)
                raise ChatError(
                    f"not connected, and {lost} of your messages not sent" if lost else "not connected"
                )
            await asyncio.sleep(0.01)
        self.client.leaving = True
        self.client.send({"type": "quit"})
        await asyncio.wait((network,), timeout=QUIT_SECONDS)


def _answers(event: Message, asked: Line) -> bool:
    """Whether an event is the answer to a request, which has no id."""
    if event.get("type") == "error":
        return "id" not in event
    if event.get("type") != ANSWERS[asked.verb]:
        return False
    return not asked.room or str(event.get("room")).casefold() == asked.room.casefold()


async def plain_lines(pace: float = 0.0) -> AsyncIterator[str]:
    """Lines of stdin, read by a thread, so that any kind of stdin will do; `pace` seconds after each."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[str | None] = asyncio.Queue()

    def read() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the chat is over
            try:
                for line in iter(sys.stdin.readline, ""):
                    loop.call_soon_threadsafe(queue.put_nowait, line)
            except (OSError, ValueError) as error:
                print(f"! the input cannot be read on: {error}", flush=True)
            finally:
                loop.call_soon_threadsafe(queue.put_nowait, None)

    threading.Thread(target=read, daemon=True, name="stdin").start()
    while (line := await queue.get()) is not None:
        yield line
        if pace:
            await asyncio.sleep(pace)


async def prompted_lines(prompt: Callable[[], str]) -> AsyncIterator[str]:
    """Lines typed at a prompt that what is printed meanwhile does not disturb."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.patch_stdout import patch_stdout

    session: PromptSession[str] = PromptSession(erase_when_done=True)
    with patch_stdout():
        while True:
            try:
                yield await session.prompt_async(prompt)
            except (EOFError, KeyboardInterrupt):
                return


def is_interactive() -> bool:
    """Whether a person sits at a terminal on both ends, and prompt-toolkit is there."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    try:
        import prompt_toolkit  # noqa: F401
    except ImportError:
        return False
    return True


async def talk(
    make_client: Callable[[Terminal], ChatClient], room: str, plain: bool, pace: float = 0.0
) -> int:
    """The whole conversation of one person; how much of piped input was refused.

    A name that is taken is asked for again at a terminal.
    """
    interactive = not plain and is_interactive()
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, io.TextIOWrapper):  # what this terminal's encoding lacks must not end the talk
            stream.reconfigure(errors="replace")
    while True:
        terminal = Terminal(room, in_turn=not interactive)
        terminal.client = client = make_client(terminal)
        if not interactive:
            client.patience = GONE_SECONDS  # nobody is there to give up
        prompt = lambda: f"#{terminal.room}> " if terminal.room else "> "  # noqa: B023, E731
        lines = prompted_lines(prompt) if interactive else plain_lines(pace)
        try:
            await terminal.run(lines)
            return 0 if sys.stdin.isatty() else terminal.refused
        except ChatError as error:
            if error.code not in ("name-taken", "bad-name") or not interactive:
                raise
            print(f"! {error}", flush=True)
            name = await asyncio.get_running_loop().run_in_executor(None, _ask_name)
            if name is None:
                return 0
            client.conversation.name = name


def _ask_name() -> str | None:
    """Another name, or None to leave."""
    while True:
        try:
            name = parse_name(input("another name (/quit to leave): "))
        except EOFError:
            return None
        if name != "":
            return name
